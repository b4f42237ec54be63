"""Measures how closely a model restores the clean image from a corrupted one.

The model is compared with the corrupted image itself, with a median filter, and with a projection
on as many principal components as the model has latent dimensions. Peak signal-to-noise ratio and
structural similarity (Wang et al. 2004) are those of scikit-image.

Example:
    >>> explorer = Explorer.open("checkpoints/mnist-best")
    >>> found = measure_denoising(images, methods(explorer, labels), "noise", [0.3], components=20)
    >>> found.best("psnr")
    ('median',)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from vae.core.dataset_name import base_name
from vae.core.errors import CheckpointError, ConfigError
from vae.core.record import Record
from vae.explorer import Explorer
from vae.metrics.psnr_ssim import ImageQuality, image_quality
from vae.runs.run import Run

Images = Float[np.ndarray, "n h w c"]
Method = Callable[[Images], Images]
"""Restores corrupted images."""

Corruption = Literal["noise", "salt-and-pepper", "square"]
CORRUPTIONS: dict[Corruption, str] = {
    "noise": "Gaussian noise",
    "salt-and-pepper": "Salt and pepper",
    "square": "Missing square",
}
"""Titles of the corruptions by name."""

STRENGTHS: dict[Corruption, str] = {
    "noise": "standard deviation of the noise, in pixel units",
    "salt-and-pepper": "share of the pixels that are made black or white",
    "square": "side of the black square, as a share of the image's",
}
"""The meaning of a strength from 0 to 1."""

METHODS = {
    "corrupted": "As it came",
    "median": "Median filter",
    "pca": "PCA",
    "vae": "The model",
    "denoiser": "Trained for it",
}
"""Titles of the methods by name."""

PCA_IMAGES = 10_000
"""Number of clean training images that the principal components are fitted to."""


@dataclass(frozen=True)
class Denoising(Record):
    """The quality of each method at each strength of a corruption."""

    corruption: Corruption
    strengths: tuple[float, ...]
    count: int
    """Number of images."""

    components: int
    """Number of principal components: as many as the model has latent dimensions."""

    psnr: dict[str, tuple[float, ...]]
    """By method: peak signal-to-noise ratio at each strength, in dB."""

    ssim: dict[str, tuple[float, ...]]
    """By method: structural similarity at each strength."""

    def best(self, measure: str) -> tuple[str, ...]:
        """Return the best method by `psnr` or `ssim`, at each strength."""
        table: dict[str, tuple[float, ...]] = getattr(self, measure)
        return tuple(
            max(table, key=lambda name: table[name][index]) for index in range(len(self.strengths))
        )


def corrupt(images: Images, kind: Corruption, strength: float, seed: int = 0) -> Images:
    """Return corrupted copies with pixels in [0, 1]; see STRENGTHS for the strength.

    A seed gives the same noise at every strength, so that images change smoothly with it. Raises
    ConfigError for a strength outside 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise ConfigError(f"the strength of a corruption must be from 0 to 1, not {strength:g}")
    generator = np.random.default_rng(seed)
    if kind == "noise":
        noise = generator.standard_normal(images.shape, dtype=np.float32)
        return np.clip(images + np.float32(strength) * noise, 0, 1)
    if kind == "salt-and-pepper":
        hit = generator.random(images.shape[:3])[..., None] < strength
        white = generator.random(images.shape[:3])[..., None] < 0.5
        return np.where(hit, white.astype(np.float32), images)
    return np.where(_square(images.shape, strength, generator), np.float32(0), images)


def median_filtered(images: Images) -> Images:
    """Replace each pixel by the median of the 3x3 pixels around it, channel by channel."""
    from scipy.ndimage import median_filter

    return median_filter(images, size=(1, 3, 3, 1))


def fit_pca(images: Images, components: int) -> Method:
    """Fit principal components to clean images; returns the projection of images on them."""
    from sklearn.decomposition import PCA

    flat = images.reshape(len(images), -1)
    pca = PCA(min(components, *flat.shape), random_state=0).fit(flat)

    def project(corrupted: Images) -> Images:
        kept = pca.inverse_transform(pca.transform(corrupted.reshape(len(corrupted), -1)))
        return np.clip(kept, 0, 1).reshape(corrupted.shape).astype(np.float32)

    return project


def reconstruction_method(explorer: Explorer, labels: Int[np.ndarray, "n"]) -> Method:
    """Return the method that reconstructs images; a conditional model uses the labels."""
    return lambda images: explorer.reconstruct(images, labels[: len(images)])


def methods(
    explorer: Explorer,
    labels: Int[np.ndarray, "n"],
    pca: Method | None = None,
    denoiser: Explorer | None = None,
) -> dict[str, Method]:
    """Return the available methods by name; see METHODS."""
    available: dict[str, Method | None] = {
        "corrupted": lambda images: images,
        "median": median_filtered,
        "pca": pca,
        "vae": reconstruction_method(explorer, labels),
        "denoiser": reconstruction_method(denoiser, labels) if denoiser else None,
    }
    return {name: method for name, method in available.items() if method is not None}


def measure_denoising(
    clean: Images,
    how: Mapping[str, Method],
    corruption: Corruption,
    strengths: Sequence[float],
    components: int,
    seed: int = 0,
) -> Denoising:
    """Corrupt images at each strength, restore them, and compare them with the clean ones.

    Args:
        clean: The clean images.
        how: The methods that restore images, by name.
        corruption: The kind of corruption.
        strengths: Strengths above 0, because a clean image has an infinite ratio, up to 1.
        components: Number of principal components of the method "pca", for the record.
        seed: Seed of the corruption.
    """
    found: dict[str, list[ImageQuality]] = {name: [] for name in how}
    for strength in strengths:
        if not 0 < strength <= 1:
            raise ConfigError(f"strengths must be above 0 and at most 1, not {strength:g}")
        corrupted = corrupt(clean, corruption, strength, seed)
        for name, method in how.items():
            found[name].append(image_quality(clean, method(corrupted)))
    return Denoising(
        corruption=corruption,
        strengths=tuple(strengths),
        count=len(clean),
        components=components,
        psnr={name: tuple(q.psnr for q in each) for name, each in found.items()},
        ssim={name: tuple(q.ssim for q in each) for name, each in found.items()},
    )


def find_denoiser(runs: Iterable[Run], of: Run) -> Run:
    """Return the model with the best ELBO that was trained to denoise the images of a run.

    Raises CheckpointError when there is none.
    """
    dataset = base_name(of.train.dataset)
    denoisers = [
        run
        for run in runs
        if run.train.corruption
        and run.model.kind == "vae"
        and run.train.dataset == dataset
        and run.model.image_shape == of.model.image_shape
    ]
    if not denoisers:
        raise CheckpointError(
            f"no model of {dataset} was trained to undo corruption; train one with `vae train "
            f"--dataset {dataset} --latent-dim 20 --corruption 0.5`"
        )
    return max(denoisers, key=lambda run: run.results.test_elbo)


def _square(
    shape: tuple[int, ...], share: float, generator: np.random.Generator
) -> Bool[np.ndarray, "n h w 1"]:
    """Return a mask of the missing square of each image, which lies inside the image."""
    count, height, width = shape[:3]
    side = round(share * min(height, width))
    corners = generator.random((2, count, 1))
    rows = np.floor(corners[0] * (height - side + 1)).astype(int)
    columns = np.floor(corners[1] * (width - side + 1)).astype(int)
    y, x = np.arange(height), np.arange(width)
    down = (rows <= y) & (y < rows + side)
    across = (columns <= x) & (x < columns + side)
    return (down[:, :, None] & across[:, None, :])[..., None]
