"""What `make run` writes: a page and slides that stand alone, and a record of the run."""

import html
import json
import re

import pytest
from conftest import LESSONS

from course_utils import assets
from makers import build, lessons, slides


def test_record_of_the_run(executed):
    record = build.record(executed["02_yamnet"])
    assert record["scores_shape"] == [10, 521]
    assert record["top5"][0][0] in ("Whistle", "Whistling")
    assert set(record["assets"]) >= {"yamnet", "speech-whistling", "cnn14", "esc50-listening"}
    for name, source in record["assets"].items():
        assert (source != "embedded") == assets.resolve(name).is_real, name
    stand_in = "efficientat-mn04" in record["assets"]  # it was asked whether it answers
    assert stand_in == (record["assets"]["cnn14"] == "embedded")
    assert record["seconds"] > 0


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_slides_follow_the_tags(lesson, tmp_path):
    slides.write_deck(lesson.deck(), tmp_path / "deck.html")
    text = (tmp_path / "deck.html").read_text(encoding="utf-8")
    starts = [cell for cell in lesson.cells if cell is lesson.cells[0] or "slide" in lessons.tags(cell)]
    starts = [cell for cell in starts if cell.source.startswith("#") and "otherwise" not in lessons.tags(cell)]
    headings = [re.sub(r"^#+ |[*`]", "", cell.source.splitlines()[0]).replace("'", "’") for cell in starts]
    found = re.findall(r"<h[12]>(.*?)</h[12]>", text, re.DOTALL)
    assert [html.unescape(re.sub(r"<[^>]+>", "", heading)) for heading in found] == headings
    assert text.count("<section data-timing") == text.count('<aside class="notes">') == len(headings)
    code = [
        "".join(html.unescape(re.sub(r"<[^>]+>", "", block)).split()) for block in re.findall(r"<pre>.*?</pre>", text)
    ]
    for cell in lesson.cells:
        if cell.cell_type == "code":
            assert ("".join(cell.source.split()) in code) == ("steps" in cell.metadata), cell.source


def test_a_failing_notebook_fails_the_run_and_the_others_still_run(course, tmp_path, capsys):
    course("01_bad", "## Bad", "1 / 0")
    course("02_good", "## Good", "import course_utils.assets")
    assert build.main([]) == 1
    results = json.loads((tmp_path / "build/results.json").read_text())
    assert results["01_bad"]["error"] == "ZeroDivisionError: division by zero"
    assert "error" not in results["02_good"]
    assert results["02_good"]["headline"] == "done"
    for name in (
        "site/02_good.html",
        "site/glossary.html",
        "site/slides/02_good.html",
        "site/notebooks/02_good.ipynb",
        "slides/02_good.html",
        "slides/index.html",
        "solutions/02_good.ipynb",
    ):
        assert (tmp_path / "build" / name).is_file(), name
    said = capsys.readouterr()
    assert "FAILED: ZeroDivisionError" in said.out
    assert "1 / 0" in said.err
    assert build.main([]) == 1  # what has failed is executed again, the other is not
    assert "1 of 2 notebooks have not changed" in capsys.readouterr().out


def test_a_run_leaves_alone_what_students_have_written(course, tmp_path):
    course("01_small", "## A heading", "print(1)")
    (tmp_path / "notebooks").mkdir()
    for name in ("01_small.ipynb", "Untitled.ipynb"):
        (tmp_path / "notebooks" / name).write_text("mine")
    assert build.main(["01"]) == 0
    assert {path.read_text() for path in (tmp_path / "notebooks").iterdir()} == {"mine"}
    assert len(list((tmp_path / "notebooks").iterdir())) == 2


def test_a_dying_kernel_fails_the_run_and_leaves_no_old_page(course, tmp_path, capsys):
    course("01_dies", "## Dies", "import os\nos._exit(1)")
    (tmp_path / "build/site").mkdir(parents=True)
    (tmp_path / "build/site/01_dies.html").write_text("of yesterday")
    assert build.main([]) == 1
    assert "FAILED: Kernel died" in capsys.readouterr().out
    assert not (tmp_path / "build/site/01_dies.html").exists()
    assert "error" in json.loads((tmp_path / "build/results.json").read_text())["01_dies"]


def test_a_site_that_cannot_be_written_fails_the_run_after_its_table(course, monkeypatch, capsys):
    def fail():
        raise RuntimeError("Sphinx says no")

    course("01_small", "## A heading", "print(1)")
    monkeypatch.setattr(build.site, "write", fail)
    assert build.main([]) == 1
    said = capsys.readouterr()
    assert "01_small" in said.out
    assert "done" in said.out
    assert "Sphinx says no" in said.err


def test_unknown_notebook_is_said(capsys):
    assert build.main(["99"]) == 2
    assert "99" in capsys.readouterr().err
