"""The HTTP API: handlers that parse, call and answer."""
