"""Ready-made settings of a training run, for people who have none in mind.

Example:
    >>> preset = PRESETS["1 minute"]
    >>> preset.dataset, preset.architecture, preset.latent_dim, preset.epochs
    ('mnist', 'mlp-deep', 2, 8)
"""

from dataclasses import dataclass

from vae.core.config import Architecture


@dataclass(frozen=True)
class Preset:
    """The settings of one run, with a title and a purpose."""

    title: str
    purpose: str
    dataset: str
    architecture: Architecture
    latent_dim: int
    epochs: int
    batch_size: int = 128
    beta: float = 1.0


PRESETS = {
    preset.title: preset
    for preset in (
        Preset("5 seconds", "Digits of 8x8 pixels, as a map.", "digits", "mlp-deep", 2, 40, 64),
        Preset("1 minute", "All of MNIST, as a map.", "mnist", "mlp-deep", 2, 8),
        Preset("Best", "All of MNIST, sharper: minutes, not one.", "mnist", "conv-mlp", 30, 20),
    )
}
"""Presets by title; the times in the titles hold for two laptop cores."""
