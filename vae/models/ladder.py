"""The hierarchical VAE: a code has several levels, and each level gives the next one's prior.

From the top level down, p(z) = p(z_1) p(z_2|z_1) … and q(z|x) = q(z_1|x) q(z_2|x, z_1) … . Both
share the top-down network, as in Sønderby et al., "Ladder Variational Autoencoders", 2016. Each
posterior is expressed relative to its prior, as in Vahdat and Kautz, "NVAE", 2020, section 3.2.

A code is stored in *noise coordinates* u, top level first: z_1 = u_1 and
z_l = mean_p(z above) + std_p(z above) * u_l. In these coordinates the whole prior is standard
normal, as for a plain VAE. An affine map does not change a KL, so each level's KL is that of its z.

Example:
    model = LadderVAE(ModelConfig((1, 28, 28), 12, kind="ladder", levels=(4, 8)))
    u = model.encode(images).mean
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae.core.config import ModelConfig
from vae.models.condition import UNCONDITIONED, Condition
from vae.models.elbo import ElboTerms
from vae.models.importance import ImportanceSampler, WeightedCodes
from vae.models.networks.architectures import (
    DENSE,
    build_hidden,
    build_lowest_decoder,
    build_lowest_encoder,
    hidden_widths,
)
from vae.models.posterior import Posterior, prior_log_prob, standard_normal
from vae.models.vae import VAE

PRIOR_LOGVAR_LIMIT = 5.0
"""The log-variances of the lower levels' priors are clamped to plus and minus this value."""

UPPER_WIDTH = 128
"""The hidden width of an upper level where the architecture has no hidden layer left."""


def upper_widths(config: ModelConfig) -> list[list[int]]:
    """Returns the hidden widths of every level above the lowest, from the bottom up.

    Each level takes the next hidden layer of the architecture; the top level takes the rest.
    """
    left = hidden_widths(config)[1:] if config.architecture in DENSE else []
    between = len(config.levels) - 2
    groups = [[width] for width in left[:between]]
    groups += [[UPPER_WIDTH]] * (between - len(groups))
    return [*groups, left[between:] or [UPPER_WIDTH]]


