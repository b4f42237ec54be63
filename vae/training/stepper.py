"""Takes the steps of a group of runs: stacked where that is faster, else in turns."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae.core.config import ModelConfig, TrainConfig
from vae.training.autograd_step import AutogradStep
from vae.training.distributed_step import DistributedStep
from vae.training.graphed_step import GraphedStep
from vae.training.manual.step import ManualStep
from vae.training.manual.support import supports_manual_step
from vae.training.manual.workspace import WorkspacePool

if TYPE_CHECKING:
    from vae.training.run import TrainingRun
    from vae.training.steps import Step

STEPS_A_TURN = 16
"""The first step of a turn takes a quarter longer: it finds nothing of its model in the cache."""


class Stepper:
    """Takes steps of runs that stand at the same step."""

    def __init__(self, members: Sequence[TrainingRun], graphed: bool = True) -> None:
        """On CUDA steps are played from graphs; not so if `graphed` is false."""
        pool = WorkspacePool(members[0].model.device)
        self._groups = [StackedRuns(each, graphed, pool) for each in side_by_side(members)]
        self._seconds_a_step = math.inf

    def step(self, most: int = 1, seconds: float = 0.0) -> int:
        """Steps of every member, at most so many; returns the number of images that each saw.

        One, or where members take turns as many as come to so many seconds.
        """
        count = self._in_a_turn(most, seconds)
        began, images = time.perf_counter(), 0
        for group in self._groups:
            images = sum(group.step() for _ in range(count))
        self._seconds_a_step = (time.perf_counter() - began) / count
        return images

    def drain_sums(self) -> Float[Tensor, "members terms"]:
        """Distortion and rates of each member, summed over images since the last time."""
        return torch.cat([group.drain_sums() for group in self._groups])

    def _in_a_turn(self, most: int, seconds: float) -> int:
        if len(self._groups) == 1:
            return 1
        in_time = min(STEPS_A_TURN, seconds / self._seconds_a_step)
        return max(1, min(most, int(in_time)))


def side_by_side(members: Sequence[TrainingRun]) -> list[list[TrainingRun]]:
    """Who goes through each operation together: all; on the CPU none, where it only costs cache."""
    if members[0].model.device.type == "cpu":
        return [[member] for member in members]
    return [list(members)]


def concurrency_is_free(model: ModelConfig, config: TrainConfig, device: torch.device) -> bool:
    """Whether such models lose nothing by training together, and so can be watched side by side."""
    return supports_manual_step(model, config, device) or device.type == "cuda"


STEPS_AHEAD = 512
"""Steps that are made ready at once: what a step does but multiply, it does far more slowly."""


class StackedRuns:
    """Runs that go through each step side by side; those of one seed share order and noise."""

    def __init__(self, members: Sequence[TrainingRun], graphed: bool, pool: WorkspacePool) -> None:
        """See `Stepper`; groups that take turns may be given the same pool."""
        self._members = list(members)
        seeds = [member.config.seed for member in members]
        firsts = [seeds.index(seed) for seed in dict.fromkeys(seeds)]
        self._leads = [members[first] for first in firsts]
        self._noise_streams = [firsts.index(seeds.index(seed)) for seed in seeds]
        self._step = self._build(graphed, pool)
        self._epoch: int | None = None
        self._orders: Int[Tensor, "streams n"]
        self._planned = range(0)
        self._plan: list[tuple[Int[Tensor, "streams batch"], Tensor, Tensor]] = []

    def step(self) -> int:
        """One step of every member; returns the number of images that each saw."""
        step = self._members[0].step
        if step not in self._planned:
            self._look_ahead(step)
        chosen, kl_scale, learning_rate = self._plan[step - self._planned.start]
        self._step(chosen, kl_scale, learning_rate)
        for member in self._members:
            member.step += 1
        return chosen.shape[1]

    def _look_ahead(self, step: int) -> None:
        """Make ready what the steps from here on take, up to the end of the epoch."""
        lead = self._members[0]
        epoch, position = divmod(step, lead.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch = epoch
            self._orders = torch.stack([each.order(epoch) for each in self._leads])
        count = min(STEPS_AHEAD, lead.steps_per_epoch - position)
        self._planned, size = range(step, step + count), lead.config.batch_size
        chosen = self._orders[:, position * size : (position + count) * size].split(size, dim=1)
        schedule = [(lead.kl_scale(each), lead.learning_rate(each)) for each in self._planned]
        made = torch.tensor(schedule, dtype=torch.float32, device=lead.model.device)
        kl_scales, learning_rates = made.unbind(dim=1)
        self._plan = list(zip(chosen, kl_scales, learning_rates, strict=True))

    def drain_sums(self) -> Float[Tensor, "members terms"]:
        """See `Stepper`."""
        found = self._step.sums.to("cpu", torch.float64)
        self._step.sums.zero_()
        return found

    def _build(self, graphed: bool, pool: WorkspacePool) -> Step:
        members, lead = self._members, self._leads[0]
        if lead.process_group.size > 1:
            (member,) = members
            return DistributedStep(member)
        step: Step
        if supports_manual_step(lead.model.config, lead.config, lead.model.device, len(members)):
            for member, stream in zip(members, self._noise_streams, strict=True):
                member.noise = self._leads[stream].noise
            generators = [each.noise for each in self._leads]
            step = ManualStep(members, self._noise_streams, generators, pool)
        else:
            step = _EachStep([AutogradStep(member) for member in members], self._noise_streams)
        on_cuda = lead.model.device.type == "cuda"
        return GraphedStep(step) if graphed and on_cuda else step


class _EachStep:
    """The steps of several models, one model after the other."""

    def __init__(self, steps: Sequence[AutogradStep], streams: Sequence[int]) -> None:
        self.sums = torch.cat([step.sums for step in steps])
        self.generators = [generator for step in steps for generator in step.generators]
        self._steps = list(zip(steps, streams, strict=True))
        for index, step in enumerate(steps):
            step.sums = self.sums[index : index + 1]

    def __call__(
        self,
        indices: Int[Tensor, "streams batch"],
        kl_scale: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """See `Step`."""
        for step, stream in self._steps:
            step(indices[stream : stream + 1], kl_scale, learning_rate)
