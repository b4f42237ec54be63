"""Defines the variational autoencoder, its relatives, their networks and their likelihoods.

Example:
    from vae.core.config import ModelConfig
    from vae.models.build import build_seeded

    model = build_seeded(ModelConfig((1, 28, 28), latent_dim=2), seed=0)
    posterior = model.encode(images)
"""
