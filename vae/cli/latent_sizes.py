"""`vae latent-sizes`: trains models of several latent sizes and compares them.

Example:
    $ vae latent-sizes --dataset digits --latent-dims 2,4,8 --seeds 0
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae.cli.command import study
from vae.cli.options import DATA_DIR, DATASET, FITTED, THREADS, option, positive, seeds, sizes
from vae.cli.output import CommandResult, progress, table
from vae.core.config import ARCHITECTURES, TrainConfig, default_warmup

if TYPE_CHECKING:
    from vae.analysis.latent_sizes import SizedModel
    from vae.cli.study_inputs import StudyInputs

OPTIONS = [
    DATASET,
    option("--arch", default="mlp", choices=ARCHITECTURES),
    option("--latent-dims", type=sizes, default=[2, 4, 8, 16, 32, 64]),
    option("--seeds", type=seeds, default=[0, 1, 2]),
    option("--epochs", type=positive, default=10),
    option("--beta", type=float, default=1.0),
    option("--out", type=Path, help="a file, such as checkpoints/latent-sizes.json"),
    FITTED,
    DATA_DIR,
    THREADS,
]


@study("latent-sizes", "train models of several latent sizes and compare them", OPTIONS)
def latent_sizes(inputs: "StudyInputs") -> CommandResult:
    """Train and score the models, without storing them."""
    from vae.analysis.findings import library_versions, utc_now, write_finding
    from vae.analysis.latent_sizes import LatentSizes, baselines, train_sizes

    options, dataset = inputs.options, inputs.whole_dataset
    train = TrainConfig(
        options.dataset,
        epochs=options.epochs,
        beta=options.beta,
        warmup_epochs=default_warmup(options.epochs),
        validation_fraction=0.0,
    )
    sizes, seeds = options.latent_dims, options.seeds
    family = train_sizes(dataset, options.arch, train, sizes, seeds, options.fitted)
    models = tuple(progress(family, "models", total=len(sizes) * len(seeds)))
    pixels, pca = baselines(dataset, sizes, options.fitted)
    found = LatentSizes(
        dataset=options.dataset,
        architecture=options.arch,
        epochs=options.epochs,
        beta=options.beta,
        fitted=min(options.fitted, len(dataset.train)),
        tested=len(dataset.test),
        pixels=pixels,
        pca=pca,
        models=models,
        command=_command(options),
        created=utc_now(),
        versions=library_versions(),
    )
    if options.out is not None:
        write_finding(options.out, found.rounded())
    return CommandResult(found.to_dict(), table([_row(model) for model in models]))


def _row(model: "SizedModel") -> dict[str, Any]:
    codes = model.codes
    return {
        "latent": model.latent_dim,
        "seed": model.seed,
        "-elbo": model.negative_elbo,
        "distortion": model.distortion,
        "rate": model.rate,
        "active": model.active_units,
        "5-nn": codes.knn_accuracy,
        "probe": codes.probe_accuracy,
        "ari": sum(codes.ari) / len(codes.ari),
        "nmi": sum(codes.nmi) / len(codes.nmi),
        "seconds": model.seconds,
    }


def _command(options: argparse.Namespace) -> str:
    from vae.analysis.findings import study_command

    return study_command(
        "latent-sizes",
        dataset=options.dataset,
        arch=options.arch,
        latent_dims=",".join(map(str, options.latent_dims)),
        seeds=",".join(map(str, options.seeds)),
        epochs=options.epochs,
        beta=f"{options.beta:g}",
        fitted=options.fitted,
        threads=options.threads,
        out=options.out,
    )
