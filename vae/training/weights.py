"""Weights and Adam's moments in flat buffers, of one model or of several stacked models.

Example:
    >>> weights = Weights(model)
    >>> moments = weights.state()  # Adam's moments by parameter, for a checkpoint
    >>> weights.restore(moments)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim.adam import adam

ALIGNMENT = 16
"""Parameters begin at multiples of this many numbers: 64 bytes, one cache line."""

BETAS = (0.9, 0.999)
EPSILON = 1e-8


@dataclass(frozen=True)
class Slot:
    """The position of a parameter in a flat buffer."""

    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class Weights:
    """One model's parameters in one flat buffer, and Adam's two moments of them in two more.

    The model's own parameters are views of the first buffer, so a change to one shows in the other.
    """

    def __init__(self, model: nn.Module, affine: bool = False) -> None:
        """With `affine`, lay out linear layers as `WeightStack.affine` describes."""
        self._parameters = dict(model.named_parameters())
        self.slots, count = _affine_slots(model) if affine else _slots(self._parameters)
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
        """Move the weights and moments into other buffers, and overwrite those."""
        first.copy_(self.first)
        second.copy_(self.second)
        self._point_to(values)
        self.values, self.first, self.second = values, first, second

    def state(self) -> dict[str, Tensor]:
        """Return Adam's moments by parameter, as views; the names do not depend on the layout."""
        buffers = {"first": self.first, "second": self.second}
        return {
            f"{kind}.{name}": slot_view(buffer, slot)
            for kind, buffer in buffers.items()
            for name, slot in self.slots.items()
        }

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Copy the moments from a `state`; raise KeyError or RuntimeError if they do not fit."""
        for name, view in self.state().items():
            view.copy_(state[name])

    @torch.no_grad()
    def _point_to(self, values: Float[Tensor, "count"]) -> None:
        values.zero_()
        for name, slot in self.slots.items():
            view = slot_view(values, slot)
            parameter = self._parameters[name]
            view.copy_(parameter)
            parameter.data = view


class WeightStack:
    """The weights of several models of one shape, one row each of shared buffers."""

    def __init__(self, members: Sequence[Weights], allocate: Callable[..., Tensor]) -> None:
        """`allocate` returns a buffer of given sizes; the gradients are written there."""
        self.slots = members[0].slots
        if len(members) > 1:
            size = len(members), len(members[0].values)
            rows = [torch.zeros(size, device=members[0].values.device) for _ in range(3)]
            for index, member in enumerate(members):
                member.move(*(buffer[index] for buffer in rows))
        self.values = _rows([member.values for member in members])
        self.first = _rows([member.first for member in members])
        self.second = _rows([member.second for member in members])
        self.gradients = allocate(*self.values.shape)

    def affine(
        self, buffer: Float[Tensor, "models count"], layer: str
    ) -> Float[Tensor, "*models rows outputs"]:
        """Return a linear layer of all models as a view; a single model has no models axis.

        The view has one row per input and a last row with the biases. An activation with a column
        of ones, times this matrix, is the layer's output.
        """
        slot = self.slots[f"{layer}.weight"]
        outputs, inputs = slot.shape
        size = (inputs + 1) * outputs
        found = buffer[:, slot.offset : slot.offset + size].unflatten(1, (inputs + 1, outputs))
        return found[0] if len(found) == 1 else found


def slot_view(buffer: Float[Tensor, "count"], slot: Slot) -> Float[Tensor, "*shape"]:
    """Return the parameter at a slot of a flat buffer, as a view."""
    start = buffer.storage_offset() + slot.offset
    return torch.as_strided(buffer, slot.shape, slot.stride, start)


def update_by_adam(
    values: list[Tensor],
    gradients: list[Tensor],
    first: list[Tensor],
    second: list[Tensor],
    step_counts: list[Tensor],
    learning_rate: Tensor,
) -> None:
    """Take one step of Adam (Kingma and Ba 2015) in place.

    Args:
        values: The parameters; they are overwritten.
        gradients: The gradient of each parameter.
        first: The running means of the gradients; they are overwritten.
        second: The running means of the squared gradients; they are overwritten.
        step_counts: The number of steps of each parameter so far; each is increased by 1.
        learning_rate: Adam's step size.
    """
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
        # torch.optim calls the same kernel, but its Python code slows down a small model's step.
        torch._foreach_add_(step_counts, 1)
        torch._fused_adam_(values, gradients, first, second, [], step_counts, **options)
    else:
        adam(values, gradients, first, second, [], step_counts, foreach=False, **options)


def _slots(parameters: dict[str, nn.Parameter], count: int = 0) -> tuple[dict[str, Slot], int]:
    """Return a slot for each parameter, from the offset `count` on, and the end of the last one."""
    slots = {}
    for name, parameter in parameters.items():
        slots[name] = Slot(count, tuple(parameter.shape), parameter.stride())
        count += _aligned(parameter.numel())
    return slots, count


def _affine_slots(model: nn.Module) -> tuple[dict[str, Slot], int]:
    """Return slots that hold linear layers transposed, with the biases as their last row."""
    slots, count = {}, 0
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear):
            outputs, inputs = layer.weight.shape
            slots[f"{name}.weight"] = Slot(count, (outputs, inputs), (1, outputs))
            slots[f"{name}.bias"] = Slot(count + inputs * outputs, (outputs,), (1,))
            count += _aligned((inputs + 1) * outputs)
        else:
            own = {f"{name}.{key}": each for key, each in layer.named_parameters(recurse=False)}
            found, count = _slots(own, count)
            slots |= found
    return slots, count


def _aligned(count: int) -> int:
    return -(-count // ALIGNMENT) * ALIGNMENT


def _rows(buffers: list[Tensor]) -> Float[Tensor, "models count"]:
    """Return adjacent flat buffers as the rows of one matrix, without a copy."""
    first = buffers[0]
    size = len(buffers), len(first)
    return torch.as_strided(first, size, (size[1], 1), first.storage_offset())
