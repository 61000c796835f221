"""HTML is escaped at one place: a text of a user or a file is shown as it is, and makes no element and no attribute."""

import functools
import html.parser
import re
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course_utils import assets, audio, check, datasets, drawings, plotting, preview, widgets
from course_utils.check import answers
from course_utils.markup import marked
from course_utils.models import Output
from course_utils.widgets import drawing, explorers, shown
from course_utils.widgets.analysis import Analysis
from course_utils.widgets.own_classes import Example, OwnClasses, Result, _bars, _result_page
from course_utils.widgets.sound_input import Received, Sound

own_sound = sys.modules["course_utils.widgets.own_sound"]  # the package has functions of these names
quiz_module = sys.modules["course_utils.widgets.quiz"]
TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='x",
    '" onmouseover="x',
    "&lt;b&gt;",
    "a & b",
    "</style></svg><b>{0}{x}%s",
    "<!--",
)
anything = st.text(st.sampled_from("<>&\"'=/; ab#x1-!{}%"), min_size=1, max_size=20)
TONE = (0.5 * np.sin(np.arange(16000) / 5)).astype(np.float32)
SAMPLES = {"kind": "samples", "rate": 16000}


class Reader(html.parser.HTMLParser):
    """What a browser makes of a page: its elements with the names of their attributes, and all texts."""

    def __init__(self, page: str):
        super().__init__()
        self.elements, self.data, self.values = set(), [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.add((tag, *sorted(name for name, _ in attrs)))
        self.values += [value or "" for _, value in attrs]

    def handle_data(self, data):
        self.data.append(data)

    def handle_comment(self, data):
        self.elements.add(("a comment",))

    def handle_decl(self, decl):
        self.elements.add(("a declaration",))

    unknown_decl = handle_pi = handle_decl

    def says(self, text: str) -> bool:
        """Whether a text is among what is shown, or what screen readers say."""
        shown = ["".join(self.data), *self.values]
        return any("".join(text.split()) in "".join(words.split()) for words in shown)


@functools.cache
def elements(make):
    """Return the elements of a page with a harmless text, short or long."""
    return Reader(make("Plain")).elements | Reader(make("Plain words and more words of it")).elements


def holds(make, text):
    """Check that a page says a text, and has no element or attribute that comes from it."""
    page = make(text)
    assert isinstance(page, str)
    read = Reader(page)
    assert read.elements <= elements(make)
    assert read.says(text)


class Ear:
    """A network for tests, that hears nothing in particular."""

    family, id, labels = "ear", "1", []
    sample_rate, window, hop = 16000, 0.96, 0.48
    name = "an ear"

    def __call__(self, waveform):
        n = max(1, len(waveform) // 7680)
        return Output(np.zeros((n, 1)), np.random.default_rng(len(waveform)).uniform(size=(n, 20)))


# --- what is quick: with any text ---


def analysis(name="a", note="b", label="c", events=60):
    table = pd.DataFrame([(label, i, i + 0.5) for i in range(events)], columns=["label", "onset", "offset"])
    tags = pd.DataFrame({"label": [label], "score": [0.5]})
    return Analysis(name, "YAMNet", 61.0, 16000, 1, [note], tags, table, TONE)


def result(labels, name="a", missing="b"):
    held = [Example(label, name, TONE, np.ones((1, 4))) for label in labels]
    rows = [(name, label, labels[-1], 0.5) for label in labels]
    tested = pd.DataFrame(rows, columns=["name", "sound", "taken for", "score"])
    confusion = pd.DataFrame(np.eye(len(labels), dtype=int), labels, labels)
    return Result(tested, confusion, held, 3, [missing])


def question(text):
    choices = [{"text": text, "right": right, "why": text} for right in (True, False)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quiz_module, "quizzes", lambda: {text: {"question": text, "choices": choices}})
        return widgets.quiz(text, "b")._repr_html_()


QUICK = {
    "the label of a missing sound": lambda text: audio.play(None, 16000, text).data,
    "a message of a check": lambda text: answers.Verdict(False, text, text)._repr_html_(),
    "a figure of a lesson": lambda text: check.expected((text, 1, 0, 2))._repr_html_(),
    "a question": question,
    "a page that is a text": lambda text: shown.Shown(text, text)._repr_html_(),
    "a picture in words": lambda text: shown.image(b"", "png", text),
    "events": lambda text: shown.event_roll({text: [(text, 0, 1)], "b": []}, [text], 3.0, of=text),
    "a line of text in a drawing": lambda text: drawing.text(0, 0, text),
    "attributes that are a text": lambda text: drawing.line(0, 0, 1, 1, text) + drawing.text(0, 0, text, text),
    "words of a drawing": lambda text: drawing.svg([drawing.text(0, 0, "a"), text], 10, text),
    "a legend": lambda text: drawing.svg(drawing.legend({text: drawing.bar(0, 0, 1, 1, "red")}, 600), 10, ""),
    "a colour": lambda text: drawing.svg([drawing.bar(0, 0, 9, 9, text, hatched) for hatched in (0, 1)], 10, text),
    "scores of own sounds": lambda text: _bars(pd.Series({text: 0.5, "b": 0.5})),
    "what a function returns": lambda text: own_sound.rendered([text, {text: 1}]).page,
    "what a function displays": lambda text: own_sound._Displayed({"text/plain": text})._repr_html_(),
    "a picture it displays": lambda text: (
        own_sound.rendered(own_sound._Displayed({"image/png": text, "text/plain": text})).page
    ),
    "an alert": lambda text: own_sound._alert(text).page,
    "notes": lambda text: shown.listed([text, text]),
    "a table": lambda text: shown.table(pd.DataFrame({text: [text]}, [text])),
}


@pytest.mark.parametrize("place", QUICK)
@settings(max_examples=50, deadline=None)
@given(text=anything.filter(str.strip))
@example(TEXTS[0])
@example(TEXTS[1])
@example(TEXTS[2])
@example(TEXTS[3])
@example(TEXTS[4])
@example(TEXTS[6])
def test_a_text_is_a_text(place, text):
    if place == "attributes that are a text":  # there is nothing that it could be; but it can't end the element
        assert {element[0] for element in Reader(QUICK[place](text)).elements} <= {"line", "text"}
    else:
        holds(QUICK[place], text)


@given(anything)
def test_marks_become_elements_and_nothing_else_does(text):
    assert Reader(marked(f"`{text}` and *x{text}x*")).elements <= {("code",), ("i",)}
    assert marked("Is `a < b`, *or* 2 * 3 * 4 > `'c'`?") == (
        "Is <code>a &lt; b</code>, <i>or</i> 2 * 3 * 4 &gt; <code>&#39;c&#39;</code>?"
    )


def test_what_is_shown_is_a_plain_string():
    """A page that were Markup would show itself as such in the repr of a widget, and escape what is added to it."""
    asked = next(iter(widgets.quizzes()))
    drawn = drawings.show(drawings.names()[0])
    shows = [check.expected(("a", 1, 0, 2)), answers.Verdict(True, "a", "b"), analysis(), drawn, widgets.quiz(asked)]
    pages = [each._repr_html_() for each in shows]
    pages += [audio.play(TONE, 16000).data, audio.play(None, 16000).data, plotting.as_svg(plt.figure())]
    plt.close("all")
    assert {type(page) for page in pages} == {str}
    import ipywidgets

    assert type(shown.panel_of(ipywidgets, "a", drawing.text(0, 0, "a")).value) is str
    assert shown.panel_of(ipywidgets, "a", "<b>").value == "&lt;b&gt;"


# --- what takes longer: with each of some texts ---


def player(text):
    return audio.play(TONE, 16000, text).data


def rebuilt(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preview, "rebuilt", lambda log_mel: TONE)
        return preview.listen(datasets.metro_mixture(datasets.metro_recipe()), text).data


def overview(text):
    row = dict.fromkeys(("asset", "this run uses", "from", "to get the real one"), text)
    page = assets.Overview(pd.DataFrame([row]))._repr_html_()
    return re.sub("T_[0-9a-f]+", "", page)


def plot(text):
    figure, ax = plt.subplots()
    ax.set(title=text, xlabel=f"a\n{text}")
    ax.text(0, 0, text)
    page = plotting.as_svg(figure)
    plt.close(figure)
    return page


def words_of_a_plot(text):
    page = plotting.as_svg(plt.figure(), text)
    plt.close("all")
    return page


def named_plot(text):
    with plt.style.context("course_utils.course"):
        page = plotting.as_svg(plotting.top_scores([text, "b"], [0.5, 0.4]).figure)
    plt.close("all")
    return page


def heard(listen):
    def page(text):
        sound = Sound(text, TONE, 16000, 1, [text])
        return own_sound._Listener(lambda waveform: listen(text), 0.3).sound(sound).page

    return page


def raises(text):
    raise ValueError(f"{text} is no clip.")


def stopped(text):
    *_, source, _, panel = widgets.own_sound(lambda waveform: raises(text)).children
    source._receive(Received(text, TONE.tobytes(), SAMPLES))
    return panel.value


def no_file(text):
    *_, named, panel = widgets.own_sound(print).children
    named.value = f"nowhere {text}"
    return panel.value


def no_sound(text):
    *_, source, _, panel = widgets.own_sound(print).children
    source._receive(Received(text, b"", SAMPLES))
    return panel.value


def own_names(text):
    own = OwnClasses(Ear(), ("a", "b", "c"))
    own.add("a", TONE, "a 1")
    own.rename("a", text)
    return _result_page(result([*own.labels, "knock"], missing=text))


def own_leak(text):
    box = widgets.own_classes(Ear()).children[1]
    row, panel = box.children[1], box.children[-2]
    text_box, source = row.children[0].children
    text_box.value = text
    for _ in range(2):
        source._receive(Received(text, TONE.tobytes(), SAMPLES))
    return panel.value


def on_the_map(kind):
    def page(text):
        clips = pd.DataFrame({"filename": [text, *map(str, range(11))], "category": [text] * 6 + ["b"] * 6})
        embeddings = np.random.default_rng(0).uniform(size=(12, 20))
        static = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("IPython.display.display", static.append)
            patch.setattr(datasets, "load_clip", lambda name: raises(name) if kind == "error" else None)
            if kind == "player":
                patch.setattr(datasets, "load_clip", lambda name: TONE)
            _, picture, panel, _, source = widgets.embedding_map(embeddings, clips, Ear()).children
            if kind == "own":
                source._receive(Received(text, np.tile(TONE, 2).tobytes(), SAMPLES))
            elif kind != "static":
                picture._handle_custom_msg({"choose": 0}, [])
        return static[0]._repr_html_() if kind == "static" else panel.value

    return page


def errors(live_panel):
    def page(text):
        animals = datasets.esc50_metadata().query("category in @datasets.ANIMALS").reset_index(drop=True)
        wrong, static = animals.iloc[:2].assign(category=text, predicted=text), []
        training, embeddings = np.arange(len(animals)) > 5, np.random.default_rng(0).uniform(size=(len(animals), 9))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("IPython.display.display", static.append)
            box = widgets.explore_errors(wrong, animals, embeddings, training)
        return box.children[-1].value if live_panel else static[0]._repr_html_()

    return page


def detector(text):
    recipe = datasets.metro_mixture(datasets.metro_recipe())
    recipe.reference["label"] = text
    scores = np.random.default_rng(0).dirichlet((2, 1), 74)
    return "".join(
        part.value for part in widgets.explore_detector(scores, [text, "b"], 0.096, recipe, 0.3).children[4:]
    )


SLOWER = {
    "the label of a player": player,
    "the label of a rebuilt sound": rebuilt,
    "the sources of assets": overview,
    "a plot": plot,
    "words of a plot": words_of_a_plot,
    "names in a plot": named_plot,
    "a sound's name, and what a function returns": heard(str),
    "what a function prints": heard(print),
    "what a function raises": stopped,
    "the name of a file that isn't there": no_file,
    "the name of a file without sound": no_sound,
    "the name of a recording": lambda text: analysis(name=text)._repr_html_(),
    "a note on a recording": lambda text: analysis(note=text)._repr_html_(),
    "a class in a recording": lambda text: analysis(label=text)._repr_html_(),
    "names of own sounds": own_names,
    "names of own recordings": lambda text: _result_page(result(["a", "b"], name=text)),
    "a leak in own recordings": own_leak,
    "a map": on_the_map("static"),
    "a clip on the map": on_the_map("clip"),
    "a clip on the map that plays": on_the_map("player"),
    "a clip on the map that fails": on_the_map("error"),
    "a sound on the map": on_the_map("own"),
    "an error": errors(True),
    "an error on a page": errors(False),
    "a class that is detected": detector,
    "tags": lambda text: explorers._tags([(text, [(text, 0.5)])], text),
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("place", SLOWER)
def test_a_text_of_a_user_or_a_file_is_a_text(place, text, embedded, monkeypatch):
    monkeypatch.setattr(shown, "has_front_end", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: None)
    holds(SLOWER[place], text)


@pytest.mark.parametrize(
    "text",
    [
        'id="b" href="#b" url(#b)',
        '="1.23456" ="data:image/png;base64,AAAA"',
        "font: 12px b; font-family: c; xlink:href #000000",
    ],
)
def test_a_text_in_a_plot_that_looks_like_svg(text):
    holds(plot, text)
