"""Train on digits, watch, lose the training process, read what happened, train again, open it."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.app_server import running_app, settled

pytestmark = pytest.mark.slow

TRAINER = b"vae.jobs.worker_main"


def trainers(root: Path) -> list[int]:
    """The training processes of the server whose checkpoints lie in a folder."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                is_trainer = TRAINER in (process / "cmdline").read_bytes()
                if is_trainer and str(root).encode() in (process / "environ").read_bytes():
                    found.append(int(process.name))
            except OSError:
                continue
    return found


def train(page, epochs: int) -> None:
    """Send the form of the shortest preset with so many epochs."""
    field = page.get_by_label("Epochs", exact=True)
    if not field.is_visible():
        page.get_by_text("More settings").click()
    field.fill(str(epochs))
    field.press("Tab")
    page.get_by_role("button", name="Train", exact=True).click()


def test_a_killed_training_is_told_calmly_and_the_next_one_is_opened(browser, tmp_path, train_into):
    root = tmp_path / "runs"
    train_into(root / "digits-map", 2, epochs=2)
    with running_app(tmp_path, root) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(120_000)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/train")
        settled(page)
        train(page, epochs=1000)
        page.get_by_text("epoch 2").first.wait_for()
        (trainer,) = trainers(root)
        os.kill(trainer, signal.SIGKILL)
        page.get_by_text("most likely for lack of memory").wait_for()
        assert page.locator(".stException").count() == 0
        train(page, epochs=3)
        page.get_by_text("Test split: distortion").wait_for()
        page.get_by_role("link", name="Open in Map").click()
        page.get_by_test_id("live-map").wait_for()
        assert "model=digits-mlp-deep-2-beta-1-seed-0" in page.url
        page.close()
        assert errors == []
