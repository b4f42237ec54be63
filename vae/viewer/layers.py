"""Describes the layers of a decoder or an encoder for the instruments' JavaScript.

Example:
    layers, arrays = export_layers(model.decoder, inputs=[2], outputs=784)
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from vae.core.errors import UnsupportedNetwork
from vae.models.networks.gates import RateGate

Arrays = dict[str, np.ndarray]


@torch.no_grad()
def export_layers(
    network: nn.Sequential, inputs: Sequence[int], outputs: int
) -> tuple[list[dict[str, Any]], Arrays]:
    """Returns the description and the arrays of every layer; a run on zeros finds the shapes.

    Raises `UnsupportedNetwork` for a layer that the browser lacks.
    """
    layers: list[dict[str, Any]] = []
    arrays: Arrays = {}
    signal = next(network.parameters()).new_zeros(1, *inputs)
    for name, layer in _leaves(network):
        export = _EXPORTERS.get(type(layer))
        if export is None:
            raise UnsupportedNetwork(
                f"The browser cannot run layer {name} ({type(layer).__name__});"
                f" it knows {', '.join(sorted(kind.__name__ for kind in _EXPORTERS))}."
            )
        output = _run(layer, signal)
        description, tensors = export(name, layer, signal.shape[1:], output.shape[1:])
        for leaf, tensor in tensors.items():
            array = tensor.float().contiguous().cpu().numpy()
            arrays[f"{name}.{leaf}"] = array
            description[leaf] = f"{name}.{leaf}"
        if description:
            layers.append(description)
        signal = output
    assert signal.numel() == outputs, f"the network gives {signal.numel()} values for {outputs}"
    return layers, arrays


def _run(layer: nn.Module, signal: torch.Tensor) -> torch.Tensor:
    """Returns the layer's output; a gate's output has the same shape for every beta."""
    return layer(signal, signal.new_zeros(1)) if isinstance(layer, RateGate) else layer(signal)


def _leaves(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        if type(child) is nn.Sequential:
            yield from _leaves(child, f"{prefix}{name}.")
        else:
            yield prefix + name, child


Export = tuple[dict[str, Any], dict[str, torch.Tensor]]
Shape = Sequence[int]


def _linear(name: str, layer: nn.Linear, inputs: Shape, outputs: Shape) -> Export:
    if len(inputs) != 1:
        raise UnsupportedNetwork(f"The browser cannot run layer {name}: Linear on an image.")
    description = {"kind": "linear", "inputs": inputs[0], "outputs": outputs[0]}
    return description, {"weight": layer.weight, "bias": _bias(layer, outputs[0])}


def _convolution(
    name: str, layer: nn.Conv2d | nn.ConvTranspose2d, inputs: Shape, outputs: Shape
) -> Export:
    _check_convolution(name, layer)
    transposed = isinstance(layer, nn.ConvTranspose2d)
    description = {
        "kind": "convolution",
        "transposed": transposed,
        "input": list(inputs),
        "output": list(outputs),
        "kernel": list(layer.kernel_size),
        "stride": list(layer.stride),
        "padding": list(layer.padding),
    }
    # (kernel y, kernel x, output, input): the browser's inner loop runs over inputs.
    weight = layer.weight.permute(2, 3, 1, 0) if transposed else layer.weight.permute(2, 3, 0, 1)
    return description, {"weight": weight, "bias": _bias(layer, outputs[0])}


def _check_convolution(name: str, layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
    plain = {"groups": 1, "dilation": (1, 1), "padding_mode": "zeros"}
    for setting, expected in plain.items():
        found = getattr(layer, setting)
        if found != expected:
            raise UnsupportedNetwork(
                f"The browser cannot run layer {name} ({type(layer).__name__})"
                f" with {setting}={found}; it needs {expected}."
            )
    if isinstance(layer.padding, str):
        raise UnsupportedNetwork(
            f"The browser cannot run layer {name} ({type(layer).__name__}) with"
            f" padding={layer.padding!r}; give it in pixels."
        )


def _bias(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, outputs: int) -> torch.Tensor:
    return torch.zeros(outputs) if layer.bias is None else layer.bias


def _gate(name: str, layer: RateGate, inputs: Shape, outputs: Shape) -> Export:
    return {"kind": "gate"}, {"slope": layer.slope, "offset": layer.offset}


def _activation(kind: str) -> Callable[..., Export]:
    return lambda name, layer, inputs, outputs: ({"kind": kind}, {})


def _reshape(name: str, layer: nn.Module, inputs: Shape, outputs: Shape) -> Export:
    return {}, {}


_EXPORTERS: dict[type[nn.Module], Callable[..., Export]] = {
    nn.Linear: _linear,
    nn.Conv2d: _convolution,
    nn.ConvTranspose2d: _convolution,
    RateGate: _gate,
    nn.ReLU: _activation("relu"),
    nn.Tanh: _activation("tanh"),
    nn.Sigmoid: _activation("sigmoid"),
    nn.SiLU: _activation("silu"),
    nn.Flatten: _reshape,
    nn.Unflatten: _reshape,
}
"""Exporters by exact type, because a subclass may compute something else."""
