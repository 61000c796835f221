"""What the tests of faults share: the record of what people see, from which docs/reliability.md is written."""

import json
import os
import re
import tempfile
from pathlib import Path

import pytest

from course_utils import assets

ROOT = Path(__file__).resolve().parents[2]
SAME = (  # what differs from one run to the next, and what stands for it
    (r"127\.0\.0\.1:\d+|localhost:\d+", "127.0.0.1:…"),
    (rf"({re.escape(tempfile.gettempdir())}|/tmp|{re.escape(str(ROOT))})[\w./\\-]*/(?=[\w.-])", "…/"),
    (r"process \d+", "process …"),
    (r"-[0-9a-f]{12}\b", "-…"),
)


@pytest.fixture(scope="session", autouse=True)
def rows_of_faults():
    """Begin the record of this process anew."""
    file = ROOT / "build/faults" / f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.jsonl"
    file.unlink(missing_ok=True)
    return file


@pytest.fixture
def fault(rows_of_faults):
    """Return a function that records a row: the fault in words, what a user reads of it, and what it cost."""

    def record(kind: str, name: str, sees: str, cache: str, seconds: float) -> None:
        sees = " ".join(sees.replace(assets.WAYS_OUT, "").split())
        for pattern, text in SAME:
            sees = re.sub(pattern, text, sees)
        row = {"kind": kind, "name": name, "sees": sees[:200], "cache": cache, "seconds": round(seconds, 2)}
        rows_of_faults.parent.mkdir(parents=True, exist_ok=True)
        with open(rows_of_faults, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

    return record
