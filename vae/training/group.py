"""Models that take each step side by side: picks the arithmetic, and feeds it batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae.training.autograd_step import AutogradStep
from vae.training.by_hand.rooms import Rooms
from vae.training.by_hand.step import StepByHand, is_by_hand
from vae.training.distributed_step import DistributedStep
from vae.training.graphed_step import GraphedStep

if TYPE_CHECKING:
    from vae.training.loop import Training
    from vae.training.steps import Step

STEPS_AHEAD = 512
"""Steps that are made ready at once: what a step does but multiply, it does far more slowly."""


class Group:
    """Runs that go through each step side by side; those of one seed share order and noise."""

    def __init__(self, members: Sequence[Training], graphed: bool, rooms: Rooms) -> None:
        """See `Engine`; groups that take turns may be given the same rooms."""
        self._members = list(members)
        seeds = [member.config.seed for member in members]
        firsts = [seeds.index(seed) for seed in dict.fromkeys(seeds)]
        self._leads = [members[first] for first in firsts]
        self._streams = [firsts.index(seeds.index(seed)) for seed in seeds]
        self._step = self._build(graphed, rooms)
        self._epoch: int | None = None
        self._orders: Int[Tensor, "streams n"]
        self._planned = range(0)
        self._plan: list[tuple[Int[Tensor, "streams batch"], Tensor, Tensor]] = []

    def take(self) -> int:
        """One step of every member; returns the number of images that each saw."""
        step = self._members[0].step
        if step not in self._planned:
            self._look_ahead(step)
        chosen, share, learning_rate = self._plan[step - self._planned.start]
        self._step(chosen, share, learning_rate)
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
        schedule = [(lead.warmup_share(each), lead.learning_rate(each)) for each in self._planned]
        made = torch.tensor(schedule, dtype=torch.float32, device=lead.model.device)
        shares, learning_rates = made.unbind(dim=1)
        self._plan = list(zip(chosen, shares, learning_rates, strict=True))

    def collect(self) -> Float[Tensor, "members terms"]:
        """See `Engine`."""
        found = self._step.sums.to("cpu", torch.float64)
        self._step.sums.zero_()
        return found

    def _build(self, graphed: bool, rooms: Rooms) -> Step:
        members, lead = self._members, self._leads[0]
        if lead.processes.size > 1:
            return _distributed_step(members)
        step: Step
        if is_by_hand(lead.model.config, lead.config, lead.model.device, len(members)):
            for member, stream in zip(members, self._streams, strict=True):
                member.noise = self._leads[stream].noise
            step = StepByHand(
                [member.model for member in members],
                [member.config.beta for member in members],
                lead.config,
                [member.weights for member in members],
                lead.step,
                lead.images,
                self._streams,
                [each.noise for each in self._leads],
                rooms,
            )
        else:
            step = _EachStep([_autograd_step(member) for member in members], self._streams)
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
        share: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """See `Step`."""
        for step, stream in self._steps:
            step(indices[stream : stream + 1], share, learning_rate)


def _autograd_step(member: Training) -> AutogradStep:
    return AutogradStep(
        member.model,
        member.config,
        member.weights,
        member.step,
        member.images,
        member.noise,
        member.critic,
    )


def _distributed_step(members: Sequence[Training]) -> DistributedStep:
    (member,) = members
    return DistributedStep(
        member.model,
        member.config,
        member.weights,
        member.step,
        member.images,
        member.noise,
        member.processes,
        member.critic,
    )
