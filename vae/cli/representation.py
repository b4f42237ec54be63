"""`vae representation`: measures how well codes predict classes, beside pixels and PCA.

Example:
    $ vae representation checkpoints/mnist-best checkpoints/mnist-autoencoder
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae.cli.command import study
from vae.cli.options import CHECKPOINTS, DATA_DIR, FITTED, SEED, THREADS
from vae.cli.output import CommandResult, progress, table
from vae.core.errors import DataError

if TYPE_CHECKING:
    from vae.analysis.representation import FeatureScores, FittedSplit, Representation
    from vae.cli.study_inputs import StudyInputs
    from vae.explorer import Explorer


@study(
    "representation",
    "measure how well codes predict classes, beside pixels and PCA",
    [CHECKPOINTS, SEED, FITTED, DATA_DIR, THREADS],
)
def representation(inputs: "StudyInputs") -> CommandResult:
    """Measure the codes of each model."""
    measure, paths = _Measure(inputs.options), inputs.options.checkpoints
    found = {path: measure(path) for path in progress(paths, "models", total=len(paths))}
    records = [{"checkpoint": str(path), **each.to_dict()} for path, each in found.items()]
    rows = [row for path, each in found.items() for row in _rows(path, each)]
    notes = dict.fromkeys(f"\n{each.note}" for each in found.values() if each.note)
    return CommandResult({"checkpoints": records}, table(rows) + "".join(notes))


class _Measure:
    """Measures one model after the other; the pixels of a data set are scored once."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.known: dict[tuple[Any, ...], tuple[FittedSplit, FeatureScores]] = {}

    def __call__(self, path: Path) -> "Representation":
        from vae.analysis.representation import (
            check_classes,
            measure_codes_alone,
            measure_representation,
        )
        from vae.explorer import Explorer

        explorer = Explorer.open(path)
        check_classes(explorer.atlas.label)
        seed = self.options.seed
        try:
            drawn, pixels = self.drawn(explorer)
        except DataError as error:
            note = f"{error}; the scores are of halves of the test codes"
            return measure_codes_alone(explorer, note, seed)
        return measure_representation(explorer, drawn, pixels, seed)

    def drawn(self, explorer: "Explorer") -> "tuple[FittedSplit, FeatureScores]":
        """Return the images to fit on, and the scores of their pixels."""
        from vae.analysis.representation import FittedSplit

        run, options = explorer.run, self.options
        key = run.train.dataset, run.model.image_shape
        if key not in self.known:
            drawn = FittedSplit.from_run(run, options.data_dir, options.fitted, options.seed)
            self.known[key] = drawn, drawn.pixel_scores(options.seed)
        return self.known[key]


def _rows(path: Path, found: "Representation") -> list[dict[str, Any]]:
    kinds = {"codes": found.codes, "PCA": found.pca, "pixels": found.pixels}
    return [_row(path, name, quality) for name, quality in kinds.items() if quality is not None]


def _row(path: Path, name: str, quality: "FeatureScores") -> dict[str, Any]:
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
