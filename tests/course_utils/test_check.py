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
        assert ("✗ look again" in shown) is not right
        assert shown.count("✓") == 1 + right
    assert found.figures == {"*accuracy* < 1": pytest.approx(figure, nan_ok=True), "clips": 400}
    assert "<i>accuracy</i> &lt; 1" in found._repr_html_()
