"""Latent space: lines and grids through it, planes of it, and the codes around a place."""
