"""An independent reader gets the content of blobs back."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.blobs import read_blob, read_pictures
from vae.core.errors import VaeError
from vae.models.networks.gates import GatedSequential
from vae.viewer.blobs import (
    FORMAT,
    UnsupportedNetwork,
    codes_blob,
    decoder_blob,
    frames_blob,
    pack,
    pictures_blob,
    rate_curve_blob,
)


def test_arrays_and_header_come_back():
    arrays = {
        "odd": np.arange(5, dtype=np.uint8),
        "floats": np.linspace(-1, 1, 21, dtype=np.float32).reshape(3, 7)[:, ::2],
        "big-endian": np.array([1, -2], dtype=">i4"),
        "none": np.zeros((0, 2), dtype=np.float32),
    }
    header, found = read_blob(pack("codes", "größe", arrays, n=3))
    assert header["id"] == "größe"
    assert header["n"] == 3
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_other_dtypes_raise_an_assertion():
    with pytest.raises(AssertionError, match="float64"):
        pack("codes", "x", {"a": np.zeros(2)})


def test_a_decoder_lists_its_layers():
    decoder = nn.Sequential(
        nn.Sequential(nn.Linear(2, 8), nn.SiLU()),
        nn.Unflatten(1, (2, 2, 2)),
        nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1, bias=False),
    )
    header, arrays = read_blob(decoder_blob(decoder, 2, (3, 4, 4), "name"))

    assert (header["format"], header["kind"], header["id"]) == (FORMAT, "decoder", "name")
    assert (header["latent_dim"], header["image_shape"]) == (2, [3, 4, 4])
    assert header["mean"] == "sigmoid"
    assert [layer["kind"] for layer in header["layers"]] == ["linear", "silu", "convolution"]
    convolution = header["layers"][2]
    assert (convolution["input"], convolution["output"]) == ([2, 2, 2], [3, 4, 4])

    linear, transposed = decoder[0][0], decoder[2]
    np.testing.assert_array_equal(arrays["0.0.weight"], linear.weight.detach().numpy())
    for (i, o, y, x), value in np.ndenumerate(transposed.weight.detach().numpy()):
        assert arrays[convolution["weight"]][y, x, o, i] == value
    assert not arrays[convolution["bias"]].any()


def test_gates_are_packed_after_their_layers():
    plain = nn.Sequential(
        nn.Linear(2, 8),
        nn.ReLU(),
        nn.Unflatten(1, (2, 2, 2)),
        nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1),
    )
    decoder = GatedSequential.around(plain)
    with torch.no_grad():
        decoder[1].slope.copy_(torch.arange(8))
        decoder[1].offset.fill_(2)
    header, arrays = read_blob(decoder_blob(decoder, 2, (3, 4, 4), "name", beta_range=(0.1, 10)))
    assert header["beta_range"] == [0.1, 10]
    kinds = [layer["kind"] for layer in header["layers"]]
    assert kinds == ["linear", "gate", "relu", "convolution", "gate"]
    first, second = header["layers"][1], header["layers"][4]
    assert arrays[first["slope"]].tolist() == list(range(8))
    assert arrays[first["offset"]].tolist() == [2.0] * 8
    assert arrays[second["slope"]].shape == (3,)

    header, _ = read_blob(decoder_blob(plain, 2, (3, 4, 4), "name"))
    assert header["beta_range"] is None


def test_a_rate_curve_comes_back():
    betas = np.geomspace(0.1, 10, 5)
    distortion, rates = np.linspace(60, 120, 5), np.linspace(9, 0, 10).reshape(5, 2)
    active = rates > 1
    points = np.random.default_rng(0).normal(size=(5, 3, 2))
    labels = np.array([0, -1, 1])
    blob = rate_curve_blob("r", betas, distortion, rates, active, points, labels, ["cat", "dog"])
    header, arrays = read_blob(blob)
    assert (header["format"], header["kind"], header["id"]) == (FORMAT, "rate-curve", "r")
    assert (header["latent_dim"], header["class_names"]) == (2, ["cat", "dog"])
    assert arrays["active"].dtype == np.uint8
    expected = {
        "betas": betas,
        "distortion": distortion,
        "rates": rates,
        "active": active,
        "points": points,
        "labels": labels,
    }
    assert set(arrays) == set(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(arrays[name], array, rtol=1e-6)


def test_betas_of_a_rate_curve_must_rise():
    flat = np.zeros((2, 1))
    arguments = (flat[:, 0], flat, flat > 0, np.zeros((2, 1, 2)), np.array([-1]), [])
    with pytest.raises(AssertionError, match="rise"):
        rate_curve_blob("r", np.array([2.0, 1.0]), *arguments)


def test_other_precisions_are_packed_as_float32():
    decoder = nn.Sequential(nn.Linear(2, 4)).double()
    _, arrays = read_blob(decoder_blob(decoder, 2, (1, 2, 2), "name"))
    np.testing.assert_array_equal(arrays["0.weight"], decoder[0].weight.detach().float().numpy())


def test_an_unsupported_layer_is_named():
    decoder = nn.Sequential(nn.Linear(2, 4), nn.Sequential(nn.LayerNorm(4)))
    with pytest.raises(UnsupportedNetwork, match=r"layer 1\.0 \(LayerNorm\)"):
        decoder_blob(decoder, 2, (4, 1, 1), "name")


class Doubling(nn.ReLU):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(input)


def test_a_subclass_of_a_known_layer_is_refused():
    decoder = nn.Sequential(nn.Linear(2, 4), Doubling())
    with pytest.raises(UnsupportedNetwork, match="Doubling"):
        decoder_blob(decoder, 2, (1, 2, 2), "name")


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"groups": 2}, "groups"),
        ({"dilation": 2}, "dilation"),
        ({"padding_mode": "circular", "padding": 1}, "padding_mode"),
        ({"padding": "same"}, "padding"),
    ],
)
def test_a_convolution_beyond_the_browser_is_named(settings, word):
    convolution = nn.Conv2d(4, 4, 3, **{"padding": 1, **settings})
    decoder = nn.Sequential(nn.Linear(2, 256), nn.Unflatten(1, (4, 8, 8)), convolution)
    with pytest.raises(UnsupportedNetwork, match=f"layer 2 .Conv2d. with {word}="):
        decoder_blob(decoder, 2, (4, 8, 8), "name")


def test_too_much_data_is_refused():
    with pytest.raises(VaeError, match=r"4\.0 MB, more than the 1 MB"):
        decoder_blob(nn.Sequential(nn.Linear(9, 100_000)), 9, (1, 1000, 100), "n", max_megabytes=1)


def test_codes_are_packed_with_their_labels_and_log_variances():
    points = np.arange(12, dtype=np.float32).reshape(4, 3)
    labels = np.array([0, 1, 1, 300])
    header, arrays = read_blob(codes_blob("c", points, points - 20, labels, ["cat", "dog"]))
    assert (header["kind"], header["id"], header["latent_dim"]) == ("codes", "c", 3)
    assert header["class_names"] == ["cat", "dog"]
    np.testing.assert_array_equal(arrays["points"], points)
    np.testing.assert_array_equal(arrays["logvars"], points - 20)
    np.testing.assert_array_equal(arrays["labels"], labels)

    header, arrays = read_blob(codes_blob("c", points))
    assert set(arrays) == {"points"}
    assert header["class_names"] == []


def test_codes_are_packed_with_the_data_for_distances():
    points = np.zeros((4, 3), dtype=np.float32)
    spacings = np.linspace(0, 2, 101)
    active = np.array([0, 2])
    _, arrays = read_blob(codes_blob("c", points, active=active, spacings=spacings))
    assert set(arrays) == {"points", "active", "spacings"}
    assert arrays["active"].dtype == np.int32
    assert arrays["active"].tolist() == [0, 2]
    np.testing.assert_array_equal(arrays["spacings"], spacings.astype(np.float32))


def test_frames_are_packed_as_bytes_channel_by_channel():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3))
    wild = np.array([-1, 0.4 / 255, 0.6 / 255, 2, np.nan]).reshape(1, 1, 5, 1)
    header, arrays = read_blob(frames_blob("who", 7, [pixels / 255, wild]))
    assert (header["kind"], header["id"], header["number"]) == ("frames", "who", 7)
    np.testing.assert_array_equal(arrays["0"], pixels.transpose(0, 3, 1, 2))
    assert arrays["1"].ravel().tolist() == [0, 0, 1, 255, 0]


@pytest.mark.parametrize(
    ("count", "height", "width"), [(1, 8, 8), (7, 8, 8), (16, 8, 8), (30, 4, 12), (30, 12, 4)]
)
def test_grey_pictures_come_back_exactly(count, height, width):
    pixels = np.random.default_rng(0).integers(0, 256, (count, height, width, 1)).astype(np.uint8)
    header, found = read_pictures(pictures_blob("p", pixels))
    assert (header["format"], header["kind"], header["id"]) == (FORMAT, "pictures", "p")
    assert (header["count"], header["mime"]) == (count, "image/png")
    np.testing.assert_array_equal(found, pixels)
    tall, wide = header["rows"] * height, header["columns"] * width
    assert (header["rows"] - 1) * header["columns"] < count
    assert max(tall, wide) - min(tall, wide) <= 2 * max(height, width)


def test_colour_pictures_come_back_nearly():
    random = np.random.default_rng(0)
    base = random.integers(30, 226, (11, 1, 1, 3))
    shade = np.linspace(-30, 30, 16)[:, None, None]
    pixels = (base + shade + np.zeros((11, 16, 16, 3))).astype(np.uint8)
    header, found = read_pictures(pictures_blob("p", pixels))
    assert header["mime"] == "image/jpeg"
    difference = np.abs(found.astype(int) - pixels)
    assert difference.mean() < 3
    assert difference.max() < 20


def test_too_many_pictures_are_left_out():
    pixels = np.zeros((100, 10, 10, 1), dtype=np.uint8)
    assert pictures_blob("p", pixels, max_megapixels=0.01) is not None
    assert pictures_blob("p", pixels[:99], max_megapixels=0.00999) is None


def test_an_answer_may_hold_no_frames():
    header, arrays = read_blob(frames_blob("who", 2**52, []))
    assert header["number"] == 2**52
    assert arrays == {}
