"""`vae train`: one model into one checkpoint folder."""

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
from vae.cli.output import CommandResult, lines, say
from vae.cli.settings import dataset_for_training, model_config, train_config
from vae.core.config import TrainConfig
from vae.core.device import pick_device, prepare_device
from vae.core.errors import ConfigError
from vae.data.registry import load_dataset
from vae.data.splits import Dataset
from vae.runs.folders import checkpoints_dir
from vae.runs.lock import lock_folders
from vae.runs.recorder import RecordedTraining
from vae.runs.resume import check_same, load_resume_state, read_resume_configs
from vae.runs.run import Run
from vae.runs.run_folder import check_free, run_name, unused_path


def train(options: argparse.Namespace) -> CommandResult:
    """`vae train`."""
    prepare_device(options.device, options.threads)
    config = train_config(options, options.beta, options.seed)
    record = train_one(options, config, options.out, resume=options.resume)
    return CommandResult(record, lines(record))


def train_one(
    options: argparse.Namespace,
    config: TrainConfig,
    out: Path | None,
    resume: bool = False,
) -> dict[str, Any]:
    """Train to the end and tell what came out; KeyboardInterrupt where Ctrl-C stopped it."""
    with ExitStack() as held:
        training = begin(options, config, out, held, resume=resume)
        with stop_on_interrupt() as stopped:
            follow(training, stopped)
        finished = training.finish()
    if not training.training.finished:
        say(f"stopped; the same command with --out {finished.path} --resume goes on with it")
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
    """The run to be trained, from its first step or, to resume it, from its last saved one.

    Its folder is held until `held` ends; without that, the caller holds it already.
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
    asked = model_config(options, model.image_shape, model.classes)
    check_same(out, (model, stored), (asked, config))
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
    """Ctrl-C sets the event, so that training ends between two steps; a second one interrupts."""
    asked = threading.Event()

    def ask(signal_number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def follow(training: RecordedTraining, stopped: threading.Event) -> None:
    """Train to the end, or until the event is set, with a bar where there is a terminal."""
    with tqdm(
        total=training.training.steps,
        initial=training.training.step,
        unit=" steps",
        disable=not sys.stderr.isatty(),
        file=sys.stderr,
        dynamic_ncols=True,
    ) as bar:
        for report in training.run():
            bar.update(report.step - bar.n)
            bar.set_postfix_str(
                f"epoch {report.epoch}, distortion {report.distortion:.1f}, "
                f"rate {report.rate:.1f} nats"
            )
            if stopped.is_set():
                break


def health_warnings(run_: Run) -> tuple[str, ...]:
    """Return one sentence for each problem that the health check finds in a run."""
    return tuple(issue.sentence for issue in check_run(run_))


def say_health_issues(run_: Run) -> None:
    """Say what is wrong with the model and what to do, if anything is."""
    for sentence in health_warnings(run_):
        say(sentence)


def training_record(run_: Run) -> dict[str, Any]:
    """What a run measured, as a JSON object; no rate and no ELBO of codes that are points."""
    results, has_rate = run_.results, run_.model.has_rate
    return {
        "test_distortion": results.test_distortion,
        "test_rate": results.test_rate if has_rate else None,
        "test_elbo": results.test_elbo if has_rate else None,
        "active_units": results.active_units,
        "epochs": results.epochs_trained,
        "train_images_per_second": results.train_images_per_second,
        "seconds": results.seconds,
        "device": run_.provenance.device,
        "threads": run_.provenance.threads,
        "checkpoint": str(run_.path),
    }
