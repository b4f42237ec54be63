"""The page Kinds of model, over small models of each kind and over those that ship."""

from pathlib import Path

import pytest

CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
PAGE = "pages/kinds.py"


@pytest.fixture(scope="module")
def kinds(tmp_path_factory, train_into):
    """A classifier, a conditional model, an autoencoder and the VAE that it is compared with."""
    root = tmp_path_factory.mktemp("kinds")
    train_into(root / "plain", 4, epochs=2)
    train_into(root / "autoencoder", 4, kind="autoencoder", epochs=2)
    train_into(root / "conditional", 4, kind="conditional", classes=10, epochs=2)
    train_into(root / "classifier", 8, kind="classifier", classes=10, epochs=4)
    return root


def table(page) -> str:
    return next(text.value for text in page.markdown if "distortion" in text.value)


@pytest.mark.parametrize("model", ["plain", "autoencoder", "conditional"])
@pytest.mark.parametrize("kind", ["points", "conditional"])
def test_each_section_renders_whatever_model_is_chosen(open_page, kinds, kind, model):
    page = open_page(PAGE, checkpoints=kinds, model=model, kind=kind)
    assert not page.exception
    assert not page.warning
    assert not page.info


def test_the_autoencoder_stands_beside_the_vae_of_its_shape(open_page, kinds):
    page = open_page(PAGE, checkpoints=kinds, model="plain")
    rows = table(page).splitlines()
    assert [row.split("|")[1].strip() for row in rows[2:]] == ["**VAE**", "**Autoencoder**"]
    assert all("%" in row for row in rows[2:])


def test_without_a_classifier_it_says_how_to_train_one(open_page, small_checkpoints, train_into):
    train_into(
        small_checkpoints.parent / "alone" / "conditional", 3, kind="conditional", classes=10
    )
    page = open_page(PAGE, checkpoints=small_checkpoints.parent / "alone", kind="conditional")
    assert not page.exception
    assert "--model classifier" in page.warning[0].value


def test_a_kind_that_is_missing_is_offered_for_training(open_page, small_checkpoints):
    page = open_page(PAGE, checkpoints=small_checkpoints, kind="conditional")
    assert not page.exception
    assert "--model conditional" in page.info[0].value


def test_a_conditional_model_is_seen_at_the_class_chosen_and_linked_to(open_page, kinds):
    page = open_page("pages/decode.py", checkpoints=kinds, model="conditional")
    picker = next(box for box in page.sidebar.selectbox if box.label == "Class to decode as")
    assert picker.value == "0"
    picker.set_value("7").run()
    assert not page.exception
    assert page.query_params["class"] == "7"
    linked = open_page("pages/map.py", checkpoints=kinds, model="conditional", **{"class": "3"})
    assert not linked.exception
    boxes = linked.sidebar.selectbox
    assert next(box for box in boxes if box.label == "Class to decode as").value == "3"


@pytest.mark.parametrize("file", ["app.py", "pages/map.py", "pages/decode.py", "pages/train.py"])
@pytest.mark.parametrize("model", ["autoencoder", "conditional"])
def test_the_other_pages_take_every_kind(open_page, kinds, file, model):
    page = open_page(file, checkpoints=kinds, model=model)
    assert not page.exception
    assert not page.warning


def test_the_shipped_kinds_show_what_the_studies_found(open_page):
    page = open_page(PAGE, checkpoints=CHECKPOINTS, kind="points")
    assert not page.exception
    vae, autoencoder = table(page).splitlines()[2:]
    share = [float(row.split("|")[4].strip(" %")) for row in (vae, autoencoder)]
    assert share[0] > 50 > 5 > share[1]
    told = open_page(PAGE, checkpoints=CHECKPOINTS, kind="conditional")
    assert float(told.metric[0].value.rstrip("%")) > 90
