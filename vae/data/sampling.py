"""Chooses the images of a split that keep their labels, and the order of the images in an epoch.

A model with 100 labels in 60,000 images would rarely meet a labelled image in a batch. Every batch
therefore contains some of them, which are repeated.

Example:
    >>> split = keep_labels(digits.train, count=100, seed=0)
    >>> sampler = EpochSampler(split, batch_size=64, repeats_labelled=True)
    >>> batches = sampler.indices(torch.Generator().manual_seed(0)).split(64)
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
"""Fraction of each batch that labelled images fill, if only some images are labelled."""

_SEED_OF_CHOICE = 0x1ABE1
"""Separates the random numbers of this choice from those of an epoch's order."""


def labelled_indices(labels: Int[Tensor, "n"], count: int, seed: int) -> Int[Tensor, "count"]:
    """Return the indices of `count` random images, equally many of each class, in rising order.

    If `count` is no multiple of the number of classes, the lowest classes get one more. Raises
    ConfigError if a class would get none, or has too few images.
    """
    classes = labels.unique().tolist()
    if count < len(classes):
        raise ConfigError(
            f"{count} labels are too few for {len(classes)} classes; give at least one for each"
        )
    generator = np.random.default_rng([seed, _SEED_OF_CHOICE])
    chosen = []
    for rank, label in enumerate(classes):
        candidates = np.flatnonzero(labels.numpy(force=True) == label)
        wanted = count // len(classes) + (rank < count % len(classes))
        if wanted > len(candidates):
            raise ConfigError(
                f"{count} labels need {wanted} images of class {label}, which has "
                f"{len(candidates)}; give a smaller number of labels"
            )
        chosen.append(generator.choice(candidates, wanted, replace=False))
    return torch.from_numpy(np.sort(np.concatenate(chosen))).to(labels.device)


def keep_labels(split: Split, count: int, seed: int) -> Split:
    """Return the same images, with the label -1 for all but `count`; see `labelled_indices`."""
    kept = labelled_indices(split.labels, count, seed)
    hidden = torch.full_like(split.labels, -1)
    hidden[kept] = split.labels[kept]
    return dataclasses.replace(split, labels=hidden)


class EpochSampler:
    """Orders the images of a split for an epoch, batch by batch.

    With `repeats_labelled`, labelled images fill LABELLED_SHARE of every batch. They are repeated
    as often as necessary, and each other image comes once. Otherwise every image comes once.
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
        """The number of batches; the last one may be smaller."""
        return math.ceil(len(self._others) / self._sizes[0])

    def indices(self, generator: torch.Generator) -> Int[Tensor, "n"]:
        """Return the images' indices, one batch after the other."""
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
