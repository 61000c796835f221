"""What makers of the course run; students need none of it but ``makers.build``, behind ``make run``."""
