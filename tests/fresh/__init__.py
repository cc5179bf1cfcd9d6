"""A new machine, made to try the README on: `make fresh`. Standard library only."""
