"""`vae levels`: what each level of a hierarchical VAE says, and whether the hierarchy pays."""

import argparse
from typing import Any

from vae.analysis.levels import active_by_level, measure_bounds, rate_by_level, sizes_of
from vae.cli.output import CommandResult, lines
from vae.cli.test_images import read_test_images
from vae.core.device import prepare_device
from vae.explorer import Explorer


def levels(options: argparse.Namespace) -> CommandResult:
    """`vae levels`."""
    prepare_device("cpu", options.threads)
    explorer = Explorer.open(options.checkpoint)
    run = explorer.run
    record: dict[str, Any] = {
        "checkpoint": str(options.checkpoint),
        "levels": list(sizes_of(run)),
        "rate_by_level": list(rate_by_level(run)),
        "active_by_level": list(active_by_level(run)),
    }
    images, _ = read_test_images(run, options)
    samples, seed = options.importance_samples, options.seed
    record |= measure_bounds(explorer, images, samples, seed).to_dict()
    if options.against is not None:
        flat = measure_bounds(Explorer.open(options.against), images, samples, seed)
        record["against"] = str(options.against)
        record |= {f"against_{name}": value for name, value in flat.to_dict().items()}
        record["elbo_gain"] = record["elbo"] - flat.elbo
        record["log_likelihood_gain"] = record["log_likelihood"] - flat.log_likelihood
    return CommandResult(record, lines(record))
