"""Figures beside their ranges. (What checks say of answers is the business of tests/lessons/test_exercises.py.)"""

import math

import pytest

from course_utils import check


@pytest.mark.parametrize(
    ("figure", "right"),
    [(0.5, True), (0.75, True), (1, True), (0.4999, False), (1.0001, False), (-1, False), (math.nan, False)],
)
def test_a_figure_is_right_within_its_range_both_ends_included(figure, right):
    found = check.expected(("*accuracy* < 1", figure, 0.5, 1), ("clips", 400, 400, 400))
    assert found.passed is right
    for shown in (repr(found), found._repr_html_()):
        assert ("✗ outside this range" in shown) is not right
        assert shown.count("✓") == 1 + right
    assert "400 to 400" not in repr(found)
    assert found.figures == {"*accuracy* < 1": pytest.approx(figure, nan_ok=True), "clips": 400}
    assert "<i>accuracy</i> &lt; 1" in found._repr_html_()


def test_a_verdict_shows_code_and_emphasis_and_says_how_to_go_on():
    @check.answers.exercise(hint="`mean` takes an *axis*: 2 * 3 < 7.", why="Indeed.", then="More?")
    def one(answer):
        check.answers.expect(answer == 1, "Your `x` is not 1.")

    assert repr(one(1)) == "✓ Right. Indeed.\nNext: More?"
    assert repr(one(2)) == "✗ Not quite. Your `x` is not 1.\nHint: `mean` takes an *axis*: 2 * 3 < 7."
    assert "Your <code>x</code> is not 1." in one(2)._repr_html_()
    assert "<code>mean</code> takes an <i>axis</i>: 2 * 3 &lt; 7." in one(2)._repr_html_()
    for nothing in (..., None, (1, ...), {"a": ...}):
        said = repr(one(nothing))
        assert (
            said
            == "✗ Not yet. Replace the `...` with your answer and run this cell again.\nStuck? Open *Hint 1* above."
        )
    assert "<code>...</code>" in one()._repr_html_()
    assert "<i>Hint 1</i>" in one()._repr_html_()
    assert "can't read this answer" in repr(check.answers.exercise(hint="", why="", then="")(len)(3))
