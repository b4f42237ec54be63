"""Latent Explorer's core: train, load and look into variational autoencoders."""
