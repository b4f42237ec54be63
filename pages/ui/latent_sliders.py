"""The sliders of a model: one per latent dimension, sorted by rate."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pages.ui.instruments import Dimension
    from vae.explorer import Explorer

MOST_SLIDERS = 64


def slider_dimensions(explorer: "Explorer") -> "list[Dimension]":
    """What each of MOST_SLIDERS needs; its range holds the prior's and the codes' own 99.8 %."""
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
        for dimension in explorer.dimensions_by_rate()[:MOST_SLIDERS]
    ]
