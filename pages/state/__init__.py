"""State of the app: each session's choices, and the models and caches that all sessions share."""
