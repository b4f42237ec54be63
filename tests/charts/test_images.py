"""PIL reads pictures and files back unchanged."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageSequence

from vae.charts.images import enlarge, gif_bytes, jpeg_bytes, png_bytes, sprite_sheet, tile


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def opened(file: bytes, kind: str) -> Image.Image:
    picture = Image.open(BytesIO(file))
    assert picture.format == kind
    return picture


@pytest.mark.parametrize(("size", "factor"), [(6, 2), (8, 2), (9, 3), (3, 1), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_enlarged_image_has_whole_pixels(channels, size, factor):
    image = noise(2, 3, channels)
    found = enlarge(image / 255, size)
    assert found.shape == (2 * factor, 3 * factor, 3)
    for y, x in np.ndindex(found.shape[:2]):
        assert found[y, x].tolist() == [*image[y // factor, x // factor]] * (3 // channels)


def test_values_are_rounded_and_clipped():
    image = np.array([[-1.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 2.0]])[..., None]
    assert enlarge(image, 1)[0, :, 0].tolist() == [0, 0, 1, 255, 255]


def test_tiles_have_a_transparent_gap():
    images = noise(5, 2, 2, 1) / 255
    sheet = tile(images, columns=3, size=4, gap=1)
    assert sheet.shape == (9, 14, 4)
    for i in range(5):
        top, left = 5 * (i // 3), 5 * (i % 3)
        cell = sheet[top : top + 4, left : left + 4]
        np.testing.assert_array_equal(cell[..., :3], enlarge(images[i], 4))
        assert (cell[..., 3] == 255).all()
    assert (sheet[..., 3] > 0).sum() == 5 * 16


@pytest.mark.parametrize("channels", [1, 3])
def test_the_cells_of_a_sprite_sheet_are_in_order(channels):
    images = noise(7, 2, 3, channels)
    sheet = sprite_sheet(images, columns=3)
    assert sheet.shape == (6, 9, channels)
    for i, image in enumerate(images):
        top, left = 2 * (i // 3), 3 * (i % 3)
        np.testing.assert_array_equal(sheet[top : top + 2, left : left + 3], image)
    assert not sheet[4:, 3:].any()


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_a_png_keeps_every_pixel(channels, mode):
    picture = noise(5, 7, channels)
    found = opened(png_bytes(picture), "PNG")
    assert found.mode == mode
    np.testing.assert_array_equal(np.asarray(found).reshape(picture.shape), picture)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_a_jpeg_is_close(channels, mode):
    ramp = np.linspace(0, 255, 32).astype(np.uint8)
    picture = np.stack([np.tile(ramp, (16, 1)), np.tile(ramp[::-1], (16, 1)), np.zeros((16, 32))])
    picture = picture.astype(np.uint8)[:channels].transpose(1, 2, 0)
    found = opened(jpeg_bytes(picture), "JPEG")
    assert found.mode == mode
    difference = np.asarray(found, int).reshape(picture.shape) - picture
    assert np.abs(difference).max() <= 12


def test_a_jpeg_keeps_the_colours_of_neighbouring_pixels_apart():
    checks = np.indices((16, 16)).sum(axis=0) % 2
    picture = np.where(checks[..., None], [200, 60, 60], [60, 60, 200]).astype(np.uint8)
    found = np.asarray(opened(jpeg_bytes(picture), "JPEG"), int)
    assert np.abs(found - picture).mean() < 15
    smaller = jpeg_bytes(picture, quality=10)
    assert len(smaller) < len(jpeg_bytes(picture))


def read_gif(file: bytes) -> tuple[np.ndarray, list[int]]:
    film = opened(file, "GIF")
    assert film.info["loop"] == 0
    frames = [
        (np.asarray(frame.convert("RGB")), frame.info["duration"])
        for frame in ImageSequence.Iterator(film)
    ]
    return np.stack([pixels for pixels, _ in frames]), [duration for _, duration in frames]


@pytest.mark.parametrize("count", [2, 3, 9])
def test_a_grey_film_is_exact_there_and_back(count):
    frames = noise(count, 5, 4, 1)
    found, durations = read_gif(gif_bytes(frames / 255, size=16, seconds=1.2))
    order = [*range(count), *range(count - 2, 0, -1)]
    assert found.shape == (2 * count - 2, 15, 12, 3)
    expected = frames[order].repeat(3, axis=1).repeat(3, axis=2)
    np.testing.assert_array_equal(found, np.broadcast_to(expected, found.shape))
    assert len(set(durations)) == 1
    assert durations[0] * (count - 1) == pytest.approx(1200, abs=5 * (count - 1))


def test_a_film_that_starts_again_does_not_run_backwards():
    frames = noise(4, 5, 4, 1)
    found, durations = read_gif(gif_bytes(frames / 255, 5, seconds=0.9, there_and_back=False))
    np.testing.assert_array_equal(found, np.broadcast_to(frames, found.shape))
    assert durations == [300] * 4


def test_all_256_greys_are_kept():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    frames = np.stack([ramp, ramp[::-1], ramp[:, ::-1]])
    found, _ = read_gif(gif_bytes(frames / 255, 16, seconds=1))
    np.testing.assert_array_equal(found[:3], np.broadcast_to(frames, (3, 16, 16, 3)))


def test_frames_are_not_too_short_for_a_browser():
    _, durations = read_gif(gif_bytes(noise(9, 4, 4, 1) / 255, 4, seconds=0.01))
    assert durations == [20] * 16


def test_frames_that_stand_still_last_as_long():
    frames = noise(5, 4, 4, 1)
    frames[1] = frames[2] = frames[0]
    found, durations = read_gif(gif_bytes(frames / 255, 4, seconds=0.8, there_and_back=False))
    assert sum(durations) == 5 * 200
    np.testing.assert_array_equal(found[0, ..., 0], frames[0, ..., 0])
    np.testing.assert_array_equal(found[-1, ..., 0], frames[-1, ..., 0])


def test_a_film_may_be_a_single_frame():
    frame = noise(1, 4, 4, 1)
    found = opened(gif_bytes(frame / 255, 8, seconds=1), "GIF")
    pixels = np.asarray(found.convert("L"))
    np.testing.assert_array_equal(pixels, frame[0, ..., 0].repeat(2, 0).repeat(2, 1))


def test_few_colours_are_exact_and_many_are_close():
    few = np.array([[255, 0, 0], [0, 200, 10], [3, 4, 250], [90, 90, 0]], np.uint8)
    frames = few[np.random.default_rng(0).integers(0, 4, (5, 6, 6))]
    found, _ = read_gif(gif_bytes(frames / 255, 6, seconds=1))
    np.testing.assert_array_equal(found[:5], frames)

    y, x = np.mgrid[0:1:32j, 0:1:32j]
    smooth = np.stack([np.stack([x, (x + y) / 2, t * y], axis=-1) for t in (0.4, 0.5, 0.6)])
    assert len(np.unique(np.rint(255 * smooth).reshape(-1, 3), axis=0)) > 1000
    found, _ = read_gif(gif_bytes(smooth, 32, seconds=1))
    assert np.abs(found[:3] - 255 * smooth).mean() < 6
