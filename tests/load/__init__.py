"""What one user's flood costs another: `python -m tests.load`."""
