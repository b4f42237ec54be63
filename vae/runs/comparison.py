"""Groups runs into comparisons: runs that differ only in beta, objective and seed.

Example:
    >>> first = comparisons(available_checkpoints().runs)[0]
    >>> [setting.label for setting in first.settings]
    ['β 0.5', 'β 1', 'β 2', 'β 4', 'β 10']
"""

import dataclasses
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from vae.core.config import ModelConfig, Objective, TrainConfig
from vae.runs.run import Run


@dataclass(frozen=True)
class BetaSetting:
    """The runs of one objective and one beta, sorted by seed."""

    objective: Objective
    beta: float
    runs: tuple[Run, ...]

    @property
    def label(self) -> str:
        """The objective and beta as text, such as "β 4"."""
        return self.runs[0].train.beta_label

    def of_seed(self, seed: int) -> Run:
        """Return the run of a seed, or the first run if no run has this seed."""
        return next((run for run in self.runs if run.train.seed == seed), self.runs[0])


@dataclass(frozen=True)
class Comparison:
    """Runs of the same data, network and training, and the multi-rate models of the same kind."""

    settings: tuple[BetaSetting, ...]
    """Sorted by objective, then by rising beta."""

    multi_rate: tuple[Run, ...]
    """Models of the same data and network that cover a range of betas."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs that are not multi-rate, sorted by setting and seed."""
        return tuple(run for setting in self.settings for run in setting.runs)

    @property
    def example(self) -> Run:
        """One run, for the data set, architecture and latent size that all runs share."""
        return (*self.multi_rate, *self.runs)[0]

    @property
    def betas(self) -> tuple[float, ...]:
        """The betas of `runs`, rising."""
        return tuple(sorted({setting.beta for setting in self.settings}))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of `runs`, rising."""
        return tuple(sorted({run.train.seed for run in self.runs}))

    def holds(self, run: Run) -> bool:
        """Tell whether a run belongs to this comparison."""
        return any(run.path == other.path for other in (*self.multi_rate, *self.runs))


def comparisons(runs: Iterable[Run]) -> list[Comparison]:
    """Group the plain VAEs among the runs that differ only in beta, objective and seed.

    A group with a single setting is no comparison and is left out. A multi-rate model joins every
    group of its data set and network, even if that group was trained for longer or shorter. If
    there is no such group, it forms a comparison of its own.
    """
    runs = [run for run in runs if run.model.kind == "vae"]
    by_training: dict[tuple[Hashable, Hashable], list[Run]] = {}
    multi_rate: dict[Hashable, list[Run]] = {}
    for run in runs:
        if run.model.beta_range is None:
            by_training.setdefault((_network(run), _training(run)), []).append(run)
        else:
            multi_rate.setdefault(_network(run), []).append(run)
    found = []
    for (network, _), group in by_training.items():
        settings = _settings(group)
        if len(settings) > 1:
            found.append(Comparison(settings, tuple(multi_rate.get(network, ()))))
    joined = {_network(comparison.example) for comparison in found}
    alone = [Comparison((), tuple(m)) for network, m in multi_rate.items() if network not in joined]
    return [*found, *alone]


def _network(run: Run) -> tuple[str, ModelConfig]:
    return run.train.dataset, dataclasses.replace(run.model, beta_range=None)


def _training(run: Run) -> tuple[TrainConfig, float]:
    compared = dataclasses.replace(run.train, beta=1.0, seed=0, objective="beta-vae")
    return compared, run.results.epochs_trained


def _settings(runs: Iterable[Run]) -> tuple[BetaSetting, ...]:
    groups: dict[tuple[bool, float], dict[int, Run]] = {}
    for run in runs:
        key = run.train.objective != "beta-vae", run.train.beta
        groups.setdefault(key, {})[run.train.seed] = run
    settings = []
    for (_, beta), by_seed in sorted(groups.items()):
        members = tuple(by_seed[seed] for seed in sorted(by_seed))
        settings.append(BetaSetting(members[0].train.objective, beta, members))
    return tuple(settings)
