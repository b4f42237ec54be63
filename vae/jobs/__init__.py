"""Training jobs of the server: the queue, its worker process, limits, estimates and sweeps."""
