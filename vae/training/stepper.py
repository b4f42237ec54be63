"""Takes the steps of several training runs: stacked on a GPU, in turns on a CPU.

Example:
    >>> stepper = Stepper([run, other])  # two `TrainingRun`s that `can_train_together`
    >>> images = sum(stepper.step() for _ in range(100))
    >>> distortion, *rates = stepper.drain_sums()[0] / images
"""

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

MAX_STEPS_PER_TURN = 16
"""Most steps that one run takes before the next run's turn.

The first step of a turn takes a quarter longer, because the cache holds another run's weights.
"""


class Stepper:
    """Takes the steps of runs that have all taken the same number of steps."""

    def __init__(self, members: Sequence[TrainingRun], graphed: bool = True) -> None:
        """On CUDA, replay the steps from CUDA graphs, unless `graphed` is false."""
        pool = WorkspacePool(members[0].model.device)
        self.stacks = [StackedRuns(stack, graphed, pool) for stack in split_into_stacks(members)]
        self._seconds_per_step = math.inf

    def step(self, max_steps: int = 1, seconds: float = 0.0) -> int:
        """Take the same number of steps in every run; return the images that each run saw.

        A single stack takes one step. Several stacks take turns of at most `max_steps` steps, and
        all turns together take about `seconds`.
        """
        count = self._steps_per_turn(max_steps, seconds)
        began, images = time.perf_counter(), 0
        for stack in self.stacks:
            images = sum(stack.step() for _ in range(count))
        self._seconds_per_step = (time.perf_counter() - began) / count
        return images

    def drain_sums(self) -> Float[Tensor, "members terms"]:
        """Return each run's distortion and rates, summed over images since the last call."""
        return torch.cat([stack.drain_sums() for stack in self.stacks])

    def _steps_per_turn(self, max_steps: int, seconds: float) -> int:
        if len(self.stacks) == 1:
            return 1
        in_time = min(MAX_STEPS_PER_TURN, seconds / self._seconds_per_step)
        return max(1, min(max_steps, int(in_time)))


def split_into_stacks(members: Sequence[TrainingRun]) -> list[list[TrainingRun]]:
    """Split runs into the lists that `StackedRuns` takes: one list on a GPU, single runs on a CPU.

    On a CPU, stacked runs gain no speed and need more of the cache.
    """
    if members[0].model.device.type == "cpu":
        return [[member] for member in members]
    return [list(members)]


def concurrency_is_free(model: ModelConfig, config: TrainConfig, device: torch.device) -> bool:
    """Return whether runs with these settings train together as fast as one after the other."""
    return supports_manual_step(model, config, device) or device.type == "cuda"


MAX_PLANNED_STEPS = 512
"""Most steps whose batches and schedule values are computed at once, which saves time per step."""


class StackedRuns:
    """Runs that take each step together; runs of the same seed share image order and noise."""

    def __init__(self, members: Sequence[TrainingRun], graphed: bool, pool: WorkspacePool) -> None:
        """See `Stepper`; stacks that take turns may share one pool of buffers."""
        self._members = list(members)
        seeds = [member.config.seed for member in members]
        firsts = [seeds.index(seed) for seed in dict.fromkeys(seeds)]
        self._stream_leads = [members[first] for first in firsts]
        self._noise_streams = [firsts.index(seeds.index(seed)) for seed in seeds]
        self.take_step = self._build(graphed, pool)
        self._epoch: int | None = None
        self._orders: Int[Tensor, "noise_streams n"]
        self._planned = range(0)
        self._plan: list[tuple[Int[Tensor, "noise_streams batch"], Tensor, Tensor]] = []

    def step(self) -> int:
        """Take one step in every run; return the number of images that each run saw."""
        step = self._members[0].step
        if step not in self._planned:
            self._plan_steps(step)
        indices, kl_scale, learning_rate = self._plan[step - self._planned.start]
        self.take_step(indices, kl_scale, learning_rate)
        for member in self._members:
            member.step += 1
        return indices.shape[1]

    def _plan_steps(self, step: int) -> None:
        """Compute the inputs of the steps from `step` on, at most to the end of the epoch."""
        lead = self._members[0]
        epoch, position = divmod(step, lead.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch = epoch
            self._orders = torch.stack([run.order(epoch) for run in self._stream_leads])
        count = min(MAX_PLANNED_STEPS, lead.steps_per_epoch - position)
        self._planned, size = range(step, step + count), lead.config.batch_size
        window = self._orders[:, position * size : (position + count) * size]
        schedule = [(lead.kl_scale(each), lead.learning_rate(each)) for each in self._planned]
        values = torch.tensor(schedule, dtype=torch.float32, device=lead.model.device)
        kl_scales, learning_rates = values.unbind(dim=1)
        self._plan = list(zip(window.split(size, dim=1), kl_scales, learning_rates, strict=True))

    def drain_sums(self) -> Float[Tensor, "members terms"]:
        """See `Stepper`."""
        sums = self.take_step.sums.to("cpu", torch.float64)
        self.take_step.sums.zero_()
        return sums

    def _build(self, graphed: bool, pool: WorkspacePool) -> Step:
        members, lead = self._members, self._members[0]
        if lead.process_group.size > 1:
            (member,) = members
            return DistributedStep(member)
        step: Step
        if supports_manual_step(lead.model.config, lead.config, lead.model.device, len(members)):
            for member, stream in zip(members, self._noise_streams, strict=True):
                member.noise = self._stream_leads[stream].noise
            generators = [run.noise for run in self._stream_leads]
            step = ManualStep(members, self._noise_streams, generators, pool)
        else:
            step = _SequentialSteps(
                [AutogradStep(member) for member in members], self._noise_streams
            )
        on_cuda = lead.model.device.type == "cuda"
        return GraphedStep(step) if graphed and on_cuda else step


class _SequentialSteps:
    """Takes the autograd steps of several models, one model after the other."""

    def __init__(self, steps: Sequence[AutogradStep], noise_streams: Sequence[int]) -> None:
        self.sums = torch.cat([step.sums for step in steps])
        self.generators = [generator for step in steps for generator in step.generators]
        self._steps = list(zip(steps, noise_streams, strict=True))
        for index, step in enumerate(steps):
            step.sums = self.sums[index : index + 1]

    def __call__(
        self,
        indices: Int[Tensor, "noise_streams batch"],
        kl_scale: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """See `Step`."""
        for step, stream in self._steps:
            step(indices[stream : stream + 1], kl_scale, learning_rate)
