"""Tests the list of checkpoints, comparisons of runs, and the table with its commands."""

import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.quality import QUALITY_HEADING
from tests.support.unreadable import unreadable
from vae.__main__ import _parser
from vae.analysis.findings import load_scores
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import CheckpointError, TamperedCheckpoint
from vae.explorer import Explorer
from vae.jobs.unfinished import unfinished_runs
from vae.runs.catalogue import Catalogue, available_checkpoints, read_catalogue
from vae.runs.checkpoint import load_run
from vae.runs.comparison import Comparison, comparisons
from vae.runs.folders import CHECKPOINTS_VARIABLE, checkpoint_folders, checkpoints_dir, shown_file
from vae.runs.format import RUN_FILE
from vae.runs.report import markdown_table, train_command
from vae.runs.run import Run
from vae.runs.run_folder import run_name, unused_path

PROJECT = Path(__file__).resolve().parents[2]
SHIPPED = PROJECT / "checkpoints"


@pytest.fixture(scope="module")
def run(tiny_checkpoint) -> Run:
    return load_run(tiny_checkpoint)


def with_train(run: Run, name: str, **changes) -> Run:
    return replace(run, path=run.path.parent / name, train=replace(run.train, **changes))


def with_model(run: Run, name: str, **changes) -> Run:
    return replace(run, path=run.path.parent / name, model=replace(run.model, **changes))


def parsed_configs(command: str, image_shape) -> tuple[ModelConfig, TrainConfig]:
    """Return the configurations that the command line reads from a command."""
    words = shlex.split(command)
    assert words[:2] == ["vae", "train"]
    found = vars(_parser().parse_args(words[1:]))
    train_names = TrainConfig("digits").to_dict()
    model = ModelConfig(
        image_shape,
        found["latent_dim"],
        found["architecture"],
        found["likelihood"],
        found["pixel_scale"],
        found["beta_range"],
    )
    return model, TrainConfig(**{name: found[name] for name in train_names})


def test_checkpoints_are_listed_by_name_and_the_broken_ones_with_their_error(
    tiny_checkpoint, tmp_path
):
    for name in ("b", "a", ".hidden", "broken", "unfinished"):
        shutil.copytree(tiny_checkpoint, tmp_path / name)
    record = (tmp_path / "broken" / "run.json").read_text()
    (tmp_path / "broken" / "run.json").write_text(record.replace('"beta": 1.0', '"beta": -1.0'))
    (tmp_path / "unfinished" / "run.json").unlink()
    (tmp_path / "README.md").write_text("# Checkpoints")

    catalogue = read_catalogue(tmp_path)
    assert [run.name for run in catalogue.runs] == ["a", "b"]
    (refused,) = catalogue.errors
    assert isinstance(refused, TamperedCheckpoint)
    assert "broken" in str(refused)


def test_a_damaged_checkpoint_does_not_hide_the_others(tiny_checkpoint, tmp_path):
    for name in ("cut", "deep", "huge", "linked", "newer", "good"):
        shutil.copytree(tiny_checkpoint, tmp_path / name)
    (tmp_path / "cut" / RUN_FILE).write_text("{")
    (tmp_path / "deep" / RUN_FILE).write_text("[" * 10**6)
    with (tmp_path / "huge" / RUN_FILE).open("wb") as file:
        file.truncate(2**30)
    (tmp_path / "linked" / RUN_FILE).unlink()
    (tmp_path / "linked" / RUN_FILE).symlink_to("/etc/hostname")
    record = json.loads((tmp_path / "newer" / RUN_FILE).read_text())
    (tmp_path / "newer" / RUN_FILE).write_text(json.dumps(record | {"format_version": 10**6}))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "outside").symlink_to(tiny_checkpoint)
    found = read_catalogue(tmp_path)
    assert [run.name for run in found.runs] == ["good", "outside"]
    refused = sorted(Path(str(error).split(RUN_FILE)[0]).name for error in found.errors)
    assert refused == ["cut", "deep", "huge", "linked", "newer"]
    hostname = Path("/etc/hostname").read_text().strip() if Path("/etc/hostname").exists() else "-"
    assert not any(f" {hostname}" in str(error) for error in found.errors)


