"""The training loop of one run or several: yields reports, and stops and resumes at any step."""

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

ROUND = 8
"""Reports may take so many times as long where models take turns, so that turns can be long.

That is 0.8 s, and the pages look once a second.
"""


def run_training(training: TrainingRun, report_seconds: float = REPORT_SECONDS) -> Iterator[Report]:
    """Train one run to its end, and yield a report every so often and at the end of each epoch.

    Stop by not asking for the next report; a later call goes on from there. Raises DivergedError
    when a loss is no longer finite.
    """
    for reports in RunGroup([training]).run(report_seconds):
        report = reports[training]
        if isinstance(report, DivergedError):
            raise report
        yield report


class RunGroup:
    """Runs that train together, step by step: `can_train_together` must hold for them.

    Each comes out as if it had trained alone, to rounding.
    """

    def __init__(self, members: Sequence[TrainingRun]) -> None:
        assert all(can_train_together(members[0], other) for other in members[1:])
        self.members = list(members)
        self.report_before_epoch_end = False
        """Whether to report before the last step of an epoch too, behind which it is measured."""

        self._stepper: Stepper | None = None

    def drop(self, member: TrainingRun) -> None:
        """Leave one out from here on, unless it is out already, having diverged."""
        if member in self.members:
            self._part()
            self.members.remove(member)

    def run(
        self, report_seconds: float = REPORT_SECONDS
    ) -> Iterator[dict[TrainingRun, Report | DivergedError]]:
        """Train to the end; yields what `TrainingRun.run` yields, of every member.

        A run that diverges tells so once, in place of its report, and is left out from there on.
        """
        try:
            while self.members and not self.members[0].finished:
                yield self._go_on(report_seconds)
        finally:
            self._part()

    def _go_on(self, report_seconds: float) -> dict[TrainingRun, Report | DivergedError]:
        """Take steps until it is time to report, or the epoch ends."""
        stepper = self._stepper = self._stepper or Stepper(self.members)
        lead, began, images = self.members[0], time.perf_counter(), 0
        with flush_denormals():
            while not images or time.perf_counter() - began < report_seconds:
                images += stepper.step(self._steps_left, ROUND * report_seconds)
                if lead.step % lead.steps_per_epoch == 0:
                    break
                if self.report_before_epoch_end and lead.next_step_ends_epoch:
                    break
        sums = stepper.drain_sums()
        seconds = (time.perf_counter() - began) / len(self.members)
        told = {
            member: self._tell(member, images, row, seconds)
            for member, row in zip(self.members, sums, strict=True)
        }
        for member, report in told.items():
            if isinstance(report, DivergedError):
                self.drop(member)
        return told

    @property
    def _steps_left(self) -> int:
        """Before there is something to report."""
        lead = self.members[0]
        left = lead.steps_per_epoch - lead.step % lead.steps_per_epoch
        return left - 1 if self.report_before_epoch_end and left > 1 else left

    def _tell(
        self, member: TrainingRun, images: int, sums: Tensor, seconds: float
    ) -> Report | DivergedError:
        member.throughput.add(images, seconds)
        try:
            return member.report(images, sums, concurrent=len(self.members))
        except DivergedError as error:
            # Its traceback holds the stepper, and with it all that is on the device.
            return error.with_traceback(None)

    def _part(self) -> None:
        """Members that drew from one generator get one each again."""
        self._stepper = None
        for member in self.members:
            member.noise = member.noise.clone_state()


def can_train_together(first: TrainingRun, other: TrainingRun) -> bool:
    """Whether two runs differ in nothing but beta, seed and what they have learnt so far."""
    alike = dataclasses.replace(other.config, beta=first.config.beta, seed=first.config.seed)
    return (
        first.model.config == other.model.config
        and first.model.device == other.model.device
        and first.config == alike
        and first.step == other.step
        and first.images.images.shape == other.images.images.shape
    )
