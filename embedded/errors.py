"""What goes wrong with a run and with the servers beside it."""


class RunError(Exception):
    """A run cannot begin, or go on; the message says why in one line."""


class EmbeddedServerError(RunError):
    """A server that should run beside us cannot."""
