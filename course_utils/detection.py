"""The former name of :mod:`course_utils.events`, kept until the lessons move."""

from course_utils.events import events_by_class, events_from_scores, join_segments

__all__ = ["events_by_class", "events_from_scores", "join_segments"]
