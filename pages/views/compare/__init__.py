"""Views of the screen Compare beta."""
