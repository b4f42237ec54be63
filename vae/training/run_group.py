"""The training loop of one run or several; it yields reports, and can stop at any step and resume.

Example:
    >>> group = RunGroup([TrainingRun(model, config, digits) for config in configs])
    >>> for reports in group.run():  # stops when the caller asks for no more reports
    ...     print({run.config.beta: report for run, report in reports.items()})
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence

from torch import Tensor

from vae.core.device import flush_denormals
from vae.core.errors import DivergedError
from vae.training.progress import Report
from vae.training.run import TrainingRun
from vae.training.stepper import Stepper

REPORT_SECONDS = 0.1
"""Seconds between two reports."""

REPORT_INTERVALS_PER_ROUND = 8
"""Most report intervals that one round of turns takes, where runs take turns.

Longer turns are faster. Eight intervals are 0.8 s, and the pages read reports once a second.
"""


def run_training(training: TrainingRun, report_seconds: float = REPORT_SECONDS) -> Iterator[Report]:
    """Train one run to its end; yield a report each `report_seconds` and after each epoch.

    To stop, ask for no further report. A later call continues from the same step. Raises
    DivergedError when a loss is no longer finite.
    """
    for reports in RunGroup([training]).run(report_seconds):
        report = reports[training]
        if isinstance(report, DivergedError):
            raise report
        yield report


class RunGroup:
    """Runs that train together, step by step; `can_train_together` must hold for them.

    Each run has the same result as if it trained alone, up to rounding.
    """

    def __init__(self, members: Sequence[TrainingRun]) -> None:
        assert all(can_train_together(members[0], other) for other in members[1:])
        self.members = list(members)
        self.report_before_epoch_end = False
        """Whether to report before an epoch's last step too, which the slow evaluation follows."""

        self._stepper: Stepper | None = None

    def drop(self, member: TrainingRun) -> None:
        """Remove a run, unless it has been removed already because it diverged."""
        if member in self.members:
            self._separate()
            self.members.remove(member)

    def run(
        self, report_seconds: float = REPORT_SECONDS
    ) -> Iterator[dict[TrainingRun, Report | DivergedError]]:
        """Train all runs to their end; yield the reports of every run, as `run_training` does.

        For a run that diverges, yield a DivergedError once in place of its report. The others
        continue without it.
        """
        try:
            while self.members and not self.members[0].finished:
                yield self._train_until_report(report_seconds)
        finally:
            self._separate()

    def _train_until_report(
        self, report_seconds: float
    ) -> dict[TrainingRun, Report | DivergedError]:
        """Take steps until it is time to report or the epoch ends; return the reports."""
        stepper = self._stepper = self._stepper or Stepper(self.members)
        lead, began, images = self.members[0], time.perf_counter(), 0
        with flush_denormals():
            while not images or time.perf_counter() - began < report_seconds:
                images += stepper.step(
                    self._steps_left, REPORT_INTERVALS_PER_ROUND * report_seconds
                )
                if lead.step % lead.steps_per_epoch == 0:
                    break
                if self.report_before_epoch_end and lead.next_step_ends_epoch:
                    break
        sums = stepper.drain_sums()
        seconds = (time.perf_counter() - began) / len(self.members)
        reports = {
            member: self._report(member, images, row, seconds)
            for member, row in zip(self.members, sums, strict=True)
        }
        for member, report in reports.items():
            if isinstance(report, DivergedError):
                self.drop(member)
        return reports

    @property
    def _steps_left(self) -> int:
        """Steps before the next report that must be made."""
        lead = self.members[0]
        left = lead.steps_per_epoch - lead.step % lead.steps_per_epoch
        return left - 1 if self.report_before_epoch_end and left > 1 else left

    def _report(
        self, member: TrainingRun, images: int, sums: Tensor, seconds: float
    ) -> Report | DivergedError:
        member.throughput.add(images, seconds)
        try:
            return member.report(images, sums, concurrent=len(self.members))
        except DivergedError as error:
            # The traceback would keep the stepper and its device memory alive.
            return error.with_traceback(None)

    def _separate(self) -> None:
        """Give each run a generator of its own again; runs of one seed shared theirs."""
        self._stepper = None
        for member in self.members:
            member.noise = member.noise.clone_state()


def can_train_together(first: TrainingRun, other: TrainingRun) -> bool:
    """Return whether two runs are alike in all but beta, seed and weights."""
    alike = dataclasses.replace(other.config, beta=first.config.beta, seed=first.config.seed)
    return (
        first.model.config == other.model.config
        and first.model.device == other.model.device
        and first.config == alike
        and first.step == other.step
        and first.images.images.shape == other.images.images.shape
    )
