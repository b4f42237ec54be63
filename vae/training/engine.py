"""What takes the steps of a cohort: side by side where that is faster, else by turns."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from vae.config import ModelConfig, TrainConfig
from vae.training.by_hand.rooms import Rooms
from vae.training.by_hand.step import is_by_hand
from vae.training.group import Group

if TYPE_CHECKING:
    from vae.training.loop import Training

STEPS_A_TURN = 16
"""The first step of a turn takes a quarter longer: it finds nothing of its model in the cache."""


class Engine:
    """Takes steps of runs that stand at the same step."""

    def __init__(self, members: Sequence[Training], graphed: bool = True) -> None:
        """On CUDA steps are played from graphs; not so if `graphed` is false."""
        rooms = Rooms(members[0].model.device)
        self._groups = [Group(each, graphed, rooms) for each in side_by_side(members)]
        self._seconds_a_step = math.inf

    def take(self, most: int = 1, seconds: float = 0.0) -> int:
        """Steps of every member, at most so many; returns the number of images that each saw.

        One, or where members take turns as many as come to so many seconds.
        """
        count = self._in_a_turn(most, seconds)
        began, images = time.perf_counter(), 0
        for group in self._groups:
            images = sum(group.take() for _ in range(count))
        self._seconds_a_step = (time.perf_counter() - began) / count
        return images

    def collect(self) -> Float[Tensor, "members terms"]:
        """Distortion and rates of each member, summed over images since the last time."""
        return torch.cat([group.collect() for group in self._groups])

    def _in_a_turn(self, most: int, seconds: float) -> int:
        if len(self._groups) == 1:
            return 1
        in_time = min(STEPS_A_TURN, seconds / self._seconds_a_step)
        return max(1, min(most, int(in_time)))


def side_by_side(members: Sequence[Training]) -> list[list[Training]]:
    """Who goes through each operation together: all; on the CPU none, where it only costs cache."""
    if members[0].model.device.type == "cpu":
        return [[member] for member in members]
    return [list(members)]


def gains_from_company(model: ModelConfig, config: TrainConfig, device: torch.device) -> bool:
    """Whether such models lose nothing by training together, and so can be watched side by side."""
    return is_by_hand(model, config, device) or device.type == "cuda"
