"""The test images that pages offer, real or reconstructed."""

import numpy as np
import pytest

from vae.explorer import Explorer
from vae.gallery import open_gallery


@pytest.fixture(scope="module")
def explorer(tiny_checkpoint) -> Explorer:
    return Explorer.open(tiny_checkpoint)


def test_real_images_come_in_the_order_of_the_atlas(explorer, digits):
    gallery = open_gallery(explorer)
    assert gallery.are_real
    np.testing.assert_allclose(gallery.images[..., 0] * 255, digits.test.images[:, 0], atol=1e-3)
    np.testing.assert_array_equal(gallery.labels, digits.test.labels)
    means = explorer.encode(gallery.images)[0]
    np.testing.assert_allclose(means, explorer.atlas.mean, atol=5e-3)


def test_classes_are_found(explorer, digits):
    gallery = open_gallery(explorer)
    assert (digits.test.labels[gallery.of_class(4)] == 4).all()
    assert len(gallery.of_class(4)) == int((digits.test.labels == 4).sum())


def test_without_the_data_set_reconstructions_stand_in(explorer, tmp_path, monkeypatch):
    from vae.errors import DataError

    def absent(*_, **__):
        raise DataError("it is not here")

    monkeypatch.setattr("vae.gallery.load_dataset", absent)
    gallery = open_gallery(explorer, tmp_path)
    assert not gallery.are_real
    assert gallery.missing == "it is not here"
    np.testing.assert_allclose(gallery.images[7], explorer.atlas_images([7])[0], atol=1e-6)


def test_a_data_set_that_changed_since_training_is_not_passed_off(
    explorer, monkeypatch, digits, tmp_path
):
    from dataclasses import replace

    smaller = replace(digits, test=digits.test.head(100))
    monkeypatch.setattr("vae.gallery.load_dataset", lambda *_, **__: smaller)
    gallery = open_gallery(explorer, tmp_path)
    assert not gallery.are_real
    assert len(gallery.images) == len(explorer.atlas.label)
