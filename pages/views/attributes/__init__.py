"""Parts of the screen Attributes."""