class TopDown(nn.Module):
    """Computes p(x|u): maps the noise of all levels to the logits of the image.

    The state of a level combines its own z with the state of the level above.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.levels = config.levels
        self.priors, self.blocks, state = nn.ModuleList(), nn.ModuleList(), 0
        for size, widths in zip(self.levels[:-1], reversed(upper_widths(config)), strict=True):
            self._add_prior(state, size)
            self.blocks.append(build_hidden([size + state, *reversed(widths)]))
            state = widths[0]
        self._add_prior(state, self.levels[-1])
        self.blocks.append(build_lowest_decoder(config, self.levels[-1] + state))

    def _add_prior(self, state: int, size: int) -> None:
        """Adds a prior network; the top level has the standard normal prior and needs none."""
        if state:
            self.priors.append(nn.Linear(state, 2 * size))

    def prior(
        self, level: int, above: Float[Tensor, "batch width"]
    ) -> tuple[Float[Tensor, "batch size"], Float[Tensor, "batch size"]]:
        """Returns mean and log-variance of p(z_level | z above); level 0 is the top."""
        mean, logvar = self.priors[level - 1](above).float().chunk(2, dim=1)
        return mean, logvar.clamp(-PRIOR_LOGVAR_LIMIT, PRIOR_LOGVAR_LIMIT)

    def state(
        self,
        level: int,
        above: Float[Tensor, "batch width"] | None,
        noise: Float[Tensor, "batch size"],
    ) -> Float[Tensor, "batch *outputs"]:
        """Returns the state of a level; the lowest level's state is the logits of the image."""
        if above is None:
            return self.blocks[level](noise)
        mean, logvar = self.prior(level, above)
        z = mean + torch.exp(0.5 * logvar) * noise
        return self.blocks[level](torch.cat([z, above], dim=1))

    def forward(self, noise: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch c h w"]:
        """Returns the logits of the image."""
        state = None
        for level, part in enumerate(noise.split(self.levels, dim=1)):
            state = self.state(level, state, part)
        assert state is not None
        return state


class LadderVAE(VAE):
    """A VAE with several levels: `encode` descends along the means, `elbo_terms` along a sample."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        lowest, width = build_lowest_encoder(config)
        uppers = upper_widths(config)
        inputs = [width, *(widths[-1] for widths in uppers)]
        stages = [build_hidden([w, *u]) for w, u in zip(inputs, uppers, strict=False)]
        self.encoder = nn.Sequential(lowest, *stages)
        states = [0, *(widths[0] for widths in reversed(uppers))]
        self.heads = nn.ModuleList(
            nn.Linear(feature + state, 2 * size)
            for feature, state, size in zip(reversed(inputs), states, config.levels, strict=True)
        )
        # One layer in a Sequential: exporters then report that they do not support this layer.
        self.decoder = nn.Sequential(TopDown(config))

    @property
    def top_down(self) -> TopDown:
        """The decoder, which can run level by level."""
        (found,) = self.decoder
        assert isinstance(found, TopDown)
        return found

    def encode(
        self,
        images: Float[Tensor, "batch c h w"],
        condition: Condition = UNCONDITIONED,
    ) -> Posterior:
        """Returns q(u|x) of each image; each level is conditioned on the means above it."""
        return self._descend(self._features(images), None)[0]

    def elbo_terms(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> ElboTerms:
        """Returns both terms; each level's rate is in closed form given the sample above it."""
        if isinstance(noise, torch.Generator):
            noise = standard_normal((len(images), self.config.latent_dim), noise)
        return self._terms(images, self._features(images), noise)

    def encode_with_terms(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> tuple[Posterior, ElboTerms]:
        """Computes the features once, then descends along the means and along a sample."""
        if isinstance(noise, torch.Generator):
            noise = standard_normal((len(images), self.config.latent_dim), noise)
        features = self._features(images)
        return self._descend(features, None)[0], self._terms(images, features, noise)

    def _terms(
        self,
        images: Float[Tensor, "batch c h w"],
        features: list[Float[Tensor, "batch _"]],
        noise: Float[Tensor, "batch latent"],
    ) -> ElboTerms:
        posterior, u, above = self._descend(features, noise)
        lowest = u[:, -self.config.levels[-1] :]
        logits = self.top_down.state(len(self.config.levels) - 1, above, lowest).float()
        distortion = self.likelihood.distortion(logits, images)
        return ElboTerms(distortion, posterior.kl(), posterior, u, decoded=logits)

    def importance_sampler(
        self, images: Float[Tensor, "batch c h w"], condition: Condition = UNCONDITIONED
    ) -> ImportanceSampler:
        """Samples from the top down: each level's posterior depends on the sample above it."""
        features = self._features(images)

        def draw(samples: int, generator: torch.Generator) -> WeightedCodes:
            repeated = [feature.repeat(samples, 1) for feature in features]
            noise = standard_normal((len(repeated[0]), self.config.latent_dim), generator)
            posterior, u, _ = self._descend(repeated, noise)
            return u, prior_log_prob(u) - posterior.log_prob(u)

        return ImportanceSampler(self._descend(features, None)[0], draw)

    def _features(self, images: Float[Tensor, "batch c h w"]) -> list[Float[Tensor, "batch _"]]:
        """Returns the features that each level receives from the image, top level first."""
        found, signal = [], images
        for stage in self.encoder:
            signal = stage(signal)
            found.append(signal)
        return found[::-1]

    def _descend(
        self, features: list[Float[Tensor, "batch _"]], noise: Float[Tensor, "batch latent"] | None
    ) -> tuple[Posterior, Float[Tensor, "batch latent"], Float[Tensor, "batch _"]]:
        """Returns q(u|x), the code u, and the state above the lowest level.

        The descent follows a sample, or the means where `noise` is None. Each posterior is
        conditioned on the codes of the levels above it.
        """
        posteriors: list[Posterior] = []
        codes: list[Tensor] = []
        above: Tensor | None = None
        parts = noise.split(self.config.levels, dim=1) if noise is not None else None
        for level, (head, feature) in enumerate(zip(self.heads, features, strict=True)):
            if level:
                above = self.top_down.state(level - 1, above, codes[-1])
            seen = feature if above is None else torch.cat([feature, above], dim=1)
            mean, logvar = head(seen).float().chunk(2, dim=1)
            posterior = Posterior.clamped(mean, logvar, self.config.logvar_limit)
            posteriors.append(posterior)
            codes.append(posterior.mean if parts is None else posterior.sample(parts[level]))
        assert above is not None
        mean, logvar = (
            torch.cat([getattr(p, n) for p in posteriors], 1) for n in ("mean", "logvar")
        )
        return Posterior(mean, logvar), torch.cat(codes, dim=1), above
