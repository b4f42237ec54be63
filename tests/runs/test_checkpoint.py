"""Tests that checkpoints load as they were saved, and that damage raises a named error."""

import errno
import hashlib
import json
import pickle
import re
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.support.checkpoint_files import edit_record, replace_tensors, update_sha256
from vae.core.config import ModelConfig, TrainConfig
from vae.core.device import pick_device
from vae.core.errors import (
    CheckpointError,
    ForeignCheckpoint,
    IncompleteCheckpoint,
    MissingCheckpoint,
    NewerCheckpoint,
    TamperedCheckpoint,
)
from vae.data.registry import load_dataset
from vae.data.splits import Dataset
from vae.explorer import Explorer
from vae.metrics.evaluation import encode_split, evaluate
from vae.models.vae import VAE
from vae.runs.checkpoint import load_atlas, load_metrics, load_model, load_run, save_checkpoint
from vae.runs.format import (
    ATLAS_FILE,
    FORMAT_VERSION,
    METRICS_FILE,
    RESUME_FILE,
    RUN_FILE,
    WEIGHTS_FILE,
)
from vae.runs.recorder import RecordedTraining
from vae.runs.resume import load_resume_state
from vae.runs.run import Results

EPOCHS = [{"epoch": epoch, "beta": epoch / 2, "distortion": 20.5, "rate": 1.5} for epoch in (1, 2)]


def refusal(error: type[CheckpointError], path: Path) -> str:
    """Open a checkpoint that must be refused with exactly this error; return its one line."""
    with pytest.raises(CheckpointError) as caught:
        Explorer.open(path)
    assert caught.type is error
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def save_untrained(path: Path, digits, model: VAE):
    return save_checkpoint(
        path,
        model,
        TrainConfig("digits"),
        digits.class_names,
        Results.of(evaluate(model, digits.test), 1.0, 2.0, 3.0),
        encode_split(model, digits.test),
        digits.test.labels,
        EPOCHS,
    )


# Round trip


def test_a_loaded_checkpoint_equals_the_saved_one(tmp_path, digits):
    model = VAE.seeded(ModelConfig((1, 8, 8), 4, "conv", "gaussian", 0.25), seed=3)
    saved = save_untrained(tmp_path / "deep" / "run", digits, model)
    loaded = load_run(tmp_path / "deep" / "run")
    assert loaded == saved
    assert loaded.model == model.config
    assert loaded.class_names == tuple("0123456789")

    weights = load_model(loaded).state_dict()
    assert weights.keys() == model.state_dict().keys()
    assert all(torch.equal(weights[k], v) for k, v in model.state_dict().items())

    posterior, atlas = encode_split(model, digits.test), load_atlas(loaded)
    np.testing.assert_allclose(atlas.mean, posterior.mean, rtol=2**-10, atol=1e-6)
    np.testing.assert_allclose(atlas.logvar, posterior.logvar, rtol=2**-10, atol=1e-6)
    np.testing.assert_array_equal(atlas.label, digits.test.labels)
    assert load_metrics(loaded) == EPOCHS


def test_a_loaded_model_is_in_evaluation_mode_without_gradients(tiny_checkpoint):
    model = load_model(load_run(tiny_checkpoint))
    assert not model.training
    assert not any(p.requires_grad for p in model.parameters())


def test_the_record_holds_the_provenance_and_digests(tiny_checkpoint):
    record = json.loads((tiny_checkpoint / RUN_FILE).read_text())
    assert record["format_version"] == FORMAT_VERSION
    assert record["provenance"]["versions"]["torch"] == metadata.version("torch")
    assert record["train"]["seed"] == 0
    digest = hashlib.sha256((tiny_checkpoint / WEIGHTS_FILE).read_bytes()).hexdigest()
    assert record["sha256"][WEIGHTS_FILE] == digest == load_run(tiny_checkpoint).identity


def test_the_stored_results_are_those_of_the_stored_weights(tiny_checkpoint, digits):
    run = load_run(tiny_checkpoint)
    found = evaluate(load_model(run), digits.test)
    assert run.results.test_distortion == pytest.approx(found.distortion, rel=1e-6)
    assert run.results.test_rate == pytest.approx(found.rate, rel=1e-6)
    assert run.results.test_elbo == -(run.results.test_distortion + run.results.test_rate)
    assert run.results.epochs_trained == 2
    assert not run.stopped_early


