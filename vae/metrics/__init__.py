"""Metrics take arrays or models and return numbers: the ELBO, disentanglement, image quality."""
