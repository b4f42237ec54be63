"""The sections of the page Few labels, few data."""
