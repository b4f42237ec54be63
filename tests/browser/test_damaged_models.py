"""A model is deleted, and another one breaks, while people look: a calm word, and a way on."""

import shutil

import pytest

from tests.support.app_server import running_app, settled
from tests.support.hostile_checkpoints import ODD, cut, write_odd


def visit(browser, address: str, model: str, errors: list[str]):
    """A person of their own who looks at a model's sliders."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}/decode?model={model}")
    settled(page)
    page.get_by_test_id("live-decoded").first.wait_for()
    return page


def pick(page, model: str) -> None:
    """Choose a model in the sidebar."""
    page.get_by_test_id("stSidebar").get_by_role("combobox").first.click()
    page.get_by_role("option", name=model, exact=True).click()


@pytest.mark.slow
def test_a_model_that_goes_and_one_that_breaks_leave_everybody_standing(browser, tmp_path):
    root = tmp_path / "models"
    errors: list[str] = []
    for name in ("digits-map", "line", "some-labels", "no-labels"):
        write_odd(root / name, ODD[name])
    with running_app(tmp_path, root) as address:
        one = visit(browser, address, "some-labels", errors)
        other = visit(browser, address, "no-labels", errors)

        shutil.rmtree(root / "some-labels")
        # The folder is listed at most every other second.
        one.wait_for_timeout(2500)
        one.get_by_role("link", name="Map", exact=True).click()
        one.get_by_text("The model in the link does not exist here").wait_for()
        one.get_by_test_id("live-map").wait_for()
        assert "model=digits-map" in one.url

        cut(root / "line" / "model.safetensors")
        one.get_by_role("link", name="Decode", exact=True).click()
        one.wait_for_url("**/decode?*")
        settled(one)
        pick(one, "line")
        one.get_by_text("is not the file that was saved").wait_for()
        pick(one, "digits-map")
        one.get_by_test_id("live-decoded").first.wait_for()
        assert one.get_by_text("is not the file that was saved").count() == 0

        other.get_by_role("button", name="Random", exact=True).click()
        other.wait_for_url("**z=*")
        settled(other)
        for page in (one, other):
            assert page.locator(".stException").count() == 0
            page.close()
    assert errors == []
