"""What makers of the course run; students need none of it but ``tools.build``, behind ``make run``."""
