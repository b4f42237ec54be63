"""Lists all commands of the command line, in the order of `vae --help`.

Example:
    >>> [command.name for command in COMMANDS][:3]
    ['train', 'sweep', 'evaluate']
"""

from vae.cli import (
    anomaly,
    app,
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
from vae.cli.command import Command

COMMANDS: tuple[Command, ...] = (
    train.train,
    sweep.sweep,
    evaluate.evaluate,
    metrics.metrics,
    list_checkpoints.list_checkpoints,
    bench.bench,
    export.export,
    diagnose.diagnose,
    ood.ood,
    failures.failures,
    prior_coverage.prior_coverage,
    conditioning.conditioning,
    generation.generation,
    likelihoods.likelihoods,
    compression.compression,
    few_labels.few_labels,
    few_data.few_data,
    anomaly.anomaly,
    denoise.denoise,
    representation.representation,
    latent_sizes.latent_sizes,
    attributes.attributes,
    levels.levels,
    codebook.codebook,
    app.app,
)
