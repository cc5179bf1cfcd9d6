"""How fast we are, beside what others would use instead and beside what the servers allow: `python -m tests.bench`."""
