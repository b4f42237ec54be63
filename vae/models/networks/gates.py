"""Gates that let one network serve every beta of a range.

Bae et al., "Multi-Rate VAE: Train Once, Get the Full Rate-Distortion Curve", ICLR 2023: each
layer's pre-activations are multiplied by sigmoid(slope * log(beta) + offset). Ours by twice that,
which the weights could absorb: so a fresh gate is 1 and a fresh network the plain one. For one beta
a gate is a constant factor per output and folds into the layer before it: what serves people is an
ordinary network again.
"""

import copy
import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

LEARNING_RATE_FACTOR = 20.0
"""How much faster gates learn than weights, whose way from start to end is so much shorter."""

MARGIN = 2.2
"""How far above its range betas are drawn in training, as a factor; see `sample_betas`."""

WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


class RateGate(nn.Module):
    """One factor in (0, 2) for each output of the layer before it, depending on beta."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(outputs))
        self.offset = nn.Parameter(torch.zeros(outputs))

    def factors(self, log_beta: Float[Tensor, "*batch 1"]) -> Float[Tensor, "*batch outputs"]:
        """2 * sigmoid(slope * log_beta + offset)."""
        return 2 * torch.sigmoid(log_beta * self.slope + self.offset)

    def forward(
        self, signal: Float[Tensor, "batch outputs *place"], log_beta: Float[Tensor, "batch"]
    ) -> Float[Tensor, "batch outputs *place"]:
        """The signal, each of its outputs times its factor."""
        factors = self.factors(log_beta[:, None])
        return signal * factors.reshape(*factors.shape, *[1] * (signal.ndim - 2))


class GatedSequential(nn.Sequential):
    """Layers in a row, with a gate behind each one that has weights."""

    @classmethod
    def around(cls, layers: nn.Sequential) -> "GatedSequential":
        """The same layers with fresh gates."""
        return cls(*_with_gates(layers))

    def forward(  # type: ignore[override]
        self, signal: Float[Tensor, "batch *inputs"], log_beta: Float[Tensor, "batch"]
    ) -> Float[Tensor, "batch *outputs"]:
        """The output of the last layer, each example under its own beta."""
        for layer in self:
            gated = isinstance(layer, RateGate)
            signal = layer(signal, log_beta) if gated else layer(signal)
        return signal

    def folded(self, beta: float) -> nn.Sequential:
        """A plain network that gives what this one gives for one beta."""
        log_beta = torch.tensor([math.log(beta)])
        layers: list[nn.Module] = []
        for layer in self:
            if isinstance(layer, RateGate):
                layers[-1] = _scaled(layers[-1], layer.factors(log_beta.to(layer.slope)))
            else:
                layers.append(layer)
        return nn.Sequential(*layers)


def sample_betas(
    low: float, high: float, count: int, generator: torch.Generator
) -> Float[Tensor, "count"]:
    """Betas to train a batch under: log-uniform, to a little above the range, then clamped to it.

    So the highest beta is drawn itself, a seventh of all times where the range is 0.1 to 10. There
    dimensions die and gates have the longest way to go; without that the highest betas lag.
    """
    share = torch.rand(count, generator=generator, device=generator.device)
    first, last = math.log(low), math.log(high * MARGIN)
    return (first + (last - first) * share).exp().clamp(low, high)


def is_gate(model: nn.Module, parameter: str) -> bool:
    """Whether the parameter of that name is a gate's, which learns faster than the weights."""
    return isinstance(model.get_submodule(parameter.rpartition(".")[0]), RateGate)


def _with_gates(layers: nn.Sequential) -> Iterator[nn.Module]:
    for layer in layers:
        yield layer
        if isinstance(layer, WEIGHTED):
            yield RateGate(outputs_of(layer))


def outputs_of(layer: nn.Module) -> int:
    """Numbers, or channels, that a layer with weights gives."""
    assert isinstance(layer, WEIGHTED)
    return layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels


@torch.no_grad()
def _scaled(layer: nn.Module, factors: Float[Tensor, "outputs"]) -> nn.Module:
    """A copy of a layer with weights whose outputs are multiplied by the factors."""
    scaled = copy.deepcopy(layer)
    assert isinstance(scaled, WEIGHTED)
    assert scaled.bias is not None
    axis = 1 if isinstance(scaled, nn.ConvTranspose2d) else 0
    shape = [1] * scaled.weight.ndim
    shape[axis] = -1
    scaled.weight.mul_(factors.reshape(shape))
    scaled.bias.mul_(factors)
    return scaled.requires_grad_(False)
