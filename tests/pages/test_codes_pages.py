"""The pages Attributes and What codes know: what is chosen, what is measured, what is said."""

import json
import shutil

import numpy as np
import pytest
import streamlit

from vae.__main__ import main
from vae.analysis.latent_sizes import FILE

CHOICES = ["thickness", "slant", "height", "width", "ink", "class", "lasso"]


@pytest.fixture(scope="module")
def models(tmp_path_factory, train_into):
    """A map, a model of six dimensions, one of a single one, a conditional one; and a family."""
    root = tmp_path_factory.mktemp("codes")
    common = {"epochs": 40, "batch_size": 32, "learning_rate": 3e-3}
    train_into(root / "digits-map", 2, **common)
    train_into(root / "six", 6, **common)
    train_into(root / "line", 1, epochs=3)
    train_into(root / "conditional", 4, kind="conditional", classes=10, epochs=3)
    options = "--dataset digits --latent-dims 2,4 --seeds 0,1 --epochs 3 --fitted 1437 --threads 1"
    assert main(["latent-sizes", *options.split(), "--out", str(root / FILE)]) == 0
    return root


@pytest.fixture
def lassoed(monkeypatch):
    """Draws a loop around the points with these places."""
    draw = streamlit.plotly_chart

    def around(places: list[int]) -> None:
        def chart(figure, **options):
            shown = draw(figure, **options)
            return {"selection": {"point_indices": places}} if "on_select" in options else shown

        monkeypatch.setattr(streamlit, "plotly_chart", chart)

    return around


def captions(page) -> str:
    return "\n".join(caption.value for caption in page.main.caption)


def metrics(page) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


@pytest.mark.parametrize(
    ("name", "choices"),
    [("six", CHOICES[:-1]), ("line", ["slant", "class"]), ("conditional", ["class"])],
)
def test_every_attribute_has_a_verdict_and_its_numbers(open_page, models, name, choices):
    page = open_page("pages/attributes.py", checkpoints=models, model=name)
    for choice in choices:
        page.segmented_control(key="attribute").set_value(choice).run()
        assert not page.exception, choice
        assert not page.warning, choice
        assert len(page.error) + len(page.success) == 1, choice
        assert set(metrics(page)) == {"Cosine", "p, groups", "Correlation", "p, effect"}
        assert page.query_params["attribute"] == choice


def test_a_good_direction_is_praised_and_a_bad_one_warned_of(open_page, models):
    page = open_page("pages/attributes.py", checkpoints=models, model="six", attribute="height")
    assert "Better than chance" in page.success[0].value
    assert float(metrics(page)["Cosine"]) > 0.9
    assert "--attribute height" in captions(page)
    page.segmented_control(key="attribute").set_value("ink").run()
    assert "No better than chance" in page.error[0].value


def test_the_page_says_what_the_command_says(open_page, models, capsys):
    page = open_page("pages/attributes.py", checkpoints=models, model="six", attribute="slant")
    assert main(["attributes", str(models / "six"), "--attribute", "slant", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out.splitlines()[-1])["attributes"]
    assert metrics(page)["Correlation"] == f"{found['effect']['correlation']:+.2f}"
    assert metrics(page)["Cosine"] == f"{found['direction']['cosine']:.3f}"


def test_a_class_stands_in_the_link(open_page, models):
    page = open_page("pages/attributes.py", checkpoints=models, model="six", attribute="class")
    next(box for box in page.selectbox if box.label == "Class").set_value(6).run()
    assert page.query_params["group"] == "6"
    assert "class 6" in captions(page)
    assert page.success


def test_a_loop_on_the_map_makes_a_group(open_page, models, lassoed):
    page = open_page("pages/attributes.py", checkpoints=models, model="six", attribute="lasso")
    assert "Draw a loop" in captions(page)
    assert not page.metric
    from vae.explorer import Explorer

    labels = Explorer.open(models / "six").atlas.label
    lassoed(np.flatnonzero(labels == 0).tolist())
    page.run()
    assert not page.exception
    assert f"{np.sum(labels == 0)} images in your group" in captions(page)
    assert page.success
    lassoed(list(range(100)))
    page.run()
    assert "No better than chance" in page.error[0].value
    lassoed([1, 2])
    page.run()
    assert "too small" in page.info[0].value


def test_without_the_data_set_attributes_are_of_reconstructions(open_page, models, monkeypatch):
    monkeypatch.setattr("vae.explorer.gallery.load_test_split", absent)
    page = open_page("pages/attributes.py", checkpoints=models, model="six")
    assert not page.exception
    assert "measured on those reconstructions" in captions(page)
    assert page.metric


def test_the_shared_image_is_where_the_slider_starts(open_page, models):
    page = open_page("pages/attributes.py", checkpoints=models, model="six")
    page.session_state["attribute-start-open"] = True
    page.run()
    next(b for b in page.button if b.key.startswith("attribute-start-")).click().run()
    assert not page.exception
    assert page.query_params["image"]


def test_codes_stand_beside_pca_and_pixels(open_page, models):
    page = open_page("pages/representation.py", checkpoints=models, model="six")
    assert not page.exception
    table = next(text.value for text in page.markdown if "linear probe" in text.value)
    assert [row.split("|")[2].strip() for row in table.split("\n")[2:]] == ["6", "6", "64"]
    assert "scored on 360 test images" in captions(page)
    assert "4 models, 2 seeds for each size, 3 epochs" in captions(page)
    assert len(page.get("plotly_chart")) == 1


def test_without_the_data_set_halves_of_the_codes_stand_in(open_page, models, monkeypatch):
    monkeypatch.setattr("vae.analysis.representation.load_dataset", absent)
    monkeypatch.setattr("vae.explorer.gallery.load_test_split", absent)
    page = open_page("pages/representation.py", checkpoints=models, model="six")
    assert not page.exception
    assert "fitted on 180 of the test images' codes" in captions(page)
    assert any(button.label.startswith("Download") for button in page.button)


def test_a_damaged_family_is_one_calm_sentence_and_the_table_stays(open_page, models, tmp_path):
    shutil.copytree(models / "six", tmp_path / "six")
    (tmp_path / FILE).write_text("{")
    page = open_page("pages/representation.py", checkpoints=tmp_path, model="six")
    assert not page.exception
    assert "latent-sizes" in page.warning[0].value
    assert any("linear probe" in text.value for text in page.markdown)


def absent(*_, **__):
    from vae.core.errors import DataError

    raise DataError("it is not here")
