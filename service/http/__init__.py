"""What surrounds every request: its id and headers, errors in two languages, who calls, JSON bodies, ranges."""
