"""The conditional VAE: encoder and decoder are told the label, so the code need not hold it.

Sohn, Lee and Yan, "Learning Structured Output Representation using Deep Conditional Generative
Models", 2015. The label enters as a one-hot vector beside the input of the first layer, which is
the same as an offset of that layer's output for each label. For one label an offset folds into the
layer's bias: what serves people is an ordinary network again.
"""

import copy
import dataclasses

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from vae.core.config import ModelConfig
from vae.core.errors import ConfigError
from vae.models.condition import UNCONDITIONED, Condition
from vae.models.networks.gates import WEIGHTED, outputs_of
from vae.models.posterior import Posterior
from vae.models.vae import VAE


class LabelledSequential(nn.Sequential):
    """Layers in a row; behind the first that has weights an offset is added for the label."""

    def __init__(self, layers: nn.Sequential, labels: int) -> None:
        """Fresh offsets are 0, so that a fresh network is the plain one."""
        super().__init__(*layers)
        self._first = next(i for i, layer in enumerate(layers) if isinstance(layer, WEIGHTED))
        self.offsets = nn.Parameter(torch.zeros(labels, outputs_of(layers[self._first])))

    def forward(  # type: ignore[override]
        self, signal: Float[Tensor, "batch *inputs"], labels: Int[Tensor, "batch"]
    ) -> Float[Tensor, "batch *outputs"]:
        """The output of the last layer, each example with its own label."""
        signal = self._begun(signal)
        return self._ended(signal + _spread(self.offsets.index_select(0, labels), signal))

    def with_every_label(
        self, signal: Float[Tensor, "batch *inputs"]
    ) -> Float[Tensor, "rows *outputs"]:
        """The same with each label in turn, by example and then by label.

        The first layer, which is most of the work in an encoder, is gone through once.
        """
        signal = self._begun(signal)
        shifted = signal.unsqueeze(1) + _spread(self.offsets, signal)
        return self._ended(shifted.flatten(0, 1))

    def _begun(self, signal: Tensor) -> Tensor:
        for layer in list(self)[: self._first + 1]:
            signal = layer(signal)
        return signal

    def _ended(self, signal: Tensor) -> Tensor:
        for layer in list(self)[self._first + 1 :]:
            signal = layer(signal)
        return signal

    def folded(self, label: int) -> nn.Sequential:
        """A plain network that gives what this one gives for one label."""
        layers = list(self)
        layers[self._first] = _shifted(layers[self._first], self.offsets[label])
        return nn.Sequential(*layers)

    def over_one_hot(self) -> nn.Sequential:
        """A plain network of the signal (batch, inputs) with the label's one-hot vector behind it.

        Of networks whose first layer is linear.
        """
        first, *rest = self
        assert isinstance(first, nn.Linear)
        wide = nn.Linear(first.in_features + len(self.offsets), first.out_features, device="meta")
        weight = torch.cat([first.weight, self.offsets.T], dim=1).detach()
        wide.weight, wide.bias = nn.Parameter(weight, False), nn.Parameter(first.bias, False)
        return nn.Sequential(wide, *rest)


class ConditionalVAE(VAE):
    """q(z|x, y), the standard normal prior whatever the label y, and p(x|z, y)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.encoder = LabelledSequential(self.encoder, config.classes)
        self.decoder = LabelledSequential(self.decoder, config.classes)

    def encode(
        self,
        images: Float[Tensor, "batch c h w"],
        condition: Condition = UNCONDITIONED,
    ) -> Posterior:
        """The posterior of each image with its label; pixels in [0, 1]."""
        mean, logvar = self.encoder(images, _required_labels(condition)).float().chunk(2, dim=1)
        return Posterior.clamped(mean, logvar, self.config.logvar_limit)

    def decode(
        self,
        z: Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> Float[Tensor, "batch c h w"]:
        """The decoder's logits for each code, as an image of its label."""
        return self.decoder(z, _required_labels(condition)).float()

    def at_label(self, label: int) -> VAE:
        """The plain model for one label; ConfigError for one that it does not know."""
        assert isinstance(self.encoder, LabelledSequential)
        assert isinstance(self.decoder, LabelledSequential)
        if not 0 <= label < self.config.classes:
            raise ConfigError(
                f"the model knows the labels 0 to {self.config.classes - 1}, not {label}"
            )
        with torch.device("meta"):
            plain = VAE(dataclasses.replace(self.config, kind="vae", classes=0))
        plain.encoder, plain.decoder = self.encoder.folded(label), self.decoder.folded(label)
        plain.likelihood = self.likelihood
        return plain.train(self.training)


def _required_labels(condition: Condition) -> Int[Tensor, "batch"]:
    assert condition.labels is not None, "a conditional model needs the labels; see at_label"
    return condition.labels


def _spread(offsets: Float[Tensor, "n outputs"], signal: Tensor) -> Tensor:
    """An offset for each output, with an axis for whatever else the signal has."""
    return offsets.reshape(*offsets.shape, *[1] * (signal.ndim - 2))


@torch.no_grad()
def _shifted(layer: nn.Module, offset: Float[Tensor, "outputs"]) -> nn.Module:
    """A copy of a layer with weights whose outputs have the offset added."""
    shifted = copy.deepcopy(layer)
    assert isinstance(shifted, WEIGHTED)
    assert shifted.bias is not None
    shifted.bias.add_(offset)
    return shifted.requires_grad_(False)
