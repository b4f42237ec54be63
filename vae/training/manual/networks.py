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

from vae.training.manual.activations import Signal
from vae.training.manual.convolutions import CONVOLUTIONS, Convolutions
from vae.training.manual.layers import Layers, threshold_backward
from vae.training.manual.op_list import Tape
from vae.training.manual.workspace import Room
from vae.training.weights import WeightStack


class Network(Protocol):
    """An encoder or a decoder, with room for all that goes through it."""

    output: Float[Tensor, "*models batch outputs"]
    """Where the last layer's output will be."""

    def forward(self, tape: Tape, signal: Signal) -> None:
        """Record the way from the signal to the output."""
        ...

    def backward(
        self,
        tape: Tape,
        signal: Signal,
        gradient: Float[Tensor, "*models batch outputs"],
        scale: float = 1.0,
        by_signal: Float[Tensor, "*models batch inputs"] | None = None,
    ) -> None:
        """Record the way back: gradients of weights and biases, and the signal's if that is wanted.

        All of them are `scale` times what `gradient` makes of them; `signal` is what went in.
        """
        ...


def network_by_hand(
    room: Room,
    prefix: str,
    network: nn.Sequential,
    stack: WeightStack,
    gradients: Float[Tensor, "models count"],
    batch: int,
    image_shape: tuple[int, int, int],
) -> Network:
    """An encoder or a decoder; `prefix` stands in front of its parameters' names."""
    layers = Layers(room, prefix, network, stack, gradients, batch)
    if not any(isinstance(layer, CONVOLUTIONS) for layer in network):
        return layers
    is_encoder = isinstance(network[0], CONVOLUTIONS)
    convolutions = Convolutions(
        room,
        prefix,
        network,
        stack,
        gradients,
        (batch, *(image_shape if is_encoder else _shape_behind_layers(network))),
        goes_on=not is_encoder,
    )
    if is_encoder:
        return ConvolutionalEncoder(room, convolutions, layers)
    return ConvolutionalDecoder(room, layers, convolutions)


class ConvolutionalEncoder:
    """Convolutions, a ReLU, linear layers."""

    def __init__(self, room: Room, convolutions: Convolutions, layers: Layers) -> None:
        self._convolutions, self._layers = convolutions, layers
        self.output = layers.output
        batch, *shape = convolutions.gradient.shape
        self._features, self._by_features = (
            Signal.empty(room, (batch,), math.prod(shape)) for _ in range(2)
        )

    def forward(self, tape: Tape, signal: Signal) -> None:
        """See `Network`."""
        images = self._convolutions.signal
        tape.record(images.copy_, as_images(signal.values, images))
        self._convolutions.forward(tape)
        tape.record(self._read_features)
        self._layers.forward(tape, self._features)

    def backward(
        self,
        tape: Tape,
        signal: Signal,
        gradient: Float[Tensor, "batch outputs"],
        scale: float = 1.0,
        by_signal: Float[Tensor, "batch inputs"] | None = None,
    ) -> None:
        """See `Network`; nobody wants an image's gradient."""
        assert by_signal is None
        found, features = self._by_features, self._features
        self._layers.backward(tape, features, gradient, scale, found.values)
        tape.record(threshold_backward, found.whole, features.whole, 0, grad_input=found.whole)
        by_output = self._convolutions.gradient
        tape.record(by_output.copy_, as_images(found.values, by_output))
        self._convolutions.backward(tape)

    def _read_features(self) -> None:
        output = self._convolutions.output
        torch.clamp_min(output, 0, out=as_images(self._features.values, output))


class ConvolutionalDecoder:
    """Linear layers, a ReLU, transposed convolutions."""

    def __init__(self, room: Room, layers: Layers, convolutions: Convolutions) -> None:
        self._layers, self._convolutions = layers, convolutions
        self._by_features = room.take(*layers.output.shape)
        batch, *shape = convolutions.gradient.shape
        self.output = room.take(batch, math.prod(shape))

    def forward(self, tape: Tape, signal: Signal) -> None:
        """See `Network`."""
        features, places = self._layers.output, self._convolutions.signal
        self._layers.forward(tape, signal)
        tape.record(features.relu_)
        tape.record(places.copy_, as_images(features, places))
        self._convolutions.forward(tape)
        tape.record(self._read_output)

    def backward(
        self,
        tape: Tape,
        signal: Signal,
        gradient: Float[Tensor, "batch outputs"],
        scale: float = 1.0,
        by_signal: Float[Tensor, "batch inputs"] | None = None,
    ) -> None:
        """See `Network`."""
        features, found = self._layers.output, self._by_features
        by_output = self._convolutions.gradient
        tape.record(torch.mul, as_images(gradient, by_output), scale, out=by_output)
        self._convolutions.backward(tape)
        tape.record(self._read_by_features)
        tape.record(threshold_backward, found, features, 0, grad_input=found)
        self._layers.backward(tape, signal, found, by_signal=by_signal)

    def _read_output(self) -> None:
        output = self._convolutions.output
        as_images(self.output, output).copy_(output)

    def _read_by_features(self) -> None:
        found = self._convolutions.by_signal
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
