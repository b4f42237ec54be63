"""How long it takes to encode a test set, to estimate likelihoods, and to decode."""

import math
import time
from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from vae.benchmark.contenders import CONV, MLP
from vae.benchmark.table import Row, Speeds
from vae.benchmark.timing import ROUNDS, Contender, take_turns
from vae.data import Dataset
from vae.diagnostics import encode_split, log_likelihood
from vae.model import VAE

IMPORTANCE_SAMPLES = 500
LIKELIHOOD_BATCH = 100
DECODED = 500
ENCODED = 10_000
ENCODINGS = 3


def measure_evaluation(speeds: Speeds, data: Dataset, seconds: float, where: str) -> None:
    """Encoding of as many images as MNIST's test split has, and importance-weighted likelihoods."""
    split = data.train.head(ENCODED)
    for config in (MLP, CONV):
        model = VAE.seeded(config, 0)
        spent = min(_seconds(partial(encode_split, model, split)) for _ in range(ENCODINGS))
        name = config.architecture
        speeds.rows.append(Row(f"{name}: encode {ENCODED:,} images", where, spent, "s"))
        speeds.ratios[f"encode_seconds_{name.replace('-', '_')}"] = spent
    _measure_likelihood(speeds, data, seconds, where)


def measure_decoding(speeds: Speeds, seconds: float, where: str) -> None:
    """One image at a time, as a slider asks for them, and many at once."""
    for config in (MLP, CONV):
        model = VAE.seeded(config, 0)
        rates = take_turns([_decoding(model, 1), _decoding(model, DECODED)], seconds / ROUNDS)
        name, milliseconds = config.architecture, 1000 / rates.median("1")
        speeds.rows += [
            Row(f"{name}: decode one image", where, milliseconds, "ms"),
            Row(f"{name}: decode {DECODED} at once", where, rates.median(str(DECODED)), "images/s"),
        ]


def _decoding(model: VAE, count: int) -> Contender:
    codes = torch.randn(count, model.config.latent_dim, generator=torch.Generator().manual_seed(0))

    @torch.inference_mode()
    def decode() -> int:
        model.decode_mean(codes)
        return count

    return Contender(str(count), decode)


def _measure_likelihood(speeds: Speeds, data: Dataset, seconds: float, where: str) -> None:
    model = VAE.seeded(MLP, 0)
    images = data.train.batch(torch.arange(LIKELIHOOD_BATCH))
    noise = torch.Generator().manual_seed(0)

    def ours() -> int:
        log_likelihood(model, images, IMPORTANCE_SAMPLES, noise)
        return len(images)

    def loop() -> int:
        plain_log_likelihood(model, images[:1], IMPORTANCE_SAMPLES)
        return 1

    rates = take_turns([Contender("ours", ours), Contender("loop", loop)], seconds, warmup=1)
    ratio = rates.ratio("ours", "loop")
    what = f"mlp: log-likelihood of 1,000 images, K = {IMPORTANCE_SAMPLES}"
    spent = 1000 / rates.median("ours")
    speeds.rows.append(Row(what, where, spent, "s", ratio, "a loop over images"))
    speeds.ratios["likelihood_ratio"] = ratio


@torch.inference_mode()
def plain_log_likelihood(
    model: VAE, images: Float[Tensor, "n c h w"], samples: int
) -> Float[Tensor, "n"]:
    """What people would otherwise run: image by image, by torch's own distributions."""
    found = []
    for image in images:
        q = model.encode(image[None])
        posterior = torch.distributions.Normal(q.mean, torch.exp(0.5 * q.logvar))
        z = posterior.sample((samples,))[:, 0]
        pixels = torch.distributions.Bernoulli(logits=model.decode(z), validate_args=False)
        prior = torch.distributions.Normal(torch.zeros_like(z), 1.0)
        log_weight = (
            pixels.log_prob(image).flatten(1).sum(dim=1)
            + prior.log_prob(z).sum(dim=1)
            - posterior.log_prob(z).sum(dim=1)
        )
        found.append(torch.logsumexp(log_weight, dim=0) - math.log(samples))
    return torch.stack(found)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
