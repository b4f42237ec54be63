"""What takes the steps of a cohort: picks the arithmetic, feeds it batches, reads its sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae.config import ModelConfig, TrainConfig
from vae.training.autograd_step import AutogradStep
from vae.training.dense_step import DenseStep, is_dense
from vae.training.distributed_step import DistributedStep
from vae.training.graphed_step import GraphedStep

if TYPE_CHECKING:
    from vae.training.loop import Training
    from vae.training.steps import Step


class Engine:
    """Steps for runs that stand at the same step; those of one seed share order and noise."""

    def __init__(self, members: Sequence[Training], graphed: bool = True) -> None:
        """On CUDA steps are played from graphs; not so if `graphed` is false."""
        self._members = list(members)
        seeds = [member.config.seed for member in members]
        firsts = [seeds.index(seed) for seed in dict.fromkeys(seeds)]
        self._leads = [members[first] for first in firsts]
        self._streams = [firsts.index(seeds.index(seed)) for seed in seeds]
        self._step = self._build(graphed)
        self._epoch: int | None = None
        self._orders: Int[Tensor, "streams n"]
        device = self._leads[0].model.device
        self._share, self._learning_rate = torch.zeros(2, device=device)

    def take(self) -> int:
        """One step of every member; returns the number of images that each saw."""
        lead = self._leads[0]
        epoch, position = divmod(lead.step, lead.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch = epoch
            self._orders = torch.stack([each.order(epoch) for each in self._leads])
        size = lead.config.batch_size
        chosen = self._orders[:, position * size : (position + 1) * size]
        self._share.fill_(lead.warmup_share)
        self._learning_rate.fill_(lead.learning_rate)
        self._step(chosen, self._share, self._learning_rate)
        for member in self._members:
            member.step += 1
        return chosen.shape[1]

    def collect(self) -> Float[Tensor, "members terms"]:
        """Distortion and rates of each member, summed over images since the last time."""
        found = self._step.sums.to("cpu", torch.float64)
        self._step.sums.zero_()
        return found

    def _build(self, graphed: bool) -> Step:
        members, lead = self._members, self._leads[0]
        if lead.processes.size > 1:
            return _distributed_step(members)
        step: Step
        if is_dense(lead.model.config, lead.config, lead.model.device):
            for member, stream in zip(members, self._streams, strict=True):
                member.noise = self._leads[stream].noise
            step = DenseStep(
                [member.model for member in members],
                [member.config.beta for member in members],
                lead.config,
                [member.weights for member in members],
                lead.step,
                lead.images,
                self._streams,
                [each.noise for each in self._leads],
            )
        else:
            step = _EachStep([_autograd_step(member) for member in members], self._streams)
        on_cuda = lead.model.device.type == "cuda"
        return GraphedStep(step) if graphed and on_cuda else step


def gains_from_company(model: ModelConfig, config: TrainConfig, device: torch.device) -> bool:
    """Whether such models train faster together than one after the other."""
    return is_dense(model, config, device) or device.type == "cuda"


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
