"""Trains a run and stores it: saves its state while it trains and its checkpoint at the end.

Example:
    >>> training = RecordedTraining.start(path, model, train, dataset, torch.device("cpu"))
    >>> for report in training.run():
    ...     print(report.epoch, report.distortion)
    >>> run = training.finish()
"""

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from vae.core.config import ModelConfig, Storage, TrainConfig
from vae.core.errors import DivergedError
from vae.data.splits import Dataset
from vae.metrics.evaluation import encode_split, evaluate
from vae.metrics.rate_curve import measure_rate_curve
from vae.models.vae import VAE
from vae.runs.checkpoint import atlas_rows, save_checkpoint
from vae.runs.perceptual_model import open_perceptual_loss
from vae.runs.resume import (
    discard_resume_state,
    load_resume_state,
    read_resume_configs,
    save_resume_state,
)
from vae.runs.run import Results, Run
from vae.runs.run_folder import check_free, make_folder
from vae.training import (
    REPORT_SECONDS,
    Report,
    RunGroup,
    TrainingRun,
    can_train_together,
    run_training,
)

SAVE_SECONDS = 20.0
"""Seconds between two saved states. A killed run loses at most the steps of this time."""


class RecordedTraining:
    """Trains one run and stores it in one folder.

    The state is saved every SAVE_SECONDS, so that a killed run can be resumed. `finish` evaluates
    the model and writes the checkpoint, for a run that was stopped early too.
    """

    def __init__(self, path: Path, training: TrainingRun, dataset: Dataset) -> None:
        self.path = path
        self.training = training
        self.epochs: list[dict[str, Any]] = []
        self._dataset = dataset
        self._saved = time.monotonic()
        self._saved_step: int | None = None

    @classmethod
    def start(
        cls,
        path: Path,
        model: ModelConfig,
        train: TrainConfig,
        dataset: Dataset,
        device: torch.device,
        overwrite: bool = False,
    ) -> "RecordedTraining":
        """Start a new run.

        Args:
            path: The folder of the run, which is made if it does not exist.
            model: The configuration of the model.
            train: The configuration of the training.
            dataset: The data set, with splits for training, validation and test.
            device: The device to train on.
            overwrite: Whether the new run may replace a run in the folder. If not, a folder with
                files raises CheckpointError.
        """
        check_free(path, overwrite)
        make_folder(path)
        discard_resume_state(path)
        return cls(path, _new_training(model, train, dataset, device), dataset)

    @classmethod
    def resume(cls, path: Path, dataset: Dataset, device: torch.device) -> "RecordedTraining":
        """Continue the unfinished run of a folder from its last saved step."""
        state, record = load_resume_state(path)
        model, train = read_resume_configs(record)
        run = cls(path, _new_training(model, train, dataset, device), dataset)
        run.training.restore(state)
        run.epochs = record["epochs"]
        run._saved_step = run.training.step
        return run

    def run(
        self,
        report_seconds: float = REPORT_SECONDS,
        save_seconds: float | None = None,
        on_save: Callable[[], None] | None = None,
    ) -> Iterator[Report]:
        """Train to the end, yielding what `TrainingRun.run` yields.

        The state is saved every `save_seconds` (default SAVE_SECONDS); then `on_save` is called.
        """
        self._saved = time.monotonic()
        for report in run_training(self.training, report_seconds):
            if self.record_report(report, save_seconds) and on_save is not None:
                on_save()
            yield report

    def record_report(self, report: Report, save_seconds: float | None = None) -> bool:
        """Record a report, and save the state if `save_seconds` have passed. Tell if it did."""
        if report.ends_epoch:
            self.epochs.append(epoch_record(report))
        interval = SAVE_SECONDS if save_seconds is None else save_seconds
        if time.monotonic() - self._saved <= interval or self.training.finished:
            return False
        self.save_state()
        return True

    def finish(self) -> Run:
        """Evaluate on the test split and write the checkpoint. A stopped run stays resumable."""
        training, device = self.training, self.training.model.device
        test = self._dataset.test.to(device)
        in_distribution_test = self._dataset.in_distribution_test.to(device)
        # An evaluation may be interrupted or run out of memory; the saved state survives that.
        self.save_state()
        shown = test.head(atlas_rows(training.model.config.latent_dim))
        model = as_stored(training.model, training.config.storage)
        plain = model.at_beta(training.config.beta)
        is_multi_rate = model.config.beta_range is not None
        curve = measure_rate_curve(model, test) if is_multi_rate else None
        run = save_checkpoint(
            self.path,
            model,
            training.config,
            self._dataset.class_names,
            Results.of(
                evaluate(plain, in_distribution_test),
                epochs=training.step / training.steps_per_epoch,
                images_per_second=training.images_per_second,
                seconds=training.seconds,
            ),
            encode_split(plain, shown),
            shown.labels,
            self.epochs,
            curve,
            factors=self._dataset.factors,
            levels=shown.factors,
        )
        if training.finished:
            discard_resume_state(self.path)
        return run

    def save_state(self) -> None:
        """Save the state of the run for a later resume, unless this step is saved already."""
        if self._saved_step == self.training.step:
            return
        record = {
            "model": self.training.model.config.to_dict(),
            "train": self.training.config.to_dict(),
            "epochs": self.epochs,
        }
        save_resume_state(self.path, self.training.state(), record)
        self._saved, self._saved_step = time.monotonic(), self.training.step


