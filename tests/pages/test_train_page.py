"""The Train page on a shared server: the queue, its limits, what is there already or was left."""

import os
import signal

import pytest
import torch

from tests.support.waiting import wait_for
from vae.core.config import TrainConfig
from vae.runs.catalogue import read_catalogue
from vae.runs.format import RESUME_FILE
from vae.runs.recorder import RecordedTraining
from vae.runs.request import RunRequest

LONG = RunRequest.of(TrainConfig("digits", epochs=10_000), architecture="mlp", latent_dim=2)


@pytest.fixture
def page(open_page, tmp_path):
    """The page over an empty folder; what it trains is stopped in the end."""
    yield open_page("pages/train.py", checkpoints=tmp_path)
    for job in queue().jobs:
        if not job.ended:
            queue().stop(job)
    wait_for(lambda: all(job.ended for job in queue().jobs))


def queue():
    from pages.state.training_queue import training_queue

    return training_queue()


def button(page, label: str):
    return next(each for each in page.button if each.label == label)


def labels(page) -> list[str]:
    return [each.label for each in page.button]


def said(page) -> str:
    return " ".join(each.value for each in (*page.markdown, *page.info, *page.warning))


def train(page, epochs: int, seed: int = 0) -> None:
    page.number_input(key="epochs-5 seconds").set_value(epochs)
    page.number_input(key="seed-5 seconds").set_value(seed)
    button(page, "Train").click().run()
    assert not page.exception


def test_what_is_finished_is_opened_or_trained_all_the_same(page, tmp_path):
    train(page, epochs=2)
    wait_for(lambda: queue().jobs[-1].ended)
    train(page, epochs=2)
    assert len(queue().jobs) == 1
    assert "exists already: **digits-mlp-deep-2-beta-1-seed-0**" in said(page)
    button(page, "Open it").click().run()
    assert not page.exception
    assert page.query_params["model"] == "digits-mlp-deep-2-beta-1-seed-0"
    assert any("Test split: distortion" in each.value for each in page.success)
    assert "Open it" not in labels(page)
    train(page, epochs=2)
    button(page, "Train again anyway").click().run()
    wait_for(lambda: queue().jobs[-1].ended)
    names = [run.name for run in read_catalogue(tmp_path).runs]
    assert names == [f"digits-mlp-deep-2-beta-1-seed-0{end}" for end in ("", "-2")]


def test_beyond_a_limit_it_says_so_and_the_form_keeps_what_it_holds(
    open_page, monkeypatch, tmp_path
):
    monkeypatch.setenv("LATENT_MAX_JOBS", "0")
    page = open_page("pages/train.py", checkpoints=tmp_path)
    train(page, epochs=7)
    assert [each.value for each in page.warning] == [
        "This server takes 0 jobs at a time, and 0 wait or train already; ask again when some "
        "have ended."
    ]
    assert queue().jobs == []
    assert page.number_input(key="epochs-5 seconds").value == 7


def test_a_job_that_is_too_large_is_refused_in_a_sentence(page):
    page.selectbox(key="dataset-5 seconds").set_value("mnist")
    page.selectbox(key="architecture-5 seconds").set_value("resnet")
    train(page, epochs=1000)
    assert "up to 60 minutes; choose fewer epochs" in page.warning[0].value
    assert queue().jobs == []


def test_everyone_sees_the_queue_and_is_asked_before_stopping_anothers_job(page):
    others = queue().submit(LONG)
    train(page, epochs=1000, seed=1)
    train(page, epochs=1000, seed=2)
    assert "1 in progress, 2 waiting" in said(page)
    assert "Somebody else started this." in said(page)
    assert said(page).count("yours") == 2
    own = queue().jobs[-1]
    page.button(key=f"queue-stop-{own.number}").click().run()
    assert own.status == "stopped"
    assert not others.stopping
    page.button(key=f"watch-{others.number}").click().run()
    assert not page.exception
    page.button(key=f"queue-stop-{others.number}").click().run()
    assert others.stopping


@pytest.fixture
def left(tmp_path, digits):
    """A run that was left after its first epoch."""
    path = tmp_path / "left"
    train = TrainConfig("digits", epochs=4, batch_size=64)
    model = LONG.model_for(digits.image_shape, 10)
    run = RecordedTraining.start(path, model, train, digits, torch.device("cpu"))
    next(report for report in run.run() if report.ends_epoch)
    run.save_state()
    return path


def test_what_was_left_unfinished_is_resumed(left, page, tmp_path):
    assert "**left** · 1 of 4 epochs" in said(page)
    page.button(key="resume-left").click().run()
    assert not page.exception
    wait_for(lambda: queue().jobs[-1].ended)
    assert queue().jobs[-1].status == "done"
    assert [run.name for run in read_catalogue(tmp_path).runs] == ["left"]
    page.run()
    assert "**Unfinished**" not in said(page)


def test_what_was_left_unfinished_is_discarded(left, page):
    page.button(key="discard-it-left").click().run()
    assert not page.exception
    assert not left.exists()
    assert "**Unfinished**" not in said(page)


@pytest.mark.slow
def test_a_killed_training_is_told_calmly_and_offered(page):
    train(page, epochs=1000)
    job = queue().jobs[-1]
    wait_for(lambda: job.latest is not None)
    os.kill(queue().process.pid, signal.SIGKILL)
    wait_for(lambda: job.ended)
    page.run()
    assert not page.exception
    assert "most likely for lack of memory" in page.warning[0].value
    assert (job.path / RESUME_FILE).exists() == ("**Unfinished**" in said(page))
    train(page, epochs=2)
    wait_for(lambda: queue().jobs[-1].ended)
    assert queue().jobs[-1].status == "done"


@pytest.mark.slow
def test_a_training_that_was_stopped_is_kept_and_gone_on_with(page, tmp_path):
    train(page, epochs=100)
    (job,) = queue().jobs
    wait_for(lambda: job.epochs)
    page.button(key="stop-1").click().run()
    wait_for(lambda: job.ended)
    page.run()
    assert not page.exception
    assert "of 100 epochs, and the model was kept" in page.success[0].value
    train(page, epochs=100)
    assert len(queue().jobs) == 1
    assert "is already partly trained" in said(page)
    assert {"Resume training", "Resume", "Resume it", "Train again anyway"} <= set(labels(page))
    button(page, "Resume it").click().run()
    assert not page.exception
    assert "is already partly trained" not in said(page)
    again = queue().jobs[-1]
    wait_for(lambda: again.ended)
    assert (again.status, again.path) == ("done", job.path)
    page.run()
    assert "Stopped" not in page.success[0].value
    (run,) = read_catalogue(tmp_path).runs
    assert run.results.epochs_trained == 100
    assert "Resume training" not in labels(page)
