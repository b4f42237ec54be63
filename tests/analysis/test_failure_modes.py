"""Prepared failures: each really fails, its cure really cures, and what is stored says so."""

import json
from dataclasses import replace

import numpy as np
import pytest

from vae.__main__ import main
from vae.analysis.failure_modes.attempt import (
    FailureOutcome,
    attempt,
    load_stored_failures,
    run_both,
)
from vae.analysis.failure_modes.prepared import FAILURES, Failure, find_failure
from vae.analysis.ood import DIGITS, OWN, SPRITES, measure_ood, ood_images
from vae.core.errors import ConfigError
from vae.data.registry import load_dataset
from vae.explorer import Explorer


def names(attempt) -> list[str]:
    return [issue.name for issue in attempt.symptoms]


def check(name: str, outcome: FailureOutcome) -> None:
    """That the first run fails as it should, and the second is better for what was changed."""
    failure, cure = outcome.failure, outcome.cure
    assert FAILURES[name].shows in names(failure)
    assert cure.elbo is not None
    assert cure.active_units > 3
    assert cure.prior_gap < 1
    if name != "unclamped":
        assert failure.elbo is not None
        assert cure.elbo > failure.elbo + 0.5
        assert not [s for s in cure.symptoms if s.is_failure]
    else:
        assert failure.elbo is None
        assert "lower the learning rate" in failure.symptoms[0].sentence
        assert names(cure) == ["explosion", "unused-dimensions"]
    if name == "too-little-kl":
        assert failure.distortion < cure.distortion
        assert failure.rate > 10 * cure.rate


@pytest.fixture(scope="module")
def cured(digits):
    """The three failures on digits have one cure."""
    return attempt(FAILURES["collapse"].cure, digits, lambda share: None)


@pytest.mark.parametrize("name", ["collapse", "too-little-kl", "learning-rate"])
def test_a_failure_fails_and_its_cure_cures(digits, cured, name):
    assert FAILURES[name].cure == FAILURES["collapse"].cure
    check(name, FailureOutcome(attempt(FAILURES[name].request, digits, lambda share: None), cured))


def shortened(name: str) -> Failure:
    """A failure of two epochs a run."""
    both = FAILURES[name]
    runs = [replace(r, train=replace(r.train, epochs=2)) for r in (both.request, both.cure)]
    return replace(both, request=runs[0], cure=runs[1])


def test_one_run_comes_after_the_other(digits):
    shares: list[float] = []
    outcome = run_both(shortened("learning-rate"), digits, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert max(outcome.failure.losses) > 1000 * max(outcome.cure.losses)


def test_without_the_clamp_the_run_dies_within_an_epoch():
    request = FAILURES["unclamped"].request
    found = attempt(request, load_dataset(request.train.dataset), lambda share: None)
    assert names(found) == ["divergence"]
    assert found.losses == ()
    assert found.rows()[32:].max() == 0


@pytest.mark.parametrize("name", list(FAILURES))
def test_what_is_stored_shows_the_same(name):
    outcome = load_stored_failures().outcomes[name]
    check(name, outcome)
    side = 8 if name != "unclamped" else 32
    assert outcome.cure.rows().shape == (3 * side, 8 * side, 1)


@pytest.mark.parametrize("name", list(FAILURES))
def test_failure_and_cure_differ_in_little(name):
    assert 1 <= len(FAILURES[name].differences()) <= 2


def test_a_failure_that_nobody_prepared():
    with pytest.raises(ConfigError, match="collapse"):
        find_failure("bad-luck")


def test_the_command_trains_one_and_keeps_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(FAILURES, "learning-rate", shortened("learning-rate"))
    file = tmp_path / "found.json"
    assert main(["failures", "learning-rate", "--threads", "1", "--out", str(file), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["failures"]["learning-rate"]
    assert list(load_stored_failures(file).outcomes) == ["learning-rate"]
    assert "pictures" not in printed["cure"]
    assert printed["failure"]["symptoms"][0]["name"] == "explosion"


@pytest.fixture(scope="module")
def model(tmp_path_factory, train_into) -> Explorer:
    path = tmp_path_factory.mktemp("strangers") / "model"
    return Explorer.open(train_into(path, 6, epochs=8, batch_size=32, learning_rate=5e-3))


def test_strangers_are_caught_and_own_images_are_not(model, digits):
    own = digits.test.pixels()
    found = {s.name: s for s in measure_ood(model, own, digits.test.labels.numpy())}
    assert DIGITS not in found
    assert found[OWN].low_elbo < 0.06
    for name in ("black for white", "pixels shuffled", "noise"):
        assert found[name].flagged > 0.9
        assert found[name].loss > found[OWN].loss
    for sort in found.values():
        assert max(sort.low_elbo, sort.far_code) <= sort.flagged <= sort.low_elbo + sort.far_code


def test_a_sign_is_a_rank_among_own_images(model, digits):
    own = digits.test.pixels()
    found = measure_ood(model, own, digits.test.labels.numpy(), seed=3)[2]
    half = own[:180], own[180:]
    labels = digits.test.labels.numpy()
    elbos = model.elbo_terms(half[0], 3, labels[:180]).elbo
    inverted = model.elbo_terms(1 - half[1], 3, labels[180:]).elbo
    wanted = np.mean([(elbos <= elbo).mean() <= 0.01 for elbo in inverted])
    assert found.name == "black for white"
    assert found.low_elbo == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3)])
def test_strange_images_have_the_shape_of_the_own_ones(shape):
    own = np.random.default_rng(0).random((5, *shape), dtype=np.float32)
    for name, images in ood_images(own).items():
        assert images.shape == (5, *shape), name
        assert images.dtype == np.float32
        assert 0 <= images.min() < images.max() <= 1
    assert np.sort(ood_images(own)["pixels shuffled"][0].ravel()) == pytest.approx(
        np.sort(own[0].ravel())
    )
    assert ood_images(own)[SPRITES].std() > 0.1


def test_one_image_is_nothing_to_compare_with(model):
    with pytest.raises(ConfigError, match="two test images"):
        measure_ood(model, np.zeros((1, 8, 8, 1), np.float32), np.zeros(1, int))


def test_the_command_of_strangers(tiny_checkpoint, capsys):
    command = ["strangers", str(tiny_checkpoint), "--count", "100", "--threads", "1", "--json"]
    assert main(command) == 0
    sorts = json.loads(capsys.readouterr().out)["sorts"]
    assert [sort["name"] for sort in sorts][:2] == [OWN, "upside down"]
    assert sorts[0]["count"] == 50
