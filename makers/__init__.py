"""What makers of the course run, and ``make run`` behind the scenes; students in a notebook need none of it."""
