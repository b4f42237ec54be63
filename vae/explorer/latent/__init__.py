"""Geometry of latent space: paths, grids, planes, and nearest-neighbour search among codes."""
