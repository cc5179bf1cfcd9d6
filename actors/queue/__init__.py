"""What carries the work: the broker, the publisher, the worker, and the leases that say who works on what."""
