"""Describes the sliders of a model: one for each latent dimension, sorted by rate."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pages.ui.instruments import Dimension
    from vae.explorer import Explorer

MAX_SLIDERS = 64


def slider_dimensions(explorer: "Explorer") -> "list[Dimension]":
    """Return up to MAX_SLIDERS sliders.

    The range of each contains -3 to 3 and the central 99.8 % of the codes.
    """
    results = explorer.run.results
    low, high = np.quantile(explorer.atlas.mean, [0.001, 0.999], axis=0)
    return [
        {
            "index": dimension,
            "label": f"z{dimension + 1}",
            "low": float(min(-3.0, low[dimension])),
            "high": float(max(3.0, high[dimension])),
            "kl": results.test_rate_per_dimension[dimension],
            "active": dimension not in results.inactive,
        }
        for dimension in explorer.dimensions_by_rate()[:MAX_SLIDERS]
    ]
