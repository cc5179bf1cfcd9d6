"""`make listen`: every local voice speaks, machines listen, and docs/voices.md says what they heard."""
