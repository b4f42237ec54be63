"""`vae sweep`: one model per data set, beta and seed, here or on Ray."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from vae.cli.output import CommandResult, lines, say
from vae.cli.settings import dataset_for_training, model_config, train_config
from vae.cli.sweep_local import sweep_local
from vae.cli.train import begin, health_warnings, training_record
from vae.core.device import prepare_device, use_threads
from vae.core.errors import ConfigError, SweepFailed
from vae.data.registry import check_dataset_name
from vae.data.splits import Dataset
from vae.jobs.distributed.published_run import PublishedRun, find_published
from vae.jobs.distributed.ray_sweep import (
    RayOptions,
    TaskFailure,
    TaskResult,
    check_ray,
    train_on_ray,
)
from vae.jobs.distributed.remote_folder import RemoteFolder, is_url
from vae.jobs.distributed.sweep_runs import SweepRun, folder_status, sweep_runs
from vae.runs.lock import lock_folders
from vae.runs.recorder import RecordedTraining
from vae.runs.run import Run
from vae.training.stepper import concurrency_is_free


def sweep(options: argparse.Namespace) -> CommandResult:
    """`vae sweep`."""
    runs = _runs(options)
    records = _on_ray(options, runs) if options.engine == "ray" else _here(options, runs)
    return CommandResult({"runs": records}, "\n\n".join(lines(record) for record in records))


def _runs(options: argparse.Namespace) -> list[SweepRun]:
    datasets = options.datasets or [options.dataset]
    for name in datasets:
        check_dataset_name(name)
    seeds = options.seeds or [options.seed]
    configs = [
        train_config(options, beta, seed, dataset)
        for dataset in datasets
        for beta in options.betas
        for seed in seeds
    ]
    return sweep_runs(configs, partial(model_config, options))


def _here(options: argparse.Namespace, runs: list[SweepRun]) -> list[dict[str, Any]]:
    """All runs in this process."""
    if is_url(options.out):
        raise ConfigError(f"{options.out} is a URL; give --engine ray, or a folder of this machine")
    for option in ("address", "gpus"):
        if getattr(options, option) is not None:
            raise ConfigError(f"--{option} goes with --engine ray; leave it out")
    device = prepare_device(options.device, options.threads)
    paths = {run.name: Path(options.out) / run.name for run in runs}
    found = {
        run.name: folder_status(run, paths[run.name], options.resume, options.overwrite)
        for run in runs
    }
    datasets = {name: data.to(device) for name, data in _datasets(options, runs).items()}

    def start(run: SweepRun) -> RecordedTraining:
        data = datasets[run.train.dataset]
        unfinished = found[run.name][0] == "unfinished"
        return begin(options, run.train, paths[run.name], dataset=data, resume=unfinished)

    finished = {name: held for name, (_, held) in found.items() if held is not None}
    left = [run for run in runs if run.name not in finished]
    together = concurrency_is_free(model_config(options, (1, 8, 8), 2), runs[0].train, device)
    # All of them from the beginning: nobody may come into the folder of a run that waits.
    with lock_folders(paths[run.name] for run in left):
        finished |= sweep_local(left, start, together, Path(options.out))
    return [training_record(finished[run.name]) | run.labels for run in runs]


def _on_ray(options: argparse.Namespace, runs: list[SweepRun]) -> list[dict[str, Any]]:
    """All runs at once, as far as the machines have room for them."""
    check_ray()
    threads = use_threads(1 if options.threads is None else options.threads)
    root = RemoteFolder.of(options.out)
    found = [find_published(run, root, options.resume, options.overwrite) for run in runs]
    finished = {held.run.name: held.finished for held in found if held.finished is not None}
    left = [held for held in found if held.finished is None]
    if left:
        datasets = _datasets(options, [held.run for held in left])
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
            say(f"{count} of {len(left)}: {held.run.name}{_told(result)}")
            if isinstance(result, TaskFailure):
                failed[held.run.name] = result.reason
            else:
                finished[held.run.name] = result.run
                for sentence in result.warnings:
                    say(sentence)
    except KeyboardInterrupt:
        say(f"stopped; the same command with --out {root} --resume goes on with it")
        raise
    if failed:
        raise SweepFailed(
            f"{len(failed)} of {len(left)} runs failed ({', '.join(failed)}; the first: "
            f"{next(iter(failed.values()))}); the others are in {root}"
        )
    return finished


def _told(result: TaskResult | TaskFailure) -> str:
    if isinstance(result, TaskFailure):
        return f" failed: {result.reason}"
    found = result.run.results
    numbers = f", distortion {found.test_distortion:.1f}, rate {found.test_rate:.1f} nats"
    resumed = "" if result.resumed_at is None else f", went on from step {result.resumed_at}"
    return numbers + resumed


def _datasets(options: argparse.Namespace, runs: list[SweepRun]) -> dict[str, Dataset]:
    names = dict.fromkeys(run.train.dataset for run in runs)
    return {name: dataset_for_training(options, name) for name in names}
