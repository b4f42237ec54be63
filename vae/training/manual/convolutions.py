"""The convolutions of one model with ReLUs between them, forward and backward without autograd.

Activations have the channels-last layout, in which convolutions run fastest. torch's convolutions
write their results into new memory, so the inner activations are kept until the backward pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae.training.manual.layers import threshold_backward
from vae.training.manual.op_list import OpList
from vae.training.manual.workspace import Workspace
from vae.training.weights import WeightStack, slot_view

convolution_backward = torch.ops.aten.convolution_backward.default

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


@dataclass(frozen=True)
class Convolution:
    """One convolution: views of its weights and of the buffers for their gradients."""

    kernel: Float[Tensor, "_ _ h w"]
    bias: Float[Tensor, "channels"]
    grad_kernel: Float[Tensor, "_ _ h w"]
    grad_bias: Float[Tensor, "channels"]
    settings: tuple[Any, ...]
    """Stride, padding, dilation, whether the layer is transposed, output padding, groups."""

    @classmethod
    def of(
        cls,
        name: str,
        layer: nn.Conv2d | nn.ConvTranspose2d,
        stack: WeightStack,
    ) -> Self:
        """Make views of the weights and gradients of the layer `name`."""
        kernel, bias, grad_kernel, grad_bias = (
            slot_view(buffer[0], stack.slots[f"{name}.{each}"])
            for buffer in (stack.values, stack.gradients)
            for each in ("weight", "bias")
        )
        is_transposed = isinstance(layer, nn.ConvTranspose2d)
        geometry = layer.stride, layer.padding, layer.dilation
        settings = (*geometry, is_transposed, layer.output_padding, layer.groups)
        return cls(kernel, bias, grad_kernel, grad_bias, settings)

    def __call__(self, inputs: Float[Tensor, "batch _ h w"]) -> Float[Tensor, "batch channels _ _"]:
        """Return the output in new memory."""
        return torch.convolution(inputs, self.kernel, self.bias, *self.settings)

    def backward(
        self,
        inputs: Float[Tensor, "batch _ h w"],
        grad_output: Float[Tensor, "batch channels _ _"],
        needs_input_grad: bool,
    ) -> Float[Tensor, "batch _ h w"] | None:
        """Write the weights' gradients; return the gradient of the inputs if it is needed."""
        grad_input, grad_kernel, grad_bias = convolution_backward(
            grad_output,
            inputs,
            self.kernel,
            [len(self.bias)],
            *self.settings,
            [needs_input_grad, True, True],
        )
        self.grad_kernel.copy_(grad_kernel)
        self.grad_bias.copy_(grad_bias)
        return grad_input


class Convolutions:
    """The convolutions of one network, with buffers for their inputs and the output's gradient."""

    inputs: Float[Tensor, "batch _ h w"]
    """The caller writes the inputs here before the forward pass."""

    output: Float[Tensor, "batch _ _ _"]
    """The last convolution's output after the forward pass; no ReLU is applied to it."""

    grad_output: Float[Tensor, "batch _ _ _"]
    """The caller writes the gradient of the output here before the backward pass."""

    grad_input: Float[Tensor, "batch _ h w"] | None
    """The gradient of the inputs after the backward pass; None if it is not needed."""

    def __init__(
        self,
        workspace: Workspace,
        prefix: str,
        network: nn.Sequential,
        stack: WeightStack,
        input_shape: tuple[int, int, int, int],
        needs_input_grad: bool,
    ) -> None:
        """Allocate buffers and run the convolutions once, to find the shape of the output.

        Args:
            workspace: The source of the buffers.
            prefix: The prefix of the parameters' names, such as "encoder".
            network: The layers; all but convolutions are skipped.
            stack: The weights of the model, and the buffer for their gradients.
            input_shape: (batch, c, h, w) of the inputs.
            needs_input_grad: Whether the backward pass computes the gradient of the inputs.
        """
        self._layers = [
            Convolution.of(f"{prefix}.{i}", layer, stack)
            for i, layer in enumerate(network)
            if isinstance(layer, CONVOLUTIONS)
        ]
        self._needs_input_grad = needs_input_grad
        self.inputs = _channels_last(workspace, input_shape)
        self._forward()
        self.grad_output = _channels_last(workspace, self.output.shape)

    def forward(self, ops: OpList) -> None:
        """Record the computation of `output` from `inputs`."""
        ops.add(self._forward)

    def backward(self, ops: OpList) -> None:
        """Record the computation of all gradients from `grad_output`."""
        ops.add(self._backward)

    def _forward(self) -> None:
        *inner, last = self._layers
        self._activations = [self.inputs]
        for layer in inner:
            self._activations.append(layer(self._activations[-1]).relu_())
        self.output = last(self._activations[-1])

    def _backward(self) -> None:
        gradient = self.grad_output
        while len(self._activations) > 1:
            hidden = self._activations.pop()
            layer = self._layers[len(self._activations)]
            grad_hidden = layer.backward(hidden, gradient, needs_input_grad=True)
            gradient = threshold_backward(grad_hidden, hidden, 0, grad_input=grad_hidden)
        first = self._layers[0]
        self.grad_input = first.backward(self.inputs, gradient, self._needs_input_grad)


def _channels_last(workspace: Workspace, shape: Sequence[int]) -> Float[Tensor, "batch c h w"]:
    """Return a buffer of this shape in the channels-last layout."""
    batch, channels, height, width = shape
    return workspace.buffer(batch, height, width, channels).permute(0, 3, 1, 2)
