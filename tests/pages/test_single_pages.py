"""What each page does with what a person does."""

import numpy as np
import pytest

from tests.support.waiting import run_until


def image_captions(page) -> list[str]:
    return [caption for image in page.get("image") for caption in image.captions]


def labels(elements) -> list[str]:
    return [element.label for element in elements]


def test_decode_starts_from_the_pressed_test_image(open_page, small_checkpoints):
    from vae.explorer import Explorer

    page = open_page("pages/decode.py")
    page.session_state["decode-start-open"] = True
    page.run()
    page.button(key="decode-start-" + str(_third_zero(small_checkpoints))).click().run()
    assert not page.exception
    code = [float(part) for part in page.query_params["z"].split(",")]
    atlas = Explorer.open(small_checkpoints / "digits-map").atlas
    np.testing.assert_allclose(code, atlas.mean[_third_zero(small_checkpoints)], atol=1e-3)


def _third_zero(root) -> int:
    from vae.explorer import Explorer

    return int(np.flatnonzero(Explorer.open(root / "digits-map").atlas.label == 0)[2])


def test_a_link_carries_the_latent_position(open_page):
    page = open_page("pages/decode.py", model="digits-map", z="0.5,-1.25")
    assert not page.exception
    assert page.query_params["z"] == "0.5,-1.25"


@pytest.mark.parametrize("z", ["1", "1,2,3", "nan,0", "1e9,0", "a,b", ""])
def test_a_link_with_an_unusable_position_is_ignored(open_page, z):
    page = open_page("pages/decode.py", model="digits-map", z=z)
    assert not page.exception
    assert "z" not in page.query_params


def test_the_map_of_more_dimensions_offers_planes_and_states_their_variance(open_page):
    page = open_page("pages/map.py", model="digits-beta-1")
    assert any("% of the codes' variance" in caption.value for caption in page.caption)
    page.segmented_control[0].set_value("Two dimensions").run()
    assert not page.exception
    assert {"Across", "Up"} <= set(labels(page.selectbox))


def test_interpolation_takes_other_classes_and_the_pinned_place(open_page):
    page = open_page("pages/interpolate.py")
    next(box for box in page.selectbox if box.label == "Class").set_value(5).run()
    page.selectbox(key="endpoint-B").set_value("pin").run()
    page.segmented_control[0].set_value("spherical").run()
    assert not page.exception
    assert not page.warning


def test_compare_says_so_where_no_two_models_differ_in_beta(open_page, small_checkpoints, tmp_path):
    import shutil

    shutil.copytree(small_checkpoints / "digits-map", tmp_path / "digits-map")
    page = open_page("pages/compare.py", checkpoints=tmp_path, view="columns")
    assert not page.exception
    assert "vae sweep" in page.info[0].value


def test_compare_shows_what_there_is_where_the_model_has_nothing_beside_it(open_page):
    page = open_page("pages/compare.py", model="digits-map")
    assert not page.exception
    assert page.selectbox(key="comparison-digits-map").value.startswith("Digits (8x8) · mlp · 4")


def test_compare_says_so_where_there_is_no_multi_rate_model(open_page):
    page = open_page("pages/compare.py", model="digits-beta-1", view="drag")
    assert not page.exception
    assert "--beta-range" in page.info[0].value


def test_compare_matches_dimensions_across_models(open_page):
    page = open_page("pages/compare.py", model="digits-beta-1")
    assert not any("|r|" in caption for caption in image_captions(page))
    page.segmented_control(key="columns-order").set_value("match").run()
    assert not page.exception
    assert page.query_params["order"] == "match"
    captions = image_captions(page)
    assert sum("|r|" in caption for caption in captions) == 9
    assert sum("|r| 1.00" in caption for caption in captions) >= 3


def test_the_chosen_seed_stands_in_the_link(open_page, small_checkpoints, tmp_path, train_into):
    import shutil

    for beta in (0.5, 1.0):
        name = f"digits-beta-{beta:g}"
        shutil.copytree(small_checkpoints / name, tmp_path / name)
        train_into(tmp_path / f"{name}-again", latent_dim=4, epochs=3, beta=beta, seed=5)
    page = open_page("pages/compare.py", checkpoints=tmp_path, model="digits-beta-1")
    assert not page.exception
    page.segmented_control(key="columns-seed").set_value("5").run()
    assert not page.exception
    assert page.query_params["seed"] == "5"


def test_dragging_beta_starts_at_the_beta_in_the_link(open_page, tmp_path, train_into):
    path = tmp_path / "digits-any-beta"
    train_into(path, latent_dim=3, epochs=1, beta_range=(0.1, 10.0))
    for beta, shown in (("2.5", "2.5"), ("99", None), ("x", None)):
        page = open_page("pages/compare.py", checkpoints=tmp_path, beta=beta)
        assert not page.exception
        assert not page.warning
        assert page.query_params.get("beta") == shown
    assert any("At β 1" in caption.value for caption in page.caption)


def test_home_shows_what_can_be_compared_as_one_card(open_page):
    page = open_page("app.py")
    assert not page.exception
    buttons = labels(page.button)
    assert (buttons.count("Choose"), buttons.count("Compare")) == (1, 1)
    assert any("3 models · β 0.5 to 4" in caption.value for caption in page.caption)


@pytest.mark.slow
def test_training_runs_beside_the_page_and_its_result_becomes_the_model(open_page, tmp_path):
    page = open_page("pages/train.py", checkpoints=tmp_path)
    page.number_input(key="epochs-5 seconds").set_value(2)
    train = next(button for button in page.button if button.label == "Train")
    train.click().run()
    assert not page.exception
    run_until(page, lambda: page.success)
    assert page.success[0].value.startswith("Test split: distortion")
    assert (tmp_path / "digits-mlp-deep-2-beta-1-seed-0" / "run.json").is_file()


def test_a_data_set_that_cannot_be_had_fails_in_a_sentence(open_page, tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path / "data"))
    page = open_page("pages/train.py", checkpoints=tmp_path)
    page.selectbox(key="dataset-5 seconds").set_value("cifar10")
    train = next(button for button in page.button if button.label == "Train")
    train.click().run()
    run_until(page, lambda: page.warning)
    assert "CIFAR-10 is not in" in page.warning[0].value


@pytest.mark.slow
def test_a_multi_rate_model_can_be_trained(open_page, tmp_path):
    page = open_page("pages/train.py", checkpoints=tmp_path)
    page.number_input(key="epochs-5 seconds").set_value(2)
    page.toggle(key="multi-rate-5 seconds").set_value(True)
    train = next(button for button in page.button if button.label == "Train")
    train.click().run()
    run_until(page, lambda: page.success)
    assert (tmp_path / "digits-mlp-deep-2-multi-rate-seed-0" / "run.json").is_file()


def test_settings_that_do_not_go_together_are_one_calm_sentence(open_page, tmp_path):
    page = open_page("pages/train.py", checkpoints=tmp_path)
    page.toggle(key="multi-rate-5 seconds").set_value(True)
    page.selectbox(key="objective-5 seconds").set_value("beta-tcvae")
    next(button for button in page.button if button.label == "Train").click().run()
    assert not page.exception
    assert "objective beta-vae" in page.warning[0].value
