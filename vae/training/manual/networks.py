"""Whole encoders and decoders by hand: linear layers, with convolutions in front or behind.

A code's and an image's numbers lie in rows, as linear layers take them; what goes between those and
convolutions changes its layout on the way, and passes a ReLU.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae.training.manual.activations import Activation
from vae.training.manual.convolutions import CONVOLUTIONS, Convolutions
from vae.training.manual.layers import Layers, threshold_backward
from vae.training.manual.op_list import OpList
from vae.training.manual.workspace import Workspace
from vae.training.weights import WeightStack


class Network(Protocol):
    """An encoder or a decoder, with workspace for all that goes through it."""

    output: Float[Tensor, "*models batch outputs"]
    """Where the last layer's output will be."""

    def forward(self, ops: OpList, signal: Activation) -> None:
        """Record the way from the signal to the output."""
        ...

    def backward(
        self,
        ops: OpList,
        signal: Activation,
        gradient: Float[Tensor, "*models batch outputs"],
        scale: float = 1.0,
        grad_input: Float[Tensor, "*models batch inputs"] | None = None,
    ) -> None:
        """Record the way back: gradients of weights and biases, and the signal's if that is wanted.

        All of them are `scale` times what `gradient` makes of them; `signal` is what went in.
        """
        ...


def network_by_hand(
    workspace: Workspace,
    prefix: str,
    network: nn.Sequential,
    stack: WeightStack,
    gradients: Float[Tensor, "models count"],
    batch: int,
    image_shape: tuple[int, int, int],
) -> Network:
    """An encoder or a decoder; `prefix` stands in front of its parameters' names."""
    layers = Layers(workspace, prefix, network, stack, gradients, batch)
    if not any(isinstance(layer, CONVOLUTIONS) for layer in network):
        return layers
    is_encoder = isinstance(network[0], CONVOLUTIONS)
    convolutions = Convolutions(
        workspace,
        prefix,
        network,
        stack,
        gradients,
        (batch, *(image_shape if is_encoder else _shape_behind_layers(network))),
        needs_input_grad=not is_encoder,
    )
    if is_encoder:
        return ConvolutionalEncoder(workspace, convolutions, layers)
    return ConvolutionalDecoder(workspace, layers, convolutions)


class ConvolutionalEncoder:
    """Convolutions, a ReLU, linear layers."""

    def __init__(self, workspace: Workspace, convolutions: Convolutions, layers: Layers) -> None:
        self._convolutions, self._layers = convolutions, layers
        self.output = layers.output
        batch, *shape = convolutions.gradient.shape
        self._features, self._by_features = (
            Activation.empty(workspace, (batch,), math.prod(shape)) for _ in range(2)
        )

    def forward(self, ops: OpList, signal: Activation) -> None:
        """See `Network`."""
        images = self._convolutions.signal
        ops.add(images.copy_, as_images(signal.values, images))
        self._convolutions.forward(ops)
        ops.add(self._read_features)
        self._layers.forward(ops, self._features)

    def backward(
        self,
        ops: OpList,
        signal: Activation,
        gradient: Float[Tensor, "batch outputs"],
        scale: float = 1.0,
        grad_input: Float[Tensor, "batch inputs"] | None = None,
    ) -> None:
        """See `Network`; nobody wants an image's gradient."""
        assert grad_input is None
        found, features = self._by_features, self._features
        self._layers.backward(ops, features, gradient, scale, found.values)
        ops.add(threshold_backward, found.whole, features.whole, 0, grad_input=found.whole)
        grad_output = self._convolutions.gradient
        ops.add(grad_output.copy_, as_images(found.values, grad_output))
        self._convolutions.backward(ops)

    def _read_features(self) -> None:
        output = self._convolutions.output
        torch.clamp_min(output, 0, out=as_images(self._features.values, output))


class ConvolutionalDecoder:
    """Linear layers, a ReLU, transposed convolutions."""

    def __init__(self, workspace: Workspace, layers: Layers, convolutions: Convolutions) -> None:
        self._layers, self._convolutions = layers, convolutions
        self._by_features = workspace.buffer(*layers.output.shape)
        batch, *shape = convolutions.gradient.shape
        self.output = workspace.buffer(batch, math.prod(shape))

    def forward(self, ops: OpList, signal: Activation) -> None:
        """See `Network`."""
        features, places = self._layers.output, self._convolutions.signal
        self._layers.forward(ops, signal)
        ops.add(features.relu_)
        ops.add(places.copy_, as_images(features, places))
        self._convolutions.forward(ops)
        ops.add(self._read_output)

    def backward(
        self,
        ops: OpList,
        signal: Activation,
        gradient: Float[Tensor, "batch outputs"],
        scale: float = 1.0,
        grad_input: Float[Tensor, "batch inputs"] | None = None,
    ) -> None:
        """See `Network`."""
        features, found = self._layers.output, self._by_features
        grad_output = self._convolutions.gradient
        ops.add(torch.mul, as_images(gradient, grad_output), scale, out=grad_output)
        self._convolutions.backward(ops)
        ops.add(self._read_by_features)
        ops.add(threshold_backward, found, features, 0, grad_input=found)
        self._layers.backward(ops, signal, found, grad_input=grad_input)

    def _read_output(self) -> None:
        output = self._convolutions.output
        as_images(self.output, output).copy_(output)

    def _read_by_features(self) -> None:
        found = self._convolutions.grad_input
        assert found is not None
        as_images(self._by_features, found).copy_(found)


def as_images(
    rows: Float[Tensor, "batch numbers"], like: Float[Tensor, "batch c h w"]
) -> Float[Tensor, "batch c h w"]:
    """Rows as images of that shape, whose channels lie one behind the other."""
    return rows.unflatten(1, like.shape[1:])


def _shape_behind_layers(decoder: nn.Sequential) -> tuple[int, int, int]:
    (unflatten,) = (layer for layer in decoder if isinstance(layer, nn.Unflatten))
    channels, height, width = unflatten.unflattened_size
    return channels, height, width
