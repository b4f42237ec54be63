"""Lists the measures of the runs of a comparison, reads and computes them, and writes a CSV table.

Example:
    >>> run = load_run("checkpoints/mnist-best")
    >>> values = run_values(run, measure_quickly(run))
    >>> [f"{m.title}: {m.write(values[m.name])}" for m in shown_measures([values])][:2]
    ['Distortion: 75.1', 'Rate: 24.7']
"""

import csv
import dataclasses
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vae.analysis.beta_effects import SeedSummary
from vae.analysis.code_scores import assess
from vae.analysis.findings import StoredScores, load_scores
from vae.core.errors import CheckpointError
from vae.core.record import is_number
from vae.metrics.disentanglement import ESTIMATORS
from vae.metrics.disentanglement.scores import QUICK_ROWS
from vae.metrics.glossary import GLOSSARY, GlossaryEntry
from vae.runs.checkpoint import load_atlas
from vae.runs.comparison import BetaSetting, Comparison
from vae.runs.report import train_command
from vae.runs.run import Run

SOFT_HYPHEN = "\u00ad"
"""Marks where a narrow column may break a title."""


@dataclass(frozen=True)
class Measure:
    """A measure of a run: its meaning, title, unit and format."""

    entry: GlossaryEntry
    column: str
    """The title with soft hyphens, for a narrow column."""

    unit: str = ""
    decimals: int = 2

    @property
    def name(self) -> str:
        """The key of the measure in a run's values."""
        return self.entry.name

    @property
    def title(self) -> str:
        """The title without soft hyphens."""
        return self.column.replace(SOFT_HYPHEN, "")

    @property
    def noun(self) -> str:
        """The title inside a sentence: abbreviations keep their capitals."""
        first = self.title.split()[0]
        return self.title[:1].lower() + self.title[1:] if first[1:].islower() else self.title

    def write(self, value: float) -> str:
        """Format a value with the measure's decimals."""
        return f"{value:.{self.decimals}f}".replace("-", "−")


def _cost(entry: GlossaryEntry, decimals: int = 1) -> Measure:
    return Measure(entry, entry.title, "" if decimals == 0 else "nats", decimals)


_TEST_SPLIT = "mean over the test split, in nats per image"

COSTS = (
    _cost(
        GlossaryEntry(
            name="distortion",
            title="Distortion",
            meaning="How many nats does an image still cost when its code is known?",
            range=f"{_TEST_SPLIT}; at least 0 for a Bernoulli likelihood.",
            estimator="−log p(x|z) with one posterior sample per image.",
            trap="Depends on the likelihood and the number of pixels: no comparison across data.",
            source='Alemi et al. (2018), "Fixing a Broken ELBO".',
            higher_is_better=False,
        )
    ),
    _cost(
        GlossaryEntry(
            name="rate",
            title="Rate",
            meaning="How many nats does the code cost, compared with the prior?",
            range=f"{_TEST_SPLIT}; at least 0, and 0 when the code ignores the image.",
            estimator="KL(q(z|x) || p(z)) in closed form, summed over the latents.",
            trap="Neither more nor less is better: β sets its weight in the loss.",
            source='Alemi et al. (2018), "Fixing a Broken ELBO".',
            higher_is_better=None,
        )
    ),
    _cost(
        GlossaryEntry(
            name="elbo",
            title="ELBO",
            meaning="A lower bound on log p(x): −(distortion + rate), for every β.",
            range=f"{_TEST_SPLIT}; higher is better.",
            estimator="Computed from the measured distortion and rate.",
            trap="Training maximises it at β = 1 only; it says nothing about disentanglement.",
            source='Kingma & Welling (2014), "Auto-Encoding Variational Bayes".',
            higher_is_better=True,
        )
    ),
    _cost(
        GlossaryEntry(
            name="active_units",
            title="Active units",
            meaning="How many latents does the model use?",
            range="From 0 to the number of latents.",
            estimator="Latents whose posterior mean varies by more than 0.01 over the test split.",
            trap="The threshold is a convention; latents just above it carry little information.",
            source='Burda et al. (2016), "Importance Weighted Autoencoders".',
            higher_is_better=None,
        ),
        decimals=0,
    ),
)
"""The measures that every run has."""

AGAINST_FACTORS = tuple(
    Measure(GLOSSARY[name], title, decimals=3 if name == "sap" else 2)
    for name, title in (
        ("mig", "MIG"),
        ("sap", "SAP"),
        ("dci_disentanglement", "DCI disent\u00adanglement"),
        ("dci_completeness", "DCI complete\u00adness"),
        ("dci_informativeness", "DCI informa\u00adtiveness"),
        ("modularity", "Modu\u00adlarity"),
        ("explicitness", "Explicit\u00adness"),
        ("factor_vae", "Factor\u00adVAE score"),
        ("beta_vae", "β-VAE score"),
    )
)
"""The measures of runs whose images have known factors."""

WITHOUT_FACTORS = (
    Measure(GLOSSARY["gaussian_tc"], "Total correlation (linear only)", "nats"),
    Measure(GLOSSARY["label_information"], "Label information of the best latent", "nats"),
    Measure(GLOSSARY["knn_accuracy"], "Neighbour accuracy"),
    Measure(GLOSSARY["probe_accuracy"], "Linear probe accuracy"),
)
"""The measures of the other runs."""

MEASURES = (*COSTS, *AGAINST_FACTORS, *WITHOUT_FACTORS)