def _new_training(
    model: ModelConfig, train: TrainConfig, dataset: Dataset, device: torch.device
) -> TrainingRun:
    return TrainingRun(model, train, dataset, device, open_perceptual_loss(model, train, device))


class RecordedRunGroup:
    """Trains recorded runs together; see `vae.training.RunGroup`."""

    def __init__(self, members: Sequence[RecordedTraining]) -> None:
        self._members = {member.training: member for member in members}
        self._group = RunGroup(list(self._members))

    def drop(self, member: RecordedTraining) -> None:
        """Stop training one of the runs."""
        self._group.drop(member.training)

    def set_report_before_epoch_end(self, enabled: bool) -> None:
        """Choose whether to report before the last step of an epoch too.

        The evaluation of the epoch follows that step, so the state can be saved before it.
        """
        self._group.report_before_epoch_end = enabled

    def run(
        self, report_seconds: float = REPORT_SECONDS, save_seconds: float | None = None
    ) -> Iterator[dict[RecordedTraining, Report | DivergedError]]:
        """Train to the end, yielding what `RunGroup.run` yields, and save the states meanwhile."""
        for reports in self._group.run(report_seconds):
            found = {self._members[training]: report for training, report in reports.items()}
            for member, report in found.items():
                if isinstance(report, Report):
                    member.record_report(report, save_seconds)
            yield found


def group_runs(runs: Iterable[RecordedTraining]) -> list[list[RecordedTraining]]:
    """Group the runs that can train together, in their order."""
    groups: list[list[RecordedTraining]] = []
    for run in runs:
        fitting = (g for g in groups if can_train_together(g[0].training, run.training))
        group = next(fitting, None)
        if group is None:
            groups.append([run])
        else:
            group.append(run)
    return groups


def as_stored(model: VAE, storage: Storage) -> VAE:
    """Return the model that its checkpoint will load: itself, or a copy with rounded weights."""
    return model if storage == "float32" else copy.deepcopy(model).half().float()


def epoch_record(report: Report) -> dict[str, Any]:
    """Return one line of metrics.jsonl: means over the epoch, in nats per image."""
    validation = report.validation
    return {
        "epoch": report.epoch,
        "beta": report.beta,
        "distortion": report.distortion,
        "rate": report.rate,
        "rate_per_dimension": list(report.rate_per_dimension),
        "validation_distortion": validation.distortion if validation else None,
        "validation_rate": validation.rate if validation else None,
        "active_units": report.active_units,
        "seconds": report.seconds,
    }
