"""What the browser makes of a drawing: the image, beside a formula of its own, and its code."""

import base64
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from vae.core.config import ModelConfig
from vae.core.errors import UnsupportedNetwork
from vae.data.stroke_style import BRUSH, DIGITS_INK, MNIST_INK, PLAIN_INK, Ink
from vae.explorer import Explorer
from vae.models.vae import VAE
from vae.viewer.blobs import encoder_blob
from vae.viewer.bundle import bundle
from vae.viewer.pack import pack_encoder

PROJECT = Path(__file__).parents[2]
SERVED = {"cifar10-jpeg-compressor", "mnist-ladder", "mnist-vq"}
IN_THE_BROWSER = """mnist-map mnist-map-any-beta mnist-map-autoencoder mnist-best mnist-beta-1
mnist-conditional mnist-semi-supervised mnist-logistic sprites-beta-1-seed-1""".split()
"""One of each kind, likelihood and architecture."""

UNITS = 10_000
FINE = 32
"""How many times larger Pillow paints."""

LEVELS = 24
"""How far a pixel may be from Pillow's, in 255ths; on average it is at most 1."""

STROKES = {
    "one": [[[0.42, 0.22], [0.52, 0.1], [0.5, 0.5], [0.47, 0.92]]],
    "seven": [[[0.2, 0.2], [0.8, 0.18], [0.45, 0.9]], [[0.35, 0.55], [0.7, 0.5]]],
    "small and off": [[[0.05, 0.1], [0.2, 0.12], [0.06, 0.28], [0.22, 0.3]]],
    "heavy below": [[[0.5, 0.1], [0.5, 0.8]], [[0.1, 0.8], [0.9, 0.8]], [[0.1, 0.86], [0.6, 0.86]]],
    "wide": [[[0.1, 0.5], [0.9, 0.55], [0.85, 0.65]]],
}
LOAD = """async ([sources, blob]) => {
  const load = (text) => import(URL.createObjectURL(new Blob([text], {type: "text/javascript"})));
  window.live = Object.assign({}, ...await Promise.all(sources.map(load)));
  const bytes = blob && Uint8Array.from(atob(blob), (letter) => letter.charCodeAt(0));
  if (blob) window.encoder = new live.Encoder(live.unpack(bytes));
}"""
DRAW = "([strokes, ink, side]) => [...live.drawnImage(strokes, ink, side)]"
PLACE = """([images, ink, side]) => images.map((values) => {
  const ink_ = {values: Float64Array.from(values, (byte) => byte / 255), width: side, height: side};
  return [...live.asBytes(live.placeInk(ink_, ink, side))];
})"""
ENCODE = "(images) => images.map((image) => [...encoder.encode(image)])"


@pytest.fixture
def drawing(page):
    """The pure modules of the drawing and of the encoder, in a blank page."""
    sources = [bundle("draw/stroke_raster.js"), bundle("engine/encoder.js")]

    def load(blob: bytes | None = None):
        page.goto("about:blank")
        page.evaluate(LOAD, [sources, blob and base64.b64encode(blob).decode()])
        return page

    return load


def flat(strokes) -> list[list[int]]:
    return [[round(UNITS * x) for point in stroke for x in point] for stroke in strokes]


def drawn(page, strokes, ink: Ink, side: int) -> np.ndarray:
    return np.array(page.evaluate(DRAW, [flat(strokes), asdict(ink), side])).reshape(side, side)


def painted(strokes, place, scale: float, diameter: float, size: int) -> Image.Image:
    """Pillow's drawing (size, size): thick lines with discs at their points.

    A point p of the pad is at (p - place) * scale.
    """
    sheet = Image.new("L", (size, size))
    pen, radius = ImageDraw.Draw(sheet), diameter / 2
    for stroke in strokes:
        points = [(np.array(point) - place) * scale - 0.5 for point in stroke]
        for start, end in pairwise(points):
            aside = (end - start)[::-1] * [-1, 1] * radius / np.linalg.norm(end - start)
            corners = [start + aside, end + aside, end - aside, start - aside]
            pen.polygon([tuple(corner) for corner in corners], fill=255)
        for x, y in points:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return sheet


