"""A sweep in the browser: two rows grow, one is stopped, the other ends as a checkpoint."""

import pytest

from tests.support.app_server import running_app, settled
from tests.support.frames import eventually


def open_sweep(page, address: str, betas: str, epochs: int) -> None:
    """The form with these settings, ready to be sent."""
    page.goto(f"{address}/compare?view=sweep")
    settled(page)
    for label, text in (("Betas", betas), ("Epochs", str(epochs))):
        if label == "Epochs":
            page.get_by_text("More settings").click()
        field = page.get_by_label(label, exact=True)
        field.fill(text)
        field.press("Tab")


def shares(page) -> list[int]:
    """How far each run is, in percent."""
    bars = page.locator(".sweep-bar").all()
    return [int(bar.get_attribute("aria-valuenow") or 0) for bar in bars]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "height"), [(1280, 720), pytest.param(390, 844, marks=pytest.mark.slow)]
)
def test_two_runs_grow_one_is_stopped_and_the_other_becomes_a_checkpoint(
    browser, tmp_path, train_into, width, height
):
    root = tmp_path / "runs"
    train_into(root / "digits-map", 2, epochs=2)
    with running_app(tmp_path, root) as address:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        open_sweep(page, address, betas="0.5, 4", epochs=60)
        page.get_by_text("2 runs").wait_for()
        page.get_by_role("button", name="Train", exact=True).click()
        eventually(page, lambda: len(shares(page)) == 2 and min(shares(page)) > 3)
        page.get_by_role("button", name="Stop", exact=True).nth(1).click()
        page.get_by_text("stopped after").wait_for()
        stopped = shares(page)[1]
        eventually(page, lambda: shares(page)[0] == 100)
        page.get_by_role("button", name="Show side by side").wait_for()
        assert shares(page) == [100, stopped]
        assert stopped < 100
        page.get_by_text("1 done, 1 stopped").wait_for()
        page.get_by_role("button", name="Show side by side").click()
        page.wait_for_url("**model=digits-mlp-deep-8-beta-0.5-seed-0*")
        assert page.locator(".stException").count() == 0
        page.close()
    assert errors == []
    assert (root / "digits-mlp-deep-8-beta-0.5-seed-0" / "run.json").is_file()
