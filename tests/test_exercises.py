"""Every exercise: the stub is told "not yet", the solution passes, and typical wrong answers are told what is wrong."""

import ast
import functools
import inspect
import json
import os
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from course_utils import check
from tools import make_notebooks

SOURCES = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(make_notebooks.SOURCES.glob("*.ipynb"))
}


def source(cell) -> str:
    return "".join(cell["source"])


def tags(cell) -> list:
    return cell["metadata"].get("tags", [])


def exercises() -> dict:
    """Return of each exercise its notebook, the place of its first cell, and its cells."""
    found = {}
    for name, notebook in SOURCES.items():
        number = None
        for i, cell in enumerate(notebook["cells"]):
            if heading := re.match(r"### Exercise (\d\.\d): ", source(cell)):
                number = heading[1]
                found[number] = {
                    "notebook": name,
                    "place": i,
                    "text": source(cell),
                    "given": "",
                    "stub": "",
                    "solution": "",
                }
            elif number and cell["cell_type"] == "code":
                part = next((tag for tag in ("stub", "solution") if tag in tags(cell)), "given")
                part = "check" if re.search(r"^check\.", source(cell), re.M) else part
                found[number][part] = source(cell)
                number = None if part == "check" else number
    return found


EXERCISES = exercises()


def names(code: str) -> tuple[set, set]:
    """Return which names a piece of code uses, and which it sets or works on, loops and functions' own left out."""
    tree = ast.parse(code)
    inner = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.comprehension)]
    own = {n.id for node in inner for n in ast.walk(node.target) if isinstance(n, ast.Name)}
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        own |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        own |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    used, made = set(), {function.name for function in functions}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            made |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Attribute) and node.attr in ("fit", "add", "compile"):
            made |= {node.value.id} if isinstance(node.value, ast.Name) else set()
    return used - own, made - own


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    """A cache that nothing else has written to, or the one that is set for the real assets."""
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("COURSE_CACHE"):
            patch.setenv("COURSE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@functools.cache
def namespace(notebook: str) -> dict:
    """Run those cells of a notebook that its exercises build on, with nbmake's shorter settings."""
    wanted, needed = set(), []
    of_notebook = {e["place"]: e for e in EXERCISES.values() if e["notebook"] == notebook}
    for i, cell in reversed(list(enumerate(SOURCES[notebook]["cells"]))):
        if i in of_notebook:
            wanted |= names("\n".join(of_notebook[i][part] for part in ("given", "stub", "solution", "check")))[0]
        if (
            cell["cell_type"] != "code"
            or {"stub", "solution"} & set(tags(cell))
            or re.search(r"^check\.", source(cell), re.M)
        ):
            continue
        used, made = names(source(cell))
        if made & wanted or "start_tensorflow()" in source(cell):
            needed.append(cell)
            wanted |= used
    values = {"check": check}
    for cell in reversed(needed):
        exec(source(cell), values)
        plt.close("all")
        values |= cell["metadata"].get("nbmake", {}).get("mock", {})
    return values


@functools.cache
def answered(number: str, part: str) -> dict:
    """Return the variables after an exercise's stub, or after its solution."""
    exercise = EXERCISES[number]
    values = dict(namespace(exercise["notebook"]))
    exec(exercise["given"], values)
    exec(exercise[part], values)
    return values


def verdict(number: str, part: str, then: str = ""):
    """Run an exercise's stub or solution, and other code after it; return what the check says."""
    values = dict(answered(number, part))
    exec(then, values)
    return eval(re.search(r"^check\.(.|\n)*", EXERCISES[number]["check"], re.M)[0], values)


# Statements that put a wrong answer in the place of the right one; they run after the solution.
WRONG = {
    "1.1": [
        "top_ten = top_ten[:5]",
        "top_ten = np.argsort(clipwise_output[0])[::-1][:10]",
        "top_ten = np.sort(clipwise_output[0])[::-1][:10]",
        "top_ten = labels['display_name'][np.argsort(clipwise_output[0])[:10]].to_list()",
        "top_ten = top_ten[::-1]",
        "top_ten = labels['display_name'].to_list()[:10]",
        "top_ten = [name.lower() for name in top_ten]",
    ],
    "1.2": [
        "wrong_scores = clipwise_output",
        "wrong_scores = tagger.inference(half_as_many[np.newaxis])",
        "wrong_scores = tagger.inference(half_as_many[np.newaxis])[1]",
        "wrong_scores, _ = tagger.inference(audio.load(clip.path, 64000)[np.newaxis])",
        "wrong_scores = wrong_scores[0][:5]",
        "wrong_scores = wrong_scores + 0.1",
    ],
    "1.3": [
        "onset = np.argmax(whistling > whistling.max() / 2)",
        "onset = whistling.argmax() / FRAME_RATE",
        "onset = 0.1",
        "onset = whistling",
    ],
    "1.4": [
        "thresholds = 0.5",
        "thresholds = {'Speech': 0.5, 'Whistling': 0.4}",
        "thresholds = {'Speech': 50, 'Whistling': 40, 'Siren': 10}",
        "thresholds = {'Speech': 0.5, 'Whistling': 0.4, 'Siren': 0.99}",
        "thresholds = {'Speech': 0.0, 'Whistling': 0.4, 'Siren': 0.1}",
        "thresholds = {'Speech': -1, 'Whistling': 0.4, 'Siren': 0.1}",
    ],
    "2.1": [
        "tops = class_names[scores.mean(axis=0).argmax()]",
        "tops = scores.argmax(axis=1)",
        "tops = scores.argmax(axis=0)",
        "tops = ['Speech'] * len(scores)",
        "tops = tops[:3]",
        "tops = [(name, 0.5) for name in tops]",
    ],
    "2.2": [
        "quiet = quiet_windows.numpy()",
        "quiet = scores.mean(axis=0) / 100",
        "quiet = scores.mean(axis=0)",
        "waveform = 0.01 * waveform; quiet = yamnet(waveform)[0].numpy().mean(axis=0)",
        "quiet = yamnet(0.1 * waveform)[0].numpy().mean(axis=0)",
        "quiet = quiet_windows.numpy().mean(axis=1)",
    ],
    "2.3": [
        "n_windows = 10",
        "n_windows = lambda s: int(np.ceil(s / 0.48))",
        "n_windows = lambda s: int(np.ceil(s / 0.96))",
        "n_windows = lambda s: max(1, 1 + int((s - 0.96) / 0.48))",
        "n_windows = lambda s: 1 + int(np.ceil((s - 0.96) / 0.48))",
        "n_windows = lambda s: None",
    ],
    "2.4": [
        "event_names = class_names[scene_scores.mean(axis=0).argmax()]",
        "event_names = [class_names[scene_scores.mean(axis=0).argmax()]] * 4",
        "event_names = [class_names.index(name) for name in event_names]",
        "event_names = ['Dog', 'Cat', 'Cow', 'Pig']",
        "event_names = event_names[:2]",
    ],
    "3.1": [
        "zero_shot_all = 100 * (animal_scores.argmax(axis=1) == y).mean()",
        "zero_shot_all = (animal_scores.argmax(axis=1) == y)[test].mean()",
        "zero_shot_all = (animal_scores.argmax(axis=1) == y).sum()",
        "zero_shot_all = (animal_scores.argmax(axis=1) != y).mean()",
        "zero_shot_all = animal_scores.argmax(axis=1) == y",
    ],
    "3.2": [
        "linear = linear.fit(x_train, y_train, epochs=1, verbose=0)",
        "linear = classifier",
        "linear = tf.keras.Sequential([tf.keras.layers.Input((1024,)), tf.keras.layers.Dense(10)])",
        "linear = tf.keras.Sequential([tf.keras.layers.Input((1024,)), tf.keras.layers.Dense(10, use_bias=False)])",
        "linear = tf.keras.Sequential([tf.keras.layers.Input((1024,)), tf.keras.layers.Dense(50)])",
        "linear = tf.keras.Sequential([tf.keras.layers.Dense(10)])",
        "linear = tf.keras.Sequential([*linear.layers, tf.keras.layers.Softmax()]); linear.build((None, 1024))",
    ],
    "3.3": [
        "voted = window_votes",
        "voted = clip_logits.mean(axis=1).argmax(axis=1)",
        "voted = y[test]",
        "voted = [classes[i] for i in voted]",
        "voted = np.array([np.bincount(row, minlength=10).max() for row in window_votes])",
    ],
    "3.4": [
        "honest_5, leaked_5 = leaked_5, honest_5",
        "honest_5, leaked_5 = 100 * honest_5, 100 * leaked_5",
        "honest_5, leaked_5 = honest, leaked",
        "honest_5, leaked_5 = honest - 0.1, leaked",
        "honest_5, leaked_5 = 0.1, 0.12",
    ],
    "3.5": [
        "small = classifier",
        "small = tf.keras.Sequential([tf.keras.layers.Input((1024,)), tf.keras.layers.Dense(10)])",
        "small = tf.keras.Sequential([tf.keras.Input((1024,)), tf.keras.layers.Dense(10), tf.keras.layers.Dense(10)])",
        "small = small.get_weights()",
        "small = tf.keras.Sequential([*small.layers, tf.keras.layers.Dense(3)]); small.build((None, 1024))",
    ],
    "4.1": [
        "f_score = lambda tp, fp, fn: tp / (tp + fp)",
        "f_score = lambda tp, fp, fn: tp / (tp + fn)",
        "f_score = lambda tp, fp, fn: (tp / (tp + fp) + tp / (tp + fn)) / 2",
        "f_score = lambda tp, fp, fn: tp / (tp + fp + fn)",
        "f_score = lambda tp, fp, fn: 200 * tp / (2 * tp + fp + fn)",
        "f_score = 6 / 9",
        "f_score = lambda tp, fp, fn: 2 / ((tp + fp) / tp + (tp + fn) / tp)",
        "f_score = lambda tp: tp",
    ],
    "4.2": [
        "strict = detection.events_from_scores(scores, classes, HOP, WINDOW, threshold)",
        "strict = segments",
        "strict = detection.events_from_scores(scores, classes, 0.48, WINDOW, 0.9)",
        "strict = detection.events_from_scores(scores, classes, HOP, WINDOW, 0.09)",
        "strict = strict[['label', 'onset']]",
    ],
    "4.3": [
        "long_events = events",
        "long_events = events[events['offset'] - events['onset'] < 1]",
        "long_events = events[events['onset'] >= 1]",
        "long_events = mixture.reference[['label', 'onset']]",
        "long_events = [1.46, 1.96]",
    ],
    "4.4": [
        "settings = {'thresholds': 0.2, 'smooth': 0.0, 'shortest': 0.0}",
        "settings = {'thresholds': 0.2, 'smooth': 1000, 'shortest': 500}",
        "settings = {'thresholds': 0.99, 'smooth': 1.5, 'shortest': 0.5}",
        "settings = {'threshold': 0.2, 'smooth': 1.5, 'shortest': 0.5}",
        "settings = {'thresholds': 20, 'smooth': 1.5, 'shortest': 0.5}",
        "settings = {'thresholds': 0.2, 'smooth': 1.0, 'shortest': 0.5}",
        "settings = (0.2, 1.5, 0.5)",
    ],
    "5.1": [
        "mild = hard",
        "mild = scores > 0.1",
        "mild = np.where(scores > 0.5, scores, 0)",
        "mild = scores.argmax(axis=1)",
        "mild = scores <= 0.5",
    ],
    "5.2": [
        "softened = scores / 2",
        "softened = logits / 2",
        "softened = 1 / (1 + np.exp(-2 * logits))",
        "softened = np.exp(logits / 2) / np.exp(logits / 2).sum(axis=1, keepdims=True)",
        "softened = np.log(0 * soft)",
        "softened = softened.mean(axis=0)",
    ],
    "5.3": [
        "clips_needed = clips_needed / 3.6e6",
        "clips_needed = clips_needed / 1000",
        "clips_needed = 3.6e6 * figures['training']['kwh'] / (figures['joules']['yamnet'] - figures['joules']['mini'])",
        "clips_needed = 3.6e6 * trainings / figures['joules']['yamnet']",
        "clips_needed = 3.6e6 * trainings / figures['joules']['mini']",
        "clips_needed = 7",
    ],
    "5.4": [
        "student_embeddings = teacher_embeddings",
        "student_embeddings = soft",
        "student_embeddings = student_embeddings[test]",
        "student_embeddings = np.random.default_rng(0).random((800, 1024))",
        "student_embeddings = np.ones((800, 1024))",
        "student_embeddings = np.zeros((800, 1024))",
    ],
}


# Other right answers; they run after the solution, too.
ALSO_RIGHT = {
    "1.1": ["top_ten = np.array(top_ten)", "top_ten = labels['display_name'][np.argsort(clipwise_output[0])[:-11:-1]]"],
    "1.2": ["wrong_scores = wrong_scores[0]", "wrong_scores = clipwise_output = wrong_scores"],
    "1.3": ["onset = np.float32(onset)", "onset = np.array([onset])"],
    "1.4": ["thresholds = {'Speech': 0.3, 'Whistling': np.float32(0.1), 'Siren': 0.1, 'Dog': 0.5}"],
    "2.1": ["tops = np.array(class_names)[scores.argmax(axis=1)]", "tops = tuple(tops)"],
    "2.2": ["quiet = tf_mean = quiet_windows[:].numpy().mean(axis=0).tolist()"],
    "2.3": [
        "n_windows = lambda s: max(1.0, 1 + np.ceil((s - 0.975) / 0.48))",
        "n_windows = lambda s: np.int64(1 + -(-max(0, s - 0.96) // 0.48))",
    ],
    "2.4": [
        "cut = [scene_scores[int(e.onset / 0.48):int(e.offset / 0.48)] for e in truth.itertuples()]\n"
        "event_names = [class_names[rows.max(axis=0).argmax()] for rows in cut]"
    ],
    "3.1": [
        "zero_shot_all = float(zero_shot_all)",
        "zero_shot_all = tf.reduce_mean(tf.cast(animal_scores.argmax(axis=1) == y, tf.float64))",
    ],
    "3.3": ["voted = voted.tolist()", "voted = pd.DataFrame(window_votes).mode(axis=1)[0]"],
    "3.4": ["honest_5, leaked_5 = np.float32(honest_5), float(leaked_5)"],
    "4.1": [
        "f_score = lambda tp, fp, fn: tp / (tp + (fp + fn) / 2)",
        "f_score = lambda tp, fp, fn: 0 if tp == 0 else 2 / ((tp + fp) / tp + (tp + fn) / tp)",
    ],
    "4.2": [
        "strict = strict.sample(frac=1, random_state=0)",
        "strict = detection.join_segments([s for s in segments if scores[round(s[1] / HOP)].max() > 0.9])",
    ],
    "4.3": ["long_events = events.query('offset - onset >= 1')", "long_events = long_events.assign(length=2.0)"],
    "4.4": [
        "settings = {'thresholds': {c: 0.2 for c in classes}, 'smooth': 1.5, 'shortest': 0.3}",
        "settings = {'thresholds': [0.2] * 10, 'smooth': 1.5, 'shortest': 0.5}",
    ],
    "5.1": ["mild = scores > 0.5", "mild = np.where(scores > 0.5, 1, 0)"],
    "5.2": ["softened = np.sqrt(soft) / (np.sqrt(soft) + np.sqrt(1 - soft))", "softened = tf.sigmoid(logits / 2)"],
    "5.3": ["clips_needed = round(clips_needed, -3)", "clips_needed = 3.6e6 * 0.067 / (0.29 - 0.08)"],
}


@pytest.mark.parametrize("number", ALSO_RIGHT)
def test_other_right_answers_pass(number):
    for code in ALSO_RIGHT[number]:
        assert (said := verdict(number, "solution", code)), f"{code}: {said}"


def test_each_notebook_has_three_to_five_in_order():
    for i, name in enumerate(SOURCES, start=1):
        numbers = [number for number, exercise in EXERCISES.items() if exercise["notebook"] == name]
        assert numbers == [f"{i}.{k}" for k in range(1, len(numbers) + 1)]
        assert 3 <= len(numbers) <= 5
        kinds = [re.search(r"minutes, (.+)\.$", EXERCISES[number]["text"], re.M)[1] for number in numbers]
        assert kinds[0] == "one line"
        assert kinds[-1] == "open"


def test_each_check_has_an_exercise_and_typical_wrong_answers():
    assert WRONG.keys() == EXERCISES.keys()
    used = {re.search(r"^check\.(\w+)", exercise["check"], re.M)[1] for exercise in EXERCISES.values()}
    public = {name for name, value in vars(check).items() if inspect.isfunction(value) and not name.startswith("_")}
    assert used == public
    for number, exercise in EXERCISES.items():
        assert "**Goal:**" in exercise["text"]
        assert "<details><summary>Hint</summary>" in exercise["text"]
        name = re.search(r"^check\.(\w+)", exercise["check"], re.M)[1]
        assert f"exercise {number}: " in getattr(check, name).__doc__


@pytest.mark.parametrize("number", EXERCISES)
def test_stub_is_told_not_yet_and_nothing_raises(number):
    said = verdict(number, "stub")
    assert not said
    assert repr(said).startswith("✗ Not yet. ")
    assert "Hint: " in repr(said)
    assert "three dots" in said.message or "does not return a number" in said.message
    assert "Try it first" in said.further


@pytest.mark.parametrize("number", EXERCISES)
def test_solution_passes_and_wrong_answers_are_told_what_is_wrong(number):
    said = verdict(number, "solution")
    assert said, said
    assert repr(said).startswith("✓ Right. ")
    assert "Next: " in repr(said)
    messages = []
    for wrong in WRONG[number]:
        said = verdict(number, "solution", wrong)
        assert not said, f"{wrong}: {said}"
        assert "cannot make sense" not in said.message, f"{wrong}: {said}"
        assert "✗ Not yet." in said._repr_html_()
        messages.append(said.message)
    assert len(messages) >= 3
    assert len(set(messages)) == len(messages), messages


ODD = [
    None,
    ...,
    3,
    "dog",
    [],
    {},
    object(),
    np.array([np.nan]),
    lambda *_: 1 / 0,
    pd.DataFrame(),
    (..., 1),
    [[1], [2, 3]],
]


@pytest.mark.parametrize("number", EXERCISES)
def test_a_check_never_raises(number):
    call = re.search(r"^check\.(\w+)(.|\n)*", EXERCISES[number]["check"], re.M)
    data = ast.parse(call[0], mode="eval").body.args[1:]
    values, function = answered(number, "solution"), getattr(check, call[1])
    for answer in ODD:
        for arguments in ([eval(ast.unparse(node), dict(values)) for node in data], []):
            said = function(answer, *arguments)
            assert not said
            assert said.message
            said._repr_html_()


def solution_lines(notebook: dict) -> set:
    """Return the lines of solutions that stand nowhere else in a source."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code" or "solution" in tags(cell)]
    lines = {line.strip() for cell in code if "solution" in tags(cell) for line in source(cell).splitlines()}
    taught = {line.strip() for cell in code if "solution" not in tags(cell) for line in source(cell).splitlines()}
    return {line for line in lines - taught if len(line) > 8 and not line.isidentifier()}


@pytest.mark.parametrize("name", SOURCES)
def test_student_notebook_holds_no_solution(name):
    text = (ROOT / f"notebooks/{name}.ipynb").read_text(encoding="utf-8")
    student, solved = (
        json.loads((ROOT / p / f"{name}.ipynb").read_text("utf-8")) for p in ("notebooks", "notebooks/solutions")
    )
    lines = solution_lines(SOURCES[name])
    assert len(lines) >= 4
    for line in lines:
        assert json.dumps(line, ensure_ascii=False)[1:-1] not in text, line
        assert any(line in source(cell) for cell in solved["cells"]), line
    for exercise in (e for e in EXERCISES.values() if e["notebook"] == name):  # nor do the hints quote it
        hint = exercise["text"].partition("<summary>Hint</summary>")[2]
        quoted = [code for code in re.findall(r"`([^`]*[(\[][^`]*)`", hint) if code in exercise["solution"]]
        assert max(map(len, quoted), default=0) < 20, quoted
    assert all(not {"stub", "solution"} & set(tags(cell)) for cell in student["cells"])
    assert "How to check yourself" not in text


def test_notebooks_are_those_of_the_sources():
    texts = make_notebooks.texts()
    assert len(texts) == 2 * len(SOURCES)
    for path, text in texts.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is not what its source says: make notebooks"
