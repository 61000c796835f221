"""The tools of the checks: a check raises what is wrong with an answer, and that becomes a verdict."""

import functools

import numpy as np
from markupsafe import Markup

from course_utils.events import Events, array_of, numbers
from course_utils.markup import marked


class Verdict:
    """What a check tells the learner: ``passed``, a ``message``, and ``further``, a hint or what to try next."""

    def __init__(self, passed: bool, message: str, further: str, answered: bool = True):
        self.passed, self.message, self.further = passed, message, further
        self.head = "✓ Right." if passed else "✗ Not quite." if answered else "✗ Not yet."
        self.label = "Next: " if passed else "Hint: " if answered else ""

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return f"{self.head} {self.message}\n{self.label}{self.further}"

    def _repr_html_(self) -> str:
        style = f"border-left: 4px {'solid #0072b2' if self.passed else 'dashed #d55e00'}; padding: 0.2em 0.8em"
        label = Markup("<i>{}</i> ").format(self.label.strip()) if self.label else ""
        page = Markup('<div role="status" style="{}"><b>{}</b> {}<br>{}{}</div>')
        return str(page.format(style, self.head, marked(self.message), label, marked(self.further)))


class NotYetError(Exception):
    """Says what is wrong with an answer."""


class UnansweredError(Exception):
    """Says that there is no answer yet."""


def expect(condition, message: str) -> None:
    """Say what is wrong with an answer, unless a condition holds."""
    if not condition:
        raise NotYetError(message)


def exercise(hint: str, why: str, then: str):
    """Turn a function into a check: it raises ``NotYetError`` for a wrong answer, and may say more of a right one."""

    def decorate(function):
        @functools.wraps(function)
        def check(answer=..., *data) -> Verdict:
            try:
                parts = (
                    answer.values() if isinstance(answer, dict) else answer if isinstance(answer, tuple | list) else ()
                )
                if answer is None or answer is ... or any(part is ... for part in parts):
                    raise UnansweredError("Replace the `...` with your answer and run this cell again.")
                said = function(answer, *data)
            except UnansweredError as nothing:
                return Verdict(False, str(nothing), "Stuck? Open *Hint 1* above.", answered=False)
            except NotYetError as wrong:
                return Verdict(False, str(wrong), hint)
            except Exception:  # its words are a library's
                what = f"The check can't read this answer, which is of type {type(answer).__name__}."
                return Verdict(
                    False, f"{what} Look again at what the task asks for, or run the cells above again.", hint
                )
            return Verdict(True, f"{said} {why}" if said else why, then)

        return check

    return decorate


def result_of(function, *args):
    """Call an answer that is a function and return its result, or say why the call fails."""
    expect(callable(function), "The task asks for a function.")
    try:
        value = function(*args)
    except (Exception, SystemExit) as error:
        given = ", ".join(f"shape {arg.shape}" if isinstance(arg, np.ndarray) else repr(arg) for arg in args)
        said = " ".join(str(error).split())[:150]
        stops = f"Your function, called with ({given}), stops with {type(error).__name__}"
        raise NotYetError(f"{stops}: {said}." if said else f"{stops}.") from error
    if value is None or value is ...:
        raise UnansweredError("Your function doesn't return a number yet.")
    return value


def numbers_of(answer, shape: tuple, what: str, way: str = "") -> np.ndarray:
    """Return an answer as an array of the wanted shape; where values are not finite, say the ``way`` out."""
    if isinstance(answer, tuple):
        raise NotYetError(f"This is a tuple of {len(answer)} things. Pick the one that holds {what}.")
    array = array_or_none(answer)
    asked = f"The task asks for numbers, {what}. Yours is of type {type(answer).__name__}."
    expect(array is not None and array.dtype.kind in "biuf", asked)
    found = array.shape
    expect(found == shape, f"Your answer has shape {found}. For {what}, we expect shape {shape}.")
    expect(np.isfinite(array).all(), way or f"Some values of {what} are NaN or infinite.")
    return array


def array_or_none(answer) -> np.ndarray | None:
    """Return an answer as an array, or None if it is nothing of the kind."""
    try:
        return array_of(answer)
    except Exception:
        return None


def number_of(answer, what: str) -> float:
    """Return an answer as one number."""
    array, asked = array_or_none(answer), f"The task asks for one number: {what}."
    expect(array is not None and array.size == 1 and array.dtype.kind in "biufO", asked)
    value = float(numbers(array).item())
    expect(array.dtype.kind != "O" or not np.isnan(value), asked)
    expect(np.isfinite(value), f"{asked} Yours is {value}.")
    return value


def names_of(answer, known, n: int) -> list[str]:
    """Return an answer as a list of ``n`` names, all of them known."""
    array, asked = array_or_none(answer), f"The task asks for a list of {n} names."
    expect(array is not None, asked)
    expect(array.ndim < 2, "This holds more than the names. Put only the names into one list.")
    if isinstance(answer, str):
        raise NotYetError(f"This is one name, {answer[:40]!r}. The task asks for {n}.")
    values = numbers(array)
    is_number = array.size and np.isfinite(values).all()
    expect(not is_number or (values % 1).any(), "These are indices of classes. Look up their names.")
    expect(not is_number, "These are scores. The task asks for the names of their classes.")
    names = array.ravel().tolist()
    expect(array.ndim and all(isinstance(name, str) for name in names), asked)
    expect(len(names) == n, f"There are {len(names)} names here. The task asks for {n}.")
    unknown = [name for name in names if name not in known]
    expect(not unknown, f"{unknown[:1]} isn't the name of a class. Check the spelling, capitals too.")
    return names


def events_of(answer):
    """Return an answer as a table of events, in order."""
    expect(hasattr(answer, "columns"), "The task asks for a table of events, with the columns label, onset and offset.")
    missing = {"label", "onset", "offset"} - set(answer.columns)
    expect(not missing, f"The table has no column {', '.join(sorted(missing))}.")
    try:
        events = Events.of(answer).table()
    except (KeyError, ValueError) as error:
        raise NotYetError(error.args[0]) from error
    return events.sort_values(["onset", "label"], ignore_index=True)


def same_events(events, others) -> bool:
    """Return whether two tables hold the same events, to a millisecond."""
    others = events_of(others)
    times = ["onset", "offset"]
    return events["label"].tolist() == others["label"].tolist() and np.allclose(events[times], others[times], atol=1e-3)


def active_at(events, label: str, times) -> np.ndarray:
    """Return at which times a class is active."""
    chosen = events[events["label"] == label]
    return np.any([(times >= e.onset) & (times < e.offset) for e in chosen.itertuples()], axis=0)


def clip_accuracy(network, x, y, n_windows: int = 10) -> tuple[float, float]:
    """Return frame and clip accuracy of a network, whose outputs are averaged over the windows of a clip."""
    outputs = np.asarray(network.predict(x, verbose=0))
    of_clips = outputs.reshape(-1, n_windows, outputs.shape[1]).mean(axis=1).argmax(axis=1)
    return (outputs.argmax(axis=1) == y).mean(), (of_clips == np.reshape(y, (-1, n_windows))[:, 0]).mean()


def network_with_ten_outputs(answer):
    """Check that an answer is a network with ten outputs for an embedding."""
    expect(
        hasattr(answer, "count_params"),
        "The task asks for the Keras network itself. What fit returns is its history.",
    )
    expect(answer.built, "The network has no weights yet. Give it an Input, or train it first.")
    expect(
        answer.output_shape[-1] == 10, f"The network has {answer.output_shape[-1]} outputs, but there are ten animals."
    )
