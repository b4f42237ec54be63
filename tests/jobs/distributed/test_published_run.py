"""Tests that another machine can finish a run whose machine vanished."""

from dataclasses import replace
from pathlib import Path

import pytest

from vae.core.config import ModelConfig, TrainConfig
from vae.core.device import prepare_device
from vae.core.errors import CheckpointError, ConfigError, IncompleteCheckpoint
from vae.jobs.distributed.published_run import RemoteTask, find_published, train_published
from vae.jobs.distributed.remote_folder import RemoteFolder
from vae.jobs.distributed.sweep_runs import sweep_runs
from vae.runs.checkpoint import load_model, load_run
from vae.runs.format import RESUME_FILE, RUN_FILE
from vae.runs.recorder import RecordedTraining

MODEL = ModelConfig((1, 8, 8), latent_dim=2)
TRAIN = TrainConfig("digits", epochs=3, batch_size=128)
STEPS = 33


class Vanished(Exception):
    """Raised in the place of a machine that vanishes."""


@pytest.fixture(autouse=True)
def _report_each_step(monkeypatch):
    """Report each step, so that the state is published at each step."""
    run = RecordedTraining.run
    monkeypatch.setattr(RecordedTraining, "run", lambda self, **more: run(self, 0.0, **more))


@pytest.fixture
def task(tmp_path) -> RemoteTask:
    folder = RemoteFolder.of(str(tmp_path / "sweep")) / "beta-1"
    return RemoteTask("beta-1", folder, MODEL, TRAIN, device="cpu", threads=1, save_seconds=0.0)


def vanish_at(monkeypatch, count: int, name: str = "") -> None:
    """Let the machine vanish before its `count`-th copy of a file, or of a file of one name."""
    put, seen = RemoteFolder.put, []

    def vanishing(folder: RemoteFolder, file: Path) -> None:
        seen.append(file.name)
        if len([n for n in seen if name in ("", n)]) >= count:
            raise Vanished
        put(folder, file)

    monkeypatch.setattr(RemoteFolder, "put", vanishing)


def identity(task: RemoteTask) -> str:
    run = load_run(task.folder.url)
    load_model(run)
    return run.identity


@pytest.fixture(scope="module")
def whole(tmp_path_factory, digits) -> str:
    """Return the digest of the weights of the same run, trained without interruption.

    Its device is prepared in the same way: the last digit depends on the library of the products.
    """
    path = tmp_path_factory.mktemp("whole") / "run"
    device = prepare_device("cpu", threads=1)
    recorded = RecordedTraining.start(path, MODEL, TRAIN, digits, device)
    for _ in recorded.run():
        pass
    return recorded.finish().identity


def test_another_machine_continues_from_the_published_state(task, digits, whole, monkeypatch):
    with monkeypatch.context() as patch:
        vanish_at(patch, 12)
        with pytest.raises(Vanished):
            train_published(task, digits)
    assert task.folder.names() == {RESUME_FILE}
    trained = train_published(task, digits)
    assert trained.resumed_at == 11
    assert identity(task) == whole
    assert RESUME_FILE not in task.folder.names()


@pytest.mark.parametrize(
    "name", ["atlas.safetensors", "metrics.jsonl", "model.safetensors", RUN_FILE]
)
def test_a_checkpoint_published_in_part_cannot_be_loaded(task, digits, whole, monkeypatch, name):
    with monkeypatch.context() as patch:
        vanish_at(patch, 1, name)
        with pytest.raises(Vanished):
            train_published(task, digits)
    with pytest.raises(IncompleteCheckpoint):
        load_run(task.folder.url)
    assert train_published(task, digits).resumed_at == STEPS - 1
    assert identity(task) == whole


def test_a_run_that_was_finished_before_its_machine_vanished_is_kept(task, digits, monkeypatch):
    first = train_published(task, digits)
    monkeypatch.setattr(RecordedTraining, "run", lambda *_, **__: pytest.fail("it trained again"))
    again = train_published(task, digits)
    assert again.resumed_at is None
    assert replace(again.run, path=first.run.path) == first.run


def test_an_older_run_in_the_folder_is_replaced_and_not_taken_for_the_new_one(task, digits):
    train_published(task, digits)
    old = task.folder.read(RUN_FILE)
    train_published(replace(task, train=replace(TRAIN, seed=5), replaces=old), digits)
    assert load_run(task.folder.url).train.seed == 5


def test_the_status_of_a_run_in_a_shared_folder(task, digits, monkeypatch):
    (run,) = sweep_runs([TRAIN], lambda shape, classes: replace(MODEL, image_shape=shape))
    root = RemoteFolder(str(Path(task.folder.url).parent))

    def look(resume=False, overwrite=False, run=run):
        return find_published(run, root, resume, overwrite)

    assert look().status == look(resume=True).status == "new"
    with monkeypatch.context() as patch:
        vanish_at(patch, 12)
        with pytest.raises(Vanished):
            train_published(task, digits)
    assert (look(resume=True).status, look(resume=True).finished) == ("unfinished", None)
    with pytest.raises(CheckpointError, match="--resume"):
        look()
    train_published(task, digits)
    assert look(resume=True).finished.train == TRAIN
    assert look(overwrite=True).replaces == task.folder.read(RUN_FILE)
    with pytest.raises(ConfigError, match=f"{task.folder.url} has other settings"):
        look(resume=True, run=replace(run, train=replace(TRAIN, seed=3)))
    Path(task.folder.url, RUN_FILE).write_text("{")
    with pytest.raises(CheckpointError, match=f"^{task.folder.url}/run.json is not complete"):
        look(resume=True)


def test_a_folder_with_other_files_is_never_used(task, tmp_path):
    (run,) = sweep_runs([TRAIN], lambda shape, classes: MODEL)
    Path(task.folder.url).mkdir(parents=True)
    half = Path(task.folder.url) / "resume.safetensors.partial"
    half.write_text("")
    root = RemoteFolder(str(tmp_path / "sweep"))
    assert find_published(run, root, resume=False, overwrite=False).status == "new"
    (Path(task.folder.url) / "thesis.tex").write_text("years of work")
    for resume, overwrite in ((False, False), (False, True), (True, False)):
        with pytest.raises(CheckpointError, match="holds other files"):
            find_published(run, root, resume, overwrite)
