"""`vae evaluate`: a checkpoint measured on its test split.

Of a data set narrowed to some classes these are the test images of those classes; see `vae anomaly`
for the others. A model that was trained to undo corruption is measured on clean images.
"""

import argparse

import torch
from jaxtyping import Float

from vae.cli.output import CommandResult, lines, progress
from vae.cli.settings import beta_to_look_at
from vae.core.device import prepare_device
from vae.data.registry import load_dataset
from vae.data.splits import Split
from vae.metrics.evaluation import BATCH, classify_split, evaluate, mean_log_likelihood
from vae.models.classifier import Classifier
from vae.models.semi_supervised import SemiSupervisedVAE
from vae.models.vae import VAE
from vae.runs.checkpoint import load_model, load_run


def evaluate_checkpoint(options: argparse.Namespace) -> CommandResult:
    """`vae evaluate`."""
    device = prepare_device(options.device, options.threads)
    run_ = load_run(options.checkpoint)
    beta = beta_to_look_at(options, run_)
    model = load_model(run_, device).at_beta(beta)
    test = load_dataset(
        run_.train.dataset, options.data_dir, image_shape=run_.model.image_shape
    ).in_distribution_test.to(device)
    found = evaluate(model, test, options.seed)
    has_rate = run_.model.has_rate
    record = {
        "checkpoint": str(options.checkpoint),
        "beta": beta,
        "test_distortion": found.distortion,
        "test_rate": found.rate if has_rate else None,
        "test_elbo": found.elbo if has_rate else None,
        "test_rate_per_dimension": list(found.rate_per_dimension),
        "active_units": found.active_units,
        **_right_and_wrong(model, test),
        "log_likelihood": _log_likelihood(model, test, options) if has_rate else None,
        "importance_samples": options.importance_samples,
        "test_images": len(test),
    }
    return CommandResult(record, lines(record))


def _log_likelihood(model: VAE, test: Split, options: argparse.Namespace) -> float:
    estimates = mean_log_likelihood(model, test, options.importance_samples, options.seed)
    return list(progress(estimates, "log-likelihood", total=-(-len(test) // BATCH)))[-1]


def _right_and_wrong(model: VAE, test: Split) -> dict[str, float]:
    """How often a classifier is right; how often q(y|x) of a semi-supervised model is wrong."""
    if isinstance(model, Classifier):
        return {"test_accuracy": _accuracy(classify_split(model, test), test)}
    if isinstance(model, SemiSupervisedVAE):
        return {"test_error": 1 - _accuracy(classify_split(model, test), test)}
    return {}


def _accuracy(logits: Float[torch.Tensor, "n classes"], test: Split) -> float:
    """The share of test images whose most probable class is the right one."""
    return float((logits.argmax(dim=1) == test.labels.cpu()).double().mean())
