"""The sections Likelihoods and Compressor of the page Kinds of model, on small digits models."""

import pytest

from vae.core.errors import DataError

LIKELIHOODS = ("bernoulli", "gaussian", "gaussian-learned", "logistic")


@pytest.fixture(scope="module")
def root(tmp_path_factory, digits, train_into):
    """A model a likelihood, a classifier, and a spatial one."""
    from vae.core.config import ModelConfig, TrainConfig
    from vae.core.device import pick_device
    from vae.runs.recorder import RecordedTraining

    root = tmp_path_factory.mktemp("likelihoods")
    made = [(name, "mlp", 4, name) for name in LIKELIHOODS] + [("grid", "spatial", 8, "logistic")]
    for name, architecture, latent_dim, likelihood in made:
        model = ModelConfig(digits.image_shape, latent_dim, architecture, likelihood)
        train = TrainConfig("digits", epochs=2, batch_size=32, learning_rate=5e-3)
        run = RecordedTraining.start(root / name, model, train, digits, pick_device("cpu"))
        for _ in run.run():
            pass
        run.finish()
    train_into(root / "classifier", 8, kind="classifier", classes=10, epochs=2)
    return root


@pytest.fixture
def without_data(monkeypatch):
    def absent(*_, **__):
        raise DataError("it is not here")

    monkeypatch.setattr("vae.explorer.gallery.load_test_split", absent)


def texts(page) -> str:
    return "\n".join(markdown.value for markdown in page.markdown)


def test_each_likelihood_has_its_pictures_and_its_row(open_page, root):
    page = open_page("pages/kinds.py", root, model="logistic", kind="likelihoods")
    assert not page.exception
    assert not page.warning
    rows = [line for line in texts(page).splitlines() if line.startswith("| **")]
    assert [row.split("**")[1] for row in rows] == [
        "Bernoulli",
        "Gaussian, fixed scale",
        "Gaussian, learned scale",
        "Discretised logistic",
    ]
    cells = [[cell.strip() for cell in row.split("|")[2:-1]] for row in rows]
    assert cells[0][2] == "–"
    assert all(0 < float(row[2]) < 8 for row in cells[1:])
    assert all(row[5].endswith("%") for row in cells)
    assert "learned" in texts(page)


def test_without_the_data_set_the_rows_hold_what_is_remembered(open_page, root, without_data):
    from vae.runs.checkpoint import load_run

    page = open_page("pages/kinds.py", root, model="logistic", kind="likelihoods")
    assert not page.exception
    assert not page.warning
    kept = load_run(root / "bernoulli").results
    assert f"{kept.test_distortion:.1f} nats of cross-entropy | {kept.test_rate:.1f} | –" in (
        texts(page)
    )
    assert any("not on this machine" in caption.value for caption in page.caption)


@pytest.mark.parametrize("section", ["likelihoods", "compressor"])
def test_without_such_models_it_says_how_to_train_one(open_page, section):
    page = open_page("pages/kinds.py", kind=section)
    assert not page.exception
    assert "--arch spatial" in page.info[0].value or "--likelihood" in page.info[0].value


def test_a_coarser_step_takes_fewer_bits(open_page, root):
    page = open_page("pages/kinds.py", root, model="grid", kind="compressor")
    assert not page.exception
    assert not page.warning

    def bits() -> float:
        text = next(m.value for m in page.markdown if m.value.startswith("**Code**"))
        return float(text.split()[-4])

    assert "2 × 2 × 2" in texts(page)
    assert page.metric[0].value == "8 : 1"
    assert [metric.label for metric in page.metric] == ["Numbers", "Rate", "Bits / dim"]
    before = bits()
    page.select_slider(key="compressor-step").set_value(2.0).run()
    assert not page.exception
    assert bits() < before


def test_the_compressor_stands_without_the_data_set(open_page, root, without_data):
    page = open_page("pages/kinds.py", root, model="logistic", kind="compressor")
    assert not page.exception
    assert not page.warning
    assert "**JPEG**" not in texts(page)
    assert any("not on this machine" in caption.value for caption in page.caption)


def test_training_with_a_likelihood_and_a_perceptual_loss(open_page, root, tmp_path):
    import shutil

    from pages.state.training_queue import training_queue

    shutil.copytree(root / "classifier", tmp_path / "classifier")
    shutil.copytree(root / "grid", tmp_path / "grid")
    page = open_page("pages/train.py", checkpoints=tmp_path)
    page.selectbox(key="likelihood-5 seconds").set_value("logistic")
    page.number_input(key="perceptual-5 seconds").set_value(30.0)
    page.number_input(key="epochs-5 seconds").set_value(1000)
    next(button for button in page.button if button.label == "Train").click().run()
    assert not page.exception
    job = training_queue().jobs[-1]
    training_queue().stop(job)
    assert job.request.model.likelihood == "logistic"
    assert job.request.train.perceptual == 30
    assert job.request.train.critic == str(tmp_path / "classifier")


def test_a_perceptual_loss_without_a_classifier_is_refused_calmly(open_page, small_checkpoints):
    page = open_page("pages/train.py")
    page.number_input(key="perceptual-5 seconds").set_value(30.0)
    next(button for button in page.button if button.label == "Train").click().run()
    assert not page.exception
    assert "no classifier of digits" in page.warning[0].value
