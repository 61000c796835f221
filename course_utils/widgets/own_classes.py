"""Three sounds of one's own: recorded, learned, tested on recordings held out, and heard again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape

from course_utils import assets, audio, evaluation, models

from . import drawing
from .embedding_map import SILENCE, unit_length, windows_of
from .shown import Shown, panel_of, show

if TYPE_CHECKING:
    import ipywidgets
    import pandas as pd

LABELS = ("clap", "whistle", "knock")
LEAST, WANTED = 3, 5  # recordings of each sound: without the first nothing can be held out
SHORTEST, LONGEST = 0.1, 60.0  # s
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, eq=False)
class Example:
    """A recording of one of the sounds.

    Attributes
    ----------
    label, name : str
        The sound, and what the recording is called.
    waveform : ndarray, shape (n_samples,)
        At 16 kHz.
    embeddings : ndarray, shape (n_windows, 1024)
        YAMNet's, of length 1, of the windows with sound.
    """

    label: str
    name: str
    waveform: np.ndarray = field(repr=False)
    embeddings: np.ndarray = field(repr=False)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.waveform) / models.YAMNET_RATE


@dataclass(frozen=True, eq=False)
class Result:
    """How a classifier of one's own did on the recordings that were held out.

    Attributes
    ----------
    tested : pandas.DataFrame
        A row for each recording held out: ``name``, ``sound``, ``taken for``, and the ``score`` of that, in [0, 1].
    confusion : pandas.DataFrame
        Numbers of recordings by true sound (rows) and what they were taken for (columns).
    held_out : list of Example
        Those recordings, in the order of the rows.
    n_training : int
        How many recordings the classifier learned from.
    missing : list of str
        What would make the test better, a sentence each.
    """

    tested: pd.DataFrame
    confusion: pd.DataFrame
    held_out: list[Example]
    n_training: int
    missing: list[str]

    @property
    def right(self) -> int:
        """How many of the recordings held out were classified right."""
        return int(np.trace(self.confusion.to_numpy()))

    @property
    def interval(self) -> tuple[float, float]:
        """Where the accuracy may lie with other such recordings: Wilson's interval of 95 %."""
        return evaluation.wilson_interval(self.right, len(self.tested))

    def __str__(self) -> str:
        n, (low, high) = len(self.tested), self.interval
        return (
            f"{self.right} of {n} held-out recordings were classified correctly. The classifier learned from the other "
            f"{self.n_training}. {WORDS[n].capitalize()} are very few for a test: with many more recordings, the "
            f"share could lie anywhere between {low:.0%} and {high:.0%}. "
            f"Guessing would get about {n / len(self.confusion):.0f} of {n}."
        )


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return for how many seconds two recordings hold the same samples, whatever their level; 0 if they don't.

    The lag at which they fit best comes from their cross-correlation, with all frequencies given the same weight. Two
    recordings of one beep differ in their noise; copies do not: there the phases agree in most bands and frames.

    Parameters
    ----------
    a, b : ndarray, shape (n_samples,)
        At 16 kHz.
    """
    from scipy import fft

    n = fft.next_fast_len(len(a) + len(b), real=True)
    cross = fft.rfft(a, n) * np.conj(fft.rfft(b, n))
    fits = np.abs(fft.irfft(cross / np.maximum(np.abs(cross), 1e-12), n))
    lag = int(fits.argmax())
    lag -= n * (lag >= len(a))
    start, end = max(0, lag), min(len(a), lag + len(b))
    frame, hop = 256, 128
    if end - start < SHORTEST * models.YAMNET_RATE:
        return 0.0
    pair = [part[: len(part) // hop * hop] for part in (a[start:end], b[start - lag : end - lag])]
    cut = [np.lib.stride_tricks.sliding_window_view(part, frame)[::hop] * np.hanning(frame) for part in pair]
    left, right = (np.fft.rfft(frames) for frames in cut)
    power = np.abs(left) * np.abs(right)
    heard = power > 1e-8 * max(power.max(), 1e-12)
    phases = np.where(heard, left * np.conj(right) / np.maximum(power, 1e-30), 0)
    count = heard.sum(axis=0)
    bands = count >= 6
    if not bands.any():
        return 0.0
    agree = np.abs(phases.sum(axis=0)[bands] / count[bands]) ** 2
    agree = (count[bands] * agree - 1) / (count[bands] - 1)  # of phases drawn by chance, 0 on average
    return (end - start) / models.YAMNET_RATE if np.median(agree) > 0.5 else 0.0


class OwnClasses:
    """A classifier of sounds of one's own, on YAMNet's embeddings.

    Parameters
    ----------
    yamnet : SavedModel
        As ``hub.load`` returns it.
    labels : sequence of str
        Names of the sounds.

    Attributes
    ----------
    labels : list of str
        Names of the sounds.
    examples : list of Example
        The recordings, in the order in which they were added.
    result : Result or None
        Of the last :meth:`train`; None if something has changed since.

    Examples
    --------
    >>> import numpy as np
    >>> from course_utils.widgets.own_classes import OwnClasses, ready_example
    >>> from course_utils.models import Output
    >>> class Bands:  # in place of YAMNet: how much there is in each of 20 bands
    ...     family, id, sample_rate, window, hop, labels = "bands", "1", 16000, 0.96, 0.48, []
    ...     def __call__(self, waveform):
    ...         bands = np.abs(np.fft.rfft(waveform, 64000))[:32000].reshape(20, 1600).sum(axis=1)
    ...         return Output(np.zeros((1, 0)), np.log1p(bands)[np.newaxis])
    >>> own = OwnClasses(Bands())
    >>> for label, waveform, name in ready_example():
    ...     own.add(label, waveform, name)
    >>> print(own.train().right, "of 6")
    6 of 6
    """

    def __init__(self, yamnet: Any, labels: Sequence[str] = LABELS):
        self.labels, self.examples, self.result = list(labels), [], None
        self._yamnet, self._classifier, self._shared = yamnet, None, {}

    def of(self, label: str) -> list[Example]:
        """Return the recordings of a sound."""
        return [example for example in self.examples if example.label == label]

    def _heard(self, waveform: np.ndarray, name: str) -> np.ndarray:
        """Return embeddings of length 1 of the windows with sound; say what is wrong with a recording."""
        waveform = audio.check_waveform(waveform, models.YAMNET_RATE)
        if (seconds := len(waveform) / models.YAMNET_RATE) < SHORTEST:
            raise ValueError(f"{name!r} lasts only {seconds:.2f} s: record at least half a second.")
        if seconds > LONGEST:
            raise ValueError(f"{name!r} lasts {seconds:.0f} s: record a few seconds, or cut out the part that matters.")
        embeddings, levels = windows_of([waveform], self._yamnet)[0]
        if levels.max() < 1e-4:
            raise ValueError(f"Nothing but silence is in {name!r}: come closer to the microphone and record it again.")
        return unit_length(embeddings[levels > SILENCE * levels.max()])

    def add(self, label: str, waveform: np.ndarray, name: str) -> None:
        """Add a recording of a sound.

        Parameters
        ----------
        label : str
            Which of the sounds it is.
        waveform : ndarray, shape (n_samples,)
            Samples in [-1, 1] at 16 kHz, from a tenth of a second to a minute.
        name : str
            What to call it.

        Raises
        ------
        TypeError, ValueError
            If there is no such sound, or the recording is no audio, too short, too long, or silence.
        """
        if label not in self.labels:
            raise ValueError(f"There is no sound {label!r}: choose one of {', '.join(self.labels)}.")
        self.examples.append(Example(label, name, np.asarray(waveform), self._heard(waveform, name)))
        self.result = None

    def remove(self, example: Example) -> None:
        """Take a recording out again."""
        self.examples.remove(example)
        self.result = None

    def rename(self, label: str, new: str) -> None:
        """Give a sound another name.

        Raises
        ------
        ValueError
            If the new name is empty, or that of another sound.
        """
        new = " ".join(new.split())
        if not new:
            raise ValueError("A sound needs a name: type one.")
        if new != label and new.casefold() in {other.casefold() for other in self.labels if other != label}:
            raise ValueError(f"Two sounds can't both be called {new!r}: give each a name of its own.")
        self.labels = [new if other == label else other for other in self.labels]
        renamed = {}
        for old in self.examples:
            number = old.name.removeprefix(f"{label} ")
            name = f"{new} {number}" if old.label == label and number.isdecimal() else old.name
            renamed[old] = replace(old, label=new, name=name) if old.label == label else old
        here = [(pair, seconds) for pair, seconds in self._shared.items() if set(pair) <= set(renamed)]
        self._shared = {(renamed[a], renamed[b]): seconds for (a, b), seconds in here}
        self.examples = list(renamed.values())
        self.result = None

    def leaks(self) -> list[str]:
        """Say which recordings hold the same sound, so that a test would know what it is asked; [] if none do."""
        pairs = []
        for a, b in itertools.combinations(self.examples, 2):
            if (a, b) not in self._shared:
                self._shared[a, b] = overlap(a.waveform, b.waveform)
            pairs += [(a, b, self._shared[a, b])] * bool(self._shared[a, b])
        found, groups = [], {example: {example} for example in self.examples}
        for a, b, _ in pairs:
            group = groups[a] | groups[b]
            groups |= dict.fromkeys(group, group)
        whole = [label for label in self.labels if len(own := self.of(label)) > 2 and set(own) <= groups[own[0]]]
        for label in whole:
            found.append(
                f"All recordings of {label} are cut from the same one. To test on a piece of it would be to test on "
                f"what the classifier has already heard, so record {label} {WORDS[WANTED]} times from scratch."
            )
        for a, b, seconds in pairs:
            if a.label == b.label and a.label in whole:
                continue
            same = min(a.seconds, b.seconds) - seconds < 0.02 and abs(a.seconds - b.seconds) < 0.02
            if a.label != b.label:
                what = f"{_named(b)} and {_named(a)} hold the same sound under two names"
                found.append(f"{what}: remove it where it doesn't belong.")
            elif same:
                what = f"{_named(b)} is the same recording as {a.name!r}"
                found.append(f"{what}: one could be learned and the other tested, so remove one of them.")
            else:
                what = f"{_named(b)} and {a.name!r} share {seconds:.1f} s of sound, as if cut from one recording"
                found.append(f"{what}: remove one of them, and record a new one in its place.")
        return found

    def missing(self) -> list[str]:
        """Say of which sounds there are fewer recordings than the test should have; [] if there are enough."""
        counts = {label: len(self.of(label)) for label in self.labels}
        return [
            f"{label} has {_count(n)}; with {WORDS[WANTED]}, the test would say more."
            for label, n in counts.items()
            if n < WANTED
        ]

    def train(self) -> Result:
        """Train a classifier, and test it on recordings that it has not learned from.

        Of each sound the last two recordings are held out, or the last one where there are fewer than five. Logistic
        regression learns from the windows with sound of the others. A recording gets the sound whose mean score over
        its windows is highest.

        Raises
        ------
        ValueError
            If a sound has fewer than three recordings, or two recordings hold the same sound.
        """
        if few := [label for label in self.labels if len(self.of(label)) < LEAST]:
            have = ", ".join(f"{label} has {_count(len(self.of(label)))}" for label in few)
            raise ValueError(
                f"That's not enough to learn from and to test on yet: {have}. Record each sound at least "
                f"{WORDS[LEAST]} times; {WORDS[WANTED]} times is better."
            )
        if leaks := self.leaks():
            raise ValueError(" ".join(leaks[:3]))
        return self._fit()

    def _fit(self) -> Result:
        """Train and test, without a look at the split."""
        import pandas as pd
        from sklearn.linear_model import LogisticRegression

        held_out = [e for label in self.labels for e in self.of(label)[-2 if len(self.of(label)) >= WANTED else -1 :]]
        learned = [example for example in self.examples if example not in held_out]
        x = np.concatenate([example.embeddings for example in learned])
        y = np.repeat([self.labels.index(e.label) for e in learned], [len(e.embeddings) for e in learned])
        classifier = LogisticRegression(C=10, class_weight="balanced", max_iter=1000).fit(x, y)
        scores = np.stack([classifier.predict_proba(example.embeddings).mean(axis=0) for example in held_out])
        rows = [
            (example.name, example.label, self.labels[own.argmax()], own.max())
            for example, own in zip(held_out, scores, strict=True)
        ]
        tested = pd.DataFrame(rows, columns=["name", "sound", "taken for", "score"])
        counts = np.zeros((len(self.labels), len(self.labels)), int)
        true = [self.labels.index(label) for label in tested["sound"]]
        np.add.at(counts, (true, scores.argmax(axis=1)), 1)
        names = pd.Index(self.labels, name="sound"), pd.Index(self.labels, name="taken for")
        self._classifier = classifier
        self.result = Result(tested, pd.DataFrame(counts, *names), held_out, len(learned), self.missing())
        return self.result

    def hear(self, waveform: np.ndarray, name: str = "your recording") -> pd.Series:
        """Return the score of each sound for a new recording: they sum to 1, as if it had to be one of them.

        Parameters
        ----------
        waveform : ndarray, shape (n_samples,)
            Samples in [-1, 1] at 16 kHz.
        name : str
            What to call it.

        Returns
        -------
        pandas.Series
            Score in [0, 1] by sound, the highest first.

        Raises
        ------
        TypeError, ValueError
            If nothing has been trained yet, or as :meth:`add`.
        """
        import pandas as pd

        if self.result is None:
            raise ValueError("There is no classifier yet, or its recordings have changed: choose Train and test first.")
        scores = self._classifier.predict_proba(self._heard(waveform, name)).mean(axis=0)
        return pd.Series(scores, self.labels, name="score").sort_values(ascending=False, kind="stable")


def _count(n: int) -> str:
    return f"{WORDS[n] if n < len(WORDS) else n} recording{'s' * (n != 1)}"


def _named(example: Example) -> str:
    return f"{example.name!r} ({example.label})"


def ready_example() -> list[tuple[str, np.ndarray, str]]:
    """Return the fifteen recordings that the course ships: label, waveform at 16 kHz and name of each."""
    folder = assets.embedded("clips/three_sounds")
    return [
        (label, audio.load(folder / f"{label}_{number}.ogg", models.YAMNET_RATE), f"{label} {number}")
        for label in LABELS
        for number in range(1, 1 + WANTED)
    ]


# --- the widget ---


def _alert(text: str) -> str:
    return str(Markup('<p role="alert">{}</p>').format(text))


def _result_page(result: Result) -> Markup:
    """Return a result as HTML: a sentence, the confusion matrix, and what went wrong, to be heard."""
    head = Markup().join(Markup('<th scope="col">{}</th>').format(label) for label in result.confusion)
    rows = Markup()
    for label, counts in result.confusion.iterrows():
        cells = Markup().join(Markup("<td>{}</td>").format(n or "") for n in counts)  # zeros are blank
        rows += Markup('<tr><th scope="row">{}</th>{}</tr>').format(label, cells)
    first, rest = str(result).split(". ", 1)
    parts = [Markup("<p><strong>{}.</strong> {}</p>").format(first, rest)]
    parts += [Markup("<p>{}</p>").format(" ".join(result.missing))] * bool(result.missing)
    matrix = Markup(
        "<p>The held-out recordings: the true sound in each row, the answer in each column.</p>"
        '<table style="text-align:right"><thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table>'
    )
    parts.append(matrix.format(head, rows))
    wrong = [i for i, row in enumerate(result.tested.itertuples()) if row.sound != row[3]]
    for i in wrong:
        name, sound, taken, score = result.tested.iloc[i]
        label = f"{name}: {sound}, taken for {taken} with a score of {score:.2f}"
        parts.append(escape(audio.play(result.held_out[i].waveform, models.YAMNET_RATE, label)))
    if wrong:
        parts.append(Markup("<p>A wrong answer is worth listening to: what could have misled it?</p>"))
    return Markup().join(parts)


def _bars(scores: pd.Series) -> Markup:
    """Return scores as HTML, a bar for each sound."""
    bar = Markup(
        '<div style="display:flex;align-items:center;gap:0.6em;max-width:{width}px">'
        '<span style="flex:0 0 30%;text-align:right">{label}</span><span style="background:'
        '{colour};height:1.1em;flex:0 0 {share:.1f}%"></span><span>{score:.2f}</span></div>'
    )
    look = {"width": drawing.WIDTH, "colour": drawing.SYSTEM}
    bars = [bar.format(label=label, share=50 * score, score=score, **look) for label, score in scores.items()]
    page = Markup('<div class="course-own-scores" role="img" aria-label="{}">{}</div>')
    return page.format(_scores_in_words(scores), Markup().join(bars))


def _scores_in_words(scores: pd.Series) -> str:
    return "Scores: " + ", ".join(f"{label} {score:.2f}" for label, score in scores.items()) + "."


def _static(yamnet: Any) -> Shown:
    """Return what the widget looks like once the ready example has been tested."""
    own = OwnClasses(yamnet)
    for label, waveform, name in ready_example():
        own.add(label, waveform, name)
    result = own._fit()  # that nothing leaks, a test knows
    counts = {label: [len(own.of(label)), sum(e.seconds for e in own.of(label))] for label in own.labels}
    row = Markup("<tr><th>{}</th><td>{}</td><td>{:.1f}</td></tr>")
    said = "Fifteen ready recordings, five of each sound:"
    page = Markup(
        "<p>{}</p><table><thead><tr><th>sound</th><th>recordings</th><th>seconds</th></tr></thead>"
        "<tbody>{}</tbody></table>{}"
    )
    page = page.format(
        said, Markup().join(row.format(label, *of) for label, of in counts.items()), _result_page(result)
    )
    lines = [said, *(f"  {label}: {n} recordings, {seconds:.1f} s" for label, (n, seconds) in counts.items())]
    text = "\n".join([*lines, str(result), result.confusion.to_string()])
    return Shown(page, text)


def own_classes(yamnet: Any) -> ipywidgets.VBox | None:
    """Teach a small classifier three sounds of one's own: record, train, test on recordings held out, and listen.

    YAMNet turns each recording into embeddings; logistic regression learns from them. Two recordings of each sound are
    held out for the test. A split that leaks, for instance with one file twice, is refused.

    Notebook: 03_transfer_learning

    Parameters
    ----------
    yamnet : SavedModel
        As ``hub.load`` returns it.

    Returns
    -------
    ipywidgets.VBox or None
        For the cell to show; None where nothing can be recorded.
    """

    def build(ipywidgets: Any) -> list:
        from .sound_input import RECORDING, sound_input

        own, asked = OwnClasses(yamnet), []
        panel, scores = panel_of(ipywidgets, "course-own-result"), panel_of(ipywidgets, "course-own-heard")
        lists = [ipywidgets.Box(layout={"flex_flow": "row wrap", "align_items": "center"}) for _ in LABELS]
        names = [
            ipywidgets.Text(
                value=label, description=f"sound {i + 1}", continuous_update=False, layout={"width": "18em"}
            )
            for i, label in enumerate(LABELS)
        ]

        def guarded(act: Any, *args: Any) -> Any:
            """Call a function; what it raises becomes a sentence in the panel: a callback has nowhere to raise it."""
            try:
                return act(*args)
            except ValueError as error:
                panel.value = _alert(str(error))
            except Exception as error:
                panel.value = _alert(f"{type(error).__name__}: {error}")

        def refresh(say: str = "") -> None:
            """Show what there is; what was tested before holds no longer."""
            for i, box in enumerate(lists):
                examples = own.of(own.labels[i])
                n = len(examples)
                said = Markup("<span>{}</span>").format(f"{n} of {WANTED}" if n <= WANTED else n)
                count = ipywidgets.HTML(str(said))
                count.add_class("course-own-count")
                box.children = [count, *map(remover, examples)]
            leaks = own.leaks()
            said = Markup("<p>{}</p>").format(say) if say else ""
            panel.value = _alert(" ".join(leaks[:3])) if leaks else str(said)
            listening.layout.display, scores.value = "none", ""

        def remover(example: Example) -> Any:
            button = ipywidgets.Button(
                description=f"{example.name} · {example.seconds:.1f} s", icon="times", tooltip=f"Remove {example.name}",
                layout={"width": "auto"},
            )  # fmt: skip
            button.add_class("course-own-example")
            button.on_click(lambda _: (own.remove(example), refresh()))
            return button

        def taker(i: int) -> Any:
            def take(waveform: np.ndarray, name: str) -> str:
                label = own.labels[i]
                if name == RECORDING:
                    taken = {example.name for example in own.examples}
                    name = next(new for k in range(1, len(taken) + 2) if (new := f"{label} {k}") not in taken)
                own.add(label, waveform, name)
                refresh()
                n = len(own.of(label))
                return f"{n} of {WANTED}." if n < WANTED else f"{n}: that's enough, and more will do no harm."

            source = sound_input(take, seconds=5, multiple=True)
            source.add_class("course-own-input")
            return source

        def rename(i: int, change: dict) -> None:
            old, new = own.labels[i], change["new"]
            if new == old:
                return
            try:
                own.rename(old, new)
            except ValueError as error:
                names[i].value = old
                panel.value = _alert(str(error))
                return
            names[i].value = own.labels[i]
            refresh()

        def fill(_: Any) -> None:
            if own.examples and not asked:
                asked.append(True)
                what = f"The ready example takes the place of your {_count(len(own.examples))}"
                panel.value = _alert(f"{what}: press the button again if that's fine.")
                return
            asked.clear()
            panel.value = "<p>Listening to fifteen recordings …</p>"
            own.examples.clear()
            own.labels[:] = LABELS
            for label, waveform, name in ready_example():
                own.add(label, waveform, name)
            for text, label in zip(names, LABELS, strict=True):
                text.value = label
            refresh("Fifteen recordings are ready: five of each sound. Now train and test.")

        def train(_: Any) -> None:
            panel.value = "<p>Training …</p>"
            own.train()
            panel.value, listening.layout.display = str(_result_page(own.result)), ""

        def hear(waveform: np.ndarray, name: str) -> str:
            heard = own.hear(waveform, name)
            player = escape(audio.play(waveform, models.YAMNET_RATE, name))
            must = f"It has to choose one of the {WORDS[len(own.labels)]}, whatever it hears: try something else, too."
            scores.value = str(Markup("{}{}<p>{}</p>").format(player, _bars(heard), must))
            return f"{heard.index[0]}, with a score of {heard.iloc[0]:.2f}."

        hint = Markup(
            "<p>Choose {} sounds that you can make, and record each of them {} times, "
            "for a second or two. Start a new recording each time: pieces cut from a single one count as one. Click on "
            "a recording to remove it. Your sounds go to the computer that runs the notebook, in Colab one of "
            "Google's, and no further; nothing is saved.</p>"
        )
        hint = ipywidgets.HTML(str(hint.format(WORDS[len(LABELS)], WORDS[WANTED])))
        ready = ipywidgets.Button(description="Use the ready example", layout={"width": "auto"})
        go = ipywidgets.Button(description="Train and test", button_style="primary", layout={"width": "auto"})
        ready.add_class("course-own-ready")
        go.add_class("course-own-train")
        ready.on_click(lambda button: guarded(fill, button))
        go.on_click(lambda button: guarded(train, button))
        listen = sound_input(hear, seconds=5, labels=("Listen", "Upload"))
        listen.add_class("course-own-listen")
        invite = ipywidgets.HTML("<p><strong>Now it listens.</strong> Make one of your sounds again.</p>")
        listening = ipywidgets.VBox([invite, listen, scores])
        rows = []
        for i, text in enumerate(names):
            text.observe(lambda change, i=i: rename(i, change), names="value")
            rows.append(
                ipywidgets.VBox([ipywidgets.HBox([text, taker(i)], layout={"flex_flow": "row wrap"}), lists[i]])
            )
            rows[-1].add_class("course-own-row")
        refresh()
        box = ipywidgets.VBox([hint, *rows, ipywidgets.HBox([ready, go]), panel, listening])
        box.add_class("course-own-classes")
        return [box]

    return show("own-classes", _static(yamnet), build, to="teach it sounds of your own")