def test_a_finished_checkpoint_has_four_files(tiny_checkpoint):
    names = {file.name for file in tiny_checkpoint.iterdir()}
    assert names == {RUN_FILE, WEIGHTS_FILE, ATLAS_FILE, METRICS_FILE}


def test_loading_changes_nothing_in_the_folder(copied_checkpoint):
    def contents() -> dict[str, tuple[bytes, int]]:
        return {f.name: (f.read_bytes(), f.stat().st_mtime_ns) for f in copied_checkpoint.iterdir()}

    before = contents()
    load_metrics(Explorer.open(copied_checkpoint).run)
    assert contents() == before
    (copied_checkpoint / WEIGHTS_FILE).write_bytes(b"damaged")
    before = contents()
    refusal(TamperedCheckpoint, copied_checkpoint)
    assert contents() == before


# The folder and its record


def test_a_missing_folder_is_refused(tmp_path):
    assert "there is no checkpoint folder" in refusal(MissingCheckpoint, tmp_path / "nothing")


def test_an_empty_folder_is_refused(tmp_path):
    assert "is not a checkpoint" in refusal(ForeignCheckpoint, tmp_path)


def test_a_run_that_did_not_finish_is_refused(copied_checkpoint):
    (copied_checkpoint / RUN_FILE).unlink()
    assert "did not finish" in refusal(IncompleteCheckpoint, copied_checkpoint)


@pytest.mark.parametrize("kept", [0, 1, 400, -3])
def test_a_record_cut_short_is_refused(copied_checkpoint, kept):
    file = copied_checkpoint / RUN_FILE
    file.write_bytes(file.read_bytes()[:kept])
    assert "is not complete JSON" in refusal(IncompleteCheckpoint, copied_checkpoint)


@pytest.mark.parametrize("text", [b"seed: 3\n", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_record_that_is_not_json_is_refused(copied_checkpoint, text):
    (copied_checkpoint / RUN_FILE).write_bytes(text)
    assert "is not complete JSON" in refusal(IncompleteCheckpoint, copied_checkpoint)


def test_a_record_with_a_number_too_long_to_read_is_refused(copied_checkpoint):
    file = copied_checkpoint / RUN_FILE
    file.write_text(file.read_text().replace('"seed": 0', '"seed": ' + "9" * 5000))
    with pytest.raises(CheckpointError):
        load_run(copied_checkpoint)


@pytest.mark.parametrize("value", ["{}", "[]", "null", '"x"', '{"format": "other", "model": {}}'])
def test_the_json_of_another_program_is_refused(copied_checkpoint, value):
    (copied_checkpoint / RUN_FILE).write_text(value)
    assert "not written by this program" in refusal(ForeignCheckpoint, copied_checkpoint)


def test_a_huge_record_is_not_read(copied_checkpoint):
    (copied_checkpoint / RUN_FILE).write_bytes(b" " * (5 * 2**20))
    assert "too large" in refusal(ForeignCheckpoint, copied_checkpoint)


def test_a_newer_version_is_refused(copied_checkpoint):
    edit_record(copied_checkpoint, lambda record: record.update(format_version=FORMAT_VERSION + 1))
    message = refusal(NewerCheckpoint, copied_checkpoint)
    assert f"format version {FORMAT_VERSION + 1}" in message
    assert "update the program" in message


@pytest.mark.parametrize("version", [None, "1", 0, -1, 1.0, True])
def test_a_version_that_is_not_a_number_is_refused(copied_checkpoint, version):
    edit_record(copied_checkpoint, lambda record: record.update(format_version=version))
    assert "format version" in refusal(TamperedCheckpoint, copied_checkpoint)


@pytest.mark.parametrize("part", ["model", "train", "results", "provenance"])
def test_an_unknown_key_is_refused(copied_checkpoint, part):
    edit_record(copied_checkpoint, lambda record: record[part].update(betta=3))
    assert "unknown key 'betta'" in refusal(TamperedCheckpoint, copied_checkpoint)


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ("model", "latent_dim"),
        ("train", "beta"),
        ("results", "test_rate"),
        ("provenance", "threads"),
        ("sha256", ATLAS_FILE),
    ],
)
def test_a_missing_key_is_refused(copied_checkpoint, part, key):
    edit_record(copied_checkpoint, lambda record: record[part].pop(key))
    message = refusal(TamperedCheckpoint, copied_checkpoint)
    assert re.search(rf"key '{re.escape(key)}' is missing", message)


