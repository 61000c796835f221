"""The first cells of the notebooks, where a mirror fails in one way or another and there is no network."""

import json
import time
from itertools import cycle

import pytest
from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FAULTS = ["silent", "stall", "drip", 429, "unreachable"]
PAIRS = [pair for _, *pair in zip(range(max(len(NOTEBOOKS), len(FAULTS))), cycle(NOTEBOOKS), cycle(FAULTS))]


def first_cells(path) -> str:
    """Return the code of the set-up, which says which networks answer."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"][:1]
    assert "assets.overview(" in code[0]
    return "\n".join(["import os; os.chdir('notebooks')", *code])


@pytest.mark.parametrize(("path", "fault"), PAIRS, ids=lambda value: str(getattr(value, "stem", value)))
def test_the_first_cells_end_soon_and_say_what_failed(python, server, refused, tmp_path, path, fault):
    address = refused if fault == "unreachable" else server(always=fault).url
    setting = {"COURSE_MIRROR": address, "https_proxy": refused, "COURSE_CACHE": str(tmp_path), "COURSE_ASSETS": "auto"}
    start = time.monotonic()
    said = python(f"import sys; sys.stderr = sys.stdout\n{first_cells(path)}", **setting)
    assert time.monotonic() - start < 30  # on a busy computer too
    assert f"Not available: COURSE_MIRROR {address} (" in said
    assert "Networks in this run: YAMNet-mini" in said
    assert "Traceback" not in said
