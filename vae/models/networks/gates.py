"""Gates let one network serve every beta of a range.

Bae et al., "Multi-Rate VAE: Train Once, Get the Full Rate-Distortion Curve", ICLR 2023: each
layer's pre-activations are multiplied by sigmoid(slope * log(beta) + offset). This
implementation doubles the factor, which the weights can absorb. A new gate is then 1, and a new
network equals the plain one. For one beta a gate is a constant factor for each output. It folds
into the layer before it, so `VAE.at_beta` returns an ordinary network.

Example:
    gated = GatedSequential.around(build_encoder(config, outputs=4))
    signal = gated(images, betas.log())
    plain = gated.folded(beta=2.0)
"""

import copy
import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

LEARNING_RATE_FACTOR = 20.0
"""Gates learn faster by this factor: they must move much further than weights."""

MARGIN = 2.2
"""Training samples betas up to this factor above the range; see `sample_betas`."""

WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


class RateGate(nn.Module):
    """Multiplies each output of the layer before it by a factor in (0, 2) that depends on beta."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(outputs))
        self.offset = nn.Parameter(torch.zeros(outputs))

    def factors(self, log_beta: Float[Tensor, "*batch 1"]) -> Float[Tensor, "*batch outputs"]:
        """Returns 2 * sigmoid(slope * log_beta + offset)."""
        return 2 * torch.sigmoid(log_beta * self.slope + self.offset)

    def forward(
        self, signal: Float[Tensor, "batch outputs *place"], log_beta: Float[Tensor, "batch"]
    ) -> Float[Tensor, "batch outputs *place"]:
        """Returns the signal with each output multiplied by its factor."""
        factors = self.factors(log_beta[:, None])
        return signal * factors.reshape(*factors.shape, *[1] * (signal.ndim - 2))


class GatedSequential(nn.Sequential):
    """Runs layers in sequence, with a gate after each layer that has weights."""

    @classmethod
    def around(cls, layers: nn.Sequential) -> "GatedSequential":
        """Returns the same layers with new gates."""
        return cls(*_with_gates(layers))

    def forward(  # type: ignore[override]
        self, signal: Float[Tensor, "batch *inputs"], log_beta: Float[Tensor, "batch"]
    ) -> Float[Tensor, "batch *outputs"]:
        """Returns the output of the last layer; each example has its own beta."""
        for layer in self:
            gated = isinstance(layer, RateGate)
            signal = layer(signal, log_beta) if gated else layer(signal)
        return signal

    def folded(self, beta: float) -> nn.Sequential:
        """Returns a plain network that equals this one at one beta."""
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
    """Samples the betas of a training batch log-uniformly up to above the range, then clamps them.

    The highest beta itself thus gets a seventh of all samples where the range is 0.1 to 10. At high
    betas dimensions become inactive and gates must move furthest; they would lag without this.
    """
    uniform = torch.rand(count, generator=generator, device=generator.device)
    first, last = math.log(low), math.log(high * MARGIN)
    return (first + (last - first) * uniform).exp().clamp(low, high)


def is_gate(model: nn.Module, parameter: str) -> bool:
    """Returns whether the named parameter belongs to a gate, which learns faster than weights."""
    return isinstance(model.get_submodule(parameter.rpartition(".")[0]), RateGate)


def _with_gates(layers: nn.Sequential) -> Iterator[nn.Module]:
    for layer in layers:
        yield layer
        if isinstance(layer, WEIGHTED):
            yield RateGate(outputs_of(layer))


def outputs_of(layer: nn.Module) -> int:
    """Returns the number of outputs, or of channels, of a layer with weights."""
    assert isinstance(layer, WEIGHTED)
    return layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels


@torch.no_grad()
def _scaled(layer: nn.Module, factors: Float[Tensor, "outputs"]) -> nn.Module:
    """Returns a copy of a layer whose weights scale its outputs by the factors."""
    scaled = copy.deepcopy(layer)
    assert isinstance(scaled, WEIGHTED)
    assert scaled.bias is not None
    axis = 1 if isinstance(scaled, nn.ConvTranspose2d) else 0
    shape = [1] * scaled.weight.ndim
    shape[axis] = -1
    scaled.weight.mul_(factors.reshape(shape))
    scaled.bias.mul_(factors)
    return scaled.requires_grad_(False)
