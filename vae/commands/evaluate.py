"""`vae evaluate`: a checkpoint measured on its test split."""

import argparse

from vae.checkpoint import load_model, load_run
from vae.commands.settings import beta_to_look_at
from vae.commands.text import Outcome, lines, progress
from vae.data import load_dataset
from vae.device import prepare
from vae.diagnostics import BATCH, evaluate, mean_log_likelihood


def evaluate_checkpoint(options: argparse.Namespace) -> Outcome:
    """`vae evaluate`."""
    device = prepare(options.device, options.threads)
    run_ = load_run(options.checkpoint)
    beta = beta_to_look_at(options, run_)
    model = load_model(run_, device).at_beta(beta)
    test = load_dataset(
        run_.train.dataset, options.data_dir, image_shape=run_.model.image_shape
    ).test.to(device)
    found = evaluate(model, test, options.seed)
    estimates = mean_log_likelihood(model, test, options.importance_samples, options.seed)
    log_likelihood = list(progress(estimates, "log-likelihood", total=-(-len(test) // BATCH)))[-1]
    record = {
        "checkpoint": str(options.checkpoint),
        "beta": beta,
        "test_distortion": found.distortion,
        "test_rate": found.rate,
        "test_elbo": found.elbo,
        "test_rate_per_dimension": list(found.rate_per_dimension),
        "active_units": found.active_units,
        "log_likelihood": log_likelihood,
        "importance_samples": options.importance_samples,
        "test_images": len(test),
    }
    return Outcome(record, lines(record))
