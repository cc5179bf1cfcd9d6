"""Lint rules of our own: defects that were made here, or nearly, and that can be seen in the text of the code."""
