"""Loads a trained model and answers questions about its latent space.

Example:
    from vae.explorer import Explorer

    explorer = Explorer.open("checkpoints/mnist-map")
    images = explorer.decode([[0.0, 1.0]])
"""

from vae.explorer.explorer import Explorer

__all__ = ["Explorer"]
