"""The pages Anomalies and Denoise, over small models and without the data set."""

import numpy as np
import pytest

from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def narrowed(tmp_path_factory, train_into):
    """A model of noughts alone, one of everything, and one that undoes noise; all of digits."""
    import torch

    from vae.core.config import ModelConfig, TrainConfig
    from vae.data.registry import load_dataset
    from vae.runs.recorder import RecordedTraining

    root = tmp_path_factory.mktemp("narrowed")
    train_into(root / "digits-map", latent_dim=2, epochs=2)
    train_into(root / "undoes", latent_dim=4, epochs=2, corruption=0.5)
    for name, kind in (("noughts", "vae"), ("points", "autoencoder")):
        dataset = load_dataset("digits:only=0")
        training = RecordedTraining.start(
            root / name,
            ModelConfig(dataset.image_shape, 2, kind=kind),
            TrainConfig(dataset.name, epochs=5, batch_size=16),
            dataset,
            torch.device("cpu"),
        )
        for _ in training.run():
            pass
        training.finish()
    return root


@pytest.fixture
def without_data(monkeypatch):
    """No test images and no training images."""
    monkeypatch.setattr("vae.explorer.gallery.read_test_images", lambda *_, **__: None)


def metrics(page) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_the_numbers_are_those_of_the_study(open_page, narrowed, digits):
    from vae.analysis.anomaly import detect
    from vae.explorer import Explorer

    page = open_page("pages/anomaly.py", checkpoints=narrowed, model="noughts")
    assert not page.exception
    images = digits.test.images.numpy().transpose(0, 2, 3, 1).astype("float32") / 255
    found = detect(Explorer.open(narrowed / "noughts"), images, digits.test.labels.numpy())
    assert metrics(page)["AUROC"] == f"{found.auroc['elbo']:.3f}"
    assert metrics(page)["Recall"] == f"{found.recall['elbo']:.1%}"
    areas = next(c.value for c in page.caption if c.value.startswith("AUROC by score"))
    assert f"Missed share {found.auroc['unexplained']:.3f}" in areas
    assert "log p(x)" not in areas


def test_the_threshold_moves_precision_and_recall(open_page, narrowed):
    page = open_page("pages/anomaly.py", checkpoints=narrowed, model="noughts")
    area = metrics(page)["AUROC"]
    slider = next(slider for slider in page.slider if slider.label.startswith("Threshold"))
    slider.set_value(slider.min).run()
    assert not page.exception
    assert metrics(page)["Recall"] == "100.0%"
    assert metrics(page)["AUROC"] == area


@pytest.mark.parametrize("score", ["distortion", "rate", "likelihood", "unexplained"])
def test_every_score_ranks(open_page, narrowed, score):
    page = open_page("pages/anomaly.py", checkpoints=narrowed, model="noughts", score=score)
    assert not page.exception
    assert page.segmented_control[0].value == score
    assert 0 <= float(metrics(page)["AUROC"]) <= 1


def test_a_pressed_image_is_looked_at_and_shared(open_page, narrowed):
    page = open_page("pages/anomaly.py", checkpoints=narrowed, model="noughts")
    button = next(button for button in page.button if button.key.startswith("anomaly-Lowest"))
    index = button.key.rpartition("-")[2]
    button.click().run()
    assert not page.exception
    assert any(f"Test image {index}," in caption.value for caption in page.caption)
    assert page.query_params["image"] == index


def test_a_model_of_everything_shows_one_of_some_classes(open_page, narrowed):
    page = open_page("pages/anomaly.py", checkpoints=narrowed, model="digits-map")
    assert not page.exception
    box = next(box for box in page.sidebar.selectbox if box.label == "Model of some classes")
    assert box.options == ["noughts", "points"]
    box.set_value("points").run()
    assert not page.exception
    assert page.segmented_control[0].options == ["Distortion", "Missed share"]


