"""Tests the command line: JSON for programs, and one line and exit status 2 for bad input."""

import inspect
import json
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vae.__main__ import _parser, main
from vae.analysis.findings import load_scores
from vae.bench.table import Row, Speeds
from vae.cli import registry
from vae.core.errors import StaleScores
from vae.runs.checkpoint import load_atlas, load_run
from vae.runs.format import RESUME_FILE

PROJECT = Path(__file__).resolve().parents[2]
TRAIN = (
    "train --dataset digits --arch mlp --latent-dim 2 --beta 1 --epochs 1 --batch-size 256 "
    "--seed 0 --device cpu --threads 1"
).split()
TRAIN_KEYS = {
    "test_distortion",
    "test_rate",
    "test_elbo",
    "train_images_per_second",
    "seconds",
    "device",
    "checkpoint",
}


@pytest.fixture(autouse=True)
def _empty_working_folder(monkeypatch, tmp_path_factory):
    """Change to an empty working folder, so that no test writes to the project's checkpoints."""
    monkeypatch.chdir(tmp_path_factory.mktemp("working"))
    monkeypatch.delenv("LATENT_CHECKPOINTS", raising=False)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def vae(capsys):
    """Return a function that runs a command and returns the JSON of its standard output."""

    def run(*arguments: object) -> dict:
        assert main([*map(str, arguments), "--json"]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        record = json.loads(line)
        assert isinstance(record, dict)
        return record

    return run


@pytest.fixture
def refused(capsys):
    """Return a function that runs a refused command and returns the line of its error."""

    def run(*arguments: object) -> str:
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as stop:
            status = stop.code
        captured = capsys.readouterr()
        assert status == 2
        assert captured.out == ""
        (line,) = captured.err.splitlines()
        assert line.startswith("vae")
        return line

    return run


def changed(**options: object) -> list[str]:
    """Return the training command with changed or added options; None removes an option."""
    words = dict(zip(TRAIN[1::2], TRAIN[2::2], strict=True))
    for name, value in options.items():
        words["--" + name.replace("_", "-")] = value
    return ["train", *(str(w) for k, v in words.items() if v is not None for w in (k, v))]


# What works


def test_train_writes_a_checkpoint_with_the_printed_results(vae, tmp_path):
    record = vae(*TRAIN, "--out", tmp_path / "run")
    assert record.keys() >= TRAIN_KEYS
    assert record["test_elbo"] == -(record["test_distortion"] + record["test_rate"])
    assert record["test_distortion"] > 0
    assert record["train_images_per_second"] > 0
    assert record["seconds"] > 0
    assert record["device"] == "cpu"
    assert Path(record["checkpoint"]) == tmp_path / "run"
    assert load_run(tmp_path / "run").results.test_elbo == record["test_elbo"]


def test_beta_tcvae_differs_from_beta_vae(vae, tmp_path):
    plain = vae(*changed(beta=4, out=tmp_path / "plain"))
    other = vae(*changed(beta=4, objective="beta-tcvae", out=tmp_path / "tc"))
    assert load_run(tmp_path / "tc").train.objective == "beta-tcvae"
    assert other["test_distortion"] != plain["test_distortion"]


def test_a_multi_rate_model_is_measured_and_exported_at_any_beta(vae, refused, tmp_path):
    path = tmp_path / "any"
    trained = vae(*changed(beta_range="0.1,10", epochs=2, out=path))
    assert load_run(path).model.beta_range == (0.1, 10.0)
    own = vae("evaluate", path, "--importance-samples", 1)
    assert own["beta"] == 1.0
    assert own["test_elbo"] == pytest.approx(trained["test_elbo"])
    rates = [
        vae("evaluate", path, "--importance-samples", 1, "--beta", beta)["test_rate"]
        for beta in (0.1, 1, 10)
    ]
    assert rates[0] > rates[1] > rates[2]
    assert "from 0.1 to 10, not 11" in refused("evaluate", path, "--beta", 11)
    at_ten, at_one = (
        Path(vae("export", path, "--beta", beta, "--out", tmp_path / f"{beta}.onnx")["path"])
        for beta in (10, 1)
    )
    assert at_ten.read_bytes() != at_one.read_bytes()


def test_a_beta_to_evaluate_needs_a_multi_rate_model(refused, tiny_checkpoint):
    assert "--beta-range" in refused("evaluate", tiny_checkpoint, "--beta", 2)


@pytest.mark.parametrize("text", ["1", "1,2,3", "2,1", "0,1", "a,b"])
def test_an_invalid_range_of_betas_is_refused(refused, tmp_path, text):
    line = refused(*changed(beta_range=text, out=tmp_path / "run"))
    assert "beta" in line


def test_every_training_option_reaches_the_record(vae, tmp_path):
    options = {
        "seed": 7,
        "epochs": 2,
        "batch_size": 300,
        "learning_rate": 0.004,
        "schedule": "constant",
        "beta": 2.5,
        "warmup_epochs": 1.5,
        "free_bits": 0.2,
        "grad_clip": 7.0,
        "validation_fraction": 0.1,
        "precision": "bfloat16",
        "storage": "float16",
    }
    more = {"likelihood": "gaussian", "pixel_scale": 0.3, "latent_dim": 4, "arch": "mlp-deep"}
    vae(*changed(**options, **more, out=tmp_path))
    run = load_run(tmp_path)
    assert {name: getattr(run.train, name) for name in options} == options
    assert (run.model.likelihood, run.model.pixel_scale) == ("gaussian", 0.3)
    assert (run.model.latent_dim, run.model.architecture) == (4, "mlp-deep")


def test_train_without_a_folder_chooses_a_name(vae):
    first, second = vae(*TRAIN)["checkpoint"], vae(*TRAIN)["checkpoint"]
    assert Path(first) == Path("checkpoints/digits-mlp-2-beta-1-seed-0")
    assert first != second
    assert load_run(first).identity == load_run(second).identity


def test_train_replaces_an_existing_run_only_with_overwrite(vae, refused, tmp_path):
    old = vae(*TRAIN, "--out", tmp_path)
    assert "--overwrite" in refused(*changed(seed=1, out=tmp_path))
    new = vae(*changed(seed=1, out=tmp_path), "--overwrite")
    assert old["test_elbo"] != new["test_elbo"]


def test_train_reads_a_folder_of_images(vae, tmp_path):
    from PIL import Image

    (tmp_path / "pictures").mkdir()
    for n in range(24):
        Image.new("RGB", (20, 20), (10 * n, 0, 99)).save(tmp_path / "pictures" / f"{n}.png")
    folder = f"folder:{tmp_path / 'pictures'}"
    record = vae(*changed(dataset=folder, image_size=8, arch="conv", out=tmp_path / "run"))
    assert load_run(record["checkpoint"]).model.image_shape == (3, 8, 8)
    found = vae("evaluate", record["checkpoint"], "--importance-samples", 1, "--threads", 1)
    assert found["test_images"] == len(load_atlas(load_run(record["checkpoint"])).label) > 0


def stopped_run(path: Path) -> None:
    """Write a run of three epochs that was stopped in its second."""
    from vae.core.config import ModelConfig, TrainConfig
    from vae.data.registry import load_dataset
    from vae.runs.recorder import RecordedTraining

    digits = load_dataset("digits")
    recorded = RecordedTraining.start(
        path,
        ModelConfig((1, 8, 8), 2),
        TrainConfig("digits", epochs=3, batch_size=256, warmup_epochs=1.5),
        digits,
        torch.device("cpu"),
    )
    for report in recorded.run(0.0):
        if report.step == 8:
            break
    recorded.finish()


@pytest.mark.parametrize(("epochs", "warmup"), [(2, 1.0), (40, 2.5)])
def test_beta_warms_up_over_half_of_a_short_run(epochs, warmup):
    from vae.core.config import default_warmup

    assert default_warmup(epochs) == warmup


def test_the_warm_up_can_be_chosen(vae, tmp_path):
    for options, expected in (({}, 0.5), ({"warmup_epochs": 0}, 0.0), ({"warmup_epochs": 3}, 3.0)):
        path = tmp_path / str(expected)
        vae(*changed(out=path, **options))
        assert load_run(path).train.warmup_epochs == expected


def test_resume_gives_the_result_of_an_uninterrupted_run(vae, refused, tmp_path):
    stopped_run(tmp_path / "run")
    command = changed(epochs=3, out=tmp_path / "run")
    assert "--resume" in refused(*command)
    assert "other settings" in refused(*changed(epochs=4, out=tmp_path / "run"), "--resume")
    record = vae(*command, "--resume")
    whole = vae(*changed(epochs=3, out=tmp_path / "whole"))
    assert record["test_elbo"] == whole["test_elbo"]
    assert not (tmp_path / "run" / RESUME_FILE).exists()


def test_resuming_with_another_model_is_refused(refused, tmp_path):
    stopped_run(tmp_path)
    assert "other settings" in refused(*changed(epochs=3, latent_dim=9, out=tmp_path), "--resume")


def interrupt(monkeypatch, wanted: Callable[[Any], bool]) -> None:
    """Press Ctrl-C once, before the first step of a run for which `wanted` is true."""
    from vae.training.stepper import StackedRuns

    step, pressed = StackedRuns.step, []

    def interrupted(group):
        if not pressed and any(map(wanted, group._members)):
            pressed.append(True)
            signal.raise_signal(signal.SIGINT)
        return step(group)

    monkeypatch.setattr(StackedRuns, "step", interrupted)


def test_ctrl_c_leaves_a_run_that_can_be_resumed(vae, capsys, tmp_path, monkeypatch):
    path = tmp_path / "stopped"
    command = changed(epochs=3, out=path)
    whole = vae(*changed(epochs=3, out=tmp_path / "whole"))
    interrupt(monkeypatch, lambda run: run.step == 7)
    assert main(command) == 130
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "--resume continues it" in captured.err
    assert load_run(path).stopped_early
    monkeypatch.undo()
    vae(*command, "--resume")
    assert not load_run(path).stopped_early
    assert load_run(path).identity == load_run(whole["checkpoint"]).identity


def test_the_example_of_every_command_is_a_valid_command_line():
    modules = [module for module in vars(registry).values() if inspect.ismodule(module)]
    assert len(modules) == len(registry.COMMANDS)
    for module in modules:
        examples = re.findall(r"^    \$ vae (.+)$", module.__doc__, re.MULTILINE)
        assert examples, module.__name__
        for example in examples:
            _parser().parse_args(shlex.split(example))


def test_abbreviated_options_are_refused(refused):
    assert "unrecognized" in refused(
        "sweep", "--betas", "1,2", "--beta", "3", "--dataset", "digits", "--out", "nowhere"
    )


def test_a_sweep_whose_models_train_together_can_be_resumed(vae, tmp_path, monkeypatch):
    command = sweep("1,2,4", tmp_path / "stopped", epochs=2)
    interrupt(monkeypatch, lambda run: run.step == 3)
    assert main(command) == 130
    monkeypatch.undo()
    for beta in ("1", "2", "4"):
        assert load_run(tmp_path / "stopped" / f"beta-{beta}").stopped_early
    runs = vae(*command, "--resume")["runs"]
    assert [run["beta"] for run in runs] == [1, 2, 4]
    whole = vae(*sweep("1,2,4", tmp_path / "whole", epochs=2))["runs"]
    for run, other in zip(runs, whole, strict=True):
        assert not load_run(run["checkpoint"]).stopped_early
        assert run["test_elbo"] == pytest.approx(other["test_elbo"], rel=1e-6)


def test_a_resumed_sweep_keeps_its_finished_runs(vae, tmp_path, monkeypatch):
    command = sweep("1", tmp_path, seed=None, seeds="1,2,3", epochs=2, arch="resnet")
    interrupt(monkeypatch, lambda run: run.config.seed == 2 and run.step == 3)
    assert main(command) == 130
    monkeypatch.undo()
    first = load_run(tmp_path / "beta-1-seed-1").provenance
    assert load_run(tmp_path / "beta-1-seed-2").stopped_early
    assert not (tmp_path / "beta-1-seed-3").exists()
    runs = vae(*command, "--resume")["runs"]
    assert [run["seed"] for run in runs] == [1, 2, 3]
    assert all(not load_run(run["checkpoint"]).stopped_early for run in runs)
    assert load_run(tmp_path / "beta-1-seed-1").provenance == first


def test_a_run_that_diverges_does_not_stop_the_others_of_its_sweep(capsys, tmp_path, monkeypatch):
    from vae.training import TrainingRun

    report = TrainingRun.report

    def broken(training, images, sums, **options):
        return report(training, images, sums * (math.nan if training.config.beta == 2 else 1))

    monkeypatch.setattr(TrainingRun, "report", broken)
    assert main(sweep("1,2,4", tmp_path)) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "1 of 3 runs failed (beta-2; the first: the loss is no longer finite" in line
    assert not load_run(tmp_path / "beta-4").stopped_early
    assert not (tmp_path / "beta-2" / "run.json").exists()


def test_a_sweep_does_not_resume_a_run_with_other_settings(vae, refused, tmp_path, monkeypatch):
    from vae.training import RunGroup

    vae(*sweep("1,2", tmp_path))
    stopped_run(tmp_path / "beta-4")
    monkeypatch.setattr(RunGroup, "run", lambda *_: pytest.fail("it trained first"))
    assert "beta-2 has other" in refused(*sweep("8,2", tmp_path, seed=1), "--resume")
    assert "beta-1 has other" in refused(*sweep("8,1", tmp_path, latent_dim=3), "--resume")
    assert "beta-4 has other" in refused(*sweep("8,4", tmp_path, epochs=3), "--resume")
    assert not (tmp_path / "beta-8").exists()


def test_a_sweep_into_used_folders_is_refused_before_its_first_run(
    vae, refused, tmp_path, monkeypatch
):
    from vae.training import RunGroup

    vae(*changed(out=tmp_path / "beta-1-seed-2"))
    (tmp_path / "beta-2-seed-2").mkdir()
    (tmp_path / "beta-2-seed-2" / "thesis.tex").write_text("years of work")
    monkeypatch.setattr(RunGroup, "run", lambda *_: pytest.fail("it trained first"))
    seeds = {"seed": None, "seeds": "1,2"}
    assert "--overwrite" in refused(*sweep("1", tmp_path, **seeds))
    for extra in ("--overwrite", "--resume"):
        assert "holds other files" in refused(*sweep("2", tmp_path, **seeds), extra)


@pytest.mark.slow
def test_bench_takes_every_measurement(tmp_path):
    """The measurements are far too short to be meaningful.

    They run in a process of their own, because torch.compile fails on the shape checks of tests.
    """
    command = [sys.executable, "-m", "vae", "bench", "--seconds", "0.001", "--json"]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["machine"]
    for name in ("mlp_ratio", "conv_ratio", "sweep_ratio", "gemm_fraction"):
        assert found[name] > 0
        assert found[f"{name}_all_cores"] > 0
    assert found["busy_neighbour_ratio"] > 0
    assert found["likelihood_ratio_singly"] > found["likelihood_ratio_loop"] > 0
    assert all(row["value"] > 0 for row in found["rows"])
    assert {row["unit"] for row in found["rows"]} == {"images/s", "GFLOP/s", "%", "s", "ms"}
    table = Speeds(found["machine"], [Row(**row) for row in found["rows"]]).markdown()
    assert "| mlp: ours | CPU, 1 thread |" in table
    assert " x the plain loop |" in table


def test_bench_refuses_an_invalid_duration(refused):
    assert "--seconds" in refused("bench", "--seconds", "0")
    assert "--seconds" in refused("bench", "--seconds", "long")


def test_posterior_collapse_is_reported_on_standard_error(capsys, tmp_path):
    assert main([*changed(beta=10_000, out=tmp_path), "--json"]) == 0
    captured = capsys.readouterr()
    assert "collapsed" in captured.err
    assert "lower beta (now 10000)" in captured.err
    json.loads(captured.out)


def test_evaluate_repeats_the_results_of_the_checkpoint(vae, tiny_checkpoint):
    record = vae("evaluate", tiny_checkpoint, "--importance-samples", 20, "--threads", 1)
    results = load_run(tiny_checkpoint).results
    assert record["test_distortion"] == pytest.approx(results.test_distortion, rel=1e-5)
    assert record["test_rate"] == pytest.approx(results.test_rate, rel=1e-5)
    assert record["test_elbo"] == pytest.approx(results.test_elbo, rel=1e-5)
    assert record["active_units"] == results.active_units
    assert record["log_likelihood"] > record["test_elbo"]


def test_a_sweep_trains_the_models_of_single_runs(vae, tmp_path):
    command = ["sweep", *changed(beta=None, epochs=1)[1:], "--betas", "0.5,4", "--out", tmp_path]
    runs = vae(*command)["runs"]
    assert [(run["beta"], run["seed"]) for run in runs] == [(0.5, 0), (4, 0)]
    assert [Path(run["checkpoint"]).name for run in runs] == ["beta-0.5", "beta-4"]
    assert all(run.keys() >= TRAIN_KEYS for run in runs)
    for run in runs:
        stored = load_run(run["checkpoint"])
        assert stored.path.parent == tmp_path
        assert stored.train.beta == run["beta"]
    single = vae(*changed(beta=4, out=tmp_path / "single"))
    assert single["test_elbo"] == runs[1]["test_elbo"]


def sweep(betas: str, out: Path, **options: object) -> list[str]:
    return ["sweep", "--betas", betas, *changed(beta=None, out=out, **options)[1:]]


def test_a_sweep_over_seeds_names_its_folders_by_beta_and_seed(vae, tmp_path):
    runs = vae(*sweep("1,4", tmp_path, seed=None, seeds="3,2"))["runs"]
    assert [(run["beta"], run["seed"]) for run in runs] == [(1, 3), (1, 2), (4, 3), (4, 2)]
    names = ["beta-1-seed-3", "beta-1-seed-2", "beta-4-seed-3", "beta-4-seed-2"]
    assert [Path(run["checkpoint"]).name for run in runs] == names
    for run in runs:
        assert run.keys() >= TRAIN_KEYS
        stored = load_run(run["checkpoint"]).train
        assert (stored.beta, stored.seed) == (run["beta"], run["seed"])
    single = vae(*changed(beta=4, seed=2, out=tmp_path / "single"))
    assert single["test_elbo"] == runs[3]["test_elbo"]


def test_a_sweep_over_one_seed_names_its_folders_by_beta(vae, tmp_path):
    (run,) = vae(*sweep("2", tmp_path, seed=None, seeds="5"))["runs"]
    assert (Path(run["checkpoint"]).name, run["seed"]) == ("beta-2", 5)
    assert load_run(run["checkpoint"]).train.seed == 5


def known_codes(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    factors = random.integers(0, 3, (rows, 2))
    return factors + 0.1 * random.normal(size=(rows, 2)), factors


METRICS = (
    "mig sap dci_disentanglement dci_completeness dci_informativeness modularity factor_vae "
    "beta_vae factor_vae_by_seed beta_vae_by_seed sampling_seeds estimator rows"
).split()


def test_metrics_read_codes_and_factors_from_a_file(vae, tmp_path):
    codes, factors = known_codes(200, seed=0)
    np.savez(tmp_path / "codes.npz", codes=codes, factors=factors)
    record = vae("metrics", tmp_path / "codes.npz", "--estimator", "random-forest")
    assert record.keys() >= set(METRICS)
    assert record["mig"] > 0.7
    assert (record["rows"], record["test_rows"]) == (200, 0)


def test_metrics_use_some_rows_and_a_test_part(vae, tmp_path):
    codes, factors = known_codes(200, seed=0)
    more = dict(zip(("test_codes", "test_factors"), known_codes(90, seed=1), strict=True))
    np.savez(tmp_path / "codes.npz", codes=codes, factors=factors, **more)
    command = ["metrics", tmp_path / "codes.npz", "--estimator", "random-forest", "--seed", 4]
    record = vae(*command, "--rows", 120)
    assert (record["rows"], record["test_rows"]) == (120, 90)
    assert record["sampling_seeds"] == [4, 5, 6]
    assert record == vae(*command, "--rows", 120)


def test_metrics_of_a_checkpoint_without_factors_use_its_labels(tiny_checkpoint, capsys):
    assert main(["metrics", str(tiny_checkpoint), "--json", "--rows", "200"]) == 0
    captured = capsys.readouterr()
    record, run = json.loads(captured.out), load_run(tiny_checkpoint)
    assert captured.err == "no factors are known of digits; measured against its labels alone\n"
    assert (record["against"], record["rows"]) == (["labels"], 200)
    assert record["rate_per_dimension"] == list(run.results.test_rate_per_dimension)
    assert len(record["label_information"]) == 3
    assert 0.1 < record["knn_accuracy"] <= 1
    assert "mig" not in record
    assert load_scores(run) is None


def test_metrics_of_a_checkpoint_are_stored_with_save(vae, tmp_path):
    sprites = "sprites:orientation=2,scale=3,x=8,y=8"
    vae(*changed(dataset=sprites, out=tmp_path / "run"))
    command = ["metrics", tmp_path / "run", "--estimator", "random-forest", "--rows", 150]
    record = vae(*command, "--save")
    assert record.keys() >= {*METRICS, "knn_accuracy", "label_information"}
    assert record["factors"] == ["shape", "scale", "orientation", "x", "y"]
    assert record["against"] == ["factors", "labels"]
    assert np.shape(record["mutual_information"]) == (2, 5)
    stored = load_scores(load_run(tmp_path / "run"))
    assert stored.settings == {"rows": 150, "estimator": "random-forest", "seed": 0}
    assert {"checkpoint": str(tmp_path / "run")} | stored.scores == record
    vae(*changed(dataset=sprites, seed=1, out=tmp_path / "run"), "--overwrite")
    with pytest.raises(StaleScores):
        load_scores(load_run(tmp_path / "run"))


def test_metrics_without_json_are_one_line_each(tiny_checkpoint, capsys):
    assert main(["metrics", str(tiny_checkpoint), "--rows", "200"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert {"knn_accuracy", "label_information", "active_units"} <= {line[0] for line in lines}
    assert not any("(" in part for line in lines for part in line)


def test_list_shows_the_checkpoints_of_the_folder(vae, tiny_checkpoint, monkeypatch, capsys):
    monkeypatch.setenv("LATENT_CHECKPOINTS", str(tiny_checkpoint.parent))
    (row,) = vae("list")["checkpoints"]
    assert row.keys() >= {"name", "dataset", "latent_dim", "beta", "test_elbo"}
    assert (row["name"], row["dataset"], row["latent_dim"]) == ("tiny", "digits", 3)
    assert main(["list", "--markdown"]) == 0
    assert "| `tiny` | digits | VAE | mlp | 3 | 1 |" in capsys.readouterr().out
    monkeypatch.setenv("LATENT_CHECKPOINTS", "nothing")
    assert vae("list") == {"checkpoints": []}


def test_list_reports_the_checkpoints_that_it_leaves_out(copied_checkpoint, capsys):
    shutil.copytree(copied_checkpoint, copied_checkpoint.parent / "whole")
    (copied_checkpoint / "run.json").write_text("{")
    assert main(["list", "--json", "--checkpoints", str(copied_checkpoint.parent)]) == 0
    captured = capsys.readouterr()
    assert [row["name"] for row in json.loads(captured.out)["checkpoints"]] == ["whole"]
    assert captured.err.startswith("left out: ")


@pytest.mark.parametrize("part", ["decoder", "encoder"])
def test_export_writes_an_onnx_file(vae, tiny_checkpoint, tmp_path, part):
    out = tmp_path / "model.onnx"
    record = vae("export", tiny_checkpoint, "--format", "onnx", "--part", part, "--out", out)
    assert record == {"path": str(out)}
    assert out.stat().st_size > 1000


def test_without_json_the_results_are_lines_of_text(tiny_checkpoint, capsys):
    command = ["evaluate", str(tiny_checkpoint), "--importance-samples", "1", "--threads", "1"]
    assert main(command) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    results = load_run(tiny_checkpoint).results
    assert float(lines["test_elbo"]) == pytest.approx(results.test_elbo, rel=1e-3)


# In a process of its own


def in_a_process(*arguments: object, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "vae", *map(str, arguments)],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1", "PATH": "", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_process_prints_json_and_writes_a_checkpoint(tmp_path):
    done = in_a_process(*TRAIN, "--json", folder=tmp_path)
    assert done.returncode == 0
    assert done.stderr == "" or "latent dimensions" in done.stderr
    (line,) = done.stdout.splitlines()
    assert (tmp_path / json.loads(line)["checkpoint"] / "run.json").is_file()


def test_a_refused_process_prints_one_line_and_writes_nothing(tmp_path):
    done = in_a_process(*changed(beta=-1), "--json", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "vae: beta must be a number from 0 to 1e+06, not -1.0",
    ]
    assert list(tmp_path.iterdir()) == []


# Bad input


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dataset": "mnst"}, "no data set 'mnst'"),
        ({"dataset": "folder:nowhere"}, "no folder nowhere"),
        ({"arch": "transformer"}, "invalid choice: 'transformer'"),
        ({"beta": "-1"}, "beta must be"),
        ({"beta": "nan"}, "beta must be"),
        ({"beta": "much"}, "invalid float value"),
        ({"epochs": 0}, "epochs must be"),
        ({"epochs": "1.5"}, "invalid int value"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"latent_dim": 0}, "latent_dim must be"),
        ({"latent_dim": 10**9}, "latent_dim must be"),
        ({"learning_rate": 0}, "learning_rate must be"),
        ({"validation_fraction": 1}, "validation_fraction must be"),
        ({"warmup_epochs": -2}, "warmup_epochs must be"),
        ({"free_bits": "inf"}, "free_bits must be"),
        ({"seed": -1}, "seed must be"),
        ({"likelihood": "gaussian", "pixel_scale": 0}, "pixel_scale must be"),
        ({"device": "tpu"}, "invalid choice: 'tpu'"),
        ({"threads": 0}, "threads must be"),
        ({"image_size": 64}, "--image-size goes with folder:PATH"),
        ({"dataset": "mnist", "image_size": 64}, "--image-size goes with folder:PATH"),
        ({"dataset": "folder:x", "image_size": 10**6}, "image_shape must be"),
        ({"dataset": None}, "--dataset"),
        ({"momentum": 3}, "unrecognized arguments: --momentum 3"),
    ],
    ids=str,
)
def test_bad_training_options_are_refused(refused, options, words, tmp_path):
    out = {} if "out" in options else {"out": tmp_path / "run"}
    assert words in refused(*changed(**options, **out))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("arguments", [[], ["explode"], ["--explode"], ["train", "--explode"]])
def test_an_unknown_command_or_option_is_refused(refused, arguments):
    assert "--help" in refused(*arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_a_missing_device_is_refused(refused, tiny_checkpoint):
    assert "'cuda' is not available here" in refused(*changed(device="cuda"))
    assert "'cuda' is not available" in refused("evaluate", tiny_checkpoint, "--device", "cuda")


def test_a_folder_with_other_files_is_refused(refused, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for extra in ([], ["--overwrite"]):
        assert "holds other files" in refused(*changed(out=tmp_path), *extra)
    assert "is a file" in refused(*changed(out=tmp_path / "thesis.tex"))


def test_a_folder_that_cannot_be_made_is_refused_before_training(refused, tmp_path, monkeypatch):
    from vae.training import RunGroup

    monkeypatch.setattr(RunGroup, "run", lambda *_: pytest.fail("it trained first"))
    (tmp_path / "file").write_text("")
    refused(*changed(out=tmp_path / "file" / "run"))


def test_a_run_without_a_saved_state_cannot_be_resumed(refused, tiny_checkpoint, tmp_path):
    assert "nothing to resume" in refused(*changed(out=tmp_path / "nothing"), "--resume")
    assert "nothing to resume" in refused(*changed(out=tiny_checkpoint), "--resume")
    assert "--resume needs --out" in refused(*TRAIN, "--resume")


def test_missing_data_are_reported_with_their_folder(refused, tmp_path, monkeypatch):
    from urllib.error import URLError

    def urlopen(*_arguments, **_options):
        raise URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    line = refused(*changed(dataset="mnist", data_dir=tmp_path))
    assert f"MNIST is not in {tmp_path}" in line


@pytest.mark.parametrize("betas", ["one,two", "", "1,,2", "1;2", "1,1.0", "1,1.00000001"])
def test_betas_that_are_not_a_list_of_numbers_are_refused(refused, tmp_path, betas):
    refused("sweep", "--dataset", "digits", "--betas", betas, "--out", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("betas", ["1,nan", "1,1e9", "2,-1"])
def test_a_sweep_with_an_invalid_beta_is_refused_before_its_first_run(refused, tmp_path, betas):
    command = ["sweep", *changed(beta=None)[1:], "--betas", betas, "--out", tmp_path]
    assert "beta must be" in refused(*command)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seeds", ["one,two", "", "1,,2", "1,1", "-1", "1.5", "1,4294967296"])
def test_seeds_that_are_not_a_list_of_whole_numbers_are_refused(refused, tmp_path, seeds):
    refused(*sweep("1,2", tmp_path, seed=None, seeds=seeds))
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_takes_one_seed_or_several(refused, tmp_path):
    assert "not allowed with" in refused(*sweep("1,2", tmp_path, seed=4, seeds="1,2"))
    assert "unrecognized" in refused(*changed(seeds="1,2", out=tmp_path))


def test_a_sweep_needs_its_betas_and_its_folder(refused, tmp_path):
    assert "--betas" in refused("sweep", "--dataset", "digits", "--out", tmp_path)
    assert "--out" in refused("sweep", "--dataset", "digits", "--betas", "1,2")


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_damaged_checkpoints_are_refused(refused, copied_checkpoint, tmp_path, command):
    more = ["--out", tmp_path / "x.onnx"] if command == "export" else []
    assert "no checkpoint folder nothing" in refused(command, "nothing", *more)
    (copied_checkpoint / "model.safetensors").write_bytes(b"damaged")
    assert "is not the file that was saved" in refused(command, copied_checkpoint, *more)
    (copied_checkpoint / "run.json").write_text("{")
    assert "is not complete JSON" in refused(command, copied_checkpoint, *more)


@pytest.mark.parametrize("count", ["0", "-1", "many", "1.5", "10000000"])
def test_an_invalid_number_of_importance_samples_is_refused(refused, tiny_checkpoint, count):
    refused("evaluate", tiny_checkpoint, "--importance-samples", count)


def test_a_seed_that_is_too_large_is_refused(refused, tiny_checkpoint):
    command = ["evaluate", tiny_checkpoint, "--importance-samples", 1, "--threads", 1]
    refused(*command, "--seed", 10**30)


def test_metrics_of_missing_or_damaged_files_are_refused(refused, tmp_path):
    assert "nothing.npz: cannot be read" in refused("metrics", "nothing.npz")
    (tmp_path / "text.npz").write_text("codes")
    assert "text.npz" in refused("metrics", tmp_path / "text.npz")


def test_metrics_of_damaged_checkpoints_are_refused(refused, copied_checkpoint, tmp_path):
    assert "no checkpoint folder nothing" in refused("metrics", "nothing")
    (tmp_path / "folder.npz").mkdir()
    assert "is not a checkpoint" in refused("metrics", tmp_path / "folder.npz")
    (copied_checkpoint / "atlas.safetensors").write_bytes(b"damaged")
    assert "is not the file that was saved" in refused("metrics", copied_checkpoint)


def test_metrics_with_unfit_options_are_refused(refused, tiny_checkpoint, tmp_path):
    codes, factors = known_codes(200, seed=0)
    np.savez(tmp_path / "codes.npz", codes=codes, factors=factors)
    assert "--save needs a checkpoint" in refused("metrics", tmp_path / "codes.npz", "--save")
    assert "40 rows" in refused("metrics", tmp_path / "codes.npz", "--rows", 40)
    assert "40 rows of tiny" in refused("metrics", tiny_checkpoint, "--rows", 40)
    for rows in ("0", "-1", "many"):
        refused("metrics", tiny_checkpoint, "--rows", rows)
    assert "invalid choice: 'forest'" in refused("metrics", tiny_checkpoint, "--estimator=forest")
    np.savez(tmp_path / "codes.npz", codes=codes, factors=factors, test_codes=codes)
    assert "'test_factors'" in refused("metrics", tmp_path / "codes.npz")


def test_an_export_needs_a_file_in_an_existing_folder(refused, tiny_checkpoint, tmp_path):
    assert "in a folder that exists" in refused(
        "export", tiny_checkpoint, "--out", tmp_path / "a" / "b.onnx"
    )
    assert "--out" in refused("export", tiny_checkpoint)
    assert "invalid choice" in refused(
        "export", tiny_checkpoint, "--format", "pickle", "--out", tmp_path / "b.onnx"
    )


def test_an_export_onto_a_folder_is_refused(refused, tiny_checkpoint, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    refused("export", tiny_checkpoint, "--out", tmp_path / "folder")
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]
    monkeypatch.chdir(tmp_path)
    refused("export", tiny_checkpoint, "--out", ".")


# Files from elsewhere


def test_list_escapes_control_characters_of_a_damaged_record(tiny_checkpoint, tmp_path, capsys):
    shutil.copytree(tiny_checkpoint, tmp_path / "good")
    shutil.copytree(tiny_checkpoint, tmp_path / "bad")
    record = json.loads((tmp_path / "bad" / "run.json").read_text())
    record["train"]["dataset"] = "a\n\x1b[2Jb"
    (tmp_path / "bad" / "run.json").write_text(json.dumps(record))
    assert main(["list", "--checkpoints", str(tmp_path), "--json"]) == 0
    captured = capsys.readouterr()
    assert [run["name"] for run in json.loads(captured.out)["checkpoints"]] == ["good"]
    (line,) = captured.err.splitlines()
    assert line.startswith("left out: ")
    assert line.isprintable()


@pytest.mark.parametrize("damage", ["weights", "record"])
def test_a_damaged_checkpoint_gives_one_line(refused, copied_checkpoint, damage):
    name = {"weights": "model.safetensors", "record": "run.json"}[damage]
    (copied_checkpoint / name).write_bytes(b"\x1b[2J\n")
    assert name in refused("evaluate", copied_checkpoint)


def test_control_characters_in_a_name_are_not_printed(refused):
    line = refused("evaluate", "a\x1b[2J\nb")
    assert line.isprintable()


def test_a_run_in_training_is_not_offered_for_resuming(tmp_path, monkeypatch):
    from vae.jobs.unfinished import unfinished_runs
    from vae.runs.recorder import RecordedTraining

    record, seen = RecordedTraining.record_report, []

    def recording(run, report, save_seconds=None):
        run.save_state()
        seen.append(unfinished_runs(tmp_path))
        return record(run, report, save_seconds)

    monkeypatch.setattr(RecordedTraining, "record_report", recording)
    options = ["--dataset", "digits", "--arch", "mlp", "--latent-dim", "2", "--epochs", "1"]
    assert main(["train", *options, "--out", str(tmp_path / "run"), "--threads", "1"]) == 0
    assert seen
    assert not any(seen)
