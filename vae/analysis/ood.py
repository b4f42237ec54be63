"""OodResult: images from elsewhere given to a model, and whether it can tell that they are.

Two signs are read of each image: its ELBO, and how far its code lies from the codes of test images
(`Explorer.outlyingness`). An image is flagged when its ELBO is below that of FALSE_ALARMS of the
model's own test images, or its code further off than all but FALSE_ALARMS of theirs. Neither sign
is to be trusted alone: plain images can have a higher ELBO than those that the model was trained on
(Nalisnick et al. 2019, "Do Deep Generative Models Know What They Don't Know?"), and an encoder can
put anything among its codes.
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
"""Share of the model's own test images that each sign gives up."""

OWN = "its own test images"
DIGITS, SPRITES = "digits of 8x8 pixels", "sprites"

Images = Float[np.ndarray, "_ h w c"]


@dataclass(frozen=True)
class OodResult(Record):
    """What a model makes of one sort of images; shares are from 0 to 1."""

    name: str
    loss: float
    """-ELBO, in nats per image; of an autoencoder, the distortion."""

    low_elbo: float
    """Share with an ELBO below the threshold."""

    far_code: float
    """Share with a code that is too far off."""

    flagged: float
    """Share that is flagged by either sign."""

    count: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; `flagged` keeps the key that `vae ood --json` has always had."""
        values = super().to_dict()
        return {("caught" if key == "flagged" else key): values[key] for key in values}


def ood_images(own: Images, seed: int = 0) -> dict[str, Images]:
    """Images of the same shape from elsewhere, by name; as many as there are own ones, or fewer."""
    generator = np.random.default_rng(seed)
    shuffled = generator.permuted(own.reshape(len(own), -1), axis=1).reshape(own.shape)
    return {
        "upside down": np.ascontiguousarray(own[:, ::-1]),
        "black for white": 1 - own,
        "pixels shuffled": shuffled,
        "noise": generator.random(own.shape, dtype=np.float32),
        DIGITS: _fitted("digits", own),
        SPRITES: _fitted("sprites:count=2000", own),
    }


def measure_ood(
    explorer: Explorer, own: Images, labels: Int[np.ndarray, "_"], seed: int = 0
) -> list[OodResult]:
    """What the model makes of its own test images and of all others.

    The ELBO's threshold is taken on one half of its own images; the others are what is shown.
    ConfigError for fewer than two images.
    """
    if len(own) < 2:
        raise ConfigError(f"strangers need two test images or more to compare with, not {len(own)}")
    half = len(own) // 2
    threshold = np.quantile(explorer.elbo_terms(own[:half], seed, labels[:half]).elbo, FALSE_ALARMS)
    own, labels = own[half:], labels[half:]
    sorts = image_sources(explorer, own, seed)
    return [_met(explorer, n, i, labels[: len(i)], threshold, seed) for n, i in sorts.items()]


def image_sources(explorer: Explorer, own: Images, seed: int = 0) -> dict[str, Images]:
    """The model's own images, and all sorts that are none of its data set."""
    dataset = explorer.run.train.dataset
    others = ood_images(own, seed)
    strange = {n: i for n, i in others.items() if not dataset.startswith(n.split(" ")[0])}
    return {OWN: own} | strange


def _met(
    explorer: Explorer,
    name: str,
    images: Images,
    labels: Int[np.ndarray, "_"],
    threshold: float,
    seed: int,
) -> OodResult:
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


def _fitted(dataset: str, own: Images) -> Images:
    """Test images of a data set that is always there, at the size of the model's own."""
    pixels = load_dataset(dataset).test.images.numpy()[: len(own), 0] / np.float32(255)
    height, width, channels = own.shape[1:]
    scale = 1, height / pixels.shape[1], width / pixels.shape[2]
    sized = zoom(pixels, scale, order=1).clip(0, 1)
    return np.repeat(sized[..., None], channels, axis=3)
