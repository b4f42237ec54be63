"""What the server allows, limits and prepares."""
