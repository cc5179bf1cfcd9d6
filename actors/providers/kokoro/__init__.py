"""Kokoro-82M on this machine: its model file, its voices, the process in which it lives, and the provider `kokoro`."""
