"""Each prepared failure fails and its cure does not, both trained anew and as stored."""

import json
from dataclasses import replace

import pytest

from vae.__main__ import main
from vae.analysis.failure_modes.attempt import (
    FailureOutcome,
    attempt,
    load_stored_failures,
    run_both,
)
from vae.analysis.failure_modes.prepared import FAILURES, Failure, find_failure
from vae.core.errors import ConfigError
from vae.data.registry import load_dataset


def names(attempt) -> list[str]:
    return [issue.name for issue in attempt.symptoms]


def check(name: str, outcome: FailureOutcome) -> None:
    """Check that the first run has the expected issue, and that the second is better."""
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
    """The cure that the three failures on digits share."""
    return attempt(FAILURES["collapse"].cure, digits, lambda share: None)


@pytest.mark.parametrize("name", ["collapse", "too-little-kl", "learning-rate"])
def test_a_failure_fails_and_its_cure_does_not(digits, cured, name):
    assert FAILURES[name].cure == FAILURES["collapse"].cure
    check(name, FailureOutcome(attempt(FAILURES[name].request, digits, lambda share: None), cured))


def shortened(name: str) -> Failure:
    """Return a failure whose runs have two epochs."""
    both = FAILURES[name]
    runs = [replace(r, train=replace(r.train, epochs=2)) for r in (both.request, both.cure)]
    return replace(both, request=runs[0], cure=runs[1])


def test_progress_covers_both_runs(digits):
    shares: list[float] = []
    outcome = run_both(shortened("learning-rate"), digits, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert max(outcome.failure.losses) > 1000 * max(outcome.cure.losses)


def test_without_the_clamp_the_run_diverges_within_an_epoch():
    request = FAILURES["unclamped"].request
    found = attempt(request, load_dataset(request.train.dataset), lambda share: None)
    assert names(found) == ["divergence"]
    assert found.losses == ()
    assert found.rows()[32:].max() == 0


@pytest.mark.parametrize("name", list(FAILURES))
def test_stored_outcomes_show_the_same_failures(name):
    outcome = load_stored_failures().outcomes[name]
    check(name, outcome)
    side = 8 if name != "unclamped" else 32
    assert outcome.cure.rows().shape == (3 * side, 8 * side, 1)


@pytest.mark.parametrize("name", list(FAILURES))
def test_failure_and_cure_differ_in_one_or_two_settings(name):
    assert 1 <= len(FAILURES[name].differences()) <= 2


def test_an_unknown_failure_is_refused():
    with pytest.raises(ConfigError, match="collapse"):
        find_failure("bad-luck")


def test_the_command_trains_one_failure_and_stores_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(FAILURES, "learning-rate", shortened("learning-rate"))
    file = tmp_path / "found.json"
    assert main(["failures", "learning-rate", "--threads", "1", "--out", str(file), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["failures"]["learning-rate"]
    assert list(load_stored_failures(file).outcomes) == ["learning-rate"]
    assert "pictures" not in printed["cure"]
    assert printed["failure"]["symptoms"][0]["name"] == "explosion"
