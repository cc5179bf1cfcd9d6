"""The vendors, by name."""
