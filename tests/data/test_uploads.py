"""An upload becomes plain pixels or is refused in one sentence, at a bounded cost."""

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.hostile_files import (
    UNWELCOME,
    WELCOME,
    noise,
    one_bit_square,
    saved,
    scene,
    tiff_with_a_huge_tile,
    turned,
)
from vae.core.errors import DataError
from vae.data.uploads import KEPT_SIDE, blank_reason, read_square, read_upload

PROJECT = Path(__file__).resolve().parents[2]


def refused(content: bytes, read=read_upload, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        read(BytesIO(content), "upload.png", *arguments)
    message = str(caught.value)
    assert message.startswith("upload.png ")
    assert "\n" not in message
    return message


def middles(image: np.ndarray) -> np.ndarray:
    """Return the colour in the middle of each quadrant of an image (h, w, c)."""
    near, far = len(image) // 4, len(image) - 1 - len(image) // 4
    return image[[near, near, far, far], [near, far, near, far]].reshape(2, 2, -1)


@pytest.mark.parametrize("name", WELCOME)
def test_an_accepted_upload_has_the_pixels_that_people_see(name):
    wanted = WELCOME[name]
    upload = read_upload(BytesIO(wanted.content), name)
    found = middles(np.rint(255 * upload.fitted((3, 8, 8))).astype(int))
    np.testing.assert_allclose(found, wanted.quadrants, atol=wanted.tolerance)
    assert upload.steps == wanted.steps


@pytest.mark.parametrize("name", WELCOME)
def test_a_picture_in_a_folder_has_the_same_pixels_as_an_upload(name):
    wanted = WELCOME[name]
    square = read_square(BytesIO(wanted.content), name, 8, 3).transpose(1, 2, 0)
    np.testing.assert_allclose(middles(square.astype(int)), wanted.quadrants, atol=wanted.tolerance)


@pytest.mark.parametrize("name", UNWELCOME)
def test_a_refused_upload_gives_one_sentence(name):
    make, expected = UNWELCOME[name]
    content = make()
    assert expected in refused(content)
    assert expected in refused(content, read_square, 8, 1)


def test_a_tiff_is_accepted_in_folders_only():
    content = saved(scene(), "TIFF")
    assert "PNG, JPEG, BMP, GIF or WEBP" in refused(content)
    assert read_square(BytesIO(content), "a.tif", 8, 3).shape == (3, 8, 8)


def test_a_tiff_with_huge_tiles_is_refused():
    assert "pixels" in refused(tiff_with_a_huge_tile(), read_square, 8, 1)


def test_a_tiff_without_a_finite_number_becomes_black():
    nothing = Image.fromarray(np.full((8, 8), np.nan, np.float32))
    square = read_square(BytesIO(saved(nothing, "TIFF")), "a.tif", 8, 1)
    assert square.max() == 0


def test_the_steps_mention_grey_only_if_colour_is_lost():
    colour, grey = (
        read_upload(BytesIO(WELCOME[n].content), n) for n in ("plain PNG", "16 bits of grey")
    )
    assert colour.steps_to((1, 8, 8)) == ("made grey", "resized to 8 × 8 pixels")
    assert colour.steps_to((3, 8, 8)) == ("resized to 8 × 8 pixels",)
    assert "made grey" not in grey.steps_to((1, 8, 8))


def test_a_model_s_images_need_not_be_squares():
    upload = read_upload(BytesIO(WELCOME["plain PNG"].content), "a.png")
    assert upload.fitted((1, 8, 16)).shape == (8, 16, 1)


def test_a_large_picture_is_stored_small():
    photo = noise(1600).resize((4000, 3000))
    upload = read_upload(BytesIO(saved(photo, "JPEG")), "photo.jpg")
    assert upload.pixels.shape == (KEPT_SIDE, KEPT_SIDE, 3)
    assert upload.preview.shape == (144, 192, 4)
    assert upload.pixels.nbytes + upload.preview.nbytes < 2**20


def test_a_large_picture_looks_like_its_small_copy():
    """It is shrunk in two steps; for a JPEG the decoder does the first step."""
    small = np.asarray(noise(16).resize((64, 64), Image.Resampling.BICUBIC))
    large = Image.fromarray(small.repeat(60, axis=0).repeat(60, axis=1))
    expected = np.asarray(Image.fromarray(small).resize((16, 16), Image.Resampling.BOX))
    for kind, options in (("PNG", {}), ("JPEG", {"quality": 95, "subsampling": 0})):
        square = read_square(BytesIO(saved(large, kind, **options)), "large", 16, 3)
        found = square.transpose(1, 2, 0).astype(int)
        assert np.abs(found - expected).mean() < 6


def test_the_preview_is_upright_and_whole_and_keeps_transparency():
    upright = read_upload(BytesIO(turned(6)), "a.jpg").preview
    np.testing.assert_allclose(
        middles(upright[..., :3].astype(int)), WELCOME["plain PNG"].quadrants, atol=6
    )
    layered = read_upload(BytesIO(WELCOME["PNG with alpha"].content), "a.png").preview
    assert middles(layered)[..., 3].tolist() == [[0, 255], [255, 255]]
    assert read_upload(BytesIO(WELCOME["wide"].content), "a.png").preview.shape == (32, 96, 4)


@pytest.mark.parametrize(
    ("levels", "words"),
    [((0.0, 0.05), "all black"), ((0.95, 1), "all white"), ((0.5, 0.52), "of one colour")],
)
def test_an_image_without_visible_contrast_gets_a_reason(levels, words):
    assert blank_reason(np.array(levels, np.float32).reshape(1, 2, 1)) == words


def test_a_line_on_black_counts_as_visible():
    image = np.zeros((8, 8, 1), np.float32)
    image[3, 3] = 0.5
    assert blank_reason(image) == ""


# The cost of the worst files

MEASURED = """
import json, resource, sys
from pathlib import Path
from vae.data.uploads import read_upload
from vae.core.errors import DataError

resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
folder, peaks = Path(sys.argv[1]), []
for kind in ("welcome", "refused", "large"):
    for path in sorted(folder.glob(kind + "-*")):
        with path.open("rb") as file:
            try:
                read_upload(file, path.name)
                assert kind != "refused", path
            except DataError as error:
                assert kind == "refused", error
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    peaks.append(int(status["VmHWM"].split()[0]) / 1024)
print(json.dumps([round(after - before) for before, after in zip(peaks, peaks[1:])]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are read from Linux")
def test_refused_files_take_no_memory_and_accepted_ones_a_bounded_amount(tmp_path):
    """An accepted file of 49 million pixels shows that the measurement detects memory."""
    for number, wanted in enumerate(WELCOME.values()):
        (tmp_path / f"welcome-{number}").write_bytes(wanted.content)
    for number, (make, _) in enumerate(UNWELCOME.values()):
        (tmp_path / f"refused-{number}").write_bytes(make())
    (tmp_path / "large-1").write_bytes(one_bit_square(7000))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    refused_megabytes, allowed_megabytes = json.loads(done.stdout)
    assert refused_megabytes < 40
    assert 40 < allowed_megabytes < 500
