"""The faults: what can be done to a running cluster. All kinds are in `table.py`, when they strike is `injector.py`."""
