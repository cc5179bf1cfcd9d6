"""The web page: its routes, templates and static files."""
