"""The hierarchical VAE: codes at several levels, each with a prior that the levels above give.

p(z) = p(z_1) p(z_2|z_1) … from the top down, and q(z|x) = q(z_1|x) q(z_2|x, z_1) … likewise: what
goes down is shared by both, as in Sønderby et al., "Ladder Variational Autoencoders", 2016; each
posterior is told relative to its prior, as in Vahdat and Kautz, "NVAE", 2020, section 3.2.

A code is kept in *noise coordinates* u, the top level first: z_1 = u_1 and
z_l = mean_p(z above) + std_p(z above) * u_l. There the prior of everything is the standard normal,
as that of a plain VAE, and the KL of each level is that of its z, which an affine map leaves alone.
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
"""Log-variances of the priors of lower levels are clamped to plus and minus this."""

UPPER_WIDTH = 128
"""Of an upper level's hidden layer where the architecture has none left for it."""


def upper_widths(config: ModelConfig) -> list[list[int]]:
    """Hidden widths of the levels above the lowest one, the next to that first, each bottom-up.

    A level takes the architecture's next hidden layer, the top one all that are left.
    """
    left = hidden_widths(config)[1:] if config.architecture in DENSE else []
    between = len(config.levels) - 2
    groups = [[width] for width in left[:between]]
    groups += [[UPPER_WIDTH]] * (between - len(groups))
    return [*groups, left[between:] or [UPPER_WIDTH]]


class TopDown(nn.Module):
    """p(x|u): from the noise of all levels to the logits of the image.

    A level's state is what the levels down to it say: its own z, and the state above.
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
        """The top level has the standard normal and needs none."""
        if state:
            self.priors.append(nn.Linear(state, 2 * size))

    def prior(
        self, level: int, above: Float[Tensor, "batch width"]
    ) -> tuple[Float[Tensor, "batch size"], Float[Tensor, "batch size"]]:
        """Mean and log-variance of p(z_level | z above); levels count from 0, the top."""
        mean, logvar = self.priors[level - 1](above).float().chunk(2, dim=1)
        return mean, logvar.clamp(-PRIOR_LOGVAR_LIMIT, PRIOR_LOGVAR_LIMIT)

    def state(
        self,
        level: int,
        above: Float[Tensor, "batch width"] | None,
        noise: Float[Tensor, "batch size"],
    ) -> Float[Tensor, "batch *outputs"]:
        """A level's state; the lowest one's is the logits of the image."""
        if above is None:
            return self.blocks[level](noise)
        mean, logvar = self.prior(level, above)
        z = mean + torch.exp(0.5 * logvar) * noise
        return self.blocks[level](torch.cat([z, above], dim=1))

    def forward(self, noise: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch c h w"]:
        """The logits of the image."""
        state = None
        for level, part in enumerate(noise.split(self.levels, dim=1)):
            state = self.state(level, state, part)
        assert state is not None
        return state


class LadderVAE(VAE):
    """Codes at several levels; `encode` goes down along the means, `elbo_terms` along a sample."""

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
        # A sequence of one, so that who exports decoders says that it knows no such layer.
        self.decoder = nn.Sequential(TopDown(config))

    @property
    def top_down(self) -> TopDown:
        """The decoder, level by level."""
        (found,) = self.decoder
        assert isinstance(found, TopDown)
        return found

    def encode(
        self,
        images: Float[Tensor, "batch c h w"],
        condition: Condition = UNCONDITIONED,
    ) -> Posterior:
        """q(u|x) of each image, each level's given the means of those above it."""
        return self._descend(self._features(images), None)[0]

    def elbo_terms(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> ElboTerms:
        """Both terms; a level's rate is in closed form, given the sample of those above it."""
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
        """Samples from the top down: each level's posterior follows from the sample above it."""
        features = self._features(images)

        def draw(samples: int, generator: torch.Generator) -> WeightedCodes:
            repeated = [feature.repeat(samples, 1) for feature in features]
            noise = standard_normal((len(repeated[0]), self.config.latent_dim), generator)
            posterior, u, _ = self._descend(repeated, noise)
            return u, prior_log_prob(u) - posterior.log_prob(u)

        return ImportanceSampler(self._descend(features, None)[0], draw)

    def _features(self, images: Float[Tensor, "batch c h w"]) -> list[Float[Tensor, "batch _"]]:
        """What each level sees of the image, the top one's first."""
        found, signal = [], images
        for stage in self.encoder:
            signal = stage(signal)
            found.append(signal)
        return found[::-1]

    def _descend(
        self, features: list[Float[Tensor, "batch _"]], noise: Float[Tensor, "batch latent"] | None
    ) -> tuple[Posterior, Float[Tensor, "batch latent"], Float[Tensor, "batch _"]]:
        """q(u|x) along a sample, or along the means without noise; u; the state above the lowest.

        The posterior of a level is given what was taken of the levels above it.
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
