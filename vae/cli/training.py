"""Starts, resumes, follows and reports training runs for the commands that train.

Example:
    >>> with ExitStack() as held, stop_on_interrupt() as stopped:
    ...     training = begin(options, config, out, held)
    ...     follow(training, stopped)
    >>> training_record(training.finish())["active_units"]
    10
"""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tqdm import tqdm

from vae.analysis.health import check_run
from vae.cli.output import say
from vae.cli.settings import dataset_for_training, model_config
from vae.core.config import TrainConfig
from vae.core.device import pick_device
from vae.core.errors import ConfigError, SweepFailed
from vae.data.registry import load_dataset
from vae.data.splits import Dataset
from vae.runs.folders import checkpoints_dir
from vae.runs.lock import lock_folders
from vae.runs.recorder import RecordedTraining
from vae.runs.resume import check_same, load_resume_state, read_resume_configs
from vae.runs.run import Run
from vae.runs.run_folder import check_free, run_name, unused_path


def train_one(
    options: argparse.Namespace,
    config: TrainConfig,
    out: Path | None,
    resume: bool = False,
) -> dict[str, Any]:
    """Train to the end and return the measurements; raise KeyboardInterrupt after Ctrl-C."""
    with ExitStack() as held:
        training = begin(options, config, out, held, resume=resume)
        with stop_on_interrupt() as stopped:
            follow(training, stopped)
        finished = training.finish()
    if not training.training.finished:
        say_resumable(finished.path)
        raise KeyboardInterrupt
    say_health_issues(finished)
    return training_record(finished)


def begin(
    options: argparse.Namespace,
    config: TrainConfig,
    out: Path | None,
    held: ExitStack | None = None,
    dataset: Dataset | None = None,
    resume: bool = False,
) -> RecordedTraining:
    """Prepare a run for training: a new one, or the saved state of an unfinished one.

    Args:
        options: The parsed options of `vae train` or `vae sweep`.
        config: The training that the options ask for.
        out: The folder of the run; None for a new folder, which needs a new run.
        held: Holds the lock of the folder until it closes; None if the caller holds the lock.
        dataset: The data set if the caller has read it already.
        resume: Whether to continue the unfinished run of the folder.
    """
    start = _resume if resume else _start
    return start(options, config, out, held, dataset)


def _start(
    options: argparse.Namespace,
    config: TrainConfig,
    out: Path | None,
    held: ExitStack | None,
    dataset: Dataset | None,
) -> RecordedTraining:
    device = pick_device(options.device)
    if out is not None:
        check_free(out, options.overwrite)
    data = dataset or dataset_for_training(options, config.dataset)
    model = model_config(options, data.image_shape, len(data.class_names))
    name = run_name(config, model)
    path = out or unused_path(checkpoints_dir(), name)
    if held is not None:
        held.enter_context(lock_folders([path]))
    return RecordedTraining.start(path, model, config, data, device, options.overwrite)


def _resume(
    options: argparse.Namespace,
    config: TrainConfig,
    out: Path | None,
    held: ExitStack | None,
    dataset: Dataset | None,
) -> RecordedTraining:
    if out is None:
        raise ConfigError("--resume needs --out, the folder of the unfinished run")
    model, stored = read_resume_configs(load_resume_state(out)[1])
    requested = model_config(options, model.image_shape, model.classes)
    check_same(out, (model, stored), (requested, config))
    data = dataset or load_dataset(
        config.dataset,
        options.data_dir,
        validation_fraction=config.validation_fraction,
        image_shape=model.image_shape,
    )
    if held is not None:
        held.enter_context(lock_folders([out]))
    return RecordedTraining.resume(out, data, pick_device(options.device))


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Let Ctrl-C set an event, so that training ends between two steps; a second one interrupts."""
    stopped = threading.Event()

    def handle(signal_number: int, frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)


def follow(training: RecordedTraining, stopped: threading.Event) -> None:
    """Train to the end, or until the event is set; show a progress bar on a terminal."""
    with step_bar(training) as bar:
        for report in training.run():
            bar.update(report.step - bar.n)
            bar.set_postfix_str(
                f"epoch {report.epoch}, distortion {report.distortion:.1f}, "
                f"rate {report.rate:.1f} nats"
            )
            if stopped.is_set():
                break


def step_bar(training: RecordedTraining) -> "tqdm[Any]":
    """Return a progress bar over the steps of a run, which shows on a terminal only."""
    return tqdm(
        total=training.training.steps,
        initial=training.training.step,
        unit=" steps",
        disable=not sys.stderr.isatty(),
        file=sys.stderr,
        dynamic_ncols=True,
    )


def say_resumable(out: object) -> None:
    """Print how to continue the runs of a folder after Ctrl-C."""
    say(f"stopped; the same command with --out {out} --resume continues it")


def check_failures(failed: dict[str, str], count: int, root: object) -> None:
    """Raise SweepFailed if some of `count` runs failed; `failed` holds their errors by name."""
    if failed:
        raise SweepFailed(
            f"{len(failed)} of {count} runs failed ({', '.join(failed)}; the first: "
            f"{next(iter(failed.values()))}); the others are in {root}"
        )


def health_warnings(run: Run) -> tuple[str, ...]:
    """Return one sentence for each problem that the health check finds in a run."""
    return tuple(issue.sentence for issue in check_run(run))


def say_health_issues(run: Run) -> None:
    """Print each problem of the model, and its cure, on standard error."""
    for sentence in health_warnings(run):
        say(sentence)


def training_record(run: Run) -> dict[str, Any]:
    """Return the measurements of a run; models without a rate have neither a rate nor an ELBO."""
    results, has_rate = run.results, run.model.has_rate
    return {
        "test_distortion": results.test_distortion,
        "test_rate": results.test_rate if has_rate else None,
        "test_elbo": results.test_elbo if has_rate else None,
        "active_units": results.active_units,
        "epochs": results.epochs_trained,
        "train_images_per_second": results.train_images_per_second,
        "seconds": results.seconds,
        "device": run.provenance.device,
        "threads": run.provenance.threads,
        "checkpoint": str(run.path),
    }
