"""Linear layers with ReLUs between them, forward and backward by hand, for batches of one size.

A signal has a column of ones behind it, which multiplies the biases: the last row of the layer's
weights. So a product gives a layer's output, bias and all, and another the gradients of both.
Everything is written into buffers that are there before: what is allocated anew, and every other
kind of operation between two products, finds the processor's cache full of weights and has to wait.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae.training.manual.activations import Activation
from vae.training.manual.op_list import OpList
from vae.training.manual.workspace import Workspace
from vae.training.weights import WeightStack

threshold_backward = torch.ops.aten.threshold_backward.grad_input


class Layers:
    """Those of one network, of all models at once, with workspace for the signals between them."""

    def __init__(
        self,
        workspace: Workspace,
        prefix: str,
        network: nn.Sequential,
        stack: WeightStack,
        gradients: Float[Tensor, "models count"],
        batch: int,
    ) -> None:
        """`prefix` stands in front of the parameters' names."""
        names = [f"{prefix}.{i}" for i, layer in enumerate(network) if isinstance(layer, nn.Linear)]
        self._weights = [stack.affine(stack.values, name) for name in names]
        self._turned = [weight[..., :-1, :].mT for weight in self._weights]
        self._gradients = [stack.affine(gradients, name) for name in names]
        sizes = (*self._weights[0].shape[:-2], batch)
        widths = [weight.shape[-1] for weight in self._weights]
        self._hidden = [Activation.empty(workspace, sizes, width) for width in widths[:-1]]
        self._by_hidden = [Activation.empty(workspace, sizes, width) for width in widths[:-1]]
        self.output = workspace.buffer(*sizes, widths[-1])

    def forward(self, ops: OpList, signal: Activation) -> None:
        """See `Network`."""
        for weight, hidden in zip(self._weights, self._hidden, strict=False):
            multiply(ops, signal.augmented, weight, hidden.values)
            ops.add(hidden.whole.relu_)
            signal = hidden
        multiply(ops, signal.augmented, self._weights[-1], self.output)

    def backward(
        self,
        ops: OpList,
        signal: Activation,
        gradient: Float[Tensor, "*models batch outputs"],
        scale: float = 1.0,
        grad_input: Float[Tensor, "*models batch inputs"] | None = None,
    ) -> None:
        """See `Network`."""
        for layer in range(len(self._weights) - 1, 0, -1):
            below, by_below = self._hidden[layer - 1], self._by_hidden[layer - 1]
            multiply(ops, below.T, gradient, self._gradients[layer], scale)
            multiply(ops, gradient, self._turned[layer], by_below.values)
            whole = by_below.whole
            ops.add(threshold_backward, whole, below.whole, 0, grad_input=whole)
            gradient = by_below.values
        multiply(ops, signal.T, gradient, self._gradients[0], scale)
        if grad_input is not None:
            multiply(ops, gradient, self._turned[0], grad_input, scale)


def multiply(
    ops: OpList,
    a: Float[Tensor, "*models rows inner"],
    b: Float[Tensor, "*models inner columns"],
    out: Float[Tensor, "*models rows columns"],
    scale: float = 1.0,
) -> None:
    """Record `scale` times the matrix product, of one model or of each."""
    product = torch.addmm if out.dim() == 2 else torch.baddbmm
    ops.add(product, out, a, b, beta=0, alpha=scale, out=out)
