"""The fixtures of the course's tests."""

from conftest import esc50, mini, mirror, yamnet  # noqa: F401
