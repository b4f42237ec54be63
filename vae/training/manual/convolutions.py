"""Convolutions with ReLUs between them, forward and backward by hand, of one model.

Signals lie channels last, as convolutions like them. They write each result into new memory, so
what lies between two of them is kept until the way back has been there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae.training.manual.op_list import OpList
from vae.training.manual.workspace import Workspace
from vae.training.weights import WeightStack, slot_view

threshold_backward = torch.ops.aten.threshold_backward.grad_input
convolution_backward = torch.ops.aten.convolution_backward.default


CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


@dataclass(frozen=True)
class Convolution:
    """One of them: views of its weights and of where their gradients belong."""

    kernel: Float[Tensor, "_ _ h w"]
    bias: Float[Tensor, "channels"]
    grad_kernel: Float[Tensor, "_ _ h w"]
    grad_bias: Float[Tensor, "channels"]
    settings: tuple[Any, ...]
    """Stride, padding, dilation, whether it is transposed, output padding, groups."""

    @classmethod
    def of(
        cls,
        name: str,
        layer: nn.Conv2d | nn.ConvTranspose2d,
        stack: WeightStack,
        gradients: Float[Tensor, "1 count"],
    ) -> Self:
        """The layer of that name."""
        kernel, bias, grad_kernel, grad_bias = (
            slot_view(buffer[0], stack.slots[f"{name}.{each}"])
            for buffer in (stack.values, gradients)
            for each in ("weight", "bias")
        )
        is_transposed = isinstance(layer, nn.ConvTranspose2d)
        geometry = layer.stride, layer.padding, layer.dilation
        settings = (*geometry, is_transposed, layer.output_padding, layer.groups)
        return cls(kernel, bias, grad_kernel, grad_bias, settings)

    def __call__(self, signal: Float[Tensor, "batch _ h w"]) -> Float[Tensor, "batch channels _ _"]:
        """In new memory."""
        return torch.convolution(signal, self.kernel, self.bias, *self.settings)

    def backward(
        self,
        signal: Float[Tensor, "batch _ h w"],
        gradient: Float[Tensor, "batch channels _ _"],
        needs_input_grad: bool,
    ) -> Float[Tensor, "batch _ h w"] | None:
        """Write the weights' gradients; returns the signal's where the way goes on."""
        grad_input, grad_kernel, grad_bias = convolution_backward(
            gradient,
            signal,
            self.kernel,
            [len(self.bias)],
            *self.settings,
            [needs_input_grad, True, True],
        )
        self.grad_kernel.copy_(grad_kernel)
        self.grad_bias.copy_(grad_bias)
        return grad_input


class Convolutions:
    """Those of one network, with workspace for what comes in at either end."""

    signal: Float[Tensor, "batch _ h w"]
    """What goes in: to be written before the way forward."""

    output: Float[Tensor, "batch _ _ _"]
    """Behind the way forward, the last one's; no ReLU follows it."""

    gradient: Float[Tensor, "batch _ _ _"]
    """By the output: to be written before the way back."""

    grad_input: Float[Tensor, "batch _ h w"] | None
    """Behind the way back, the gradient by what went in, where that is wanted."""

    def __init__(
        self,
        workspace: Workspace,
        prefix: str,
        network: nn.Sequential,
        stack: WeightStack,
        gradients: Float[Tensor, "1 count"],
        inputs: tuple[int, int, int, int],
        needs_input_grad: bool,
    ) -> None:
        """`prefix` stands in front of the parameters' names; (batch, c, h, w) go in.

        Whether the way back `needs_input_grad` in front of the first of them is known beforehand.
        """
        self._layers = [
            Convolution.of(f"{prefix}.{i}", layer, stack, gradients)
            for i, layer in enumerate(network)
            if isinstance(layer, CONVOLUTIONS)
        ]
        self._goes_on = needs_input_grad
        self.signal = _channels_last(workspace, inputs)
        self._forward()
        self.gradient = _channels_last(workspace, self.output.shape)

    def forward(self, ops: OpList) -> None:
        """Record the way from `signal` to `output`."""
        ops.add(self._forward)

    def backward(self, ops: OpList) -> None:
        """Record the way from `gradient` to `grad_input`, and the gradients of the weights."""
        ops.add(self._backward)

    def _forward(self) -> None:
        *inner, last = self._layers
        self._signals = [self.signal]
        for layer in inner:
            self._signals.append(layer(self._signals[-1]).relu_())
        self.output = last(self._signals[-1])

    def _backward(self) -> None:
        gradient = self.gradient
        while len(self._signals) > 1:
            signal = self._signals.pop()
            below = self._layers[len(self._signals)].backward(
                signal, gradient, needs_input_grad=True
            )
            gradient = threshold_backward(below, signal, 0, grad_input=below)
        self.grad_input = self._layers[0].backward(self.signal, gradient, self._goes_on)


def _channels_last(workspace: Workspace, shape: Sequence[int]) -> Float[Tensor, "batch c h w"]:
    batch, channels, height, width = shape
    return workspace.buffer(batch, height, width, channels).permute(0, 3, 1, 2)