def expected(strokes, ink: Ink, side: int) -> np.ndarray:
    """The same image by Pillow and numpy: painted large, cut out, shrunk, moved as a whole."""
    if ink.box is None:
        large = painted(strokes, (0, 0), FINE * side, FINE * ink.pen * side, FINE * side)
        return np.asarray(large.resize((side, side), Image.Resampling.BOX), dtype=float)
    points = np.concatenate([np.array(stroke) for stroke in strokes])
    low, extent = points.min(axis=0), np.ptp(points, axis=0).max()
    longest, pen = FINE * ink.box * side, FINE * ink.pen * side
    scale = (longest - pen) / extent
    large = painted(strokes, low - 1.1 * pen / scale, scale, pen, round(longest + 2 * pen))
    cut = large.crop(large.getbbox())
    size = [max(1, round(ink.box * side * length / max(cut.size))) for length in cut.size]
    small = np.asarray(cut.resize(size, Image.Resampling.BOX), dtype=float)
    left, top = np.floor(side / 2 - middle_of_mass(small) + 0.5).astype(int)
    image = np.zeros((side, side))
    image[top : top + size[1], left : left + size[0]] = small
    return image


def middle_of_mass(image: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(image.shape)
    return np.array([(image * axis).sum() / image.sum() for axis in (columns, rows)])


def box(image: np.ndarray) -> tuple[int, int]:
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


@pytest.mark.parametrize("name", STROKES)
def test_a_drawing_is_centred_as_mnist_is(drawing, name):
    found = drawn(drawing(), STROKES[name], MNIST_INK, 28)
    assert max(box(found)) == 20
    assert np.all(np.abs(middle_of_mass(found) - 14) <= 0.5)
    assert found.max() == 255


@pytest.mark.parametrize(
    ("ink", "side"),
    [(MNIST_INK, 28), (PLAIN_INK, 28), (BRUSH, 32)],
    ids=["mnist", "plain", "brush"],
)
def test_the_image_is_that_of_another_renderer(drawing, ink, side):
    page = drawing()
    names = [name for name in STROKES if ink.box is not None or name != "small and off"]
    for name in names:
        found, wanted = drawn(page, STROKES[name], ink, side), expected(STROKES[name], ink, side)
        assert np.abs(found - wanted).max() <= LEVELS, name
        assert np.abs(found - wanted).mean() <= 1, name


def test_digits_fill_their_height(drawing):
    page = drawing()
    for name in ("one", "seven", "heavy below"):
        found = drawn(page, STROKES[name], DIGITS_INK, 8)
        assert box(found)[1] == 8
        columns = np.flatnonzero(found.any(axis=0))
        assert abs((columns[0] + columns[-1] + 1) / 2 - 4) <= 0.5


def test_where_and_how_large_it_is_drawn_makes_no_difference(drawing):
    page = drawing()
    large = drawn(page, STROKES["seven"], MNIST_INK, 28).astype(int)
    moved = [[[0.3 * x + 0.6, 0.3 * y + 0.02] for x, y in stroke] for stroke in STROKES["seven"]]
    assert np.abs(drawn(page, moved, MNIST_INK, 28) - large).max() <= 8
    plain = [drawn(page, strokes, PLAIN_INK, 28) for strokes in (STROKES["seven"], moved)]
    assert np.abs(plain[0] - plain[1]).max() > 200


def test_a_dot_stays_a_dot_and_nothing_is_no_image(drawing):
    page = drawing()
    found = drawn(page, [[[0.1, 0.9]]], MNIST_INK, 28)
    assert max(box(found)) <= 4
    assert np.all(np.abs(middle_of_mass(found) - 14) <= 0.5)
    assert page.evaluate("(ink) => live.drawnImage([], ink, 28)", asdict(MNIST_INK)) is None


def test_strokes_are_as_thick_as_mnists(drawing, mnist_dir):
    from vae.data.registry import load_test_split
    from vae.metrics.morphology import thickness

    digits = load_test_split("mnist", mnist_dir, image_shape=(1, 28, 28)).head(2000)
    real = thickness(digits.images.numpy().transpose(0, 2, 3, 1) / 255)
    page = drawing()
    drawings = [drawn(page, STROKES[name], MNIST_INK, 28) / 255 for name in ("one", "seven")]
    ours = thickness(np.stack(drawings)[..., None])
    low, high = np.quantile(real, [0.25, 0.75])
    assert np.all((low < ours) & (ours < high))


def test_centring_leaves_mnists_own_digits_as_they_are(drawing, mnist_dir):
    from vae.data.registry import load_test_split

    digits = load_test_split("mnist", mnist_dir, image_shape=(1, 28, 28)).head(500)
    pixels = digits.images.numpy()[:, 0]
    page, found = drawing(), []
    for some in np.array_split(pixels, 10):
        arguments = [some.reshape(len(some), -1).tolist(), asdict(MNIST_INK), 28]
        found += page.evaluate(PLACE, arguments)
    same = np.all(np.array(found).reshape(pixels.shape) == pixels, axis=(1, 2))
    assert same.mean() > 0.99


@pytest.mark.slow
def test_centring_brings_back_digits_that_were_moved_and_enlarged(drawing, mnist_dir):
    from vae.data.registry import load_test_split

    digits = load_test_split("mnist", mnist_dir, image_shape=(1, 28, 28)).head(50)
    pixels = digits.images.numpy()[:, 0]
    page = drawing()
    large = np.zeros((len(pixels), 100, 100), np.uint8)
    large[:, 3:87, 12:96] = pixels.repeat(3, axis=1).repeat(3, axis=2)
    fit = PLACE.replace("live.placeInk(ink_, ink, side)", "live.placeInk(ink_, ink, 28)")
    arguments = [large.reshape(len(large), -1).tolist(), asdict(MNIST_INK), 100]
    found = np.array(page.evaluate(fit, arguments)).reshape(pixels.shape)
    assert np.abs(found - pixels.astype(int)).max() <= 1


def images_of(shape: tuple[int, int, int]) -> np.ndarray:
    """Bytes (n, c, h, w): noise, sparse noise, black and white."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (4, *shape))
    sparse = noise * (random.random((4, *shape)) < 0.2)
    return np.concatenate([noise, sparse, np.zeros((1, *shape)), np.full((1, *shape), 255)]).astype(
        int
    )


def encoded(page, images: np.ndarray) -> np.ndarray:
    return np.array(page.evaluate(ENCODE, images.reshape(len(images), -1).tolist()))


@pytest.mark.parametrize("architecture", ["mlp", "mlp-deep", "conv"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 8, 8), (3, 32, 32)], ids=str)
def test_encodes_as_torch_does(drawing, architecture, shape):
    model = VAE.seeded(ModelConfig(shape, 5, architecture), seed=1)
    images = images_of(shape)
    with torch.no_grad():
        posterior = model.encode(torch.from_numpy(images).float() / 255)
    page = drawing(encoder_blob(model.encoder, shape, 5, "test"))
    wanted = torch.cat([posterior.mean, posterior.logvar], dim=1).numpy()
    assert np.abs(encoded(page, images) - wanted).max() < 1e-4


def test_log_variances_are_kept_within_their_limit(drawing):
    model = VAE.seeded(ModelConfig((1, 8, 8), 2, "mlp", logvar_limit=1.0), seed=1)
    with torch.no_grad():
        model.encoder[-1].bias.copy_(torch.tensor([5.0, -5.0, 5.0, -5.0]))
    page = drawing(encoder_blob(model.encoder, (1, 8, 8), 2, "test", logvar_limit=1.0))
    [numbers] = encoded(page, np.zeros((1, 1, 8, 8), int))
    assert numbers[:2] == pytest.approx([5, -5], abs=1)
    assert numbers[2:].tolist() == [1, -1]


@pytest.mark.parametrize("name", IN_THE_BROWSER)
def test_encodes_with_a_shipped_checkpoint_as_torch_does(drawing, name):
    explorer = Explorer.open(PROJECT / "checkpoints" / name)
    if explorer.label is not None:
        explorer = explorer.at_label(3)
    images = images_of(explorer.run.model.image_shape)
    means, logvars = explorer.encode(images.transpose(0, 2, 3, 1) / 255)
    found = encoded(drawing(pack_encoder(explorer, "test")), images)
    wanted = np.concatenate([means, logvars], axis=1) if explorer.run.model.is_gaussian else means
    # Noise is far from what they know, and autoencoders answer with codes in the hundreds.
    assert np.abs(found - wanted).max() < 1e-4 * max(1, np.abs(wanted).max() / 10)


@pytest.mark.parametrize("name", sorted(SERVED))
def test_encoders_that_the_browser_cannot_run_are_left_to_the_server(name):
    with pytest.raises(UnsupportedNetwork, match="browser"):
        pack_encoder(Explorer.open(PROJECT / "checkpoints" / name), "test")


def test_too_large_an_encoder_is_left_to_the_server():
    explorer = Explorer.open(PROJECT / "checkpoints" / "mnist-map")
    with pytest.raises(UnsupportedNetwork, match=r"encoder is .* MB, more than the 1 MB"):
        pack_encoder(explorer, "test", max_megabytes=1)
