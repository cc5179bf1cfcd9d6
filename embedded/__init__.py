"""Everything on one machine with nothing to install: the servers as child processes, and the all-in-one run."""
