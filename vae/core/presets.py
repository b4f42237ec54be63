"""Starting points of a training for people who have no settings in mind."""

from dataclasses import dataclass

from vae.core.config import Architecture


@dataclass(frozen=True)
class Preset:
    """A title, a purpose and the settings that serve it."""

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
