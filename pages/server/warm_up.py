"""Loads what later pages need, in the background, after the server has shown its first page.

Imports take most of the time of a first visit to a page. A thread imports the modules one by one,
each at a moment when no page runs, in the order in which people usually open the pages. The thread
keeps the normal priority of the operating system: it holds Python's interpreter lock during an
import, so everybody would wait longer if it had to wait for a processor.

`LATENT_WARM_UP=0` switches the warm-up off (the older name `LATENT_PREPARE` works too).
"""

import gc
import importlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable

from streamlit.runtime import Runtime

MODULES = (
    *("scipy.spatial", "scipy.sparse.csgraph", "vae.jobs.queue", "pandas"),
    *("scipy.ndimage", "scipy.optimize", "scipy.stats", "sklearn.base", "sklearn.linear_model"),
    *("sklearn.decomposition", "sklearn.metrics", "sklearn.neighbors", "sklearn.cluster"),
    *("sklearn.mixture", "skimage.metrics"),
    *("vae.analysis.generation", "vae.analysis.anomaly", "vae.analysis.denoising"),
    *("vae.analysis.attributes", "vae.analysis.representation", "vae.charts.kinds"),
)
"""The modules that the pages import at their first run."""

THREAD_NAME = "warm-up"
QUIET_SECONDS = 0.1
MAX_WAIT_SECONDS = 10.0
"""The thread continues after this time even while pages run: in a class, some page always runs."""

SCRIPT_THREAD = "ScriptRunner.scriptThread"
"""Streamlit's name for the threads that run pages."""

_log = logging.getLogger(__name__)


def start_warm_up(*more: Callable[[], Iterable[object]]) -> threading.Thread | None:
    """Start the thread, which begins when the page run that calls this has ended.

    `more` are further tasks, each a function that yields after every step; they run after the
    imports. Returns None when the warm-up is switched off, and in tests of a page without a server.
    """
    # Tests replace the runtime by a stand-in that passes for an instance, hence the exact type.
    is_served = Runtime.exists() and type(Runtime.instance()) is Runtime
    if not is_served or not _is_switched_on():
        return None
    thread = threading.Thread(
        target=_run_tasks, args=(threading.current_thread(), [_imports, *more]), name=THREAD_NAME
    )
    thread.start()
    return thread


def _is_switched_on() -> bool:
    return os.environ.get("LATENT_WARM_UP", os.environ.get("LATENT_PREPARE")) != "0"


def _run_tasks(
    first_run: threading.Thread, tasks: Iterable[Callable[[], Iterable[object]]]
) -> None:
    first_run.join()
    for task in tasks:
        try:
            _run_in_pauses(task())
        except Exception:
            # The page that needs this will meet the same error and show it.
            _log.exception("the warm-up could not finish a task")
    gc.freeze()


def _run_in_pauses(steps: Iterable[object]) -> None:
    """Run each step of a task when no page runs; stop when the server shuts down."""
    remaining = iter(steps)
    while _wait_for_quiet() and next(remaining, remaining) is not remaining:
        pass


def _wait_for_quiet() -> bool:
    """Wait until no page has run for QUIET_SECONDS; return False when the server shuts down."""
    latest, quiet_since = time.monotonic() + MAX_WAIT_SECONDS, time.monotonic()
    while threading.main_thread().is_alive():
        now = time.monotonic()
        if any(thread.name == SCRIPT_THREAD for thread in threading.enumerate()):
            quiet_since = now
        if now - quiet_since >= QUIET_SECONDS or now >= latest:
            return True
        time.sleep(QUIET_SECONDS / 4)
    return False


def _imports() -> Iterable[object]:
    for name in MODULES:
        yield importlib.import_module(name)
