"""A server for looking only: what counts as one, and what is refused below the pages."""

import pytest

from vae.core.config import TrainConfig
from vae.core.errors import ReadOnlyError
from vae.core.read_only import READ_ONLY_VARIABLE, is_read_only, refuse_if_read_only
from vae.jobs.queue import TrainingQueue
from vae.runs.request import RunRequest

SHORT = RunRequest(TrainConfig("digits", epochs=1), "mlp", 2)


@pytest.mark.parametrize("word", ["1", "true", "yes", "On", "read-only"])
def test_any_word_but_a_no_makes_it_one(monkeypatch, word):
    monkeypatch.setenv(READ_ONLY_VARIABLE, word)
    assert is_read_only()
    with pytest.raises(ReadOnlyError, match="training is switched off here"):
        refuse_if_read_only("training")


@pytest.mark.parametrize("word", [None, "", " ", "0", "False", "no", "OFF"])
def test_a_no_leaves_everything_as_it_is(monkeypatch, word):
    monkeypatch.delenv(READ_ONLY_VARIABLE, raising=False)
    if word is not None:
        monkeypatch.setenv(READ_ONLY_VARIABLE, word)
    assert not is_read_only()
    refuse_if_read_only("training")


def test_the_queue_takes_nothing(monkeypatch, tmp_path):
    queue = TrainingQueue(tmp_path / "checkpoints")
    monkeypatch.setenv(READ_ONLY_VARIABLE, "1")
    with pytest.raises(ReadOnlyError):
        queue.submit(SHORT)
    with pytest.raises(ReadOnlyError):
        queue.submit_all([SHORT])
    assert not queue.jobs
    assert not queue.sweeps
    assert not (tmp_path / "checkpoints").exists()
