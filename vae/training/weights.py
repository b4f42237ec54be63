"""Weights and Adam's moments in flat buffers: of one model, and of several side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim.adam import adam

ALIGNMENT = 16
"""Parameters begin at multiples of this many numbers: 64 bytes, a cache line."""

BETAS = (0.9, 0.999)
EPSILON = 1e-8


@dataclass(frozen=True)
class Place:
    """Where a parameter lies in the flat buffer."""

    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class Weights:
    """One model's parameters, in one flat buffer, and Adam's two moments of them in two more.

    The model's own parameters are views of the first: whoever changes one changes the other.
    """

    def __init__(self, model: nn.Module, affine: bool = False) -> None:
        """With `affine`, those of linear layers lie as `WeightStack.affine` says."""
        self._parameters = dict(model.named_parameters())
        self.places, count = _affine_places(model) if affine else _places(self._parameters)
        device = next(iter(self._parameters.values())).device
        self.first, self.second = torch.zeros(2, count, device=device)
        self.values = torch.zeros(count, device=device)
        self._point_to(self.values)

    def move(
        self,
        values: Float[Tensor, "count"],
        first: Float[Tensor, "count"],
        second: Float[Tensor, "count"],
    ) -> None:
        """Live in other buffers from now on; what they held is overwritten."""
        first.copy_(self.first)
        second.copy_(self.second)
        self._point_to(values)
        self.values, self.first, self.second = values, first, second

    def state(self) -> dict[str, Tensor]:
        """Adam's moments by parameter, as views: whatever the buffers' layout."""
        buffers = {"first": self.first, "second": self.second}
        return {
            f"{kind}.{name}": part(buffer, place)
            for kind, buffer in buffers.items()
            for name, place in self.places.items()
        }

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Take over the moments that `state` gave; KeyError or RuntimeError where they differ."""
        for name, view in self.state().items():
            view.copy_(state[name])

    @torch.no_grad()
    def _point_to(self, values: Float[Tensor, "count"]) -> None:
        values.zero_()
        for name, place in self.places.items():
            view = part(values, place)
            parameter = self._parameters[name]
            view.copy_(parameter)
            parameter.data = view


class WeightStack:
    """The weights of several models of one shape: a row each of shared buffers."""

    def __init__(self, members: Sequence[Weights]) -> None:
        self.places = members[0].places
        if len(members) > 1:
            size = len(members), len(members[0].values)
            rows = [torch.zeros(size, device=members[0].values.device) for _ in range(3)]
            for index, member in enumerate(members):
                member.move(*(buffer[index] for buffer in rows))
        self.values = _rows([member.values for member in members])
        self.first = _rows([member.first for member in members])
        self.second = _rows([member.second for member in members])

    def affine(
        self, buffer: Float[Tensor, "models count"], layer: str
    ) -> Float[Tensor, "*models rows outputs"]:
        """A linear layer of all models, as a view of such a buffer; of one model without its axis.

        A row for each input, then one of biases: times a signal with a one behind it, the output.
        """
        place = self.places[f"{layer}.weight"]
        outputs, inputs = place.shape
        size = (inputs + 1) * outputs
        found = buffer[:, place.offset : place.offset + size].unflatten(1, (inputs + 1, outputs))
        return found[0] if len(found) == 1 else found


def _places(parameters: dict[str, nn.Parameter], count: int = 0) -> tuple[dict[str, Place], int]:
    """Where each lies behind so many numbers, as it is laid out already; and where that ends."""
    places = {}
    for name, parameter in parameters.items():
        places[name] = Place(count, tuple(parameter.shape), parameter.stride())
        count += _aligned(parameter.numel())
    return places, count


def _affine_places(model: nn.Module) -> tuple[dict[str, Place], int]:
    """Linear layers turned, an output's weights a column, its bias below; others as they are."""
    places, count = {}, 0
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear):
            outputs, inputs = layer.weight.shape
            places[f"{name}.weight"] = Place(count, (outputs, inputs), (1, outputs))
            places[f"{name}.bias"] = Place(count + inputs * outputs, (outputs,), (1,))
            count += _aligned((inputs + 1) * outputs)
        else:
            own = {f"{name}.{key}": each for key, each in layer.named_parameters(recurse=False)}
            found, size = _places(own, count)
            places |= found
            count = size
    return places, count


def _aligned(count: int) -> int:
    return -(-count // ALIGNMENT) * ALIGNMENT


def part(buffer: Float[Tensor, "count"], place: Place) -> Float[Tensor, "*shape"]:
    """The parameter at a place of a flat buffer, as a view."""
    start = buffer.storage_offset() + place.offset
    return torch.as_strided(buffer, place.shape, place.stride, start)


def update_by_adam(
    values: list[Tensor],
    gradients: list[Tensor],
    first: list[Tensor],
    second: list[Tensor],
    taken: list[Tensor],
    learning_rate: Tensor,
) -> None:
    """One step of Adam (Kingma and Ba 2015) in place; `taken` counts the steps of each."""
    options: dict[str, Any] = {
        "beta1": BETAS[0],
        "beta2": BETAS[1],
        "lr": learning_rate,
        "eps": EPSILON,
        "weight_decay": 0.0,
        "amsgrad": False,
        "maximize": False,
    }
    if values[0].device.type in ("cpu", "cuda"):
        # What torch.optim comes to as well, by way of Python that a small model's step would feel.
        torch._foreach_add_(taken, 1)
        torch._fused_adam_(values, gradients, first, second, [], taken, **options)
    else:
        adam(values, gradients, first, second, [], taken, foreach=False, **options)


def _rows(buffers: list[Tensor]) -> Float[Tensor, "models count"]:
    """Adjacent flat buffers as the rows of one, without a copy."""
    first = buffers[0]
    size = len(buffers), len(first)
    return torch.as_strided(first, size, (size[1], 1), first.storage_offset())
