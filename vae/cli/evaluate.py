"""`vae evaluate`: measures a checkpoint on its test split.

For a data set that is restricted to some classes, the test images are those of these classes; see
`vae anomaly` for the others. A denoising model is measured on clean images.

Example:
    $ vae evaluate checkpoints/mnist-any-beta --beta 4
"""

import argparse
from typing import TYPE_CHECKING

from vae.cli.command import command
from vae.cli.options import (
    BETA_CHOICE,
    CHECKPOINT,
    IMPORTANCE_SAMPLES,
    machine,
    option,
    seed,
)
from vae.cli.output import CommandResult, lines, progress

if TYPE_CHECKING:
    from vae.data.splits import Split
    from vae.models.classifier import Classifier
    from vae.models.semi_supervised import SemiSupervisedVAE
    from vae.models.vae import VAE

SEED = option("--seed", type=seed, default=0, help="seed of the posterior samples")


@command(
    "evaluate",
    "measure a checkpoint on its test split",
    [CHECKPOINT, IMPORTANCE_SAMPLES, SEED, BETA_CHOICE, machine],
)
def evaluate(options: argparse.Namespace) -> CommandResult:
    """Measure distortion, rate, ELBO and log-likelihood."""
    from vae.cli.settings import choose_beta
    from vae.core.device import prepare_device
    from vae.data.registry import load_dataset
    from vae.metrics import evaluation
    from vae.runs.checkpoint import load_model, load_run

    device = prepare_device(options.device, options.threads)
    run = load_run(options.checkpoint)
    beta = choose_beta(options, run)
    model = load_model(run, device).at_beta(beta)
    test = load_dataset(
        run.train.dataset, options.data_dir, image_shape=run.model.image_shape
    ).in_distribution_test.to(device)
    found = evaluation.evaluate(model, test, options.seed)
    has_rate = run.model.has_rate
    record = {
        "checkpoint": str(options.checkpoint),
        "beta": beta,
        "test_distortion": found.distortion,
        "test_rate": found.rate if has_rate else None,
        "test_elbo": found.elbo if has_rate else None,
        "test_rate_per_dimension": list(found.rate_per_dimension),
        "active_units": found.active_units,
        **_classification(model, test),
        "log_likelihood": _log_likelihood(model, test, options) if has_rate else None,
        "importance_samples": options.importance_samples,
        "test_images": len(test),
    }
    return CommandResult(record, lines(record))


def _log_likelihood(model: "VAE", test: "Split", options: argparse.Namespace) -> float:
    from vae.metrics.evaluation import BATCH, mean_log_likelihood

    estimates = mean_log_likelihood(model, test, options.importance_samples, options.seed)
    return list(progress(estimates, "log-likelihood", total=-(-len(test) // BATCH)))[-1]


def _classification(model: "VAE", test: "Split") -> dict[str, float]:
    """Return the accuracy of a classifier, or the error of a semi-supervised model's q(y|x)."""
    from vae.models.classifier import Classifier
    from vae.models.semi_supervised import SemiSupervisedVAE

    if isinstance(model, Classifier):
        return {"test_accuracy": _accuracy(model, test)}
    if isinstance(model, SemiSupervisedVAE):
        return {"test_error": 1 - _accuracy(model, test)}
    return {}


def _accuracy(model: "Classifier | SemiSupervisedVAE", test: "Split") -> float:
    """Return the share of test images whose most probable class is the right one."""
    from vae.metrics.evaluation import classify_split

    predicted = classify_split(model, test).argmax(dim=1)
    return float((predicted == test.labels.cpu()).double().mean())
