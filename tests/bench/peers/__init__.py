"""Small programs on the same work as ours, made of what others would take instead. They promise less."""
