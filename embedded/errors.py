"""What goes wrong with the servers that run beside us."""


class EmbeddedServerError(Exception):
    """A server that should run beside us cannot; the message says why in one line."""
