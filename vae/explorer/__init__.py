"""Loads a trained model and answers questions about its latent space."""

from vae.explorer.explorer import Explorer

__all__ = ["Explorer"]
