"""The conditional VAE: encoder and decoder receive the label, so the code need not hold it.

Sohn, Lee and Yan, "Learning Structured Output Representation using Deep Conditional Generative
Models", 2015. The label enters as a one-hot vector beside the input of the first
layer. This equals adding one offset for each label to that layer's output. For a single label the
offset folds into the layer's bias, so `at_label` returns an ordinary network.

Example:
    model = ConditionalVAE(ModelConfig((1, 28, 28), 2, kind="conditional", classes=10))
    images = model.decode_mean(z, Condition(labels=torch.tensor([3])))
    threes = model.at_label(3)
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
    """Runs layers in sequence and adds the label's offset after the first layer with weights."""

    def __init__(self, layers: nn.Sequential, labels: int) -> None:
        """Starts all offsets at 0, so that a new network equals the plain one."""
        super().__init__(*layers)
        self._first = next(i for i, layer in enumerate(layers) if isinstance(layer, WEIGHTED))
        self.offsets = nn.Parameter(torch.zeros(labels, outputs_of(layers[self._first])))

    def forward(  # type: ignore[override]
        self, signal: Float[Tensor, "batch *inputs"], labels: Int[Tensor, "batch"]
    ) -> Float[Tensor, "batch *outputs"]:
        """Returns the output of the last layer; each example has its own label."""
        signal = self._through_first(signal)
        return self._through_rest(signal + _broadcast(self.offsets.index_select(0, labels), signal))

    def with_every_label(
        self, signal: Float[Tensor, "batch *inputs"]
    ) -> Float[Tensor, "rows *outputs"]:
        """Returns the output for every label, ordered by example and then by label.

        The first layer does most of the work of an encoder, so it runs once for all labels.
        """
        signal = self._through_first(signal)
        shifted = signal.unsqueeze(1) + _broadcast(self.offsets, signal)
        return self._through_rest(shifted.flatten(0, 1))

    def _through_first(self, signal: Tensor) -> Tensor:
        for layer in list(self)[: self._first + 1]:
            signal = layer(signal)
        return signal

    def _through_rest(self, signal: Tensor) -> Tensor:
        for layer in list(self)[self._first + 1 :]:
            signal = layer(signal)
        return signal

    def folded(self, label: int) -> nn.Sequential:
        """Returns a plain network that equals this one at one label."""
        layers = list(self)
        layers[self._first] = _shifted(layers[self._first], self.offsets[label])
        return nn.Sequential(*layers)

    def over_one_hot(self) -> nn.Sequential:
        """Returns a plain network that takes the signal (batch, inputs) and a one-hot label.

        The one-hot vector follows the signal. The first layer must be linear.
        """
        first, *rest = self
        assert isinstance(first, nn.Linear)
        wide = nn.Linear(first.in_features + len(self.offsets), first.out_features, device="meta")
        weight = torch.cat([first.weight, self.offsets.T], dim=1).detach()
        wide.weight, wide.bias = nn.Parameter(weight, False), nn.Parameter(first.bias, False)
        return nn.Sequential(wide, *rest)


class ConditionalVAE(VAE):
    """Models q(z|x, y) and p(x|z, y); the prior is standard normal for every label y."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.encoder = LabelledSequential(self.encoder, config.classes)
        self.decoder = LabelledSequential(self.decoder, config.classes)

    def encode(
        self,
        images: Float[Tensor, "batch c h w"],
        condition: Condition = UNCONDITIONED,
    ) -> Posterior:
        """Returns the posterior of each image given its label; pixels lie in [0, 1]."""
        mean, logvar = self.encoder(images, _required_labels(condition)).float().chunk(2, dim=1)
        return Posterior.clamped(mean, logvar, self.config.logvar_limit)

    def decode(
        self,
        z: Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> Float[Tensor, "batch c h w"]:
        """Returns the decoder's logits for each code given its label."""
        return self.decoder(z, _required_labels(condition)).float()

    def at_label(self, label: int) -> VAE:
        """Returns the plain model for one label; raises ConfigError for an unknown label."""
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


def _broadcast(offsets: Float[Tensor, "n outputs"], signal: Tensor) -> Tensor:
    """Returns the offsets with one axis of length 1 for each further axis of the signal."""
    return offsets.reshape(*offsets.shape, *[1] * (signal.ndim - 2))


@torch.no_grad()
def _shifted(layer: nn.Module, offset: Float[Tensor, "outputs"]) -> nn.Module:
    """Returns a copy of a layer with the offset added to its bias."""
    shifted = copy.deepcopy(layer)
    assert isinstance(shifted, WEIGHTED)
    assert shifted.bias is not None
    shifted.bias.add_(offset)
    return shifted.requires_grad_(False)
