"""`vae metrics`: how well codes tell factors apart, or labels."""

import argparse
import os
from typing import Any

from vae.cli.output import CommandResult, lines, say
from vae.core.errors import ConfigError
from vae.runs.checkpoint import load_atlas, load_run
from vae.runs.stored_scores import save_scores


def metrics(options: argparse.Namespace) -> CommandResult:
    """`vae metrics`: of a file of codes, or of a checkpoint."""
    source = options.source
    is_file = source.is_file() or (source.suffix == ".npz" and not source.is_dir())
    record = _metrics_of_codes(options) if is_file else _metrics_of_checkpoint(options)
    shown = {k: v for k, v in record.items() if v is not None and k != "mutual_information"}
    return CommandResult(record, lines(shown))


def _metrics_of_codes(options: argparse.Namespace) -> dict[str, Any]:
    import dataclasses

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
    from vae.runs.stored_scores import StoredScores

    run_ = load_run(options.source)
    rows = ROWS if options.rows is None else options.rows
    settings = {"rows": rows, "estimator": options.estimator, "seed": options.seed}
    found = assess(run_, load_atlas(run_), **settings, n_jobs=os.cpu_count() or 1)
    if found.note:
        say(found.note)
    if options.save:
        save_scores(run_, StoredScores.now(run_.identity, settings, found.to_dict()))
    return {"checkpoint": str(options.source)} | found.to_dict()
