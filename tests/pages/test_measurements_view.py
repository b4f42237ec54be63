"""The measurements of a comparison: with and without factors, of one seed and of several."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from pages.views.compare.quick_scores import known_quick_scores, offer_quick_scores
from tests.support.known_codes import noise, perfect_code, random_factors
from vae.analysis import measurements
from vae.analysis.code_scores import assess
from vae.analysis.findings import StoredScores, save_scores
from vae.runs.catalogue import read_catalogue
from vae.runs.checkpoint import load_atlas, load_run
from vae.runs.comparison import comparisons
from vae.runs.format import ATLAS_FILE, RUN_FILE

FACTORS = [{"name": name, "size": size} for name, size in (("shape", 5), ("x", 6), ("y", 8))]


def script() -> None:
    from pages.views.compare.measurements import show_measurements
    from vae.runs.catalogue import read_catalogue
    from vae.runs.comparison import comparisons
    from vae.runs.folders import checkpoints_dir

    show_measurements(comparisons(read_catalogue(checkpoints_dir()).runs)[0])


@pytest.fixture(scope="session")
def seeds_of_digits(tmp_path_factory, train_into) -> Path:
    """Two betas of two seeds each."""
    root = tmp_path_factory.mktemp("seeds")
    for beta in (1.0, 4.0):
        for seed in (1, 2):
            path = root / f"digits-beta-{beta:g}-seed-{seed}"
            train_into(path, latent_dim=3, epochs=1, beta=beta, seed=seed)
    return root


@pytest.fixture
def show(monkeypatch):
    """Run the view over a folder as a first visitor would."""

    def run(root: Path) -> AppTest:
        streamlit.cache_data.clear()
        streamlit.cache_resource.clear()
        monkeypatch.setenv("LATENT_CHECKPOINTS", str(root))
        page = AppTest.from_function(script, default_timeout=60).run()
        assert not page.exception
        return page

    return run


@pytest.fixture
def impatient(monkeypatch):
    """Nothing is measured that was not asked for."""
    monkeypatch.setattr("pages.views.compare.quick_scores.PATIENCE", 0.0)


@pytest.fixture
def with_factors(seeds_of_digits, tmp_path) -> Path:
    """The same models with factors behind codes that know them, less well at a higher beta."""
    root = Path(shutil.copytree(seeds_of_digits, tmp_path / "known"))
    for place, folder in enumerate(sorted(root.iterdir())):
        _give_factors(folder, seed=place)
    return root


def _give_factors(folder: Path, seed: int) -> None:
    import torch
    from safetensors.torch import save_file

    from vae.runs.format import sha256_of

    factors = random_factors(600, seed=seed)
    codes = perfect_code(factors) + (0.2 + 0.1 * seed) * noise(600, 3, seed)
    tensors = {
        "mean": torch.from_numpy(codes).half(),
        "logvar": torch.zeros(600, 3).half(),
        "label": torch.from_numpy(factors[:, 0]).to(torch.int16),
        "factors": torch.from_numpy(factors).to(torch.int16),
    }
    save_file(tensors, folder / ATLAS_FILE)
    record = json.loads((folder / RUN_FILE).read_text())
    record["factors"] = FACTORS
    record["sha256"][ATLAS_FILE] = sha256_of(folder / ATLAS_FILE)
    (folder / RUN_FILE).write_text(json.dumps(record))


def store_scores(folder: Path, **settings) -> dict:
    run = load_run(folder)
    settings = {"rows": 300, "estimator": "random-forest", "seed": 0} | settings
    scores = assess(run, load_atlas(run), **settings).to_dict()
    save_scores(run, StoredScores.now(run.identity, settings, scores))
    return scores


def table(page: AppTest) -> str:
    return next(element.proto.body for element in page.get("html"))


def captions(page: AppTest) -> str:
    return " ".join(caption.value for caption in page.caption)


def text(page: AppTest) -> str:
    return " ".join(element.value for element in page.markdown)


def test_without_factors_labels_are_measured_at_once(show, seeds_of_digits):
    page = show(seeds_of_digits)
    assert "Neighbour accuracy" in table(page)
    assert "MIG" not in table(page)
    assert "2000 test images" not in captions(page), "digits have fewer"
    assert "quick scores" in captions(page)
    assert not page.button
    assert "2 seeds" in table(page)


def test_the_answer_compares_the_seeds_with_the_betas(show, seeds_of_digits):
    page = show(seeds_of_digits)
    assert "From β 1 to β 4 the rate falls" in text(page)
    assert "seeds" in text(page)
    assert "is moved more by" in table(page)


def test_one_seed_is_said_to_be_one(show, small_checkpoints):
    page = show(small_checkpoints)
    assert "one seed per β" in text(page)
    assert "Every measure: one seed each" in text(page)
    assert table(page).count("one seed") == 3
    assert "is moved more by" not in table(page)


def test_scores_against_factors_are_measured_on_demand(show, with_factors, impatient):
    page = show(with_factors)
    assert "MIG" not in table(page)
    assert "for none of these models" in captions(page)
    assert "vae metrics checkpoints/digits-beta-1-seed-1 --save" in captions(page)
    page.button[0].click().run()
    assert not page.exception
    assert {"MIG", "SAP", "Explicit\u00adness"} <= set(_heads(page))
    assert "DCI uses random forest" in captions(page)
    assert "shape, x, y" in captions(page)
    assert "Seeds outweigh β" in text(page) or "β outweighs the seeds" in text(page)
    again = AppTest.from_function(script, default_timeout=60).run()
    assert not again.button, "measured for all visitors"
    assert "MIG" in table(again)


def test_one_model_is_measured_at_a_time_however_many_people_ask(seeds_of_digits, monkeypatch):
    """And each of them once: the others wait, and read what the first has found.

    Outside a page, because Streamlit's AppTest does not run in several threads.
    """
    measuring, taken = [], []
    measure = measurements.measure_quickly

    def watched(run):
        measuring.append(run.name)
        assert len(measuring) == 1
        taken.append(run.name)
        found = measure(run)
        measuring.pop()
        return found

    monkeypatch.setattr(measurements, "measure_quickly", watched)
    streamlit.cache_resource.clear()
    (comparison,) = comparisons(read_catalogue(seeds_of_digits).runs)
    with ThreadPoolExecutor(3) as people:
        list(people.map(lambda _: offer_quick_scores(comparison, stored=0), range(3)))
    assert sorted(taken) == sorted(folder.name for folder in seeds_of_digits.iterdir())
    known = known_quick_scores(comparison)
    assert {run.identity for run in comparison.runs} == set(known)


def test_what_takes_too_long_for_a_page_is_left_to_the_command(
    show, with_factors, impatient, monkeypatch
):
    monkeypatch.setattr(measurements, "quick_seconds", lambda run: 25.0)
    page = show(with_factors)
    assert page.button[0].label == "Measure 2 models now"
    monkeypatch.setattr(measurements, "quick_seconds", lambda run: 61.0)
    page = show(with_factors)
    assert not page.button
    assert "61 s per model, more than a page may take" in captions(page)


def _heads(page: AppTest) -> list[str]:
    return [part.split("</u>")[0] for part in table(page).split("<u>")[1:]]


def test_stored_scores_are_shown_as_they_are(show, with_factors):
    scores = [store_scores(folder) for folder in sorted(with_factors.iterdir())]
    page = show(with_factors)
    assert not page.button
    assert "quick scores" not in captions(page)
    assert "300 test images" in captions(page)
    middle = np.median([found["mig"] for found in scores[:2]])
    assert f"<td>{middle:.2f}<small>" in table(page)


def test_some_missing_scores_are_counted(show, with_factors, impatient):
    store_scores(with_factors / "digits-beta-1-seed-1")
    page = show(with_factors)
    assert "for 1 of these 4 models" in captions(page)
    assert "<small>1 of 2</small>" in table(page)
    assert "not measured" in table(page)


@pytest.mark.slow
def test_scores_taken_in_two_ways_are_not_mixed(show, with_factors, impatient):
    folders = sorted(with_factors.iterdir())
    for folder in folders[:3]:
        store_scores(folder)
    store_scores(folders[3], rows=200)
    page = show(with_factors)
    (choice,) = page.segmented_control
    assert choice.options == [
        "random forest, 300 rows, seed 0 (3 of 4 runs)",
        "random forest, 200 rows, seed 0 (1 of 4 runs)",
    ]
    assert table(page).count("<small>1 of 2</small>") == 9
    choice.set_value("random forest, 200 rows, seed 0").run()
    assert not page.exception
    assert "200 test images" in captions(page)


def test_stale_scores_are_named_and_left_out(show, with_factors, impatient):
    folders = sorted(with_factors.iterdir())
    store_scores(folders[0])
    shutil.copy(folders[0] / "scores.json", folders[1] / "scores.json")
    page = show(with_factors)
    assert "other weights" in page.warning[0].value


def test_each_run_has_its_factor_map(show, with_factors, impatient):
    page = show(with_factors)
    page.selectbox(key="measured-setting").set_value("β 4").run()
    page.selectbox(key="measured-seed-β 4").set_value(2).run()
    assert not page.exception
    assert "600 test images" in captions(page)


def test_one_measure_alone_is_not_drawn(show, seeds_of_digits):
    page = show(seeds_of_digits)
    page.multiselect[0].set_value(["rate"]).run()
    assert "choose at least two" in page.info[0].value


def test_every_run_has_its_commands(show, seeds_of_digits):
    page = show(seeds_of_digits)
    train, metrics = (block.value.splitlines() for block in page.code)
    assert len(train) == len(metrics) == 4
    assert all(line.startswith("vae train ") for line in train)
    assert metrics[0] == (
        "vae metrics checkpoints/digits-beta-1-seed-1 --estimator random-forest --rows 2000 "
        "--seed 0 --save"
    )


def test_a_multi_rate_model_alone_shows_its_curve(show, tmp_path, digits):
    _train_multi_rate(tmp_path / "digits-multi-rate", digits)
    page = show(tmp_path)
    assert "serves every β" in captions(page)
    assert len(page.get("plotly_chart")) == 1


def test_a_multi_rate_model_joins_those_of_one_beta(show, seeds_of_digits, tmp_path, digits):
    root = Path(shutil.copytree(seeds_of_digits, tmp_path / "joined"))
    _train_multi_rate(root / "digits-multi-rate", digits)
    page = show(root)
    drawn = json.loads(page.get("plotly_chart")[0].proto.spec)["data"]
    assert "one model for any β" in [trace.get("name") for trace in drawn]


def _train_multi_rate(path: Path, digits) -> None:
    from vae.core.config import ModelConfig, TrainConfig
    from vae.core.device import pick_device
    from vae.runs.recorder import RecordedTraining

    model = ModelConfig(digits.image_shape, 3, "mlp", beta_range=(0.5, 8.0))
    config = TrainConfig("digits", epochs=1)
    recorded = RecordedTraining.start(path, model, config, digits, pick_device("cpu"))
    for _ in recorded.run():
        pass
    recorded.finish()


def test_texts_of_a_checkpoint_cannot_become_markup(show, with_factors, impatient):
    for folder in with_factors.iterdir():
        record = json.loads((folder / RUN_FILE).read_text())
        record["factors"] = [*FACTORS[:2], {"name": "<b>$x$</b>", "size": 8}]
        (folder / RUN_FILE).write_text(json.dumps(record))
    page = show(with_factors)
    assert "<b>" not in table(page)
