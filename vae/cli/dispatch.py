"""What each command does, a file each; the options are parsed in `vae.__main__`."""

import argparse
from collections.abc import Callable

from vae.cli import (
    anomaly,
    attributes,
    bench,
    codebook,
    compression,
    conditioning,
    denoise,
    diagnose,
    evaluate,
    export,
    failures,
    few_data,
    few_labels,
    generation,
    latent_sizes,
    levels,
    likelihoods,
    list_checkpoints,
    metrics,
    ood,
    prior_coverage,
    representation,
    sweep,
    train,
)
from vae.cli.distributed import run_distributed
from vae.cli.output import CommandResult
from vae.training.distributed import TorchrunEnv


def run(options: argparse.Namespace) -> CommandResult:
    """Run the chosen command; raises VaeError for bad input."""
    torchrun_env = TorchrunEnv.read()
    if torchrun_env is not None:
        return run_distributed(options, torchrun_env)
    return _COMMANDS[options.command](options)


_COMMANDS: dict[str, Callable[[argparse.Namespace], CommandResult]] = {
    "anomaly": anomaly.anomaly,
    "denoise": denoise.denoise,
    "train": train.train,
    "sweep": sweep.sweep,
    "evaluate": evaluate.evaluate_checkpoint,
    "metrics": metrics.metrics,
    "list": list_checkpoints.list_checkpoints,
    "export": export.export,
    "bench": bench.bench,
    "ood": ood.ood,
    "strangers": ood.ood,
    "failures": failures.failures,
    "generation": generation.generation,
    "few-data": few_data.few_data,
    "few-labels": few_labels.few_labels,
    "prior-coverage": prior_coverage.prior_coverage,
    "holes": prior_coverage.prior_coverage,
    "conditioning": conditioning.conditioning,
    "diagnose": diagnose.diagnose,
    "likelihoods": likelihoods.likelihoods,
    "compression": compression.compression,
    "attributes": attributes.attributes,
    "representation": representation.representation,
    "latent-sizes": latent_sizes.latent_sizes,
    "levels": levels.levels,
    "codebook": codebook.codebook,
}
