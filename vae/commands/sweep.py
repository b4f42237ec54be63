"""`vae sweep`: one model per beta and seed."""

import argparse
from pathlib import Path
from typing import Any

from vae.checkpoint import RESUME_FILE, RUN_FILE, load_resume_state, load_run
from vae.commands.settings import check_settings, dataset_for_training, train_config
from vae.commands.text import Outcome, lines
from vae.commands.train import train_one, training_record
from vae.config import TrainConfig
from vae.data import Dataset
from vae.device import use_threads
from vae.recorder import check_free, read_resume_configs


def sweep(options: argparse.Namespace) -> Outcome:
    """`vae sweep`: one run per beta and seed, one after the other."""
    use_threads(options.threads)
    seeds = options.seeds or [options.seed]
    configs = [train_config(options, beta, seed) for beta in options.betas for seed in seeds]
    paths = [_sweep_path(options, config, several_seeds=len(seeds) > 1) for config in configs]
    for config, path in zip(configs, paths, strict=True):
        _check_place(options, config, path)
    dataset = dataset_for_training(options)
    runs = [
        _sweep_one(options, config, path, dataset) | {"beta": config.beta, "seed": config.seed}
        for config, path in zip(configs, paths, strict=True)
    ]
    return Outcome({"runs": runs}, "\n\n".join(lines(record) for record in runs))


def _check_place(options: argparse.Namespace, config: TrainConfig, path: Path) -> None:
    """Refuse a sweep's folder unless a run may be written there, or taken up with --resume."""
    if options.resume and (path / RESUME_FILE).is_file():
        check_settings(options, config, path, *read_resume_configs(load_resume_state(path)[1]))
    elif options.resume and (path / RUN_FILE).is_file():
        found = load_run(path)
        check_settings(options, config, path, found.model, found.train)
    else:
        check_free(path, options.overwrite)


def _sweep_one(
    options: argparse.Namespace, config: TrainConfig, path: Path, dataset: Dataset
) -> dict[str, Any]:
    """One run of a sweep; with --resume those that are done are kept."""
    unfinished = (path / RESUME_FILE).is_file()
    if options.resume and not unfinished and (path / RUN_FILE).is_file():
        return training_record(load_run(path))
    return train_one(options, config, path, dataset, resume=options.resume and unfinished)


def _sweep_path(options: argparse.Namespace, config: TrainConfig, several_seeds: bool) -> Path:
    name = f"beta-{config.beta:g}"
    return options.out / (f"{name}-seed-{config.seed}" if several_seeds else name)
