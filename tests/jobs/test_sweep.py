"""Tests the requests of a sweep and the estimate of its duration."""

import pytest

from tests.support.waiting import wait_for
from vae.core.config import TrainConfig
from vae.core.errors import ConfigError
from vae.data.registry import dataset_names
from vae.jobs.eta import Estimate, estimate_duration
from vae.jobs.queue import TrainingQueue
from vae.jobs.sweep import (
    MAX_BETAS,
    MULTI_RATE,
    multi_rate_requests,
    parse_betas,
    sweep_defaults,
    sweep_requests,
)
from vae.runs.checkpoint import load_run
from vae.runs.request import RunRequest

DIGITS = TrainConfig("digits", seed=3, epochs=4)


@pytest.mark.parametrize("text", ["0.5, 1, 4", "4 1 0.5", "0.5;1;4,", " 1,4,0.5,1.0 "])
def test_betas_are_sorted_and_distinct(text):
    assert parse_betas(text) == (0.5, 1.0, 4.0)


@pytest.mark.parametrize("text", ["", " , ", "one", "1, two", "1, inf", "nan", "1..2"])
def test_texts_that_are_not_betas_are_refused_with_an_example(text):
    with pytest.raises(ConfigError, match="numbers with commas"):
        parse_betas(text)


def test_too_many_betas_are_refused():
    with pytest.raises(ConfigError, match=f"up to {MAX_BETAS}"):
        parse_betas(" ".join(map(str, range(MAX_BETAS + 1))))


def test_a_sweep_has_a_run_per_beta_and_seed():
    requests = sweep_requests(DIGITS, "mlp", 2, (1.0, 4.0), seeds=2)
    kinds = [(request.train.beta, request.train.seed) for request in requests]
    assert kinds == [(1.0, 3), (4.0, 3), (1.0, 4), (4.0, 4)]
    assert {request.train.epochs for request in requests} == {4}


def test_a_multi_rate_sweep_has_a_run_per_seed():
    requests = multi_rate_requests(DIGITS, "mlp", 2, seeds=2)
    assert [request.train.seed for request in requests] == [3, 4]
    assert {(request.model.beta_range, request.train.beta) for request in requests} == {
        (MULTI_RATE, 1.0)
    }


def test_bad_settings_are_refused_when_the_requests_are_made():
    with pytest.raises(ConfigError, match="beta must be"):
        sweep_requests(DIGITS, "mlp", 2, (1.0, -1.0), seeds=1)


@pytest.mark.parametrize("name", dataset_names())
def test_every_data_set_has_valid_defaults(name):
    defaults = sweep_defaults(name)
    RunRequest.of(
        TrainConfig(name, epochs=defaults.epochs),
        architecture=defaults.architecture,
        latent_dim=defaults.latent_dim,
    )


def test_the_estimate_scales_the_duration_of_similar_checkpoints(tiny_checkpoint):
    run = load_run(tiny_checkpoint)
    requests = sweep_requests(DIGITS, "mlp", 2, (1.0, 4.0), seeds=1)
    epoch = run.results.seconds / run.results.epochs_trained
    assert estimate_duration(requests, [], [run]) == Estimate(
        pytest.approx(8 * epoch), "checkpoints"
    )


def test_the_estimate_prefers_jobs_of_this_server_to_checkpoints(tiny_checkpoint, tmp_path):
    queue = TrainingQueue(tmp_path)
    requests = sweep_requests(DIGITS, "mlp", 2, (1.0,), seeds=1)
    job = queue.submit(requests[0])
    wait_for(lambda: job.ended)
    found = estimate_duration(requests, queue.jobs, [load_run(tiny_checkpoint)])
    assert found == Estimate(pytest.approx(job.latest.seconds), "jobs")


def test_without_earlier_runs_only_digits_have_an_estimate(tiny_checkpoint):
    run = load_run(tiny_checkpoint)
    digits = sweep_requests(DIGITS, "conv", 2, (1.0,), seeds=1)
    assert estimate_duration(digits, [], [run]).source == "stated"
    mnist = sweep_requests(TrainConfig("mnist"), "mlp", 2, (1.0,), seeds=1)
    assert estimate_duration(mnist, [], [run]) is None
