"""The sections Hierarchical and Discrete codes, and the other pages with such models."""

import pytest

from pages.ui.layout import SCREENS

PAGE = "pages/kinds.py"


@pytest.fixture(scope="module")
def models(tmp_path_factory, train_into):
    """A ladder, the flat model of its shape, a vq and a classifier."""
    root = tmp_path_factory.mktemp("levels")
    train_into(root / "flat", 6, epochs=2)
    train_into(root / "ladder", 6, kind="ladder", levels=(1, 2, 3), epochs=2)
    train_into(root / "vq", 8, "conv", kind="vq", codebook=20, epochs=2)
    train_into(root / "classifier", 8, kind="classifier", classes=10, epochs=4)
    return root


@pytest.mark.parametrize("model", ["ladder", "vq"])
@pytest.mark.parametrize("file", [screen.file for screen in SCREENS])
def test_every_page_takes_such_models(open_page, models, file, model):
    page = open_page(file, checkpoints=models, model=model)
    assert not page.exception
    assert not page.warning


def test_the_price_of_a_ladder_stands_beside_the_flat_models(open_page, models):
    page = open_page(PAGE, checkpoints=models, model="ladder", kind="levels")
    assert not page.exception
    assert not page.warning
    shown = {metric.label: metric.value for metric in page.metric}
    assert {"Hierarchical ELBO", "Flat ELBO", "Same class, level 1 held"} <= set(shown)
    assert any("--against" in caption.value for caption in page.caption)
    held = next(group for group in page.button_group if group.label == "Held in each row")
    for levels in (0, 2):
        held.set_value([levels]).run()
        assert not page.exception


def test_a_swapped_code_tells_how_much_the_image_changes(open_page, models):
    page = open_page(PAGE, checkpoints=models, model="vq", kind="codes")
    assert not page.exception
    assert not page.warning
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Rate"] == "17 bits"  # 4 places of log2(20)
    assert 1 <= float(shown["Perplexity"]) <= 20
    box = next(box for box in page.selectbox if box.label == "Code in row 2, column 2")
    other = next(code for code in range(20) if code != box.value)
    box.set_value(other).run()
    assert not page.exception
    assert any(f"→ {other}" in caption.value for caption in page.caption)


@pytest.mark.parametrize(
    ("indices", "shape", "square"),
    [([2], (2, 3), (0, 2)), ([4], (2, 3), (1, 1)), ([], (7, 7), (3, 3)), ([49], (7, 7), (3, 3))],
)
def test_a_clicked_square_is_the_one_that_is_swapped(indices, shape, square):
    """The event is what the browser sends; AppTest has no chart to click on."""
    from pages.views.kinds.codes import selected_square

    assert selected_square({"selection": {"point_indices": indices}}, shape) == square


@pytest.mark.parametrize("kind", ["levels", "codes"])
def test_without_such_a_model_it_says_how_to_train_one(open_page, small_checkpoints, kind):
    page = open_page(PAGE, checkpoints=small_checkpoints, kind=kind)
    assert not page.exception
    assert "--model" in page.info[0].value


def test_decode_says_where_codes_are_swapped(open_page, models):
    page = open_page("pages/decode.py", checkpoints=models, model="vq")
    assert not page.exception
    assert "Discrete codes" in page.info[0].value
