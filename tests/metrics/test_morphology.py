"""Measures of ink are right on images of known thickness, slant and size."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, zoom
from scipy.stats import spearmanr
from sklearn.datasets import load_digits

from vae.metrics.morphology import ATTRIBUTES, amount, height, slant, thickness, width

SIDE = 64


def stroke(breadth: float, length: float, angle: float = 0.0, side: int = SIDE) -> np.ndarray:
    """Returns a smooth straight stroke (side, side); the angle leans right from upright."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    turned = np.radians(angle)
    along = x * np.sin(turned) - y * np.cos(turned)
    across = x * np.cos(turned) + y * np.sin(turned)
    inside = [
        np.clip(0.5 + extent / 2 - np.abs(place), 0, 1)
        for place, extent in ((along, length), (across, breadth))
    ]
    return inside[0] * inside[1]


def bar(rows: int, columns: int) -> np.ndarray:
    picture = np.zeros((SIDE, SIDE))
    picture[10 : 10 + rows, 20 : 20 + columns] = 1
    return picture


def measured(measure, *pictures: np.ndarray) -> np.ndarray:
    return measure(np.stack(pictures)[..., None].astype(np.float32))


@pytest.mark.parametrize("breadth", [2, 3, 5, 8])
@pytest.mark.parametrize("angle", [0, 20, 45, 90])
def test_thickness_is_the_width_of_a_stroke(breadth, angle):
    (found,) = measured(thickness, stroke(breadth, 50, angle))
    # Both ends belong to the perimeter.
    assert found == pytest.approx(breadth * 50 / (50 + breadth), rel=0.08)


def test_thickness_does_not_depend_on_how_bright_the_ink_is():
    picture = stroke(4, 40, 30)
    full, faint = measured(thickness, picture, 0.3 * picture)
    assert faint == pytest.approx(full, rel=1e-4)


def test_thickness_ranks_digits_as_the_distance_transform_does():
    """In a stroke of width w, pixels lie w/4 from its edge on average."""
    pictures = load_digits().images[:300] / 16
    by_distance = []
    for picture in pictures:
        inside = np.pad(zoom(picture, 4, order=1), 4) > 0.5
        by_distance.append(4 * distance_transform_edt(inside)[inside].mean() / 4)
    assert spearmanr(measured(thickness, *pictures), by_distance).statistic > 0.75


@pytest.mark.parametrize("degrees", [-40, -10, 0, 25, 45])
def test_slant_is_the_angle_of_the_shear(degrees):
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    centre = (SIDE - 1) / 2
    upright = x + np.tan(np.radians(degrees)) * (y - centre) - centre
    picture = np.clip(3 - np.abs(upright), 0, 1) * (np.abs(y - centre) < 15)
    assert measured(slant, picture)[0] == pytest.approx(degrees, abs=0.5)
    assert measured(slant, picture[:, ::-1])[0] == pytest.approx(-degrees, abs=0.5)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (12, 5), (30, 2)])
def test_height_and_width_are_those_of_a_bar(rows, columns):
    picture = bar(rows, columns)
    assert measured(height, picture)[0] == pytest.approx(rows)
    assert measured(width, picture)[0] == pytest.approx(columns)
    assert measured(amount, picture)[0] == pytest.approx(100 * rows * columns / SIDE**2)


def test_colours_are_measured_by_their_mean():
    grey = stroke(3, 30, 15)
    coloured = np.stack([1.5 * grey, grey, 0.5 * grey], axis=-1)[None].astype(np.float32)
    for attribute in ATTRIBUTES.values():
        assert attribute.measure(coloured) == pytest.approx(measured(attribute.measure, grey))


def test_without_ink_there_is_nothing_to_measure():
    nothing = np.zeros((SIDE, SIDE))
    assert np.isnan(measured(thickness, nothing, nothing)).all()
    assert np.isnan(measured(slant, nothing)).all()
    assert np.isnan(measured(height, nothing)).all()
    assert measured(amount, nothing)[0] == 0