@dataclass(frozen=True)
class Protocol:
    """How scores are measured; only scores of one protocol are comparable."""

    estimator: str
    rows: int
    """Largest number of rows."""

    seed: int

    @property
    def options(self) -> str:
        """The options of `vae metrics` for this protocol."""
        return f"--estimator {self.estimator} --rows {self.rows} --seed {self.seed}"


QUICK = Protocol(ESTIMATORS[1], QUICK_ROWS, 0)
"""A protocol that is fast enough for a page."""


@dataclass(frozen=True)
class ComparisonScores:
    """The stored scores of the runs of a comparison, and the errors of unusable ones."""

    by_protocol: Mapping[Protocol, Mapping[str, Mapping[str, Any]]]
    """Scores by the weights' sha256, for each protocol; the protocol of most runs comes first."""

    refused: tuple[CheckpointError, ...]


def read_comparison_scores(comparison: Comparison) -> ComparisonScores:
    """Read the stored scores of all runs of a comparison."""
    found: dict[Protocol, dict[str, Mapping[str, Any]]] = {}
    refused = []
    for run in comparison.runs:
        try:
            stored = load_scores(run)
        except CheckpointError as error:
            refused.append(error)
            continue
        protocol = _protocol(stored) if stored else None
        if stored and protocol:
            found.setdefault(protocol, {})[run.identity] = stored.scores
    most_first = sorted(found.items(), key=lambda item: -len(item[1]))
    return ComparisonScores(dict(most_first), tuple(refused))


def _protocol(stored: StoredScores) -> Protocol | None:
    settings = stored.settings
    estimator, rows, seed = (settings.get(name) for name in ("estimator", "rows", "seed"))
    if estimator in ESTIMATORS and isinstance(rows, int) and isinstance(seed, int):
        return Protocol(estimator, rows, seed)
    return None


def measure_quickly(run: Run) -> dict[str, Any]:
    """Measure scores by the `QUICK` protocol; raises DataError for fewer than 150 test images."""
    found = assess(run, load_atlas(run), **dataclasses.asdict(QUICK))
    return found.to_dict()


def quick_seconds(run: Run) -> float:
    """Estimate the time of `measure_quickly` on one core, in seconds."""
    return 0.5 + 0.08 * run.model.latent_dim * len(run.factors)


def run_values(run: Run, scores: Mapping[str, Any] | None = None) -> dict[str, float]:
    """Return all known measures of a run by name."""
    results = run.results
    found: dict[str, Any] = {
        "distortion": results.test_distortion,
        "rate": results.test_rate,
        "elbo": results.test_elbo,
        "active_units": results.active_units,
    }
    taken = dict(scores or {})
    information = taken.pop("label_information", None)
    if isinstance(information, list | tuple) and information and all(map(is_number, information)):
        taken["label_information"] = max(information)
    names = (measure.name for measure in (*AGAINST_FACTORS, *WITHOUT_FACTORS))
    found |= {name: taken[name] for name in names if is_number(taken.get(name))}
    return {name: float(value) for name, value in found.items()}


def shown_measures(values: Iterable[Mapping[str, float]]) -> tuple[Measure, ...]:
    """Return the columns of a table: COSTS, and AGAINST_FACTORS or else WITHOUT_FACTORS."""
    known = {name for each in values for name in each}
    against = [measure for measure in AGAINST_FACTORS if measure.name in known]
    others = [measure for measure in WITHOUT_FACTORS if measure.name in known]
    return (*COSTS, *(against or others))


def seed_summary(
    setting: BetaSetting, measure: Measure, values: Mapping[str, Mapping[str, float]]
) -> SeedSummary | None:
    """Summarise a measure over the seeds of a setting, from values by the names of runs."""
    known = [values[run.name] for run in setting.runs if run.name in values]
    found = [each[measure.name] for each in known if measure.name in each]
    return SeedSummary.from_values(found) if found else None


def median_run(setting: BetaSetting) -> Run:
    """Return the run with the median ELBO, or with the lower of two middle ones."""
    ranked = sorted(setting.runs, key=lambda run: run.results.test_elbo)
    return ranked[(len(ranked) - 1) // 2]


def metrics_command(run: Run, protocol: Protocol | None = None) -> str:
    """Return the command that stores a run's scores; None stands for the published protocol."""
    options = f" {protocol.options}" if protocol else ""
    return f"vae metrics checkpoints/{run.name}{options} --save"


def csv_table(
    comparison: Comparison,
    values: Mapping[str, Mapping[str, float]],
    scores: Mapping[str, Mapping[str, Any]],
    protocol: Protocol,
) -> str:
    """Write a CSV row for each run: its setting, measures, protocol and commands."""
    rows = [
        _csv_row(setting, run, values[run.name], scores.get(run.identity), protocol)
        for setting in comparison.settings
        for run in setting.runs
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _csv_row(
    setting: BetaSetting,
    run: Run,
    values: Mapping[str, float],
    scores: Mapping[str, Any] | None,
    protocol: Protocol,
) -> dict[str, object]:
    taken: Sequence[object] = ("", "", "")
    if scores is not None:
        taken = scores.get("estimator", ""), scores.get("rows", ""), protocol.seed
    return {
        "run": run.name,
        "dataset": run.train.dataset,
        "architecture": run.model.architecture,
        "latent_dim": run.model.latent_dim,
        "objective": setting.objective,
        "beta": setting.beta,
        "seed": run.train.seed,
        **{measure.name: values.get(measure.name, "") for measure in MEASURES},
        **dict(zip(("estimator", "score_rows", "score_seed"), taken, strict=True)),
        "weights_sha256": run.identity,
        "train_command": train_command(run),
        "metrics_command": "" if scores is None else metrics_command(run, protocol),
    }
