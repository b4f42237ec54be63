"""Parts of the screen Failures."""