@pytest.mark.parametrize(
    "part", ["model", "train", "class_names", "results", "provenance", "sha256"]
)
@pytest.mark.parametrize("value", [None, 3])
def test_a_part_of_the_wrong_type_is_refused(copied_checkpoint, part, value):
    edit_record(copied_checkpoint, lambda record: record.update({part: value}))
    refusal(TamperedCheckpoint, copied_checkpoint)


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("model", "latent_dim", 10**9),
        ("model", "latent_dim", 10**400),
        ("model", "latent_dim", 2.5),
        ("model", "image_shape", [1, 10**9, 8]),
        ("model", "image_shape", [1, 8]),
        ("model", "image_shape", "1x8x8"),
        ("model", "architecture", "transformer"),
        ("model", "architecture", ["mlp"]),
        ("model", "pixel_scale", 10**400),
        ("train", "beta", -1.0),
        ("train", "beta", 10**400),
        ("train", "beta", float("nan")),
        ("train", "epochs", True),
        ("train", "dataset", 7),
        ("train", "dataset", "folder:a\nb"),
        ("train", "dataset", "\u202eknas"),
        ("train", "dataset", "x" * 5000),
        ("train", "critic", "\ud800"),
        ("model", "levels", [10**9]),
        ("model", "codebook", 10**9),
        ("model", "beta_range", [0, "1"]),
        ("provenance", "created", "\x1b[2J"),
        ("sha256", WEIGHTS_FILE, "../../../etc/passwd"),
        ("results", "test_rate", float("inf")),
        ("results", "test_rate", 10**400),
        ("results", "test_rate", "12"),
        ("results", "test_rate_per_dimension", [0.1, None, 0.2]),
    ],
    ids=lambda value: f"{value!r:.24}",
)
def test_a_value_out_of_range_is_refused(copied_checkpoint, part, key, value):
    edit_record(copied_checkpoint, lambda record: record[part].update({key: value}))
    assert "is not valid" in refusal(TamperedCheckpoint, copied_checkpoint)


# Weights


def test_missing_weights_are_refused(copied_checkpoint):
    (copied_checkpoint / WEIGHTS_FILE).unlink()
    message = refusal(IncompleteCheckpoint, copied_checkpoint)
    assert f"{WEIGHTS_FILE} is missing" in message


@pytest.mark.parametrize("name", [WEIGHTS_FILE, ATLAS_FILE])
def test_a_flipped_bit_is_refused(copied_checkpoint, name):
    file = copied_checkpoint / name
    content = bytearray(file.read_bytes())
    content[-40] ^= 1
    file.write_bytes(content)
    message = refusal(TamperedCheckpoint, copied_checkpoint)
    assert f"{name} is not the file that was saved" in message
    assert "sha256" in message


@pytest.mark.parametrize("name", [WEIGHTS_FILE, ATLAS_FILE])
def test_a_file_cut_short_is_refused(copied_checkpoint, name):
    file = copied_checkpoint / name
    file.write_bytes(file.read_bytes()[:-100])
    assert "is not the file that was saved" in refusal(TamperedCheckpoint, copied_checkpoint)


@pytest.mark.parametrize("name", [WEIGHTS_FILE, ATLAS_FILE])
@pytest.mark.parametrize("kept", [0, 5, 200, -100])
def test_a_file_cut_short_is_refused_even_with_the_right_digest(copied_checkpoint, name, kept):
    file = copied_checkpoint / name
    file.write_bytes(file.read_bytes()[:kept])
    update_sha256(copied_checkpoint, name)
    message = refusal(IncompleteCheckpoint, copied_checkpoint)
    assert f"{name} is cut short or not safetensors" in message


def test_the_weights_of_another_run_are_refused(copied_checkpoint, tmp_path, digits):
    other = save_untrained(tmp_path / "other", digits, VAE.seeded(ModelConfig((1, 8, 8), 5), 0))
    (copied_checkpoint / WEIGHTS_FILE).write_bytes((other.path / WEIGHTS_FILE).read_bytes())
    assert "is not the file that was saved" in refusal(TamperedCheckpoint, copied_checkpoint)
    update_sha256(copied_checkpoint, WEIGHTS_FILE)
    message = refusal(TamperedCheckpoint, copied_checkpoint)
    assert "tensor decoder.0.weight has shape (400, 5)" in message
    assert "asks for (400, 3)" in message


