"""Parts of the screen Train."""
