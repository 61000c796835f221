"""The former name of the events module still leads to it, until the lessons move."""

from course_utils import detection, events


def test_detection_is_another_name_of_events():
    assert detection.__all__ == ["events_by_class", "events_from_scores", "join_segments"]
    for name in detection.__all__:
        assert getattr(detection, name) is getattr(events, name)
