"""What pages need later is got ready behind the first page: in pauses, on servers alone."""

import inspect
import logging
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from streamlit.runtime.scriptrunner import script_runner

from pages.server import warm_up
from tests.load.visitor import run_once
from tests.support.app_server import running_server
from tests.support.waiting import wait_for


def started(*tasks) -> threading.Thread:
    """As behind a run that is over."""
    over = threading.Thread(target=int)
    over.start()
    thread = threading.Thread(target=warm_up._run_tasks, args=(over, tasks))
    thread.start()
    return thread


def test_what_fails_is_logged_and_the_rest_is_done_all_the_same(caplog):
    done: list[str] = []

    def fails():
        yield done.append("begun")
        raise ArithmeticError("of a step")

    with caplog.at_level(logging.ERROR):
        started(fails, lambda: map(done.append, "ab")).join(20)
    assert done == ["begun", "a", "b"]
    (record,) = caplog.records
    assert "ArithmeticError: of a step" in caplog.text
    assert record.name == "pages.server.warm_up"


def test_it_waits_while_a_page_runs():
    done, over = [], threading.Event()
    page = threading.Thread(target=over.wait, name=warm_up.SCRIPT_THREAD)
    page.start()
    working = started(lambda: map(done.append, "a"))
    time.sleep(3 * warm_up.QUIET_SECONDS)
    assert done == []
    over.set()
    working.join(20)
    assert done == ["a"]


def test_a_page_runs_in_a_thread_of_that_name():
    assert f'name="{warm_up.SCRIPT_THREAD}"' in inspect.getsource(script_runner)


def test_nothing_begins_without_a_server(open_page):
    open_page("app.py")
    assert warm_up.THREAD_NAME not in [thread.name for thread in threading.enumerate()]


def test_all_that_is_imported_can_be():
    assert [name for name in warm_up.MODULES if find_spec(name) is None] == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into Linux's /proc")
def test_a_server_imports_what_its_first_page_did_not(tmp_path, small_checkpoints):
    with running_server(tmp_path, small_checkpoints, LATENT_WARM_UP="1") as server:
        maps = Path(f"/proc/{server.pid}/maps")
        run_once(server.address, "lab")
        wait_for(lambda: "/sklearn/" in maps.read_text())
