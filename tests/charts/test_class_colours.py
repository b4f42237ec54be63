"""The class colours are distinct for all eyes, on dark and on light backgrounds."""

import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from vae.charts.figures import CLASS_COLOURS

PETROFF = "#3f90da #ffa90e #bd1f01 #94a4a2 #832db6 #a96b59 #e76300 #b9ac70 #717581 #92dadd".split()
# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
EYES = {
    "all cones": np.eye(3),
    "no red cones": np.array(
        [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]]
    ),
    "no green cones": np.array(
        [[0.3673, 0.8607, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]
    ),
    "no blue cones": np.array(
        [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]]
    ),
}
# Ottosson 2020: OKLab.
TO_CONES = np.array(
    [[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]]
)
TO_LAB = np.array(
    [[0.21045, 0.79362, -0.00407], [1.97800, -2.42859, 0.45059], [0.02590, 0.78277, -0.80868]]
)


def linear(colours: list[str]) -> np.ndarray:
    """Returns linear RGB (n, 3)."""
    levels = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours])
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def nearest(colours: list[str], eye: np.ndarray) -> float:
    """Returns the smallest distance of two colours, in hundredths of OKLab."""
    seen = np.clip(linear(colours) @ eye.T, 0, 1)
    places = np.cbrt(seen @ TO_CONES.T) @ TO_LAB.T
    return min(100 * np.linalg.norm(a - b) for a, b in combinations(places, 2))


def test_the_smallest_colour_difference_exceeds_that_of_the_published_colours():
    ours, theirs = ([nearest(c, eye) for eye in EYES.values()] for c in (CLASS_COLOURS, PETROFF))
    assert min(ours) > min(theirs) == pytest.approx(6.1, abs=0.1)
    assert ours[0] > theirs[0] + 2


def test_charts_of_streamlit_have_the_same_colours():
    settings = tomllib.loads((Path(__file__).parents[2] / ".streamlit/config.toml").read_text())
    assert settings["theme"]["chartCategoricalColors"] == CLASS_COLOURS
