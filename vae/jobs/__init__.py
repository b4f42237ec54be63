"""What the server trains: jobs, sweeps of them, the queue, and its worker."""
