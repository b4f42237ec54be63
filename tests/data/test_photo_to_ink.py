"""Photographed ink becomes the same image as strokes that are drawn without a camera."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vae.core.errors import DataError
from vae.data.photo_to_ink import ink_on_paper
from vae.data.stroke_style import DIGITS_INK, MNIST_INK

SEVEN = [(0.1, 0.0), (0.9, 0.0), (0.4, 1.0)]
FOUR = [(0.6, 1.0), (0.6, 0.0), (0.0, 0.65), (0.95, 0.65)]
SIDE = 512


def photograph(strokes, pen=9, height=150, at=(60, 200), ink=0.55, noise=3.0) -> np.ndarray:
    """Return a photograph of strokes on paper that is twice as light on the right."""
    page = Image.new("L", (SIDE, SIDE))
    line = [(at[0] + height * x, at[1] + height * y) for x, y in strokes]
    ImageDraw.Draw(page).line(line, fill=255, width=pen, joint="curve")
    paper = np.linspace(110, 220, SIDE)[None] * np.linspace(0.8, 1, SIDE)[:, None]
    grain = np.random.default_rng(0).normal(0, noise, (SIDE, SIDE))
    light = paper * (1 - ink * np.asarray(page) / 255) + grain
    return np.repeat(light.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def drawn(strokes) -> np.ndarray:
    """Return strokes in MNIST's style: 20 pixels high, 2.4 wide, with the mass in the middle."""
    fine, scale = 20, 20 * 28
    page = Image.new("L", (scale, scale))
    line = [((4 + 1.2 + 17.6 * x) * fine, (4 + 1.2 + 17.6 * y) * fine) for x, y in strokes]
    ImageDraw.Draw(page).line(line, fill=255, width=round(2.4 * fine), joint="curve")
    image = np.asarray(page.resize((28, 28), Image.Resampling.BOX)) / 255
    rows, columns = np.indices(image.shape) + 0.5
    shift = [round(14 - (image * axis).sum() / image.sum()) for axis in (rows, columns)]
    return np.roll(image, shift, (0, 1))


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest correlation of two images over shifts by a pixel."""
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    moved = [np.roll(one, shift, (0, 1)).ravel() for shift in shifts]
    return max(np.corrcoef(each, other.ravel())[0, 1] for each in moved)


@pytest.mark.parametrize("strokes", [SEVEN, FOUR], ids=["7", "4"])
@pytest.mark.parametrize("pen", [4, 9, 20])
def test_a_photograph_gives_the_same_image_as_a_drawing(strokes, pen):
    image = ink_on_paper(photograph(strokes, pen), MNIST_INK, 28)[..., 0]
    assert likeness(image, drawn(strokes)) > 0.8
    rows, columns = (np.flatnonzero(image.max(axis=axis) > 0.1) for axis in (1, 0))
    assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
    grid = np.indices(image.shape) + 0.5
    assert np.abs((image * grid).sum(axis=(1, 2)) / image.sum() - 14).max() <= 0.5
    assert image.min() == 0
    assert image.max() > 0.9


def test_place_size_and_light_make_no_difference():
    reference = ink_on_paper(photograph(SEVEN), MNIST_INK, 28)[..., 0]
    elsewhere = ink_on_paper(
        photograph(SEVEN, pen=18, height=300, at=(150, 100), ink=0.4), MNIST_INK, 28
    )[..., 0]
    assert likeness(elsewhere, reference) > 0.9


def test_digits_fill_their_height():
    image = ink_on_paper(photograph(SEVEN), DIGITS_INK, 8)
    assert image.shape == (8, 8, 1)
    assert (image.max(axis=(1, 2)) > 0.2).all()


def test_specks_are_ignored():
    dirty = photograph(SEVEN)
    dirty[20:28, 480:488] = 20
    clean = ink_on_paper(photograph(SEVEN), MNIST_INK, 28)
    assert np.abs(ink_on_paper(dirty, MNIST_INK, 28) - clean).max() < 0.2


@pytest.mark.parametrize("value", [0, 128, 255])
def test_paper_without_ink_is_refused(value):
    paper = np.full((SIDE, SIDE, 3), value, np.uint8)
    with pytest.raises(DataError, match="no dark ink on light paper"):
        ink_on_paper(paper, MNIST_INK, 28)
    with pytest.raises(DataError, match="no dark ink on light paper"):
        ink_on_paper(photograph(SEVEN, ink=0.0), MNIST_INK, 28)


@pytest.mark.parametrize("seed", range(5))
def test_any_picture_gives_an_image_or_a_data_error(seed):
    generator = np.random.default_rng(seed)
    side = int(generator.integers(1, 60))
    pixels = generator.integers(0, 256, (side, side, 3), dtype=np.uint8)
    try:
        image = ink_on_paper(pixels, MNIST_INK, 28)
    except DataError:
        return
    assert image.shape == (28, 28, 1)
    assert 0 <= image.min() <= image.max() <= 1
