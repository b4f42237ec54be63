"""Stores training runs on disk: checkpoints, unfinished runs, and the list of all of them."""
