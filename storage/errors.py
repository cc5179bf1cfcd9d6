"""What storage raises when a server that it needs is away. Standard library only: everybody may import it."""

from __future__ import annotations


class DatabaseUnavailable(Exception):
    """The database is away, or takes no writes; it may do better later. The message is its own, in one sentence."""
