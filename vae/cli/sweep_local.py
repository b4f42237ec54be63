"""Trains the runs of a sweep in this process: together if that costs no speed, else one by one.

Example:
    $ vae sweep --dataset digits --betas 1,4 --out sweeps/first
"""

import argparse
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vae.cli.settings import load_datasets, model_config
from vae.cli.training import (
    begin,
    check_failures,
    say_health_issues,
    say_resumable,
    step_bar,
    stop_on_interrupt,
    training_record,
)
from vae.core.device import prepare_device
from vae.core.errors import ConfigError, DivergedError
from vae.jobs.distributed.remote_folder import is_url
from vae.jobs.distributed.sweep_runs import SweepRun, folder_status
from vae.runs.lock import lock_folders
from vae.runs.recorder import RecordedRunGroup, RecordedTraining, group_runs
from vae.runs.run import Run
from vae.training.stepper import concurrency_is_free

MAX_MODELS_TOGETHER = 16
"""Number of models in memory at a time."""


def sweep_local(options: argparse.Namespace, runs: list[SweepRun]) -> list[dict[str, Any]]:
    """Train all runs in this process; return the measurements of each."""
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
    loaded = load_datasets(options, (run.train.dataset for run in runs))
    datasets = {name: data.to(device) for name, data in loaded.items()}

    def start(run: SweepRun) -> RecordedTraining:
        data = datasets[run.train.dataset]
        unfinished = found[run.name][0] == "unfinished"
        return begin(options, run.train, paths[run.name], dataset=data, resume=unfinished)

    finished = {name: held for name, (_, held) in found.items() if held is not None}
    left = [run for run in runs if run.name not in finished]
    together = concurrency_is_free(model_config(options, (1, 8, 8), 2), runs[0].train, device)
    # All folders are locked first, so that no other process starts a run that waits here.
    with lock_folders(paths[run.name] for run in left):
        finished |= _train_all(left, start, together, Path(options.out))
    return [training_record(finished[run.name]) | run.labels for run in runs]


def _train_all(
    runs: Sequence[SweepRun],
    begin: Callable[[SweepRun], RecordedTraining],
    together: bool,
    root: Path,
) -> dict[str, Run]:
    """Train all runs and return them by name, at most MAX_MODELS_TOGETHER at a time.

    Raises SweepFailed if some diverged, after the others are finished. Raises KeyboardInterrupt
    after Ctrl-C; the unfinished runs can then be resumed.
    """
    finished: dict[str, Run] = {}
    failed: dict[str, str] = {}
    size = MAX_MODELS_TOGETHER if together else 1
    for start in range(0, len(runs), size):
        begun = {begin(run): run.name for run in runs[start : start + size]}
        for group in group_runs(begun):
            diverged = _train(group, root)
            failed |= {begun[member]: str(error) for member, error in diverged.items()}
            for member in group:
                if member not in diverged:
                    finished[begun[member]] = found = member.finish()
                    say_health_issues(found)
    check_failures(failed, len(runs), root)
    return finished


def _train(group: Sequence[RecordedTraining], root: Path) -> dict[RecordedTraining, DivergedError]:
    """Train a group to the end and return the runs that diverged, with their errors."""
    diverged: dict[RecordedTraining, DivergedError] = {}
    with stop_on_interrupt() as stopped:
        _follow(group, stopped, diverged)
    left = [member for member in group if member not in diverged]
    if any(not member.training.finished for member in left):
        for member in left:
            member.finish()
        say_resumable(root)
        raise KeyboardInterrupt
    return diverged


def _follow(
    group: Sequence[RecordedTraining],
    stopped: threading.Event,
    diverged: dict[RecordedTraining, DivergedError],
) -> None:
    """Train until the event is set, and add the runs that diverge to `diverged`."""
    with step_bar(group[0]) as bar:
        for reports in RecordedRunGroup(group).run():
            diverged |= {
                member: report
                for member, report in reports.items()
                if isinstance(report, DivergedError)
            }
            first = next(iter(reports)).training
            bar.update(first.step - bar.n)
            bar.set_postfix_str(f"epoch {first.step // first.steps_per_epoch}, {_betas(group)}")
            if stopped.is_set():
                break


def _betas(group: Sequence[RecordedTraining]) -> str:
    betas = dict.fromkeys(f"{member.training.config.beta:g}" for member in group)
    return f"β {', '.join(betas)}"
