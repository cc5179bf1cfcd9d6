"""What becomes slow when the tables are long: a database of a million jobs, looked at, measured and swept."""
