"""A gallery shows real test images, or reconstructions where they are absent."""

import numpy as np
import pytest

from tests.support.blobs import read_pictures
from vae.core.errors import DataError
from vae.explorer import Explorer
from vae.explorer.gallery import ReadImages, open_gallery, read_test_images
from vae.runs.checkpoint import Atlas
from vae.viewer.pack import pack_pictures


@pytest.fixture(scope="module")
def explorer(tiny_checkpoint) -> Explorer:
    return Explorer.open(tiny_checkpoint)


@pytest.fixture(scope="module")
def images() -> ReadImages:
    return read_test_images("digits", (1, 8, 8))


def test_real_images_come_in_the_order_of_the_atlas(explorer, images, digits):
    gallery = open_gallery(explorer, images)
    assert gallery.are_real
    np.testing.assert_array_equal(gallery.labels, digits.test.labels)
    everything = gallery.images(np.arange(len(gallery.labels)))
    np.testing.assert_allclose(everything[..., 0] * 255, digits.test.images[:, 0], atol=1e-3)
    means = explorer.encode(everything)[0]
    np.testing.assert_allclose(means, explorer.atlas.mean, atol=5e-3)


def test_classes_are_found(explorer, images, digits):
    gallery = open_gallery(explorer, images)
    assert gallery.classes() == list(range(10))
    assert (digits.test.labels[gallery.of_class(4)] == 4).all()
    assert len(gallery.of_class(4)) == int((digits.test.labels == 4).sum())


def test_without_the_data_set_reconstructions_stand_in(explorer):
    gallery = open_gallery(explorer, None)
    assert not gallery.are_real
    expected = explorer.decode(explorer.atlas.mean[[7, 9]])
    np.testing.assert_allclose(gallery.images(np.array([7, 9])), expected, atol=1e-6)


def test_a_data_set_of_another_size_than_in_training_is_not_shown(explorer, images):
    fewer = ReadImages(images.pixels[:100], images.labels[:100])
    assert not open_gallery(explorer, fewer).are_real


def test_images_in_another_order_than_the_atlas_are_not_shown(explorer, images):
    order = np.argsort(images.labels, kind="stable")
    sorted_images = ReadImages(images.pixels[order], images.labels[order])
    assert not open_gallery(explorer, sorted_images).are_real


def test_models_with_long_codes_show_the_first_test_images(explorer, images, monkeypatch):
    monkeypatch.setattr("vae.runs.checkpoint.MAX_ATLAS_VALUES", 3 * 50)
    fields = ("mean", "logvar", "label")
    few = Atlas(**{name: getattr(explorer.atlas, name)[:50] for name in fields})
    short = Explorer(explorer.run, explorer.full_model, few)
    gallery = open_gallery(short, images)
    assert gallery.are_real
    np.testing.assert_array_equal(gallery.pixels, images.pixels[:50])
    assert not open_gallery(explorer, images).are_real


def test_an_absent_data_set_has_no_pixels(monkeypatch, tmp_path):
    assert read_test_images("mnist", (1, 28, 28), tmp_path / "nowhere") is None

    def absent(*_, **__):
        raise DataError("it is not here")

    monkeypatch.setattr("vae.explorer.gallery.load_test_split", absent)
    assert read_test_images("digits", (1, 8, 8)) is None


def test_many_codes_are_decoded_in_batches_as_at_once(explorer):
    codes = np.random.default_rng(0).standard_normal((1201, 3)).astype(np.float32)
    images = explorer.decode(codes)
    assert images.shape == (1201, 8, 8, 1)
    np.testing.assert_allclose(images[1100], explorer.decode(codes[1100:1101])[0], atol=1e-6)
    means, _ = explorer.encode(images)
    np.testing.assert_allclose(means[1100], explorer.encode(images[1100:1101])[0][0], atol=1e-5)


def test_packed_pictures_are_the_test_images_in_order(explorer, images):
    header, found = read_pictures(pack_pictures(open_gallery(explorer, images), "digits"))
    assert header["id"] == "digits"
    np.testing.assert_array_equal(found, images.pixels)


def test_reconstructions_are_not_packed(explorer):
    assert pack_pictures(open_gallery(explorer, None), "digits") is None
