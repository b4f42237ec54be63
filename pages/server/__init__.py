"""Settings of the server process: access, upload limits, warm-up and its network sockets."""