def test_a_missing_tensor_is_refused(copied_checkpoint):
    replace_tensors(copied_checkpoint, WEIGHTS_FILE, lambda t: t.pop("decoder.0.bias"))
    message = refusal(TamperedCheckpoint, copied_checkpoint)
    assert "lacks the tensor decoder.0.bias" in message


def test_an_extra_tensor_is_refused(copied_checkpoint):
    replace_tensors(copied_checkpoint, WEIGHTS_FILE, lambda t: t.update(extra=torch.zeros(2)))
    assert "a tensor extra" in refusal(TamperedCheckpoint, copied_checkpoint)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(copied_checkpoint, value):
    replace_tensors(copied_checkpoint, WEIGHTS_FILE, lambda t: t["encoder.3.bias"].fill_(value))
    message = refusal(TamperedCheckpoint, copied_checkpoint)
    assert "encoder.3.bias holds NaN or infinity" in message


class _Bomb:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return (Path.touch, (self.file,))


@pytest.mark.parametrize("name", [WEIGHTS_FILE, ATLAS_FILE])
@pytest.mark.parametrize("write", [pickle.dump, torch.save])
def test_a_pickle_is_refused_and_not_run(copied_checkpoint, tmp_path, name, write):
    mark = tmp_path / "executed"
    with (copied_checkpoint / name).open("wb") as file:
        write(_Bomb(mark), file)
    refusal(TamperedCheckpoint, copied_checkpoint)
    update_sha256(copied_checkpoint, name)
    refusal(IncompleteCheckpoint, copied_checkpoint)
    assert not mark.exists()


# Atlas and metrics


def test_an_atlas_of_another_latent_size_is_refused(copied_checkpoint):
    replace_tensors(
        copied_checkpoint, ATLAS_FILE, lambda t: t.update(mean=torch.zeros(360, 2).half())
    )
    assert "tensor mean has shape (360, 2)" in refusal(TamperedCheckpoint, copied_checkpoint)


@pytest.mark.parametrize("name", ["mean", "logvar", "label"])
def test_an_atlas_without_one_of_its_tensors_is_refused(copied_checkpoint, name):
    replace_tensors(copied_checkpoint, ATLAS_FILE, lambda t: t.pop(name))
    refusal(TamperedCheckpoint, copied_checkpoint)


def test_an_atlas_that_is_not_finite_is_refused(copied_checkpoint):
    replace_tensors(copied_checkpoint, ATLAS_FILE, lambda t: t["mean"][3].fill_(float("nan")))
    assert "tensor mean holds NaN" in refusal(TamperedCheckpoint, copied_checkpoint)


def test_an_atlas_with_a_scalar_of_labels_is_refused(copied_checkpoint):
    replace_tensors(copied_checkpoint, ATLAS_FILE, lambda t: t.update(label=torch.tensor(3)))
    refusal(TamperedCheckpoint, copied_checkpoint)


def test_changed_metrics_are_refused(copied_checkpoint):
    file = copied_checkpoint / METRICS_FILE
    file.write_text(file.read_text() + "{}\n")
    with pytest.raises(TamperedCheckpoint, match=r"metrics\.jsonl is not the file that was saved"):
        load_metrics(load_run(copied_checkpoint))


@pytest.mark.parametrize("labels", [[-2], [10], [32_000]])
def test_an_atlas_with_labels_of_unknown_classes_is_refused(copied_checkpoint, labels):
    def edit(tensors):
        tensors["label"][:1] = torch.tensor(labels)

    replace_tensors(copied_checkpoint, ATLAS_FILE, edit)
    assert "names 10 classes" in refusal(TamperedCheckpoint, copied_checkpoint)


def test_an_atlas_without_images_is_refused(copied_checkpoint):
    replace_tensors(
        copied_checkpoint, ATLAS_FILE, lambda t: t.update({k: v[:0].clone() for k, v in t.items()})
    )
    assert "holds no test image" in refusal(TamperedCheckpoint, copied_checkpoint)


@pytest.mark.parametrize("dtype", [torch.bool, torch.complex64, torch.float8_e4m3fn])
def test_an_atlas_of_unusual_dtypes_is_refused(copied_checkpoint, dtype):
    replace_tensors(copied_checkpoint, ATLAS_FILE, lambda t: t.update(mean=t["mean"].to(dtype)))
    assert "expected plain numbers" in refusal(TamperedCheckpoint, copied_checkpoint)


