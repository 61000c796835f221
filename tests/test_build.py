"""What `make run` writes: a page and slides that stand alone, and a record of the run."""

import html
import html.parser
import json
import re

import nbformat
import pytest
from conftest import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import build, slides


class Tags(html.parser.HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def all(self, name: str) -> list[dict]:
        return [attributes for tag, attributes in self.found if tag == name]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Notebook 02, executed on the embedded assets and exported, with a record of its run."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("build")
    patch.setattr(build, "BUILD", folder)
    patch.setenv("COURSE_ASSETS", "embedded")
    patch.setenv("COURSE_CACHE", str(folder / "cache"))
    try:
        assert build.main(["02"]) == 0
        yield folder
    finally:
        patch.undo()


def test_record_of_the_run(built):
    record = json.loads((built / "results.json").read_text())["02_yamnet"]
    assert record["scores_shape"] == [10, 521]
    assert record["top5"][0][0] in ("Whistle", "Whistling")
    names = ("yamnet", "speech-whistling", "cnn14", "efficientat-mn04", "esc50-listening")
    assert record["assets"] == dict.fromkeys(names, "embedded")
    assert record["seconds"] > 0


def test_notebook_holds_no_line_for_the_machine(built):
    executed = nbformat.read(built / "executed" / "02_yamnet.ipynb", as_version=4)
    committed = nbformat.read(ROOT / "notebooks/02_yamnet.ipynb", as_version=4)
    assert [cell.source for cell in executed.cells] == [cell.source for cell in committed.cells]


def test_page_needs_nothing_from_the_web(built):
    tags = Tags((built / "html/02_yamnet.html").read_text(encoding="utf-8"))
    for name in ("script", "img", "audio", "iframe"):
        for attributes in tags.all(name):
            assert attributes.get("src", "data:").startswith("data:")
    assert [link for link in tags.all("link") if link.get("rel") == "stylesheet"] == []
    assert "No description has been provided" not in (built / "html/02_yamnet.html").read_text(encoding="utf-8")
    assert len(tags.all("img")) == 4
    bars, pictures, taggers, own_sound = (image["alt"] for image in tags.all("img"))
    assert re.match(r"The five classes .+\. Scores, highest first: Whistl(e|ing) 0\.\d+, ", bars)
    assert re.match(r"Log-mel spectrogram as .+\. Log-mel spectrogram of 5\.\d+ s: loudest at ", pictures)
    assert "YAMNet-mini, in place of PANNs CNN14" in taggers
    assert own_sound.startswith("Event roll of speech_whistling.ogg.")
    assert not any("alert" in attributes.get("role", "") for _, attributes in tags.found)


def test_terms_of_a_page_lead_to_the_glossary_beside_it(built):
    pages = {
        name: Tags((built / f"html/{name}.html").read_text(encoding="utf-8")) for name in ("02_yamnet", "glossary")
    }
    links = [a["href"] for a in pages["02_yamnet"].all("a") if "glossary" in a.get("href", "")]
    entries = {f"glossary.html#{attributes['id']}" for attributes in pages["glossary"].all("h3")}
    assert len(links) >= 15
    assert set(links) <= entries


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_slides_follow_the_metadata(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    slides.write_deck(notebook, tmp_path / "deck.html")
    text = (tmp_path / "deck.html").read_text(encoding="utf-8")
    kinds = [cell.metadata.slideshow.slide_type for cell in notebook.cells]
    sections = len(re.findall(r"<section", text))
    assert sections == 2 * kinds.count("slide") + kinds.count("subslide")  # a stack and its first slide, and the rest
    inputs = re.findall(r'<div class="jp-InputArea jp-Cell-inputArea">.*?<pre>(.*?)</pre>', text, re.DOTALL)
    code = ["".join(html.unescape(re.sub(r"<[^>]+>", "", block)).split()) for block in inputs]
    assert text.count('<aside class="notes">') == kinds.count("slide") + kinds.count("subslide")
    for cell, kind in zip(notebook.cells, kinds, strict=True):
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            heading = re.sub(r"^#+ |[*`]", "", cell.source.splitlines()[0])
            assert (heading in html.unescape(re.sub(r"<[^>]+>", "", text))) == (kind != "skip"), heading
        if cell.cell_type == "code":
            lines = cell.metadata.slideshow.get("lines")
            shown = slides.excerpt(cell.source, lines) if lines else cell.source
            hidden = kind == "skip" or "hide-input" in cell.metadata.get("tags", [])
            assert ("".join(shown.split()) in code) != hidden, cell.source


def test_a_failing_notebook_fails_the_run_and_the_others_still_run(tmp_path, monkeypatch, capsys):
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    for name, source in (("01_bad", "1 / 0"), ("02_good", "import course_utils.assets")):
        cells = [nbformat.v4.new_markdown_cell(f"# {name}"), nbformat.v4.new_code_cell(source)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), notebooks / f"{name}.ipynb")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "BUILD", tmp_path / "build")
    assert build.main([]) == 1
    results = json.loads((tmp_path / "build/results.json").read_text())
    assert results["01_bad"]["error"] == "ZeroDivisionError: division by zero"
    assert "error" not in results["02_good"]
    assert "FAILED: ZeroDivisionError" in capsys.readouterr().out


def test_a_dying_kernel_fails_the_run_and_leaves_no_old_page(tmp_path, monkeypatch, capsys):
    (tmp_path / "notebooks").mkdir()
    cells = [nbformat.v4.new_markdown_cell("# Dies"), nbformat.v4.new_code_cell("import os\nos._exit(1)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks/01_dies.ipynb")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "BUILD", tmp_path / "build")
    (tmp_path / "build/html").mkdir(parents=True)
    (tmp_path / "build/html/01_dies.html").write_text("of yesterday")
    assert build.main([]) == 1
    assert "FAILED: DeadKernelError" in capsys.readouterr().out
    assert not (tmp_path / "build/html/01_dies.html").exists()
    assert "error" in json.loads((tmp_path / "build/results.json").read_text())["01_dies"]


def test_unknown_notebook_is_said(capsys):
    assert build.main(["99"]) == 2
    assert "99" in capsys.readouterr().err


def test_values_of_a_notebook_are_set_in_their_lines():
    cells = [new_markdown_cell("SEED = 1"), new_code_cell("SEED = 1  # why\nuse(SEED)"), new_code_cell("N = (1, 2)")]
    notebook = new_notebook(cells=cells)
    build.set_values(notebook, {"SEED": 7, "N": 3})
    assert [cell.source for cell in notebook.cells] == ["SEED = 1", "SEED = 7  # why\nuse(SEED)", "N = 3"]
    with pytest.raises(ValueError, match="sets OTHER"):
        build.set_values(notebook, {"OTHER": 1})
