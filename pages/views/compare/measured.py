"""Collects the values of every measure for the runs of a comparison."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pages.views.compare.quick_scores import Scores
    from vae.analysis.beta_effects import BetaEffect
    from vae.analysis.measurements import Measure, Protocol
    from vae.runs.comparison import BetaSetting, Comparison

OBJECTIVES = {"beta-vae": "β-VAE", "beta-tcvae": "β-TCVAE"}


@dataclass(frozen=True)
class MeasuredComparison:
    """A comparison with the scores of one protocol; some runs may have none."""

    comparison: "Comparison"
    scores: "Scores"
    protocol: "Protocol"

    @cached_property
    def values(self) -> dict[str, dict[str, float]]:
        """The values, by the name of the run and the name of the measure."""
        from vae.analysis.measurements import run_values

        runs = self.comparison.runs
        return {run.name: run_values(run, self.scores.get(run.identity)) for run in runs}

    @cached_property
    def measures(self) -> "tuple[Measure, ...]":
        """The measures to show, in the order of the table's columns."""
        from vae.analysis.measurements import shown_measures

        return shown_measures(self.values.values())

    @cached_property
    def by_objective(self) -> "dict[str, list[BetaSetting]]":
        """The settings by the displayed name of their objective."""
        found: dict[str, list[BetaSetting]] = {}
        for setting in self.comparison.settings:
            found.setdefault(OBJECTIVES[setting.objective], []).append(setting)
        return found

    @cached_property
    def effects(self) -> "dict[str, dict[str, BetaEffect]]":
        """The effect of beta on each measure, by objective and measure.

        Objectives and measures with fewer than two betas are left out.
        """
        from vae.analysis.beta_effects import beta_effect

        found: dict[str, dict[str, BetaEffect]] = {}
        for objective, settings in self.by_objective.items():
            for measure in self.measures:
                seeds = {setting.beta: self.of_seeds(setting, measure) for setting in settings}
                effect = beta_effect({beta: [*each.values()] for beta, each in seeds.items()})
                if effect is not None:
                    found.setdefault(objective, {})[measure.name] = effect
        return found

    def of_seeds(self, setting: "BetaSetting", measure: "Measure") -> dict[int, float]:
        """Return the known values of a measure for the runs of a setting, by seed."""
        return {
            run.train.seed: self.values[run.name][measure.name]
            for run in setting.runs
            if measure.name in self.values[run.name]
        }


def has_several_seeds(comparison: "Comparison") -> bool:
    """Return whether any setting was trained with more than one seed."""
    return any(len(setting.runs) > 1 for setting in comparison.settings)
