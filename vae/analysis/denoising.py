"""Denoising: how near to the clean image what a model makes of a corrupted one comes.

Beside it stand the corrupted image itself, a median filter, and principal components, as many as
the model has latent dimensions: the linear way through as narrow a gap. Peak signal-to-noise ratio
and structural similarity (Wang et al. 2004) are those of scikit-image.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from vae.core.dataset_name import base_name
from vae.core.errors import CheckpointError, ConfigError
from vae.core.record import Record
from vae.explorer import Explorer
from vae.metrics.psnr_ssim import ImageQuality, image_quality
from vae.runs.run import Run

Images = Float[np.ndarray, "n h w c"]
Method = Callable[[Images], Images]
"""Takes corrupted images, gives what it takes for the clean ones."""

Corruption = Literal["noise", "salt-and-pepper", "square"]
CORRUPTIONS: dict[Corruption, str] = {
    "noise": "Gaussian noise",
    "salt-and-pepper": "Salt and pepper",
    "square": "Missing square",
}
"""By name, as people write them."""

STRENGTHS: dict[Corruption, str] = {
    "noise": "standard deviation of the noise, in pixel units",
    "salt-and-pepper": "share of the pixels that are made black or white",
    "square": "side of the black square, as a share of the image's",
}
"""What a strength from 0 to 1 means."""

METHODS = {
    "corrupted": "As it came",
    "median": "Median filter",
    "pca": "PCA",
    "vae": "The model",
    "denoiser": "Trained for it",
}
"""By name, as people write them."""

PCA_IMAGES = 10_000
"""Clean training images that the principal components are fitted on."""


@dataclass(frozen=True)
class Denoising(Record):
    """The quality of each method at each strength of a corruption."""

    corruption: Corruption
    strengths: tuple[float, ...]
    count: int
    """Images that were corrupted."""

    components: int
    """Of PCA: as many as the model has latent dimensions."""

    psnr: dict[str, tuple[float, ...]]
    """By method, in dB, one for each strength."""

    ssim: dict[str, tuple[float, ...]]
    """By method, one for each strength."""

    def best(self, measure: str) -> tuple[str, ...]:
        """The method that wins by `psnr` or `ssim`, at each strength."""
        table: dict[str, tuple[float, ...]] = getattr(self, measure)
        return tuple(
            max(table, key=lambda name: table[name][place]) for place in range(len(self.strengths))
        )


def corrupt(images: Images, kind: Corruption, strength: float, seed: int = 0) -> Images:
    """Corrupted copies, pixels cut off at 0 and 1; `strength` is 0 to 1, see STRENGTHS.

    One seed draws the same noise at every strength, so that pictures change steadily with it.
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
    """Each pixel the median of the 3x3 around it, in its own channel."""
    from scipy.ndimage import median_filter

    return median_filter(images, size=(1, 3, 3, 1))


def fit_pca(images: Images, components: int) -> Method:
    """What is left of images in the principal components of clean ones."""
    from sklearn.decomposition import PCA

    flat = images.reshape(len(images), -1)
    pca = PCA(min(components, *flat.shape), random_state=0).fit(flat)

    def project(corrupted: Images) -> Images:
        kept = pca.inverse_transform(pca.transform(corrupted.reshape(len(corrupted), -1)))
        return np.clip(kept, 0, 1).reshape(corrupted.shape).astype(np.float32)

    return project


def reconstruction_method(explorer: Explorer, labels: Int[np.ndarray, "n"]) -> Method:
    """Decode the most probable code of each image; a conditional model is told their labels."""
    return lambda images: explorer.reconstruct(images, labels[: len(images)])


def methods(
    explorer: Explorer,
    labels: Int[np.ndarray, "n"],
    pca: Method | None = None,
    denoiser: Explorer | None = None,
) -> dict[str, Method]:
    """What is done with corrupted images, by name; see METHODS."""
    found: dict[str, Method | None] = {
        "corrupted": lambda images: images,
        "median": median_filtered,
        "pca": pca,
        "vae": reconstruction_method(explorer, labels),
        "denoiser": reconstruction_method(denoiser, labels) if denoiser else None,
    }
    return {name: method for name, method in found.items() if method is not None}


def measure_denoising(
    clean: Images,
    how: Mapping[str, Method],
    corruption: Corruption,
    strengths: Sequence[float],
    components: int,
    seed: int = 0,
) -> Denoising:
    """Corrupt images at each strength, undo it by each method, and compare with the clean ones.

    Strengths are above 0: of the clean image itself the ratio is infinite.
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
    """The model of the same images that was trained to undo corruption; the best of several.

    CheckpointError where there is none.
    """
    dataset = base_name(of.train.dataset)
    fitting = [
        run
        for run in runs
        if run.train.corruption
        and run.model.kind == "vae"
        and run.train.dataset == dataset
        and run.model.image_shape == of.model.image_shape
    ]
    if not fitting:
        raise CheckpointError(
            f"no model of {dataset} was trained to undo corruption; train one with `vae train "
            f"--dataset {dataset} --latent-dim 20 --corruption 0.5`"
        )
    return max(fitting, key=lambda run: run.results.test_elbo)


def _square(shape: tuple[int, ...], share: float, generator: np.random.Generator) -> np.ndarray:
    """Where the missing square of each image is; it lies within the image."""
    count, height, width = shape[:3]
    side = round(share * min(height, width))
    places = generator.random((2, count, 1))
    rows = np.floor(places[0] * (height - side + 1)).astype(int)
    columns = np.floor(places[1] * (width - side + 1)).astype(int)
    y, x = np.arange(height), np.arange(width)
    down = (rows <= y) & (y < rows + side)
    across = (columns <= x) & (x < columns + side)
    return (down[:, :, None] & across[:, None, :])[..., None]
