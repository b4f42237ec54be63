"""Sections of the screen Kinds of model, one for each kind."""
