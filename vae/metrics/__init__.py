"""Metrics: arrays or models in, numbers out."""
