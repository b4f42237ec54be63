"""Groups the runs of a folder that differ in beta, objective and seed alone."""

import dataclasses
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from vae.core.config import ModelConfig, Objective, TrainConfig
from vae.runs.run import Run


@dataclass(frozen=True)
class BetaSetting:
    """One objective and beta, and its runs by seed."""

    objective: Objective
    beta: float
    runs: tuple[Run, ...]

    @property
    def label(self) -> str:
        """Such as "β 4"."""
        return self.runs[0].train.beta_label

    def of_seed(self, seed: int) -> Run:
        """The run of a seed, or the first run where there is none."""
        return next((run for run in self.runs if run.train.seed == seed), self.runs[0])


@dataclass(frozen=True)
class Comparison:
    """The same data, network and training under several settings; and the multi-rate models."""

    settings: tuple[BetaSetting, ...]
    """By objective, then rising beta."""

    multi_rate: tuple[Run, ...]
    """Models of the same data and network that serve a range of betas."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """Those of one beta, by setting and seed."""
        return tuple(run for setting in self.settings for run in setting.runs)

    @property
    def example(self) -> Run:
        """Any run: data set, architecture and latent size are those of all."""
        return (*self.multi_rate, *self.runs)[0]

    @property
    def betas(self) -> tuple[float, ...]:
        """Of the runs of one beta, rising."""
        return tuple(sorted({setting.beta for setting in self.settings}))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the runs of one beta, rising."""
        return tuple(sorted({run.train.seed for run in self.runs}))

    def holds(self, run: Run) -> bool:
        """Whether a run is among them."""
        return any(run.path == other.path for other in (*self.multi_rate, *self.runs))


def comparisons(runs: Iterable[Run]) -> list[Comparison]:
    """What can be compared: VAEs alike but for beta, objective and seed, of two settings or more.

    A multi-rate model joins all runs of its data and network, and stands alone where there are
    none; what it is compared with may have been trained for longer or shorter.
    """
    runs = [run for run in runs if run.model.kind == "vae"]
    kin: dict[tuple[Hashable, Hashable], list[Run]] = {}
    multi_rate: dict[Hashable, list[Run]] = {}
    for run in runs:
        if run.model.beta_range is None:
            kin.setdefault((_network(run), _training(run)), []).append(run)
        else:
            multi_rate.setdefault(_network(run), []).append(run)
    found = []
    for (network, _), alike in kin.items():
        settings = _settings(alike)
        if len(settings) > 1:
            found.append(Comparison(settings, tuple(multi_rate.get(network, ()))))
    joined = {_network(comparison.example) for comparison in found}
    alone = [Comparison((), tuple(m)) for network, m in multi_rate.items() if network not in joined]
    return [*found, *alone]


def _network(run: Run) -> tuple[str, ModelConfig]:
    return run.train.dataset, dataclasses.replace(run.model, beta_range=None)


def _training(run: Run) -> tuple[TrainConfig, float]:
    alike = dataclasses.replace(run.train, beta=1.0, seed=0, objective="beta-vae")
    return alike, run.results.epochs_trained


def _settings(runs: Iterable[Run]) -> tuple[BetaSetting, ...]:
    kin: dict[tuple[bool, float], dict[int, Run]] = {}
    for run in runs:
        key = run.train.objective != "beta-vae", run.train.beta
        kin.setdefault(key, {})[run.train.seed] = run
    settings = []
    for is_other, beta in sorted(kin):
        by_seed = kin[is_other, beta]
        alike = tuple(by_seed[seed] for seed in sorted(by_seed))
        settings.append(BetaSetting(alike[0].train.objective, beta, alike))
    return tuple(settings)
