"""Runs on disk: checkpoints, their catalogue, and training that is recorded."""
