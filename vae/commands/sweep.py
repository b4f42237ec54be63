"""`vae sweep`: one model per data set, beta and seed, here or on Ray."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from vae.commands.settings import dataset_for_training, model_config, train_config
from vae.commands.text import Outcome, lines, say
from vae.commands.train import train_one, training_record, warn_of_collapse
from vae.data import Dataset, check_dataset_name
from vae.device import use_threads
from vae.errors import ConfigError, SweepFailed
from vae.place import Place, is_url
from vae.published_run import Published, published
from vae.ray_sweep import Failed, Machines, Trained, check_ray, train_on_ray
from vae.run import Run
from vae.sweep_runs import SweepRun, folder_standing, sweep_runs


def sweep(options: argparse.Namespace) -> Outcome:
    """`vae sweep`."""
    runs = _runs(options)
    records = _on_ray(options, runs) if options.engine == "ray" else _here(options, runs)
    return Outcome({"runs": records}, "\n\n".join(lines(record) for record in records))


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
    """One run after the other, in this process."""
    if is_url(options.out):
        raise ConfigError(f"{options.out} is a URL; give --engine ray, or a folder of this machine")
    for option in ("address", "gpus"):
        if getattr(options, option) is not None:
            raise ConfigError(f"--{option} goes with --engine ray; leave it out")
    use_threads(options.threads)
    paths = [Path(options.out) / run.name for run in runs]
    found = [
        folder_standing(run, path, options.resume, options.overwrite)
        for run, path in zip(runs, paths, strict=True)
    ]
    datasets = _datasets(options, runs)
    records = []
    for run, path, (standing, finished) in zip(runs, paths, found, strict=True):
        if finished is not None:
            record = training_record(finished)
        else:
            data = datasets[run.train.dataset]
            record = train_one(options, run.train, path, data, standing == "unfinished")
        records.append(record | run.labels)
    return records


def _on_ray(options: argparse.Namespace, runs: list[SweepRun]) -> list[dict[str, Any]]:
    """All runs at once, as far as the machines have room for them."""
    check_ray()
    threads = use_threads(1 if options.threads is None else options.threads)
    root = Place.of(options.out)
    found = [published(run, root, options.resume, options.overwrite) for run in runs]
    finished = {held.run.name: held.finished for held in found if held.finished is not None}
    left = [held for held in found if held.finished is None]
    if left:
        datasets = _datasets(options, [held.run for held in left])
        root.make()
        machines = Machines(options.address, threads, options.device, options.gpus)
        finished |= _train_all(left, datasets, machines, root)
    return [
        training_record(finished[run.name]) | {"checkpoint": str(root / run.name)} | run.labels
        for run in runs
    ]


def _train_all(
    left: list[Published], datasets: dict[str, Dataset], machines: Machines, root: Place
) -> dict[str, Run]:
    finished, failed = {}, {}
    try:
        for count, (held, result) in enumerate(train_on_ray(left, datasets, machines), 1):
            say(f"{count} of {len(left)}: {held.run.name}{_told(result)}")
            if isinstance(result, Failed):
                failed[held.run.name] = result.reason
            else:
                finished[held.run.name] = result.run
                warn_of_collapse(result.run)
    except KeyboardInterrupt:
        say(f"stopped; the same command with --out {root} --resume goes on with it")
        raise
    if failed:
        raise SweepFailed(
            f"{len(failed)} of {len(left)} runs failed ({', '.join(failed)}; the first: "
            f"{next(iter(failed.values()))}); the others are in {root}"
        )
    return finished


def _told(result: Trained | Failed) -> str:
    if isinstance(result, Failed):
        return f" failed: {result.reason}"
    found = result.run.results
    numbers = f", distortion {found.test_distortion:.1f}, rate {found.test_rate:.1f} nats"
    resumed = "" if result.resumed_at is None else f", went on from step {result.resumed_at}"
    return numbers + resumed


def _datasets(options: argparse.Namespace, runs: list[SweepRun]) -> dict[str, Dataset]:
    names = dict.fromkeys(run.train.dataset for run in runs)
    return {name: dataset_for_training(options, name) for name in names}
