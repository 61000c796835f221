"""What checks are made of: what is wrong with an answer is raised, and becomes a verdict."""

import functools
import html

import numpy as np


class Verdict:
    """What a check says: ``passed``, ``message`` and, below it, ``further`` (a hint, or what to try next)."""

    def __init__(self, passed: bool, message: str, further: str):
        self.passed, self.message, self.further = passed, message, further
        self.head, self.label = ("✓ Right.", "Next:") if passed else ("✗ Not yet.", "Hint:")

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return f"{self.head} {self.message}\n{self.label} {self.further}"

    def _repr_html_(self) -> str:
        style = f"border-left: 4px {'solid #0072b2' if self.passed else 'dashed #d55e00'}; padding: 0.2em 0.8em"
        message, further = html.escape(self.message), html.escape(self.further)
        first = f"<b>{self.head}</b> {message}"
        return f'<div role="status" style="{style}">{first}<br><i>{self.label}</i> {further}</div>'


class NotYetError(Exception):
    """What is wrong with an answer."""


class UnansweredError(Exception):
    """There is no answer yet."""


def expect(condition, message: str) -> None:
    """Raise what is wrong with an answer, unless a condition holds."""
    if not condition:
        raise NotYetError(message)


def exercise(hint: str, why: str, then: str):
    """Make a check of a function that raises ``NotYetError`` for a wrong answer; it may say more of a right one."""

    def decorate(function):
        @functools.wraps(function)
        def check(answer=..., *data) -> Verdict:
            try:
                parts = (
                    answer.values() if isinstance(answer, dict) else answer if isinstance(answer, tuple | list) else ()
                )
                if answer is None or answer is ... or any(part is ... for part in parts):
                    raise UnansweredError("Put your answer in the place of the three dots.")
                said = function(answer, *data)
            except UnansweredError as nothing:
                return Verdict(False, str(nothing), "Try it first; a small one stands below the task.")
            except NotYetError as wrong:
                return Verdict(False, str(wrong), hint)
            except Exception as error:
                what = f"The check cannot make sense of this answer, of type {type(answer).__name__} ({error})."
                return Verdict(False, f"{what} Have the cells above been run, and is it what was asked for?", hint)
            return Verdict(True, f"{said} {why}" if said else why, then)

        return check

    return decorate


def result_of(function, *args):
    """Return what an answer that is a function gives, or say that it fails."""
    expect(callable(function), "A function was asked for.")
    try:
        value = function(*args)
    except Exception as error:
        raise NotYetError(f"Called with {args}, your function raises {type(error).__name__}: {error}.") from error
    if value is None or value is ...:
        raise UnansweredError("The function does not return a number yet.")
    return value


def numbers_of(answer, shape: tuple, what: str) -> np.ndarray:
    """Return an answer as an array of the wanted shape."""
    expect(not isinstance(answer, tuple), f"This is a tuple of {len(answer)} things; take the one that holds {what}.")
    array = np.asarray(answer)
    expect(array.dtype.kind in "biuf", f"Numbers were asked for, {what}; this is of type {type(answer).__name__}.")
    found = array.shape
    expect(found == shape, f"The shape is {found}; {what} have the shape {shape}.")
    return array


def number_of(answer, what: str) -> float:
    """Return an answer as one number."""
    array = np.asarray(answer)
    expect(array.dtype.kind in "biuf" and array.size == 1, f"One number was asked for: {what}.")
    return float(array.item())


def names_of(answer, known, n: int) -> list[str]:
    """Return an answer as a list of ``n`` names, all of them known."""
    expect(np.ndim(answer) < 2, "This holds more than the names; take the names alone, in one list.")
    expect(not isinstance(answer, str), f"This is one name, {answer!r}; {n} were asked for.")
    names = np.asarray(answer).ravel().tolist()
    numbers = any(isinstance(name, int | float) for name in names)
    whole = all(float(name).is_integer() for name in names) if numbers else False
    expect(not numbers or not whole, "These are indices of classes; look up their names.")
    expect(not numbers, "These are scores; the names of their classes were asked for.")
    expect(len(names) == n, f"There are {len(names)} names; {n} were asked for.")
    unknown = [name for name in names if name not in known]
    expect(not unknown, f"{unknown[:1]} is not the name of a class; capitals count.")
    return names


def events_of(answer):
    """Return an answer as a table of events, in order."""
    expect(hasattr(answer, "columns"), "A table of events was asked for, with the columns label, onset and offset.")
    missing = {"label", "onset", "offset"} - set(answer.columns)
    expect(not missing, f"The table lacks the column {', '.join(sorted(missing))}.")
    return answer[["label", "onset", "offset"]].sort_values(["onset", "label"], ignore_index=True)


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
    expect(hasattr(answer, "count_params"), "A Keras network was asked for (not what fit returns, its history).")
    expect(answer.built, "The network has no weights yet: give it an Input, or train it.")
    expect(answer.output_shape[-1] == 10, f"The network has {answer.output_shape[-1]} outputs; there are ten animals.")
