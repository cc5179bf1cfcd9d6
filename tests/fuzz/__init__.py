"""Whatever a stranger may send, by the ten thousand: `make fuzz`, and a little of it in `make test`."""
