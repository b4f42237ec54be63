"""The views of the screen Compare beta."""
