"""The tests: unit, integration (real servers), acceptance, chaos and browser."""
