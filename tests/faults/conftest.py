"""What the tests of faults share: the record of what people see, from which docs/reliability.md is written."""

import json
import os
import re
import tempfile
import textwrap
from pathlib import Path

import pytest

from course_utils import assets
from makers import reliability

ROOT = Path(__file__).resolve().parents[2]
SAME = (  # what differs from one run to the next, or is said of every fault, and what stands for it
    (re.escape(assets.WAYS_OUT), ""),
    (r"The course goes on with what it ships\. To try again, run `[^`]*`\.", ""),
    (r"127\.0\.0\.1:\d+|localhost:\d+", "127.0.0.1:…"),
    (rf"({re.escape(tempfile.gettempdir())}|/tmp|{re.escape(str(ROOT))})[\w./\\-]*/(?=[\w.-])", "…/"),
    (r"process \d+", "process …"),
    (r"-[0-9a-f]{12}\b", "-…"),
)


def pytest_addoption(parser):
    """With ``--new-page``, a fault may be one that docs/reliability.md doesn't have yet."""
    parser.addoption("--new-page", action="store_true")


@pytest.fixture(scope="session")
def page(request):
    """What docs/reliability.md says, or nothing if it is about to be written."""
    return None if request.config.getoption("--new-page", False) else reliability.PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="session", autouse=True)
def rows_of_faults():
    """Begin the record of this process anew."""
    file = reliability.RECORD / f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.jsonl"
    file.unlink(missing_ok=True)
    return file


@pytest.fixture
def fault(rows_of_faults, page):
    """Return a function that records a row: the fault in words, what a user reads of it, and what it cost."""

    def record(kind: str, name: str, sees: str, cache: str, seconds: float) -> None:
        for pattern, text in SAME:
            sees = re.sub(pattern, text, sees)
        row = reliability.Fault(kind, name, textwrap.shorten(sees, 300, placeholder=" …"), cache, round(seconds, 2))
        rows_of_faults.parent.mkdir(parents=True, exist_ok=True)
        with open(rows_of_faults, "a", encoding="utf-8") as file:
            file.write(json.dumps(row._asdict(), ensure_ascii=False) + "\n")
        assert page is None or reliability.knows(page, name), f"Enter {name!r} in {reliability.PAGE}: make reliability"

    return record
