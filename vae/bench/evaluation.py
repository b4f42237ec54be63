"""Measures the time to encode a test set, to estimate likelihoods and to decode."""

from functools import partial

import torch

from vae.bench.contenders import CONV, MLP
from vae.bench.plain_program import IMPORTANCE_SAMPLES, LIKELIHOOD_IMAGES, PlainProgram
from vae.bench.table import Row, Speeds
from vae.bench.timing import ROUNDS, Work, take_turns
from vae.data.splits import Dataset
from vae.metrics.evaluation import encode_split, log_likelihood
from vae.models.vae import VAE

DECODED = 500
ENCODED = 10_000
"""The size of MNIST's test split."""


def measure_evaluation(speeds: Speeds, data: Dataset, seconds: float, where: str) -> None:
    """Measure encoding, and importance-weighted likelihoods against plain loops."""
    split = data.train.head(ENCODED)
    for config in (MLP, CONV):
        model, name = VAE.seeded(config, 0), config.architecture
        spent = 1 / Work(name, partial(encode_split, model, split), 1).rate(seconds)
        speeds.rows.append(Row(f"{name}: encode {ENCODED:,} images", where, spent, "s"))
        speeds.ratios[f"encode_seconds_{name.replace('-', '_')}"] = spent
    _measure_likelihood(speeds, data, seconds, where)


def measure_decoding(speeds: Speeds, seconds: float, where: str) -> None:
    """Measure decoding of one image at a time, as a slider needs it, and of many at once."""
    for config in (MLP, CONV):
        model = VAE.seeded(config, 0)
        rates = take_turns([_decoding(model, 1), _decoding(model, DECODED)], seconds / ROUNDS)
        name, milliseconds = config.architecture, 1000 / rates.median("1")
        speeds.rows += [
            Row(f"{name}: decode one image", where, milliseconds, "ms"),
            Row(f"{name}: decode {DECODED} at once", where, rates.median(str(DECODED)), "images/s"),
        ]


def _decoding(model: VAE, count: int) -> Work:
    codes = torch.randn(count, model.config.latent_dim, generator=torch.Generator().manual_seed(0))
    decode = torch.inference_mode()(model.decode_mean)
    return Work(str(count), lambda: decode(codes), count)


def _measure_likelihood(speeds: Speeds, data: Dataset, seconds: float, where: str) -> None:
    model = VAE.seeded(MLP, 0)
    images = data.train.batch(torch.arange(LIKELIHOOD_IMAGES))
    noise = torch.Generator().manual_seed(0)
    estimate = partial(log_likelihood, model, images, IMPORTANCE_SAMPLES, noise)
    with (
        PlainProgram("loop", "likelihood") as loop,
        PlainProgram("singly", "likelihood-singly") as singly,
    ):
        rates = take_turns([Work("ours", estimate, len(images)), loop, singly], seconds)
    what = f"mlp: log-likelihood of 1,000 images, K = {IMPORTANCE_SAMPLES}"
    for other, than in (
        ("loop", "a loop over images"),
        ("singly", "a loop over images and samples"),
    ):
        ratio = rates.ratio("ours", other)
        speeds.rows.append(Row(what, where, 1000 / rates.median("ours"), "s", ratio, than))
        speeds.ratios[f"likelihood_ratio_{other}"] = ratio
