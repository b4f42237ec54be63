"""Small models of many betas with random gates, and all that `live_beta` needs of one."""

import numpy as np
import torch

from pages.ui.instruments import BetaImage, TrainedModel, beta_spec
from tests.support.mounted import Mounted, mount_blob
from vae.core.config import Architecture, ModelConfig
from vae.models.networks.gates import RateGate
from vae.models.vae import VAE
from vae.viewer.blobs import decoder_blob, rate_curve_blob

BETA_RANGE = (0.1, 10.0)
BETAS = np.geomspace(*BETA_RANGE, 13)
COLORS = ["#ff0000", "#00ff00", "#0000ff"]
TRAINED: list[TrainedModel] = [
    {"beta": 0.5, "rate": 10.0, "distortion": 75.0, "caption": "β 0.5"},
    {"beta": 4.0, "rate": 4.0, "distortion": 95.0, "caption": "β 4"},
]


def multi_rate(architecture: Architecture, image_shape: tuple[int, int, int], latent: int) -> VAE:
    """A model for betas from 0.1 to 10 whose gates have something to say."""
    config = ModelConfig(image_shape, latent, architecture, beta_range=BETA_RANGE)
    model = VAE.seeded(config, 0)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for gate in (part for part in model.modules() if isinstance(part, RateGate)):
            gate.slope.copy_(torch.randn(gate.slope.shape, generator=generator))
            gate.offset.add_(torch.randn(gate.offset.shape, generator=generator))
    return model.eval()


class Measured:
    """A model with the curve of a linear one, whose dimensions die one after another."""

    def __init__(self, model: VAE, codes: int = 500, pictures: int = 4) -> None:
        self.model = model
        self.latent = model.config.latent_dim
        random = np.random.default_rng(0)
        death = np.geomspace(14, 1.1, self.latent)[random.permutation(self.latent)]
        shrink = np.maximum(0, 1 - BETAS[:, None] / death)
        self.rates = 0.5 * np.log(np.maximum(1, death / BETAS[:, None]))
        self.distortion = 70 + 0.5 * np.minimum(BETAS[:, None], death).sum(axis=1)
        self.active = shrink > 0
        means = 1.5 * random.normal(size=(pictures, self.latent))
        self.means = shrink * means[:, None]
        self.points = shrink[:, None, :2] * random.normal(size=(codes, 2))
        self.labels = random.integers(-1, 3, codes)
        self.originals = random.random((pictures, *model.config.image_shape)).transpose(0, 2, 3, 1)

    def images(self) -> list[BetaImage]:
        """The pictures with their codes."""
        return [
            {"means": means, "original": original, "caption": f"image {i}"}
            for i, (means, original) in enumerate(zip(self.means, self.originals, strict=True))
        ]

    def mount_assets(self, page) -> None:
        """The decoder and the curve."""
        config = self.model.config
        shape, latent = config.image_shape, self.latent
        decoder = self.model.decoder
        mount_blob(page, "decoder", decoder_blob(decoder, latent, shape, "decoder"))
        measures = (self.distortion, self.rates, self.active, self.points, self.labels)
        mount_blob(page, "curve", rate_curve_blob("curve", BETAS, *measures, ["a", "b", "c"]))

    def mount(self, page, beta: float = 1.0, trained: list[TrainedModel] = TRAINED) -> Mounted:
        """The instrument; its assets may come before or after it."""
        live = Mounted(page, "beta")
        images, labels = self.images(), ["z1", "z2"]
        live.mount(beta_spec("decoder", "curve", images, trained, labels, COLORS), [beta])
        return live
