"""The course as a whole."""
