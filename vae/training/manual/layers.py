"""Linear layers with ReLUs between them, forward and backward without autograd.

A column of ones follows each activation, and the biases are the last row of the weights. One
product therefore gives a layer's output with its bias, and another the gradients of both. All
results go into existing buffers. New memory, and other operations between two products, would be
slow, because the products fill the cache with weights.
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
    """The linear layers of one network of all models, with buffers for the hidden activations."""

    def __init__(
        self,
        workspace: Workspace,
        prefix: str,
        network: nn.Sequential,
        stack: WeightStack,
        batch: int,
    ) -> None:
        """Allocate the buffers.

        Args:
            workspace: The source of the buffers.
            prefix: The prefix of the parameters' names, such as "encoder".
            network: The layers; all but linear layers are skipped.
            stack: The weights of the models, and the buffer for their gradients.
            batch: The batch size.
        """
        names = [f"{prefix}.{i}" for i, layer in enumerate(network) if isinstance(layer, nn.Linear)]
        self._weights = [stack.affine(stack.values, name) for name in names]
        self._transposed = [weight[..., :-1, :].mT for weight in self._weights]
        self._gradients = [stack.affine(stack.gradients, name) for name in names]
        sizes = (*self._weights[0].shape[:-2], batch)
        widths = [weight.shape[-1] for weight in self._weights]
        self._hidden = [Activation.empty(workspace, sizes, width) for width in widths[:-1]]
        self._grad_hidden = [Activation.empty(workspace, sizes, width) for width in widths[:-1]]
        self.output = workspace.buffer(*sizes, widths[-1])

    def forward(self, ops: OpList, inputs: Activation) -> None:
        """See `Network`."""
        for weight, hidden in zip(self._weights, self._hidden, strict=False):
            multiply(ops, inputs.augmented, weight, hidden.values)
            ops.add(hidden.padded.relu_)
            inputs = hidden
        multiply(ops, inputs.augmented, self._weights[-1], self.output)

    def backward(
        self,
        ops: OpList,
        inputs: Activation,
        grad_output: Float[Tensor, "*models batch outputs"],
        scale: float = 1.0,
        grad_input: Float[Tensor, "*models batch inputs"] | None = None,
    ) -> None:
        """See `Network`."""
        for layer in range(len(self._weights) - 1, 0, -1):
            hidden, grad_hidden = self._hidden[layer - 1], self._grad_hidden[layer - 1]
            multiply(ops, hidden.T, grad_output, self._gradients[layer], scale)
            multiply(ops, grad_output, self._transposed[layer], grad_hidden.values)
            padded = grad_hidden.padded
            ops.add(threshold_backward, padded, hidden.padded, 0, grad_input=padded)
            grad_output = grad_hidden.values
        multiply(ops, inputs.T, grad_output, self._gradients[0], scale)
        if grad_input is not None:
            multiply(ops, grad_output, self._transposed[0], grad_input, scale)


def multiply(
    ops: OpList,
    a: Float[Tensor, "*models rows inner"],
    b: Float[Tensor, "*models inner columns"],
    out: Float[Tensor, "*models rows columns"],
    scale: float = 1.0,
) -> None:
    """Record `out` = `scale` * `a` @ `b`, for one model or for each of several.

    Args:
        ops: The list that the operation is added to.
        a: The left factor.
        b: The right factor.
        out: The buffer for the product.
        scale: A factor of the product.
    """
    product = torch.addmm if out.dim() == 2 else torch.baddbmm
    ops.add(product, out, a, b, beta=0, alpha=scale, out=out)