@pytest.mark.parametrize(
    "names", [["a\nb"], ["\u202ea"], ["\ud800"], [""], ["x" * 300], [7], "abc", {"a": 1}, [["a"]]]
)
def test_class_names_that_cannot_be_shown_are_refused(copied_checkpoint, names):
    edit_record(copied_checkpoint, lambda record: record.update(class_names=names))
    assert "class_names" in refusal(TamperedCheckpoint, copied_checkpoint)


@pytest.mark.parametrize("names", [["<b>ship</b>", "**loud**"], ["سفينة", "船"]])
def test_class_names_may_use_any_script(copied_checkpoint, names):
    names = names + [f"name {n}" for n in range(8)]
    edit_record(copied_checkpoint, lambda record: record.update(class_names=names))
    assert list(load_run(copied_checkpoint).class_names) == names


def test_a_weights_file_larger_than_its_configuration_is_not_read(copied_checkpoint):
    """The file is sparse and has 100 GB; hashing it would take minutes."""
    with (copied_checkpoint / WEIGHTS_FILE).open("wb") as file:
        file.truncate(100 * 2**30)
    assert "has 107,374,182,400 bytes" in refusal(TamperedCheckpoint, copied_checkpoint)


def test_a_tensor_that_claims_more_bytes_than_its_file_is_refused(copied_checkpoint):
    header = {"mean": {"dtype": "F16", "shape": [2**40, 3], "data_offsets": [0, 2**43]}}
    text = json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text
    (copied_checkpoint / ATLAS_FILE).write_bytes(content)
    update_sha256(copied_checkpoint, ATLAS_FILE)
    assert "cut short or not safetensors" in refusal(IncompleteCheckpoint, copied_checkpoint)


@pytest.mark.parametrize("text", ["{", "[1]\n", "3\n", '{"epoch": 1}\n', "[" * 100_000, "\ud800"])
def test_metrics_that_are_not_a_list_of_epochs_are_refused(copied_checkpoint, text):
    (copied_checkpoint / METRICS_FILE).write_bytes(text.encode(errors="surrogatepass"))
    update_sha256(copied_checkpoint, METRICS_FILE)
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl is"):
        load_metrics(load_run(copied_checkpoint))


# Factors


@pytest.fixture
def with_factors(tmp_path) -> tuple[Path, Dataset]:
    """Return the checkpoint of a model of sprites after one epoch, and its data set."""
    dataset = load_dataset("sprites:orientation=2,scale=2,x=3,y=3")
    train = TrainConfig(dataset.name, epochs=1)
    config = ModelConfig(dataset.image_shape, 2)
    recorded = RecordedTraining.start(tmp_path / "run", config, train, dataset, pick_device("cpu"))
    for _ in recorded.run():
        pass
    recorded.finish()
    return tmp_path / "run", dataset


def test_factors_are_stored_and_loaded(with_factors):
    path, dataset = with_factors
    run = load_run(path)
    assert run.factors == dataset.factors
    assert [(factor.name, factor.size) for factor in run.factors] == [
        ("shape", 3),
        ("scale", 2),
        ("orientation", 2),
        ("x", 3),
        ("y", 3),
    ]
    atlas = load_atlas(run)
    assert atlas.factors is not None
    np.testing.assert_array_equal(atlas.factors, dataset.test.factors)
    np.testing.assert_array_equal(atlas.factors[:, 0], atlas.label)


def test_a_checkpoint_may_have_no_factors(copied_checkpoint):
    assert load_run(copied_checkpoint).factors == ()
    assert load_atlas(load_run(copied_checkpoint)).factors is None
    edit_record(copied_checkpoint, lambda record: record.pop("factors"))
    older = Explorer.open(copied_checkpoint)
    assert (older.run.factors, older.atlas.factors) == ((), None)


@pytest.mark.parametrize("change", [lambda f: f[:-1], lambda f: f[:, :-1], lambda f: f[:, 0]])
def test_factors_of_another_shape_are_refused(with_factors, change):
    path, _ = with_factors
    replace_tensors(path, ATLAS_FILE, lambda t: t.update(factors=change(t["factors"]).contiguous()))
    assert "tensor factors has shape" in refusal(TamperedCheckpoint, path)


@pytest.mark.parametrize("level", [-1, 3])
def test_a_level_outside_the_range_of_its_factor_is_refused(with_factors, level):
    path, _ = with_factors
    replace_tensors(path, ATLAS_FILE, lambda t: t["factors"][4, 3].fill_(level))
    message = refusal(TamperedCheckpoint, path)
    assert f"the level {level} of 'x', but run.json has its levels as 0 to 2" in message


