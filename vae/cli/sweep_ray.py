"""Trains the runs of a sweep on Ray, as many at a time as the machines can hold.

Example:
    $ vae sweep --engine ray --dataset mnist --betas 1,4 --out s3://bucket/sweep
"""

import argparse
from typing import Any

from vae.cli.output import say
from vae.cli.settings import load_datasets
from vae.cli.training import check_failures, health_warnings, say_resumable, training_record
from vae.core.device import use_threads
from vae.data.splits import Dataset
from vae.jobs.distributed.published_run import PublishedRun, TaskResult, find_published
from vae.jobs.distributed.ray_sweep import (
    RayOptions,
    TaskFailure,
    check_ray,
    train_on_ray,
)
from vae.jobs.distributed.remote_folder import RemoteFolder
from vae.jobs.distributed.sweep_runs import SweepRun
from vae.runs.lock import lock_folders
from vae.runs.run import Run


def sweep_on_ray(options: argparse.Namespace, runs: list[SweepRun]) -> list[dict[str, Any]]:
    """Train all runs on Ray and return the measurements of each."""
    check_ray()
    threads = use_threads(1 if options.threads is None else options.threads)
    root = RemoteFolder.of(options.out)
    found = [find_published(run, root, options.resume, options.overwrite) for run in runs]
    finished = {held.run.name: held.finished for held in found if held.finished is not None}
    left = [held for held in found if held.finished is None]
    if left:
        datasets = load_datasets(options, (held.run.train.dataset for held in left))
        root.make()
        machines = RayOptions(options.address, threads, options.device, options.gpus)
        paths = [held.folder.local_path for held in left]
        with lock_folders(path for path in paths if path is not None):
            finished |= _train_all(left, datasets, machines, root)
    return [
        training_record(finished[run.name]) | {"checkpoint": str(root / run.name)} | run.labels
        for run in runs
    ]


def _train_all(
    left: list[PublishedRun], datasets: dict[str, Dataset], machines: RayOptions, root: RemoteFolder
) -> dict[str, Run]:
    finished, failed = {}, {}
    try:
        for count, (held, result) in enumerate(
            train_on_ray(left, datasets, machines, health_warnings), 1
        ):
            say(f"{count} of {len(left)}: {held.run.name}{_describe(result)}")
            if isinstance(result, TaskFailure):
                failed[held.run.name] = result.reason
            else:
                finished[held.run.name] = result.run
                for sentence in result.warnings:
                    say(sentence)
    except KeyboardInterrupt:
        say_resumable(root)
        raise
    check_failures(failed, len(left), root)
    return finished


def _describe(result: TaskResult | TaskFailure) -> str:
    if isinstance(result, TaskFailure):
        return f" failed: {result.reason}"
    found = result.run.results
    numbers = f", distortion {found.test_distortion:.1f}, rate {found.test_rate:.1f} nats"
    resumed = "" if result.resumed_at is None else f", continued from step {result.resumed_at}"
    return numbers + resumed