def test_a_missing_folder_holds_no_checkpoints(tmp_path):
    assert read_catalogue(tmp_path / "nothing") == Catalogue((), ())


@pytest.mark.parametrize("name", ["a*b", "-x", "<b>", "x" * 101])
def test_a_name_that_cannot_be_shown_or_linked_to_is_refused(tiny_checkpoint, tmp_path, name):
    shutil.copytree(tiny_checkpoint, tmp_path / name)
    (refused,) = read_catalogue(tmp_path).errors
    assert "cannot be a checkpoint's name" in str(refused)


def test_names_may_contain_spaces_and_letters_of_any_script(tiny_checkpoint, tmp_path):
    shutil.copytree(tiny_checkpoint, tmp_path / "my run ü_2")
    assert [run.name for run in read_catalogue(tmp_path).runs] == ["my run ü_2"]


def test_the_environment_names_the_folder_of_checkpoints(monkeypatch):
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, "elsewhere")
    assert checkpoints_dir() == Path("elsewhere")
    monkeypatch.delenv(CHECKPOINTS_VARIABLE)
    assert checkpoints_dir() == Path("checkpoints")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Return a working folder outside the project, without LATENT_CHECKPOINTS."""
    monkeypatch.delenv("LATENT_CHECKPOINTS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_shipped_models_are_listed_from_any_folder(elsewhere):
    names = {run.name for run in available_checkpoints().runs}
    assert {"mnist-map", "sprites-any-beta"} <= names
    assert shown_file("latent-sizes.json") == PROJECT / "checkpoints" / "latent-sizes.json"
    assert shown_file("nothing.json") == Path("checkpoints/nothing.json")


def test_a_run_in_the_working_folder_hides_a_shipped_one(elsewhere, tiny_checkpoint):
    shutil.copytree(tiny_checkpoint, elsewhere / "checkpoints" / "mnist-map")
    (run,) = [run for run in available_checkpoints().runs if run.name == "mnist-map"]
    assert run.train.dataset == "digits"


def test_a_new_run_does_not_get_the_name_of_a_shipped_model(elsewhere):
    assert unused_path(Path("checkpoints"), "mnist-map") == Path("checkpoints/mnist-map-2")
    assert unused_path(Path("checkpoints"), "mine") == Path("checkpoints/mine")


def test_a_folder_of_the_environment_is_the_only_one(elsewhere, tiny_checkpoint, monkeypatch):
    monkeypatch.setenv("LATENT_CHECKPOINTS", str(tiny_checkpoint.parent))
    assert checkpoint_folders() == (tiny_checkpoint.parent,)
    assert [run.path for run in available_checkpoints().runs] == [tiny_checkpoint]


def test_in_the_folder_of_the_project_nothing_is_listed_twice(monkeypatch):
    monkeypatch.delenv("LATENT_CHECKPOINTS", raising=False)
    monkeypatch.chdir(PROJECT)
    assert checkpoint_folders() == (Path("checkpoints"),)


def test_settings_are_sorted_by_beta_and_seeds_within_them(run):
    four, half = with_train(run, "four", beta=4.0, seed=1), with_train(run, "half", beta=0.5)
    again = with_train(run, "again", beta=4.0)
    total = with_train(run, "total", beta=2.0, objective="beta-tcvae")
    (found,) = comparisons([four, total, run, again, half])
    assert [setting.label for setting in found.settings] == ["β 0.5", "β 1", "β 4", "β-TC 2"]
    assert found.runs == (half, run, again, four, total)
    assert found.seeds == (0, 1)
    assert found.settings[2].of_seed(1) is four
    assert found.settings[2].of_seed(7) is again


def test_runs_that_differ_in_more_than_beta_objective_and_seed_are_not_compared(run):
    others = [
        with_train(run, "epochs", beta=3.0, epochs=7),
        with_train(run, "data", beta=3.0, dataset="mnist"),
        with_model(with_train(run, "x", beta=3.0), "latent", latent_dim=9),
        with_model(with_train(run, "y", beta=3.0), "architecture", architecture="conv"),
        replace(
            with_train(run, "stopped", beta=6.0), results=replace(run.results, epochs_trained=0.5)
        ),
    ]
    assert comparisons([run, with_train(run, "seed", seed=1), *others]) == []
    assert not comparisons([run, with_train(run, "four", beta=4.0)])[0].holds(others[0])


def test_two_comparisons_stay_apart(run):
    nines = [with_model(with_train(run, f"{b}", beta=b), f"nine-{b}", latent_dim=9) for b in (1, 2)]
    four = with_train(run, "four", beta=4.0)
    assert [c.runs for c in comparisons([run, *nines, four])] == [(run, four), tuple(nines)]


def test_a_multi_rate_model_joins_the_models_of_one_beta(run):
    multi = with_model(run, "multi", beta_range=(0.1, 10.0))
    longer = with_train(multi, "longer", epochs=90)
    four = with_train(run, "four", beta=4.0)
    (found,) = comparisons([multi, four, run, longer])
    assert found.runs == (run, four)
    assert found.multi_rate == (multi, longer)
    assert found.holds(multi)
    assert found.example is multi


def test_a_multi_rate_model_alone_is_a_comparison_of_its_own(run):
    multi = with_model(run, "multi", beta_range=(0.1, 10.0))
    assert comparisons([run, multi]) == [Comparison((), (multi,))]


@pytest.mark.parametrize(
    ("dataset", "start"),
    [
        ("digits", "digits-conv-4-beta-0.5-seed-3"),
        ("fashion-mnist", "fashion-mnist-conv"),
        ("folder:/home/me/My Photos!", "my-photos-conv"),
        ("folder:../猫/..", "images-conv"),
    ],
)
def test_the_name_of_a_run_describes_it_and_can_name_a_folder(dataset, start, tmp_path):
    name = run_name(TrainConfig(dataset, beta=0.5, seed=3), ModelConfig((1, 28, 28), 4, "conv"))
    assert name.startswith(start)
    (tmp_path / name).mkdir()
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_a_taken_name_gets_a_number(tmp_path):
    assert unused_path(tmp_path, "run") == tmp_path / "run"
    (tmp_path / "run").mkdir()
    (tmp_path / "run-2").mkdir()
    assert unused_path(tmp_path, "run") == tmp_path / "run-3"
    assert unused_path(tmp_path, "run", {tmp_path / "run-3"}) == tmp_path / "run-4"


@pytest.mark.parametrize(
    "train",
    [
        TrainConfig("digits"),
        TrainConfig("digits", 7, 3, 17, 1e-4, "constant", 4.0, 2.5, 0.125, 5.0, 0.2),
        TrainConfig("folder:my photos/it's", seed=2**32 - 1, grad_clip=1e9),
    ],
)
@pytest.mark.parametrize(("likelihood", "scale"), [("bernoulli", 0.1), ("gaussian", 0.25)])
def test_the_command_of_a_run_trains_the_same_run_again(run, train, likelihood, scale):
    model = ModelConfig((1, 8, 8), 11, "conv-mlp", likelihood, scale)
    made = replace(run, model=model, train=train)
    assert parsed_configs(train_command(made), model.image_shape) == (model, train)


def test_the_command_keeps_every_digit_of_a_setting(run):
    model = ModelConfig((1, 8, 8), 3, "mlp", "gaussian", pixel_scale=1 / 7)
    train = TrainConfig("digits", beta=1 / 3, learning_rate=0.00123456789, warmup_epochs=2 / 3)
    made = replace(run, model=model, train=train)
    assert parsed_configs(train_command(made), model.image_shape) == (model, train)


def test_the_command_of_a_run_on_a_folder_keeps_the_image_size(run):
    made = replace(
        run, model=ModelConfig((3, 48, 48)), train=replace(run.train, dataset="folder:photos")
    )
    assert "--image-size 48" in train_command(made)
    assert "--image-size" not in train_command(run)


def test_the_table_has_a_row_and_a_command_for_each_run(run):
    text = markdown_table([run, with_train(run, "other", beta=4.0)])
    (row,) = [line for line in text.splitlines() if line.startswith("| `tiny` |")]
    results = run.results
    for number in (results.test_distortion, results.test_rate, results.test_elbo):
        assert f"| {number:.1f} |" in row
    assert f"| {results.active_units} of 3 |" in row
    assert train_command(run) in text
    assert "### other" in text
    assert text.count("\nvae train ") == 2


@pytest.fixture
def shipped() -> tuple[Run, ...]:
    """Return the runs in the table. The folder may hold other runs too."""
    table = SHIPPED / "README.md"
    text = table.read_text() if table.is_file() else ""
    runs = tuple(run for run in read_catalogue(SHIPPED).runs if f"\n### {run.name}\n" in text)
    if not runs:
        pytest.skip("no checkpoints ship yet")
    return runs


def test_the_shipped_table_follows_from_the_records(shipped):
    generated = (SHIPPED / "README.md").read_text().split(QUALITY_HEADING)[0]
    assert generated.strip() == markdown_table(shipped).strip()


def test_every_shipped_checkpoint_opens(shipped):
    from vae.explorer import Explorer

    for run in (run for run in shipped if run.model.is_generative):
        images = Explorer.load(run).atlas_images([0, 1])
        channels, height, width = run.model.image_shape
        assert images.shape == (2, height, width, channels)
        assert images.std() > 0.1


def test_the_shipped_checkpoints_are_small_enough_to_ship(shipped):
    assert sum(file.stat().st_size for run in shipped for file in run.path.iterdir()) <= 180e6


@pytest.mark.parametrize("name", ["mnist-any-beta", "mnist-map-any-beta"])
def test_the_shipped_curves_of_mnist_lie_close_to_the_models_of_one_beta(shipped, name):
    """The gap is at most 1 %, and 3 % at beta 10, after the same number of epochs."""
    from vae.explorer import Explorer

    (found,) = [c for c in comparisons(shipped) if name in {run.name for run in c.multi_rate}]
    gaps = Explorer.open(SHIPPED / name).rate_gaps(found.runs)
    assert [gap.beta for gap in gaps] == [0.5, 1.0, 2.0, 4.0, 10.0]
    for gap in gaps:
        assert gap.epochs[0] == gap.epochs[1]
        assert gap.relative <= (0.03 if gap.beta == 10 else 0.01)


def test_the_shipped_sprites_have_three_seeds_per_setting_with_the_same_scores(shipped):
    (found,) = [c for c in comparisons(shipped) if c.example.train.dataset == "sprites"]
    assert [s.label for s in found.settings] == ["β 1", "β 2", "β 4", "β 8", "β-TC 4"]
    assert [len(setting.runs) for setting in found.settings] == [3] * 5
    stored = [load_scores(run) for run in found.runs]
    assert all(scores is not None for scores in stored)
    kinds = {(s.settings["estimator"], s.settings["rows"]) for s in stored if s is not None}
    assert kinds == {("gradient-boosting", 5000)}


@pytest.mark.parametrize("name", ["", RUN_FILE, "model.safetensors", "atlas.safetensors"])
def test_an_unreadable_checkpoint_is_reported_beside_the_others(tiny_checkpoint, tmp_path, name):
    for copy in ("closed", "open"):
        shutil.copytree(tiny_checkpoint, tmp_path / copy)
    with unreadable(tmp_path / "closed" / name):
        found = read_catalogue(tmp_path)
        assert "open" in [run.name for run in found.runs]
        with pytest.raises(CheckpointError, match="cannot be read"):
            Explorer.open(tmp_path / "closed")
        assert unfinished_runs(tmp_path) == []


def test_a_folder_without_permission_to_list_is_refused(tmp_path):
    with unreadable(tmp_path):
        for look in (read_catalogue, unfinished_runs):
            with pytest.raises(CheckpointError, match="cannot be listed"):
                look(tmp_path)
