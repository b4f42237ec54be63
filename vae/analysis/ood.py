"""Measures whether a model can detect out-of-distribution (OOD) images.

Each image has two indicators: its ELBO, and the distance of its code from the codes of test images
(`Explorer.outlyingness`). An indicator flags an image that is more extreme than all but
FALSE_ALARMS of the model's own test images; an image is flagged when either indicator flags it.
Neither is reliable alone. Simple images can have a higher ELBO than those of the training set
(Nalisnick et al. 2019, "Do Deep Generative Models Know What They Don't Know?"), and an encoder can
map any image close to known codes.

Example:
    >>> found = measure_ood(explorer, images, labels)
    >>> {result.name: result.flagged for result in found}["noise"]
    1.0
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import zoom

from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.data.registry import load_dataset
from vae.explorer import Explorer

FALSE_ALARMS = 0.01
"""Share of the model's own test images that each indicator flags."""

OWN = "its own test images"
DIGITS, SPRITES = "digits of 8x8 pixels", "sprites"

Images = Float[np.ndarray, "_ h w c"]


@dataclass(frozen=True)
class OodResult(Record):
    """How a model responds to the images of one source; shares are from 0 to 1."""

    name: str
    loss: float
    """-ELBO in nats per image; for an autoencoder, the distortion."""

    low_elbo: float
    """Share of images with an ELBO below the threshold."""

    far_code: float
    """Share of images whose code is too far from those of test images."""

    flagged: float
    """Share of images that either indicator flags."""

    count: int

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; `flagged` keeps its old key in `vae ood --json`, caught."""
        values = super().to_dict()
        return {("caught" if key == "flagged" else key): values[key] for key in values}


def ood_images(own: Images, seed: int = 0) -> dict[str, Images]:
    """Return images of other sources by name, at most as many as `own` and of the same shape."""
    generator = np.random.default_rng(seed)
    shuffled = generator.permuted(own.reshape(len(own), -1), axis=1).reshape(own.shape)
    return {
        "upside down": np.ascontiguousarray(own[:, ::-1]),
        "black for white": 1 - own,
        "pixels shuffled": shuffled,
        "noise": generator.random(own.shape, dtype=np.float32),
        DIGITS: _resized("digits", own),
        SPRITES: _resized("sprites:count=2000", own),
    }


def measure_ood(
    explorer: Explorer, own: Images, labels: Int[np.ndarray, "_"], seed: int = 0
) -> list[OodResult]:
    """Measure how a model responds to its own test images and to all other sources.

    One half of its own images sets the ELBO's threshold; the results are those of the other half.
    Raises ConfigError for fewer than two images.
    """
    if len(own) < 2:
        raise ConfigError(f"an OOD threshold needs at least two test images, not {len(own)}")
    half = len(own) // 2
    threshold = np.quantile(explorer.elbo_terms(own[:half], seed, labels[:half]).elbo, FALSE_ALARMS)
    own, labels = own[half:], labels[half:]
    return [
        _measure_source(explorer, name, images, labels[: len(images)], float(threshold), seed)
        for name, images in image_sources(explorer, own, seed).items()
    ]


def image_sources(explorer: Explorer, own: Images, seed: int = 0) -> dict[str, Images]:
    """Return the model's own images, and those of all sources that are not its data set."""
    dataset = explorer.run.train.dataset
    others = ood_images(own, seed)
    foreign = {n: i for n, i in others.items() if not dataset.startswith(n.split(" ")[0])}
    return {OWN: own} | foreign


def _measure_source(
    explorer: Explorer,
    name: str,
    images: Images,
    labels: Int[np.ndarray, "_"],
    threshold: float,
    seed: int,
) -> OodResult:
    """Measure the images of one source.

    Args:
        explorer: The model.
        name: Name of the source.
        images: The images of the source.
        labels: Labels that a conditional model takes with the images.
        threshold: The indicator flags images with an ELBO below it, in nats.
        seed: Seed of the posterior samples.
    """
    elbo = explorer.elbo_terms(images, seed, labels).elbo
    codes = explorer.encode(images, labels)[0]
    low, far = elbo < threshold, explorer.outlyingness(codes) > 1 - FALSE_ALARMS
    return OodResult(
        name=name,
        loss=float(-elbo.mean()),
        low_elbo=float(low.mean()),
        far_code=float(far.mean()),
        flagged=float((low | far).mean()),
        count=len(images),
    )


def _resized(dataset: str, own: Images) -> Images:
    """Return test images of a built-in data set, resized to the shape of the model's images."""
    pixels = load_dataset(dataset).test.images.numpy()[: len(own), 0] / np.float32(255)
    height, width, channels = own.shape[1:]
    scale = 1, height / pixels.shape[1], width / pixels.shape[2]
    resized = zoom(pixels, scale, order=1).clip(0, 1)
    return np.repeat(resized[..., None], channels, axis=3)
