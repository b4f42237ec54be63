"""`vae representation`: what models' codes know of the classes, beside pixels and PCA."""

import argparse
from pathlib import Path
from typing import Any

from vae.analysis.representation import (
    FeatureScores,
    FittedSplit,
    Representation,
    check_classes,
    measure_codes_alone,
    measure_representation,
)
from vae.cli.output import CommandResult, progress, table
from vae.core.device import prepare_device
from vae.core.errors import DataError
from vae.explorer import Explorer


def representation(options: argparse.Namespace) -> CommandResult:
    """`vae representation`."""
    prepare_device("cpu", options.threads)
    measure, paths = _Measure(options), options.checkpoints
    found = {path: measure(path) for path in progress(paths, "models", total=len(paths))}
    records = [{"checkpoint": str(path), **each.to_dict()} for path, each in found.items()]
    rows = [row for path, each in found.items() for row in _rows(path, each)]
    notes = dict.fromkeys(f"\n{each.note}" for each in found.values() if each.note)
    return CommandResult({"checkpoints": records}, table(rows) + "".join(notes))


class _Measure:
    """Measures one model after the other; the pixels of a data set are scored once."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.known: dict[tuple[str, tuple[int, int, int]], tuple[FittedSplit, FeatureScores]] = {}

    def __call__(self, path: Path) -> Representation:
        explorer = Explorer.open(path)
        check_classes(explorer.atlas.label)
        seed = self.options.seed
        try:
            drawn, pixels = self.drawn(explorer)
        except DataError as error:
            note = f"{error}; the scores are of halves of the test codes"
            return measure_codes_alone(explorer, note, seed)
        return measure_representation(explorer, drawn, pixels, seed)

    def drawn(self, explorer: Explorer) -> tuple[FittedSplit, FeatureScores]:
        run, options = explorer.run, self.options
        key = run.train.dataset, run.model.image_shape
        if key not in self.known:
            drawn = FittedSplit.from_run(run, options.data_dir, options.fitted, options.seed)
            self.known[key] = drawn, drawn.pixel_scores(options.seed)
        return self.known[key]


def _rows(path: Path, found: Representation) -> list[dict[str, Any]]:
    kinds = {"codes": found.codes, "PCA": found.pca, "pixels": found.pixels}
    return [_row(path, name, quality) for name, quality in kinds.items() if quality is not None]


def _row(path: Path, name: str, quality: FeatureScores) -> dict[str, Any]:
    return {
        "checkpoint": path.name,
        "features": name,
        "numbers": quality.dimensions,
        "5-nn": quality.knn_accuracy,
        "95 %": quality.knn_interval,
        "probe": quality.probe_accuracy,
        "95 % ": quality.probe_interval,
        "ari": sum(quality.ari) / len(quality.ari),
        "nmi": sum(quality.nmi) / len(quality.nmi),
    }
