"""Sections of the screen Few labels, few data."""
