"""A step of several fully connected models at once, its gradients written out by hand.

The models have one shape and one objective, the beta-VAE's, and differ in beta, seed or both. The
equations are those of `vae.objective.losses` and `vae.posterior`; what autograd would do with them
is done here with a third of the operations, over all models in each of them, and without a copy:
gradients are written where Adam reads them.
"""

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from vae.config import ModelConfig, TrainConfig
from vae.data.corruption import corrupted
from vae.data.splits import Split
from vae.device import products_in_bfloat16
from vae.likelihood import BY_HAND, LikelihoodByHand
from vae.model import VAE
from vae.networks.architectures import DENSE
from vae.training.weights import Weights, WeightStack, update_by_adam

ABREAST_ON_CPU = 2
"""Models that go through each operation side by side: of more, the signals leave the cache."""

CLIP_EPSILON = 1e-6
"""As in torch's clip_grad_norm_."""


def is_dense(model: ModelConfig, config: TrainConfig, device: torch.device) -> bool:
    """Whether a DenseStep can take this model's steps."""
    is_plain = model.kind == "vae" and model.beta_range is None and model.architecture in DENSE
    is_plain = is_plain and model.likelihood in BY_HAND and config.perceptual == 0
    is_supported = device.type == "cpu" or (device.type == "cuda" and config.precision == "float32")
    return is_plain and config.objective == "beta-vae" and is_supported


