"""`vae metrics`: measures how well codes separate factors of variation, or labels.

Example:
    $ vae metrics checkpoints/sprites-beta-4-seed-1 --save
"""

import argparse
import dataclasses
import os
from pathlib import Path
from typing import Any

from vae.cli.command import command
from vae.cli.options import option, positive, seed
from vae.cli.output import CommandResult, lines, say
from vae.core.errors import ConfigError

OPTIONS = [
    option(
        "source",
        type=Path,
        metavar="CHECKPOINT|CODES.npz",
        help="a folder, or a file of the arrays codes and factors (and test_codes, test_factors)",
    ),
    option(
        "--estimator",
        choices=["gradient-boosting", "random-forest"],
        default="gradient-boosting",
        help="estimator of DCI; the forest is a fast approximation",
    ),
    option("--seed", type=seed, default=0, help="seed of the split and the estimators"),
    option(
        "--rows",
        type=positive,
        metavar="N",
        help="rows to fit on, drawn by the seed (default: 5000 of a checkpoint, all of a file)",
    ),
    option("--save", action="store_true", help="keep the scores in the checkpoint's folder"),
]


@command("metrics", "measure how well codes separate factors or labels", OPTIONS)
def metrics(options: argparse.Namespace) -> CommandResult:
    """Measure the codes of a file or of a checkpoint."""
    source = options.source
    is_file = source.is_file() or (source.suffix == ".npz" and not source.is_dir())
    record = _metrics_of_codes(options) if is_file else _metrics_of_checkpoint(options)
    shown = {k: v for k, v in record.items() if v is not None and k != "mutual_information"}
    return CommandResult(record, lines(shown))


def _metrics_of_codes(options: argparse.Namespace) -> dict[str, Any]:
    from vae.metrics.code_arrays import load_codes
    from vae.metrics.disentanglement import score

    if options.save:
        raise ConfigError("--save needs a checkpoint folder to keep the scores in, not a file")
    known = load_codes(options.source)
    if options.rows is not None:
        known = known.sample(options.rows, options.seed)
    cores = os.cpu_count() or 1
    return dataclasses.asdict(
        score(known.codes, known.factors, known.test, options.estimator, options.seed, cores)
    )


def _metrics_of_checkpoint(options: argparse.Namespace) -> dict[str, Any]:
    from vae.analysis.code_scores import ROWS, assess
    from vae.analysis.findings import StoredScores, save_scores
    from vae.runs.checkpoint import load_atlas, load_run

    run = load_run(options.source)
    rows = ROWS if options.rows is None else options.rows
    settings = {"rows": rows, "estimator": options.estimator, "seed": options.seed}
    found = assess(run, load_atlas(run), **settings, n_jobs=os.cpu_count() or 1)
    if found.note:
        say(found.note)
    if options.save:
        save_scores(run, StoredScores.now(run.identity, settings, found.to_dict()))
    return {"checkpoint": str(options.source)} | found.to_dict()
