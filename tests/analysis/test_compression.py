"""A model as an image codec: rounded codes, their bits, and the comparison with JPEG."""

import math

import numpy as np
import pytest
from PIL import Image
from scipy.stats import norm
from skimage.metrics import structural_similarity

from vae.analysis.compression import (
    JPEG_QUALITIES,
    STEPS,
    jpeg_copies,
    measure_compression,
    rounded_codes,
)
from vae.core.errors import ConfigError
from vae.explorer import Explorer
from vae.metrics.psnr_ssim import image_quality


@pytest.fixture(scope="module")
def explorer(tmp_path_factory, train_into) -> Explorer:
    path = tmp_path_factory.mktemp("codec") / "spatial"
    return Explorer.open(train_into(path, 8, "spatial", epochs=3, batch_size=32))


@pytest.mark.parametrize("step", [0.1, 1.0, 4.0])
def test_a_rounded_number_costs_the_bits_of_its_interval_under_the_prior(step):
    codes = 2 * np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
    rounded, bits = rounded_codes(codes, step)
    assert np.abs(rounded - codes).max() <= step / 2 + 1e-6
    places = rounded.astype(float) / step
    assert places == pytest.approx(np.rint(places), abs=1e-4)
    shares = norm.cdf((places + 0.5) * step) - norm.cdf((places - 0.5) * step)
    assert bits == pytest.approx(-np.log2(shares).sum(axis=1), rel=1e-4)


def test_the_probabilities_of_all_intervals_sum_to_one():
    everywhere = (0.7 * np.arange(-12, 13)[:, None]).astype(np.float32)
    assert np.exp2(-rounded_codes(everywhere, 0.7)[1]).sum() == pytest.approx(1, abs=1e-9)


def test_a_code_far_from_the_prior_costs_finitely_many_bits():
    bits = rounded_codes(np.array([[20.0], [-20.0], [60.0]], np.float32), 0.5)[1]
    # -log2 of a normal tail: z^2 / (2 ln 2) to leading order.
    assert bits[0] == pytest.approx(19.75**2 / 2 / math.log(2), rel=0.03)
    assert bits[1] == pytest.approx(bits[0])
    assert np.isfinite(bits).all()


def test_jpeg_returns_the_images_in_order(images):
    many = np.concatenate([images, images])[:400].repeat(2, axis=1).repeat(2, axis=2)
    copies, bits_per_pixel = jpeg_copies(many, 95)
    assert copies.shape == many.shape
    assert np.abs(copies - many).mean() < 0.02
    assert 0 < bits_per_pixel < 8
    assert jpeg_copies(many, 10)[1] < bits_per_pixel


def test_quality_is_psnr_of_the_mean_squared_error_and_ssim_of_scikit_image():
    random = np.random.default_rng(0)
    images = random.random((4, 12, 12, 3)).astype(np.float32)
    noisy = np.clip(images + 0.1 * random.standard_normal(images.shape), 0, 1).astype(np.float32)
    found = image_quality(images, noisy)
    error = np.mean((images.astype(float) - noisy) ** 2)
    assert found.psnr == pytest.approx(10 * math.log10(1 / error), rel=1e-5)
    expected = [
        structural_similarity(a, b, data_range=1.0, channel_axis=-1)
        for a, b in zip(images, noisy, strict=True)
    ]
    assert found.ssim == pytest.approx(np.mean(expected))


def test_the_compression_of_a_model_is_as_computed_by_hand(explorer, images):
    found = measure_compression(explorer, images[:300])
    assert (found.numbers_in, found.numbers_out, found.latent_shape) == (64, 8, (2, 2, 2))
    assert found.ratio == 8
    terms = explorer.elbo_terms(images[:300])
    assert found.rate_bits == pytest.approx(terms.rate.mean() / math.log(2), rel=1e-4)
    assert found.psnr == pytest.approx(
        image_quality(images[:300], explorer.reconstruct(images[:300])).psnr
    )
    bits = [point.bits_per_pixel for point in found.rounded]
    assert bits == sorted(bits, reverse=True)
    assert found.rounded[0].psnr == pytest.approx(found.psnr, abs=0.2)
    assert found.rounded[0].psnr > found.rounded[-1].psnr
    assert [p.setting for p in found.rounded] == list(STEPS)
    assert [p.setting for p in found.jpeg] == list(JPEG_QUALITIES)
    assert found.jpeg[-1].psnr > found.jpeg[0].psnr


def test_codes_without_a_rate_are_refused(tmp_path, train_into, images):
    explorer = Explorer.open(train_into(tmp_path / "a", 3, kind="autoencoder", epochs=1))
    with pytest.raises(ConfigError, match="no Gaussian prior"):
        measure_compression(explorer, images)


def test_halved_colour_resolution_makes_smaller_files():
    from vae.charts.images import jpeg_bytes

    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    whole, halved = jpeg_bytes(picture, 80), jpeg_bytes(picture, 80, halves_colour=True)
    assert len(halved) < len(whole)
    assert Image.MIME["JPEG"]