class DenseStep:
    """Steps of models that `is_dense` holds for, those of a stream beside each other."""

    def __init__(
        self,
        models: Sequence[VAE],
        betas: Sequence[float],
        config: TrainConfig,
        weights: Sequence[Weights],
        taken: int,
        images: Split,
        streams: Sequence[int],
        noises: Sequence[torch.Generator],
    ) -> None:
        device, latent_dim = models[0].device, models[0].config.latent_dim
        self.sums = torch.zeros(len(models), 1 + latent_dim, device=device)
        self.generators = list(noises)
        self._latent_dim = latent_dim
        self._images = images.images.flatten(1)
        self._is_half, self._corruption = config.precision == "bfloat16", config.corruption
        size = ABREAST_ON_CPU if device.type == "cpu" else len(models)
        self._passes = [
            _Pass(
                models[0],
                betas[some],
                config,
                weights[some],
                taken,
                torch.tensor(streams[some], device=device),
                self.sums[some],
            )
            for some in (slice(i, i + size) for i in range(0, len(models), size))
        ]

    @torch.no_grad()
    def __call__(
        self,
        indices: Int[Tensor, "streams batch"],
        share: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """See `Step`."""
        images = self._batch(indices)
        seen, noise = self._seen(images), self._draw(indices.shape[1], self._latent_dim)
        with products_in_bfloat16() if self._is_half else nullcontext():
            for each in self._passes:
                each.take(seen, images, noise, share, learning_rate)

    def _batch(
        self, indices: Int[Tensor, "streams batch"]
    ) -> Float[Tensor, "streams batch pixels"]:
        pixels = self._images.index_select(0, indices.flatten())
        return pixels.to(torch.float32).div_(255).unflatten(0, indices.shape)

    def _seen(
        self, images: Float[Tensor, "streams batch pixels"]
    ) -> Float[Tensor, "streams batch pixels"]:
        if not self._corruption:
            return images
        return corrupted(images, self._corruption, self._draw(*images.shape[1:]))

    def _draw(self, *size: int) -> Float[Tensor, "streams batch _"]:
        device = self._images.device
        drawn = [torch.randn(size, generator=g, device=device) for g in self.generators]
        return torch.stack(drawn)


class _Pass:
    """Models that go through each operation side by side."""

    def __init__(
        self,
        model: VAE,
        betas: Sequence[float],
        config: TrainConfig,
        weights: Sequence[Weights],
        taken: int,
        streams: Int[Tensor, "models"],
        sums: Float[Tensor, "models terms"],
    ) -> None:
        """`model` is any of them: they are alike but for their weights."""
        self._sums, self._streams = sums, streams
        assert isinstance(model.likelihood, LikelihoodByHand)
        self._likelihood = model.likelihood
        self._logvar_limit = model.config.logvar_limit
        self._betas = torch.tensor(betas, device=model.device)[:, None, None]
        self._free_bits, self._grad_clip = config.free_bits, config.grad_clip
        self._stack = WeightStack(weights)
        self._gradients = torch.zeros_like(self._stack.values)
        self._taken = torch.tensor(float(taken), device=model.device)
        self._encoder = _Layers("encoder", model.encoder, self._stack, self._gradients)
        self._decoder = _Layers("decoder", model.decoder, self._stack, self._gradients)

    def take(
        self,
        seen: Float[Tensor, "streams batch pixels"],
        images: Float[Tensor, "streams batch pixels"],
        noise: Float[Tensor, "streams batch latent"],
        share: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """The step of these models, from the batch and the noise of every stream.

        The encoders see one batch and the decoders are held against the other, which may be one.
        """
        seen, images, noise = map(self._per_model, (seen, images, noise))
        self._differentiate(seen, images, noise, share)
        self._clip()
        stack = self._stack
        update_by_adam(
            [stack.values],
            [self._gradients],
            [stack.first],
            [stack.second],
            [self._taken],
            learning_rate,
        )

    def _differentiate(
        self,
        seen: Float[Tensor, "models batch pixels"],
        images: Float[Tensor, "models batch pixels"],
        noise: Float[Tensor, "models batch latent"],
        share: Float[Tensor, ""],
    ) -> None:
        """Write the gradient of mean(distortion) + share * beta * rate."""
        count = images.shape[1]
        encoded = self._encoder.forward(seen)
        mean, raw = encoded[-1].chunk(2, dim=-1)
        logvar = raw.clamp(-self._logvar_limit, self._logvar_limit)
        deviation = torch.exp(0.5 * logvar)
        variance, shift = deviation.square(), deviation * noise
        rate = 0.5 * (mean.square() + variance - 1 - logvar)
        decoded = self._decoder.forward(mean + shift)
        distortion, gradient = self._likelihood.distortion_and_gradient(decoded[-1], images)
        self._sums[:, 0] += distortion.sum(dim=1)
        self._sums[:, 1:] += rate.sum(dim=1)

        by_code = self._decoder.by_input(self._decoder.backward(decoded, gradient.div_(count)))
        weight = share * self._betas * self._counting(rate) / count
        by_mean = by_code + weight * mean
        by_logvar = 0.5 * (by_code * shift + weight * (variance - 1))
        by_raw = by_logvar.mul_(raw.abs() <= self._logvar_limit)
        self._encoder.backward(encoded, torch.cat([by_mean, by_raw], dim=-1))

    def _per_model(
        self, streams: Float[Tensor, "streams *batch"]
    ) -> Float[Tensor, "models *batch"]:
        if len(streams) == 1:
            return streams.expand(len(self._streams), *streams.shape[1:])
        return streams.index_select(0, self._streams)

    def _counting(
        self, rate: Float[Tensor, "models batch latent"]
    ) -> Float[Tensor, "models 1 latent"] | float:
        """1 for the dimensions whose mean rate is not within its free bits, else 0."""
        if self._free_bits == 0:
            return 1.0
        return (rate.mean(dim=1, keepdim=True) >= self._free_bits).to(rate.dtype)

    def _clip(self) -> None:
        norms = torch.linalg.vector_norm(self._gradients, dim=1, keepdim=True)
        factors = (self._grad_clip / (norms + CLIP_EPSILON)).clamp(max=1)
        on_cpu = factors.device.type == "cpu"
        if not on_cpu or bool((factors < 1).any()):
            self._gradients.mul_(factors)


class _Layers:
    """Linear layers with ReLUs between them, of all models at once."""

    def __init__(
        self, part: str, network: nn.Sequential, stack: WeightStack, gradients: Tensor
    ) -> None:
        names = [f"{part}.{i}" for i, la in enumerate(network) if isinstance(la, nn.Linear)]
        self._weights, self._biases = _stacked(stack, stack.values, names)
        self._weight_gradients, self._bias_gradients = _stacked(stack, gradients, names)

    def forward(
        self, signal: Float[Tensor, "models batch inputs"]
    ) -> list[Float[Tensor, "models batch _"]]:
        """The input and the output of each layer, behind its ReLU."""
        signals = [signal]
        for weight, bias in zip(self._weights, self._biases, strict=True):
            if len(signals) > 1:
                signals[-1].relu_()
            signals.append(_linear(signals[-1], weight, bias))
        return signals

    def backward(
        self,
        signals: list[Float[Tensor, "models batch _"]],
        gradient: Float[Tensor, "models batch outputs"],
    ) -> Float[Tensor, "models batch _"]:
        """Write the gradients of weights and biases; return that of the first layer's output."""
        for layer in reversed(range(len(self._weights))):
            _multiply(gradient.mT, signals[layer], self._weight_gradients[layer])
            torch.sum(gradient, dim=1, out=self._bias_gradients[layer])
            if layer > 0:
                below = torch.empty_like(signals[layer])
                _multiply(gradient, self._weights[layer], below)
                gradient = torch.ops.aten.threshold_backward.grad_input(
                    below, signals[layer], 0, grad_input=below
                )
        return gradient

    def by_input(
        self, gradient: Float[Tensor, "models batch _"]
    ) -> Float[Tensor, "models batch inputs"]:
        """The input's gradient, from that of the first layer's output."""
        return torch.bmm(gradient, self._weights[0])


def _stacked(
    stack: WeightStack, buffer: Tensor, layers: list[str]
) -> tuple[list[Tensor], list[Tensor]]:
    weights = [stack.stacked(buffer, f"{name}.weight") for name in layers]
    return weights, [stack.stacked(buffer, f"{name}.bias") for name in layers]


def _linear(
    signal: Float[Tensor, "models batch inputs"],
    weight: Float[Tensor, "models outputs inputs"],
    bias: Float[Tensor, "models outputs"],
) -> Float[Tensor, "models batch outputs"]:
    if len(weight) == 1:
        return torch.addmm(bias[0], signal[0], weight[0].T)[None]
    return torch.baddbmm(bias[:, None], signal, weight.mT)


def _multiply(a: Tensor, b: Tensor, out: Float[Tensor, "models rows columns"]) -> None:
    """Matrix products; those of one model by the call that is faster for it."""
    if len(a) == 1:
        torch.mm(a[0], b[0], out=out[0])
    else:
        torch.bmm(a, b, out=out)
