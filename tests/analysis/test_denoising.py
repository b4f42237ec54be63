"""Corruptions, filters and quality measures agree with numpy; the command prints them."""

import dataclasses
import json

import numpy as np
import pytest

from vae.__main__ import main
from vae.analysis.denoising import (
    CORRUPTIONS,
    Denoising,
    corrupt,
    find_denoiser,
    fit_pca,
    image_quality,
    measure_denoising,
    median_filtered,
    methods,
)
from vae.charts.denoising import quality_curves
from vae.core.config import TrainConfig
from vae.core.errors import CheckpointError, ConfigError
from vae.explorer import Explorer
from vae.runs.catalogue import read_catalogue


@pytest.fixture(scope="module")
def root(tmp_path_factory, train_into):
    """A plain model and one that was trained for denoising."""
    root = tmp_path_factory.mktemp("denoising")
    common = {"epochs": 40, "batch_size": 32, "learning_rate": 3e-3}
    train_into(root / "plain", 8, **common)
    train_into(root / "denoiser", 8, corruption=0.5, **common)
    train_into(root / "poor", 8, corruption=0.5, epochs=1)
    return root


def some_images(count: int = 300, side: int = 12) -> np.ndarray:
    return np.random.default_rng(3).random((count, side, side, 1), dtype=np.float32)


def test_noise_is_normal_clipped_and_grows_with_its_strength():
    grey = np.full((300, 12, 12, 1), 0.5, np.float32)
    weak, strong = (corrupt(grey, "noise", strength, seed=1) - 0.5 for strength in (0.05, 0.1))
    assert weak.std() == pytest.approx(0.05, rel=0.02)
    assert strong == pytest.approx(2 * weak, abs=1e-6)
    assert np.abs(corrupt(grey, "noise", 1.0) - 0.5).max() == 0.5


def test_salt_and_pepper_changes_a_share_of_the_pixels():
    images = some_images()
    hit = corrupt(images, "salt-and-pepper", 0.3) != images
    assert hit.mean() == pytest.approx(0.3, abs=0.01)
    changed = corrupt(images, "salt-and-pepper", 0.3)[hit]
    assert set(np.unique(changed)) == {0.0, 1.0}
    assert changed.mean() == pytest.approx(0.5, abs=0.02)


def test_the_missing_square_lies_inside_the_image():
    images = 0.1 + 0.9 * some_images()
    missing = (corrupt(images, "square", 0.5) == 0)[..., 0]
    assert (missing.sum(axis=(1, 2)) == 36).all()
    assert (missing.any(axis=2).sum(axis=1) == 6).all()
    assert missing.any(axis=0).all()
    assert (corrupt(images, "square", 1.0) == 0).all()


@pytest.mark.parametrize("kind", list(CORRUPTIONS))
def test_corruption_depends_on_its_seed_and_stays_in_range(kind):
    images = some_images()
    found = corrupt(images, kind, 0.6, seed=4)
    assert np.array_equal(found, corrupt(images, kind, 0.6, seed=4))
    assert not np.array_equal(found, corrupt(images, kind, 0.6, seed=5))
    assert found.dtype == np.float32
    assert found.min() == 0
    assert found.max() <= 1
    assert np.array_equal(corrupt(images, kind, 0.0), images)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        corrupt(images, kind, 1.1)


def test_psnr_is_as_computed_by_hand():
    images = some_images()
    other = np.clip(images + 0.1, 0, 1)
    error = np.mean((images.astype(float) - other) ** 2)
    assert image_quality(images, other).psnr == pytest.approx(10 * np.log10(1 / error), abs=1e-4)


def test_ssim_is_as_computed_by_hand_for_one_window():
    clean, other = some_images(5, 7), some_images(5, 7)[::-1]
    expected = []
    for a, b in zip(clean.astype(float)[..., 0], other.astype(float)[..., 0], strict=True):
        covariance = np.cov(a.ravel(), b.ravel())
        means = 2 * a.mean() * b.mean() + 0.01**2, a.mean() ** 2 + b.mean() ** 2 + 0.01**2
        spread = 2 * covariance[0, 1] + 0.03**2, covariance.trace() + 0.03**2
        expected.append(means[0] / means[1] * spread[0] / spread[1])
    assert image_quality(clean, other).ssim == pytest.approx(np.mean(expected), abs=1e-5)
    assert image_quality(clean, clean.copy() + 1e-6).ssim == pytest.approx(1, abs=1e-4)


