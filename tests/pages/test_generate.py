"""The page Generate: what it draws from, and what it measures."""

import pytest


@pytest.fixture(scope="module")
def with_classifier(tmp_path_factory, train_into):
    """A VAE, an autoencoder, a conditional model and a classifier of digits."""
    root = tmp_path_factory.mktemp("classified")
    train_into(root / "digits-map", 2, epochs=3)
    train_into(root / "autoencoder", 2, kind="autoencoder", epochs=3)
    train_into(root / "conditional", 2, kind="conditional", classes=10, epochs=3)
    train_into(root / "classifier", 16, kind="classifier", classes=10, epochs=5)
    return root


def captions(page) -> str:
    return "\n".join(caption.value for caption in page.main.caption)


def test_samples_follow_the_temperature_and_the_source(open_page):
    page = open_page("pages/generate.py")
    assert "--model classifier" in page.info[0].value
    page.slider[0].set_value(0.5).run()
    assert "0.50²" in captions(page)
    page.segmented_control[0].set_value("Mixture").run()
    assert not page.exception
    assert "fitted to codes" in captions(page)


@pytest.mark.parametrize("name", ["digits-map", "autoencoder", "conditional"])
def test_every_set_is_measured(open_page, with_classifier, name):
    page = open_page("pages/generate.py", checkpoints=with_classifier, model=name)
    assert not page.exception
    assert not page.warning
    table = next(text.value for text in page.markdown if "recognised |" in text.value)
    assert table.count("\n") == 5
    assert "360 training images" in captions(page)
    assert ("nats" in captions(page)) == (name != "autoencoder")
    page.segmented_control[0].set_value("Mixture").run()
    assert not page.exception


def test_a_conditional_model_decodes_at_the_chosen_class(open_page, with_classifier):
    page = open_page("pages/generate.py", checkpoints=with_classifier, model="conditional")
    box = next(box for box in page.sidebar.selectbox if box.label == "Class to decode as")
    box.set_value("3").run()
    assert "All decoded as **3**" in captions(page)