def test_a_picture_of_ones_own_is_scored_like_the_others(open_page, narrowed, digits):
    from vae.analysis.anomaly import score_images
    from vae.charts.images import png_bytes
    from vae.explorer import Explorer

    pixels = digits.test.images[:1].numpy().transpose(0, 2, 3, 1)
    page = open_page("pages/anomaly.py", checkpoints=narrowed, model="noughts")
    page.segmented_control[1].set_value("Upload").run()
    assert any("until you choose a picture" in caption.value for caption in page.caption)
    page.file_uploader[0].upload("mine.png", png_bytes(pixels[0])).run()
    assert not page.exception
    explorer = Explorer.open(narrowed / "noughts")
    score = score_images(explorer, pixels / np.float32(255)).of("elbo")[0]
    assert any(f"mine.png: {score:.1f}" in c.value for c in page.caption)


def test_an_uploaded_image_is_encoded_once(open_page, narrowed, digits, monkeypatch):
    from vae.charts.images import png_bytes
    from vae.models.vae import VAE

    pixels, sizes, encode = digits.test.images[:1].numpy().transpose(0, 2, 3, 1), [], VAE.encode

    def counted(self, images, *condition):
        sizes.append(len(images))
        return encode(self, images, *condition)

    page = open_page("pages/anomaly.py", checkpoints=narrowed, model="noughts")
    page.segmented_control[1].set_value("Upload").run()
    monkeypatch.setattr(VAE, "encode", counted)
    page.file_uploader[0].upload("mine.png", png_bytes(pixels[0])).run()
    assert not page.exception
    assert sizes == [1]


def test_without_the_images_it_ranks_by_the_rate(open_page, narrowed, without_data):
    page = open_page("pages/anomaly.py", checkpoints=narrowed, model="noughts")
    assert not page.exception
    assert page.segmented_control[0].options == ["Rate"]
    assert any("is not on this machine" in caption.value for caption in page.caption)
    assert any("Digits (8x8) is not on this machine" in c.value for c in page.caption)
    page = open_page("pages/anomaly.py", checkpoints=narrowed, model="points")
    assert not page.exception
    assert "have the same rate" in page.warning[0].value


def test_the_model_trained_for_it_stands_beside_the_chosen_one(open_page, narrowed):
    page = open_page("pages/denoise.py", checkpoints=narrowed, model="digits-map")
    assert not page.exception
    texts = " ".join(text.value for text in page.markdown)
    assert all(name in texts for name in ("As it came", "Median filter", "PCA", "Trained for it"))
    assert "Best PSNR: **" in texts
    assert any("noise of 0.5: undoes" in caption.value for caption in page.caption)
    page.slider(key="denoise-strength").set_value(0.8).run()
    assert page.query_params["strength"] == "0.8"
    page = open_page("pages/denoise.py", checkpoints=narrowed, model="undoes", corruption="square")
    assert not page.exception
    assert any("trained to undo noise of 0.5" in caption.value for caption in page.caption)


def test_without_the_images_the_rows_have_no_numbers(open_page, narrowed, without_data):
    page = open_page("pages/denoise.py", checkpoints=narrowed, model="digits-map", strength="x")
    assert not page.exception
    assert any("which are not here" in caption.value for caption in page.caption)
    assert not any("dB" in text.value for text in page.markdown if "SSIM" in text.value[:60])


def test_classes_and_corruption_are_chosen_where_models_are_trained(open_page, tmp_path):
    from pages.state.training_queue import training_queue

    page = open_page("pages/train.py", checkpoints=tmp_path)
    page.text_input(key="classes-5 seconds").set_value("only=99")
    train = next(button for button in page.button if button.label == "Train")
    train.click().run()
    assert not page.exception
    assert "labels from 0 to 9" in page.warning[0].value
    page.text_input(key="classes-5 seconds").set_value("without=3+5")
    page.number_input(key="corruption-5 seconds").set_value(0.4)
    page.number_input(key="epochs-5 seconds").set_value(1000)
    next(button for button in page.button if button.label == "Train").click().run()
    assert not page.exception
    job = training_queue().jobs[-1]
    training_queue().stop(job)
    wait_for(lambda: job.ended)
    assert job.request.train.dataset == "digits:without=3+5"
    assert job.request.train.corruption == 0.4