def test_the_median_filter_removes_single_pixels():
    images = np.zeros((2, 9, 9, 3), np.float32)
    images[0, 4, 4] = 1
    images[1, :, 5:, 1] = 1
    found = median_filtered(images)
    assert not found[0].any()
    assert np.array_equal(found[1], images[1])


def test_pca_projects_on_the_leading_singular_vectors():
    images = some_images(200, 5)
    centred = images.reshape(200, -1) - images.reshape(200, -1).mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:6]
    expected = centred @ axes.T @ axes + images.reshape(200, -1).mean(axis=0)
    found = fit_pca(images, 6)(images).reshape(200, -1)
    assert found == pytest.approx(np.clip(expected, 0, 1), abs=1e-4)
    assert fit_pca(images, 500)(images) == pytest.approx(images, abs=1e-4)


def test_a_denoising_model_is_better_under_noise(root, images, labels):
    plain, denoiser = (Explorer.open(root / name) for name in ("plain", "denoiser"))
    assert find_denoiser(read_catalogue(root).runs, plain.run).name == "denoiser"
    how = methods(plain, labels, fit_pca(images, 8), denoiser)
    found = measure_denoising(images, how, "noise", [0.1, 0.5], components=8)
    assert list(found.psnr) == ["corrupted", "median", "pca", "vae", "denoiser"]
    assert found.psnr["denoiser"][1] > max(found.psnr["vae"][1], found.psnr["corrupted"][1])
    assert found.ssim["denoiser"][1] > found.ssim["vae"][1]
    corrupted = corrupt(images, "noise", 0.5)
    assert found.ssim["vae"][1] == image_quality(images, plain.reconstruct(corrupted)).ssim
    assert found.psnr["corrupted"][1] == image_quality(images, corrupted).psnr


def test_a_missing_denoiser_is_reported_with_the_training_command(root):
    runs = [run for run in read_catalogue(root).runs if not run.train.corruption]
    with pytest.raises(CheckpointError, match="--corruption"):
        find_denoiser(runs, runs[0])
    narrowed = dataclasses.replace(runs[0], train=TrainConfig("digits:only=3"))
    assert find_denoiser(read_catalogue(root).runs, narrowed).name == "denoiser"


@pytest.mark.parametrize("strength", [0.0, -0.5, 1.5, float("nan")])
def test_strengths_out_of_range_are_refused(images, strength):
    with pytest.raises(ConfigError, match="strengths"):
        measure_denoising(images, {}, "noise", [strength], components=1)


def test_the_command_prints_the_record(root, images, capsys, monkeypatch):
    monkeypatch.setenv("LATENT_CHECKPOINTS", str(root))
    asked = ["denoise", str(root / "plain"), "--levels", "0.3,0.6", "--count", "50"]
    assert main([*asked, "--threads", "1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["denoiser"] == "denoiser"
    assert record["components"] == 8
    expected = image_quality(images[:50], corrupt(images[:50], "noise", 0.6))
    assert record["psnr"]["corrupted"][1] == pytest.approx(expected.psnr)
    assert record["ssim"]["corrupted"][1] == pytest.approx(expected.ssim)
    assert len(record["best_psnr"]) == 2
    assert main(["denoise", str(root / "denoiser"), "--count", "20", "--threads", "1"]) == 0
    assert "psnr median" in capsys.readouterr().out
    assert main([*asked, "--levels", "2"]) == 2


def test_the_chart_has_a_line_for_each_method_in_both_panels():
    table = {"corrupted": (10.0, 5.0), "vae": (9.0, 8.0)}
    found = Denoising("noise", (0.1, 0.5), 10, 2, table, table)
    assert found.best("psnr") == ("corrupted", "vae")
    figure = quality_curves(found.strengths, found.psnr, found.ssim, {"vae": "The model"}, 0.3, "s")
    assert [trace.name for trace in figure.data[:2]] == ["corrupted", "The model"]
    assert len(figure.data) == 4


def test_equal_images_have_no_error():
    images = np.random.default_rng(0).random((3, 8, 8, 1))
    found = image_quality(images, images)
    assert found.psnr == np.inf
    assert found.ssim == pytest.approx(1)
