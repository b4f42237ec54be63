"""What a session has chosen, and what all sessions share."""
