"""These specifications describe a small decoder's sliders, path and map to the live instruments."""

import numpy as np

LATENT = 3
PLANE = {
    "origin": [0, 0, 0],
    "basis": [[1, 0, 0], [0, 1, 0]],
    "labels": ["z0", "z1"],
    "symbols": ["z0", "z1"],
    "has_prior": True,
}


def sliders(*panels: dict) -> dict:
    dimensions = [
        {"index": i, "label": f"z{i}", "low": -3, "high": 3, "kl": 1.0 - i / 4, "active": i < 2}
        for i in range(LATENT)
    ]
    control = {"kind": "sliders", "dimensions": dimensions}
    shown = list(panels) or [{"asset": "decoder", "caption": ""}]
    return {"panels": shown, "control": control, "latent": LATENT, "size": 100}


def path() -> dict:
    control = {
        "kind": "path",
        "points": [[0, 0, 0], [3, 0, 0], [-3, 0, 0]],
        "captions": ["a", "b", "c"],
        "seconds": 0.2,
        "span": [0, 1],
    }
    return {**sliders(), "control": control}


def map_spec() -> dict:
    names = {"codes": "codes", "decoder": "decoder"}
    return {**names, "plane": PLANE, "colors": ["#ff0000"], "size": 350, "backdrop": "none"}


def expected_grey(z: float) -> int:
    return round(255 / (1 + np.exp(-z)))
