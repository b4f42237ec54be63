"""The kinds of model beside the plain VAE, a file each: what it does differently, and nothing else.

| kind            | what is different                                                        |
|-----------------|--------------------------------------------------------------------------|
| vae             | nothing: `vae.models.vae`                                                     |
| autoencoder     | a code is a point, and costs nothing                                     |
| conditional     | the encoder and the decoder are told the label                           |
| semi-supervised | the same, and a classifier guesses the label where nobody says it        |
| classifier      | the decoder says the label, not the image: the judge of generated images |
| ladder          | codes at several levels, each with a prior that the one above gives      |
| vq              | a grid of codes, each one of a codebook                                  |

All of them train in the one loop, through `elbo_terms`.
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
    """A fresh model of the kind that the configuration names."""
    return _CLASSES[config.kind](config)


def build_seeded(config: ModelConfig, seed: int) -> VAE:
    """The same, its initial weights following from the seed alone; see `VAE.seeded`."""
    return _CLASSES[config.kind].seeded(config, seed)
