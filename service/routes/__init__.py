"""The handlers, one file a noun: parse, call, answer."""
