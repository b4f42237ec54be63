"""Tests the names of a sweep's runs, and which of them are finished or unfinished."""

import argparse
from dataclasses import replace

import pytest

from vae.cli.options import datasets, gpus
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import CheckpointError, ConfigError
from vae.jobs.distributed.sweep_runs import classify_files, folder_status, sweep_runs
from vae.runs.checkpoint import load_run
from vae.runs.format import RESUME_FILE, RUN_FILE

DIGITS = TrainConfig("digits")


def names(*configs: TrainConfig) -> list[str]:
    return [run.name for run in sweep_runs(configs, ModelConfig)]


def test_names_hold_only_the_settings_that_differ():
    other = replace(DIGITS, beta=4.0)
    assert names(DIGITS, other) == ["beta-1", "beta-4"]
    assert names(DIGITS, replace(DIGITS, seed=2)) == ["beta-1-seed-0", "beta-1-seed-2"]
    assert names(DIGITS, replace(other, dataset="mnist")) == ["digits-beta-1", "mnist-beta-4"]
    several = replace(DIGITS, dataset="folder:/a/Cats", seed=1)
    assert names(DIGITS, several) == ["digits-beta-1-seed-0", "cats-beta-1-seed-1"]


def test_data_sets_that_would_share_a_folder_are_refused():
    with pytest.raises(ConfigError, match="would share the folder cats-beta-1"):
        names(replace(DIGITS, dataset="folder:/a/cats"), replace(DIGITS, dataset="folder:/b/cats"))


def test_an_unfinished_run_takes_precedence_over_the_checkpoint_beside_it():
    both = {RUN_FILE, RESUME_FILE, "model.safetensors"}
    assert classify_files(both, resume=True) == "unfinished"
    assert classify_files({RUN_FILE}, resume=True) == "finished"
    assert classify_files({"model.safetensors"}, resume=True) == "new"
    assert classify_files(both, resume=False) == "new"


def test_a_finished_run_is_kept_if_it_has_the_requested_settings(copied_checkpoint):
    stored = load_run(copied_checkpoint)
    (run,) = sweep_runs(
        [stored.train], lambda shape, classes: replace(stored.model, image_shape=shape)
    )
    assert folder_status(run, copied_checkpoint, True, False) == ("finished", stored)
    assert folder_status(run, copied_checkpoint, False, True) == ("new", None)
    with pytest.raises(CheckpointError, match="--overwrite"):
        folder_status(run, copied_checkpoint, False, False)
    other = replace(run, train=replace(run.train, seed=9))
    with pytest.raises(ConfigError, match="other settings"):
        folder_status(other, copied_checkpoint, True, False)


def test_a_list_of_data_sets_is_split_at_commas_between_names():
    assert datasets("mnist,kmnist") == ["mnist", "kmnist"]
    sprites = "sprites:orientation=1,side=32"
    assert datasets(f"digits,{sprites},mnist") == ["digits", sprites, "mnist"]
    with pytest.raises(argparse.ArgumentTypeError, match="twice"):
        datasets("mnist,mnist")


def test_gpus_are_shares_or_whole_numbers():
    assert [gpus(text) for text in ("0", "0.25", "1", "4")] == [0, 0.25, 1, 4]
    for text in ("-1", "1.5", "nan", "inf", "many"):
        with pytest.raises(argparse.ArgumentTypeError):
            gpus(text)
