"""The page Failures: every failure at once, live runs, and images from elsewhere."""

from dataclasses import replace

import pytest

from tests.support.waiting import run_until
from vae.analysis.failure_modes.prepared import FAILURES


def text(page) -> str:
    return "\n".join(element.value for element in page.main.markdown)


@pytest.mark.parametrize("name", list(FAILURES))
def test_every_failure_opens_with_its_cure(open_page, name):
    page = open_page("pages/failures.py", failure=name)
    assert not page.exception
    assert not page.warning
    assert FAILURES[name].symptom in text(page)
    assert page.query_params["failure"] == name
    assert text(page).count("## The") == 2


def test_images_from_elsewhere_are_shown_to_the_chosen_model(open_page):
    page = open_page("pages/failures.py", failure="strangers")
    assert not page.exception
    assert "| noise |" in text(page)
    assert "digits of 8x8" not in text(page)


def test_both_runs_can_be_trained_here(open_page, monkeypatch):
    both = FAILURES["learning-rate"]
    runs = [replace(r, train=replace(r.train, epochs=2)) for r in (both.request, both.cure)]
    short = replace(both, request=runs[0], cure=runs[1])
    monkeypatch.setitem(FAILURES, "learning-rate", short)
    page = open_page("pages/failures.py", failure="learning-rate")
    page.button(key="run-learning-rate").click().run(timeout=120)
    run_until(page, lambda: "just now" in _captions(page))
    assert "Training exploded" in text(page)


def _captions(page) -> str:
    return "\n".join(caption.value for caption in page.main.caption)
