"""The clockwork: what is due is dispatched, what is dead, late or old is put away."""
