"""Few labels: which images of a split keep theirs, and how often training sees those.

A model of 100 labels in 60,000 images would hardly ever meet one of them in a batch, so every batch
brings some along.
"""

import dataclasses
import math

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from vae.core.errors import ConfigError
from vae.data.splits import Split

LABELLED_SHARE = 0.2
"""Of each batch, for images whose label is known, where some are not."""

_DRAW = 0x1ABE1
"""Sets the seeds of the draw apart from those of an epoch's order."""


def labelled_indices(labels: Int[Tensor, "n"], count: int, seed: int) -> Int[Tensor, "count"]:
    """The places of `count` images drawn by the seed, as many of each class, in rising order.

    Where `count` is no multiple of the number of classes, the lowest classes have one more.
    ConfigError where a class would have none, or has too few.
    """
    classes = labels.unique().tolist()
    if count < len(classes):
        raise ConfigError(
            f"{count} labels are too few; give at least one of {len(classes)} classes"
        )
    generator = np.random.default_rng([seed, _DRAW])
    chosen = []
    for place, label in enumerate(classes):
        mine = np.flatnonzero(labels.numpy(force=True) == label)
        wanted = count // len(classes) + (place < count % len(classes))
        if wanted > len(mine):
            raise ConfigError(f"{wanted} labels of class {label} are asked for; it has {len(mine)}")
        chosen.append(generator.choice(mine, wanted, replace=False))
    return torch.from_numpy(np.sort(np.concatenate(chosen))).to(labels.device)


def keep_labels(split: Split, count: int, seed: int) -> Split:
    """The same images, all but `count` of them without a label (-1); see `labelled_indices`."""
    kept = labelled_indices(split.labels, count, seed)
    hidden = torch.full_like(split.labels, -1)
    hidden[kept] = split.labels[kept]
    return dataclasses.replace(split, labels=hidden)


class EpochSampler:
    """How an epoch goes through a split's images, batch by batch; it follows from a generator.

    With `repeats_labelled` the images whose label is known make up LABELLED_SHARE of every batch,
    repeated as often as that takes, and all others come once. Else every image comes once.
    """

    def __init__(self, split: Split, batch_size: int, repeats_labelled: bool) -> None:
        known = split.labels.cpu() >= 0
        if not repeats_labelled or bool(known.all()) or batch_size < 2:
            known = torch.zeros_like(known)
        self._known, self._others = torch.where(known)[0], torch.where(~known)[0]
        repeated = max(1, round(LABELLED_SHARE * batch_size)) if len(self._known) else 0
        self._sizes = batch_size - repeated, repeated

    @property
    def steps(self) -> int:
        """Batches; the last one may be smaller."""
        return math.ceil(len(self._others) / self._sizes[0])

    def indices(self, generator: torch.Generator) -> Int[Tensor, "n"]:
        """The places of the images, the batches one behind the other."""
        others = self._others[_shuffled(len(self._others), generator)]
        if not self._sizes[1]:
            return others
        rounds = math.ceil(self.steps * self._sizes[1] / len(self._known))
        known = torch.cat(
            [self._known[_shuffled(len(self._known), generator)] for _ in range(rounds)]
        )
        pairs = zip(*map(torch.split, (others, known), self._sizes), strict=False)
        return torch.cat([part for pair in pairs for part in pair])


def _shuffled(count: int, generator: torch.Generator) -> Int[Tensor, "count"]:
    return torch.randperm(count, generator=generator)