def test_levels_that_are_not_whole_numbers_are_refused(with_factors):
    path, _ = with_factors
    replace_tensors(path, ATLAS_FILE, lambda t: t.update(factors=t["factors"] * 0.5))
    assert "the level 0.5" in refusal(TamperedCheckpoint, path)


def test_factors_in_only_one_of_record_and_atlas_are_refused(with_factors, copied_checkpoint):
    path, _ = with_factors
    edit_record(path, lambda record: record.update(factors=[]))
    assert "a tensor factors that its configuration lacks" in refusal(TamperedCheckpoint, path)
    factor = {"name": "x", "size": 3}
    edit_record(copied_checkpoint, lambda record: record.update(factors=[factor]))
    assert "lacks the tensor factors" in refusal(TamperedCheckpoint, copied_checkpoint)


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        ["x"],
        [{"name": "x"}],
        [{"name": "x", "size": 0}],
        [{"name": "x", "size": True}],
        [{"name": "x", "size": 10**9}],
        [{"name": 7, "size": 3}],
        [{"name": "x", "size": 3, "kind": "place"}],
    ],
    ids=repr,
)
def test_a_record_with_invalid_factors_is_refused(copied_checkpoint, value):
    edit_record(copied_checkpoint, lambda record: record.update(factors=value))
    assert "is not valid" in refusal(TamperedCheckpoint, copied_checkpoint)


# Writing that fails


def fail_on(monkeypatch, suffix: str) -> None:
    """Make the disk full for files whose name has this suffix."""
    rename = Path.replace

    def replace(self, target):
        if str(target).endswith(suffix):
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize("name", [WEIGHTS_FILE, ATLAS_FILE, METRICS_FILE, RUN_FILE])
@pytest.mark.parametrize("replaces_older", [False, True])
def test_a_failed_write_leaves_no_record(tmp_path, digits, monkeypatch, name, replaces_older):
    model = VAE.seeded(ModelConfig((1, 8, 8)), seed=0)
    path = tmp_path / "run"
    if replaces_older:
        save_untrained(path, digits, model)
    fail_on(monkeypatch, name)
    with pytest.raises(CheckpointError, match="No space left") as caught:
        save_untrained(path, digits, model)
    assert "\n" not in str(caught.value)
    assert not (path / RUN_FILE).exists()
    monkeypatch.undo()
    with pytest.raises(CheckpointError):
        load_run(path)
    save_untrained(path, digits, model)
    Explorer.open(path)


def test_a_full_disk_leaves_the_older_checkpoint_as_it_was(tmp_path, digits, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "run"
    save_untrained(path, digits, VAE.seeded(ModelConfig((1, 8, 8)), seed=0))
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    monkeypatch.setattr("vae.runs.format.save_file", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save_untrained(path, digits, VAE.seeded(ModelConfig((1, 8, 8)), seed=1))
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("results", "test_rate_per_dimension"), [1.0]),
        (("results", "test_rate_per_dimension"), 1.0),
        (("results", "inactive"), [99]),
        (("results", "active_units"), 77),
        (("provenance", "versions"), 5),
        (("provenance", "threads"), "many"),
    ],
)
def test_results_that_do_not_fit_the_model_are_refused(copied_checkpoint, keys, value):
    record = json.loads((copied_checkpoint / RUN_FILE).read_text())
    record[keys[0]][keys[1]] = value
    (copied_checkpoint / RUN_FILE).write_text(json.dumps(record))
    refusal(TamperedCheckpoint, copied_checkpoint)


# The state of an unfinished run


def test_a_finished_run_has_nothing_to_resume(tiny_checkpoint):
    with pytest.raises(MissingCheckpoint, match="nothing to resume"):
        load_resume_state(tiny_checkpoint)


def test_a_resume_state_that_is_not_safetensors_is_refused(tmp_path):
    (tmp_path / RESUME_FILE).write_bytes(pickle.dumps({"step": 3}))
    with pytest.raises(IncompleteCheckpoint, match="cut short or not safetensors"):
        load_resume_state(tmp_path)


def test_a_resume_state_of_another_program_is_refused(tmp_path):
    save_file({"step": torch.tensor(3)}, tmp_path / RESUME_FILE)
    with pytest.raises(ForeignCheckpoint, match="not written by this program"):
        load_resume_state(tmp_path)
