"""Samples codes from q(z|x) and weights them, for importance-weighted likelihood estimates.

Example:
    sampler = model.importance_sampler(images)
    z, log_ratio = sampler(64, torch.Generator().manual_seed(0))
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from vae.models.posterior import PointPosterior, Posterior, prior_log_prob

WeightedCodes = tuple[Float[Tensor, "draws latent"], Float[Tensor, "draws"]]
"""Codes and their log p(z) - log q(z|x) in nats: the first sample of all images, and so on."""


class ImportanceSampler:
    """Samples from the posteriors of a batch of images."""

    def __init__(
        self,
        posterior: Posterior,
        draw: Callable[[int, torch.Generator], WeightedCodes] | None = None,
    ) -> None:
        """Samples by `draw(samples_per_image, generator)`; without it, from `posterior`."""
        self.posterior = posterior
        self._draw = draw

    def useful_samples(self, samples: int) -> int:
        """Returns how many of the requested samples are useful: one for a point posterior."""
        return 1 if isinstance(self.posterior, PointPosterior) else samples

    def __call__(self, samples: int, generator: torch.Generator) -> WeightedCodes:
        """Returns `samples` codes of each image and their log ratios."""
        if self._draw is not None:
            return self._draw(samples, generator)
        mean, logvar = self.posterior.mean, self.posterior.logvar
        repeated = Posterior(mean.repeat(samples, 1), logvar.repeat(samples, 1))
        z = repeated.sample(generator)
        return z, prior_log_prob(z) - repeated.log_prob(z)
