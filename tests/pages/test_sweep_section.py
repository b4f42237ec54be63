"""The sweep: what its form says before it is sent, and what becomes of the runs."""

import gc

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from tests.support.waiting import run_until
from vae.runs.catalogue import read_catalogue


def section() -> None:
    import streamlit as st

    from pages.views.compare.sweep import show_sweep

    show_sweep(lambda name: st.session_state.update(shown=name))


@pytest.fixture
def root(tmp_path, monkeypatch):
    streamlit.cache_data.clear()
    streamlit.cache_resource.clear()
    monkeypatch.setenv("LATENT_CHECKPOINTS", str(tmp_path))
    yield tmp_path
    # As in conftest: unfrozen, what the section imported is torn down quietly.
    gc.unfreeze()


@pytest.fixture
def page(root) -> AppTest:
    return AppTest.from_function(section, default_timeout=60).run()


def queue():
    from pages.state.training_queue import training_queue

    return training_queue()


def said(page) -> str:
    return " ".join(element.value for element in (*page.caption, *page.warning))


def small(page, betas: str) -> AppTest:
    page.text_input(key="sweep-betas-digits").set_value(betas)
    page.number_input(key="sweep-epochs-digits").set_value(2)
    return page.run()


def button_labels(page) -> list[str]:
    return [button.label for button in page.button]


def test_the_form_says_how_many_runs_and_how_long(page):
    assert "**4 runs**, roughly 20 s" in said(page)
    page.selectbox(key="sweep-seeds").set_value(3).run()
    assert "**12 runs**" in said(page)
    page.toggle(key="sweep-multi-rate").set_value(True).run()
    assert "**3 runs**" in said(page)
    assert not page.exception


def test_where_nothing_is_known_it_says_so(page):
    page.selectbox(key="sweep-dataset").set_value("cifar10").run()
    assert "an estimate of their time appears during training" in said(page)


@pytest.mark.parametrize("text", ["", "one, two", "1, -2", "1 2 3 4 5 6 7 8 9 10 11"])
def test_bad_betas_are_one_calm_sentence_and_queue_nothing(page, text):
    page.text_input(key="sweep-betas-digits").set_value(text).run()
    assert len(page.warning) == 1
    page.button(key="sweep-train").click().run()
    assert not page.exception
    assert queue().jobs == []


def test_a_sweep_ends_as_checkpoints_and_leads_on(page, root):
    small(page, "1, 4").button(key="sweep-train").click().run()
    assert not page.exception
    assert "**2 runs**, in progress" in said(page)
    run_until(page, lambda: "Show side by side" in button_labels(page))
    names = [run.name for run in read_catalogue(root).runs]
    assert names == ["digits-mlp-deep-8-beta-1-seed-0", "digits-mlp-deep-8-beta-4-seed-0"]
    next(button for button in page.button if button.label == "Show side by side").click().run()
    assert page.session_state["shown"] == names[0]


def test_the_same_sweep_is_not_trained_twice_at_a_time(page):
    page.number_input(key="sweep-epochs-digits").set_value(1000)
    for _ in range(2):
        page.button(key="sweep-train").click().run()
    assert (len(queue().sweeps), len(queue().jobs)) == (1, 4)
    next(button for button in page.button if button.label == "Stop all").click().run()
    run_until(page, lambda: queue().sweeps[0].ended)
    assert {job.status for job in queue().jobs} == {"stopped"}


def test_more_runs_than_the_server_takes_are_one_calm_sentence(root, monkeypatch):
    monkeypatch.setenv("LATENT_MAX_JOBS", "3")
    page = AppTest.from_function(section, default_timeout=60).run()
    page.button(key="sweep-train").click().run()
    assert not page.exception
    assert [each.value for each in page.warning] == [
        "This server takes 3 jobs at a time, and 0 wait or train already; ask for 3 instead of 4, "
        "or again when some have ended."
    ]
    assert queue().jobs == []


def test_runs_that_are_here_already_are_shown_and_not_trained_again(page, root):
    small(page, "1").button(key="sweep-train").click().run()
    run_until(page, lambda: queue().sweeps[0].ended)
    run_until(page, lambda: "trained already" in said(page))
    small(page, "1, 4")
    assert "**2 runs**, 1 of them trained already" in said(page)
    page.button(key="sweep-train").click().run()
    assert not page.exception
    run_until(page, lambda: queue().sweeps[-1].ended)
    assert len(read_catalogue(root).runs) == 2
    assert len(queue().jobs) == 2


def test_a_multi_rate_model_is_one_run(page, root):
    page.toggle(key="sweep-multi-rate").set_value(True)
    small(page, "ignored").button(key="sweep-train").click().run()
    run_until(page, lambda: "Show side by side" in button_labels(page))
    assert [run.name for run in read_catalogue(root).runs] == [
        "digits-mlp-deep-8-multi-rate-seed-0"
    ]


def test_data_that_cannot_be_had_fail_all_runs_in_one_sentence(page, monkeypatch, root):
    monkeypatch.setenv("LATENT_DATA_DIR", str(root / "data"))
    page.selectbox(key="sweep-dataset").set_value("cifar10").run()
    page.button(key="sweep-train").click().run()
    run_until(page, lambda: queue().jobs[-1].ended and page.warning)
    assert [job.status for job in queue().jobs] == ["failed"] * 5
    assert len(page.warning) == 1
    assert "CIFAR-10 is not in" in page.warning[0].value
    assert "Show side by side" not in button_labels(page)
