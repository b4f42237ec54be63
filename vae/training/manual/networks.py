"""Encoders and decoders without autograd: linear layers, with convolutions before or after them.

Codes and images are rows of numbers, as linear layers take them. Between linear layers and
convolutions the activations change their layout and pass a ReLU.
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
    """An encoder or a decoder, with buffers for its activations and their gradients."""

    output: Float[Tensor, "*models batch outputs"]
    """The buffer of the last layer's output."""

    def forward(self, ops: OpList, inputs: Activation) -> None:
        """Record the computation of `output` from the inputs."""
        ...

    def backward(
        self,
        ops: OpList,
        inputs: Activation,
        grad_output: Float[Tensor, "*models batch outputs"],
        scale: float = 1.0,
        grad_input: Float[Tensor, "*models batch inputs"] | None = None,
    ) -> None:
        """Record the gradients of the weights, and of the inputs if `grad_input` is a buffer.

        All gradients are multiplied by `scale`; `inputs` must be those of the forward pass.
        """
        ...


def manual_network(
    workspace: Workspace,
    prefix: str,
    network: nn.Sequential,
    stack: WeightStack,
    batch: int,
    image_shape: tuple[int, int, int],
) -> Network:
    """Return the manual form of an encoder or a decoder.

    Args:
        workspace: The source of the buffers.
        prefix: The prefix of the parameters' names, such as "encoder".
        network: The encoder or decoder.
        stack: The weights of the models, and the buffer for their gradients.
        batch: The batch size.
        image_shape: (c, h, w) of the model's images.
    """
    layers = Layers(workspace, prefix, network, stack, batch)
    if not any(isinstance(layer, CONVOLUTIONS) for layer in network):
        return layers
    is_encoder = isinstance(network[0], CONVOLUTIONS)
    convolutions = Convolutions(
        workspace,
        prefix,
        network,
        stack,
        (batch, *(image_shape if is_encoder else _unflattened_shape(network))),
        needs_input_grad=not is_encoder,
    )
    if is_encoder:
        return ConvolutionalEncoder(workspace, convolutions, layers)
    return ConvolutionalDecoder(workspace, layers, convolutions)


class ConvolutionalEncoder:
    """An encoder of convolutions, a ReLU and linear layers."""

    def __init__(self, workspace: Workspace, convolutions: Convolutions, layers: Layers) -> None:
        self._convolutions, self._layers = convolutions, layers
        self.output = layers.output
        batch, *shape = convolutions.grad_output.shape
        self._features, self._grad_features = (
            Activation.empty(workspace, (batch,), math.prod(shape)) for _ in range(2)
        )

    def forward(self, ops: OpList, inputs: Activation) -> None:
        """See `Network`."""
        images = self._convolutions.inputs
        ops.add(images.copy_, as_images(inputs.values, images))
        self._convolutions.forward(ops)
        ops.add(self._read_features)
        self._layers.forward(ops, self._features)

    def backward(
        self,
        ops: OpList,
        inputs: Activation,
        grad_output: Float[Tensor, "batch outputs"],
        scale: float = 1.0,
        grad_input: Float[Tensor, "batch inputs"] | None = None,
    ) -> None:
        """See `Network`; the gradient of images is never needed."""
        assert grad_input is None
        features, grad_features = self._features, self._grad_features
        self._layers.backward(ops, features, grad_output, scale, grad_features.values)
        padded = grad_features.padded
        ops.add(threshold_backward, padded, features.padded, 0, grad_input=padded)
        grad_images = self._convolutions.grad_output
        ops.add(grad_images.copy_, as_images(grad_features.values, grad_images))
        self._convolutions.backward(ops)

    def _read_features(self) -> None:
        output = self._convolutions.output
        torch.clamp_min(output, 0, out=as_images(self._features.values, output))


class ConvolutionalDecoder:
    """A decoder of linear layers, a ReLU and transposed convolutions."""

    def __init__(self, workspace: Workspace, layers: Layers, convolutions: Convolutions) -> None:
        self._layers, self._convolutions = layers, convolutions
        self._grad_features = workspace.buffer(*layers.output.shape)
        batch, *shape = convolutions.grad_output.shape
        self.output = workspace.buffer(batch, math.prod(shape))

    def forward(self, ops: OpList, inputs: Activation) -> None:
        """See `Network`."""
        features, feature_maps = self._layers.output, self._convolutions.inputs
        self._layers.forward(ops, inputs)
        ops.add(features.relu_)
        ops.add(feature_maps.copy_, as_images(features, feature_maps))
        self._convolutions.forward(ops)
        ops.add(self._read_output)

    def backward(
        self,
        ops: OpList,
        inputs: Activation,
        grad_output: Float[Tensor, "batch outputs"],
        scale: float = 1.0,
        grad_input: Float[Tensor, "batch inputs"] | None = None,
    ) -> None:
        """See `Network`."""
        features, grad_features = self._layers.output, self._grad_features
        grad_images = self._convolutions.grad_output
        ops.add(torch.mul, as_images(grad_output, grad_images), scale, out=grad_images)
        self._convolutions.backward(ops)
        ops.add(self._read_grad_features)
        ops.add(threshold_backward, grad_features, features, 0, grad_input=grad_features)
        self._layers.backward(ops, inputs, grad_features, grad_input=grad_input)

    def _read_output(self) -> None:
        output = self._convolutions.output
        as_images(self.output, output).copy_(output)

    def _read_grad_features(self) -> None:
        grad_input = self._convolutions.grad_input
        assert grad_input is not None
        as_images(self._grad_features, grad_input).copy_(grad_input)


def as_images(
    rows: Float[Tensor, "batch numbers"], like: Float[Tensor, "batch c h w"]
) -> Float[Tensor, "batch c h w"]:
    """Return rows as a view of images of the shape of `like`, one channel after the other."""
    return rows.unflatten(1, like.shape[1:])


def _unflattened_shape(decoder: nn.Sequential) -> tuple[int, int, int]:
    """Return (c, h, w) of the input of a decoder's first convolution."""
    (unflatten,) = (layer for layer in decoder if isinstance(layer, nn.Unflatten))
    channels, height, width = unflatten.unflattened_size
    return channels, height, width
