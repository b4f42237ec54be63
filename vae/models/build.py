"""Builds a model of any kind from its configuration.

Each kind has a file of its own, which holds only the difference from the plain VAE:

| kind            | what is different                                                        |
|-----------------|--------------------------------------------------------------------------|
| vae             | nothing: see `vae.models.vae`                                            |
| autoencoder     | a code is a point and has no rate                                        |
| conditional     | the encoder and the decoder receive the label                            |
| semi-supervised | as conditional, and a classifier infers labels that are unknown          |
| classifier      | the decoder predicts the label; it evaluates generated images            |
| ladder          | codes have several levels; each level gives the prior of the next        |
| vq              | a code is a grid of vectors from a codebook                              |

All kinds train in the same loop through `elbo_terms`.

Example:
    model = build(ModelConfig((1, 28, 28), latent_dim=2, kind="autoencoder"))
"""

from vae.core.config import Kind, ModelConfig
from vae.models.autoencoder import Autoencoder
from vae.models.classifier import Classifier
from vae.models.conditional import ConditionalVAE
from vae.models.ladder import LadderVAE
from vae.models.semi_supervised import SemiSupervisedVAE
from vae.models.vae import VAE
from vae.models.vq import QuantisedVAE

_CLASSES: dict[Kind, type[VAE]] = {
    "vae": VAE,
    "autoencoder": Autoencoder,
    "conditional": ConditionalVAE,
    "semi-supervised": SemiSupervisedVAE,
    "classifier": Classifier,
    "ladder": LadderVAE,
    "vq": QuantisedVAE,
}


def build(config: ModelConfig) -> VAE:
    """Returns a new model of the kind that the configuration names."""
    return _CLASSES[config.kind](config)


def build_seeded(config: ModelConfig, seed: int) -> VAE:
    """Returns a new model whose initial weights depend on the seed alone; see `VAE.seeded`."""
    return _CLASSES[config.kind].seeded(config, seed)
