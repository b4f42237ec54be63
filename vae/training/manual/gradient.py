"""The gradient of the beta-VAE objective with respect to the weights, written out.

`vae.training.losses` and `vae.models.posterior` hold the objective, and README.md the derivation.
Autograd would need three times as many operations. Here each operation covers all models, and
writes gradients directly into the buffer that Adam reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from vae.models.likelihood import ManualLikelihood
from vae.training.manual.activations import Activation, Batch
from vae.training.manual.networks import manual_network
from vae.training.manual.op_list import OpList
from vae.training.manual.workspace import Workspace
from vae.training.weights import WeightStack

if TYPE_CHECKING:
    from vae.training.run import TrainingRun

hardtanh_backward = torch.ops.aten.hardtanh_backward.grad_input


class Gradient:
    """Computes the gradient of the objective for batches of one size.

    Its buffers have the shape (batch, ...) for one model and (models, batch, ...) for several.
    """

    def __init__(
        self,
        workspace: Workspace,
        runs: Sequence[TrainingRun],
        stack: WeightStack,
        batch: Batch,
        noise_streams: list[int],
        sums: Float[Tensor, "models terms"],
    ) -> None:
        """Allocate the buffers and record the operations.

        Args:
            workspace: The source of the buffers.
            runs: The runs of the models; their settings differ in beta and seed only.
            stack: The weights of the models, and the buffer for their gradients.
            batch: The batch that each step reads.
            noise_streams: The index of each model's noise stream in the batch.
            sums: The sums that each model's distortion and rates are added to.
        """
        model = runs[0].model
        assert isinstance(model.likelihood, ManualLikelihood)
        self._likelihood, self._limit = model.likelihood, model.config.logvar_limit
        self._free_bits = runs[0].config.free_bits
        self._ops = OpList()
        count = batch.sizes[1]
        self._batch_fraction = 1 / count
        self._inputs, self._images, self._noise = batch.select(noise_streams, self._ops)
        self._encoder, self._decoder = (
            manual_network(workspace, prefix, network, stack, count, model.config.image_shape)
            for prefix, network in (("encoder", model.encoder), ("decoder", model.decoder))
        )
        is_single = len(runs) == 1
        terms = sums[0] if is_single else sums
        self._distortions, self._rates = terms[..., 0], terms[..., 1:]
        self._mean, self._raw = self._encoder.output.chunk(2, dim=-1)
        sizes, latent_dim = self._mean.shape[:-1], model.config.latent_dim
        self._z = Activation.empty(workspace, sizes, latent_dim)
        self._logvar, self._shift, self._excess, self._twice_rate, self._grad_z = workspace.buffer(
            5, *sizes, latent_dim
        )
        self._grad_output = workspace.buffer(*self._decoder.output.shape)
        self._grad_encoded = workspace.buffer(*self._encoder.output.shape)
        self._zero = torch.zeros((), device=model.device)
        betas = torch.stack([self._zero + run.config.beta for run in runs])
        weights = betas[0] if is_single else betas[:, None, None]
        self._betas = (weights / count).expand(*sizes[:-1], 1, latent_dim).contiguous()
        self._weight = torch.zeros_like(self._betas)
        self._record()

    def write(self, kl_scale: Float[Tensor, ""]) -> None:
        """Write the gradient of mean(distortion + kl_scale * beta * rate); add both to the sums."""
        torch.mul(kl_scale, self._betas, out=self._weight)
        self._ops.run()

    def _record(self) -> None:
        """Record all operations; the factor 1/batch is applied where it is cheapest."""
        self._encoder.forward(self._ops, self._inputs)
        self._record_posterior()
        self._decoder.forward(self._ops, self._z)
        self._ops.add(self._measure_distortion)
        scale, grad_output = self._batch_fraction, self._grad_output
        self._decoder.backward(self._ops, self._z, grad_output, scale, self._grad_z)
        self._record_posterior_backward()
        self._encoder.backward(self._ops, self._inputs, self._grad_encoded)

    def _record_posterior(self) -> None:
        """Sample z = mean + shift, and add to the rates; `excess` is the variance minus 1."""
        record, limit = self._ops.add, self._limit
        record(torch.clamp, self._raw, -limit, limit, out=self._logvar)
        record(torch.mul, self._logvar, 0.5, out=self._shift)
        record(self._shift.exp_)
        record(self._shift.mul_, self._noise)
        record(torch.add, self._mean, self._shift, out=self._z.values)
        record(torch.expm1, self._logvar, out=self._excess)
        record(torch.sub, self._excess, self._logvar, out=self._twice_rate)
        record(self._twice_rate.addcmul_, self._mean, self._mean)
        record(self._add_rate)
        if self._free_bits:
            record(self._leave_out_free)

    def _record_posterior_backward(self) -> None:
        """Compute the gradient of the encoder's output from the gradient of z."""
        record, limit = self._ops.add, self._limit
        grad_mean, grad_raw = self._grad_encoded.chunk(2, dim=-1)
        record(torch.addcmul, self._grad_z, self._weight, self._mean, out=grad_mean)
        record(torch.addcmul, self._zero, self._grad_z, self._shift, value=0.5, out=grad_raw)
        record(grad_raw.addcmul_, self._weight, self._excess, value=0.5)
        record(hardtanh_backward, grad_raw, self._raw, -limit, limit, grad_input=grad_raw)

    def _measure_distortion(self) -> None:
        output, images, gradient = self._decoder.output, self._images, self._grad_output
        distortion, _ = self._likelihood.distortion_and_gradient(output, images, gradient)
        self._distortions.add_(distortion.sum(dim=-1))

    def _add_rate(self) -> None:
        self._rates.add_(self._twice_rate.sum(dim=-2), alpha=0.5)

    def _leave_out_free(self) -> None:
        """Set the weight of each dimension to 0 if its mean rate is below the free bits."""
        means = self._twice_rate.mean(dim=-2, keepdim=True)
        self._weight.mul_(means >= 2 * self._free_bits)
