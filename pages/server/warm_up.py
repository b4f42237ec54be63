"""What pages need later, got ready while nobody waits: once a server, behind its first page.

Most of a first look at a page is imports. A thread does them after the first run has ended, one by
one, each in a moment in which no page runs. It has the system's ordinary priority all the same: it
holds the interpreter while it imports, and if it waited for the processor, everybody would. The
order is that in which people come upon the pages. LATENT_PREPARE=0 leaves it all to the pages.
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
"""What the pages import on their first run, and the thread before that."""

QUIET_SECONDS = 0.1
MOST_SECONDS = 10.0
"""After so long it goes on although pages run: in a class some always does."""

SCRIPT_THREAD = "ScriptRunner.scriptThread"
"""What Streamlit calls the threads in which pages run."""

_log = logging.getLogger(__name__)


def prepare(*more: Callable[[], Iterable[object]]) -> threading.Thread | None:
    """Begin once the run that calls this has ended; `more` are tasks in steps, after the imports.

    None where LATENT_PREPARE is 0, and in tests of a page without a server.
    """
    # A test's stand-in passes for an instance.
    served = Runtime.exists() and type(Runtime.instance()) is Runtime
    if not served or os.environ.get("LATENT_PREPARE") == "0":
        return None
    thread = threading.Thread(
        target=_work, args=(threading.current_thread(), [_imports, *more]), name="preparation"
    )
    thread.start()
    return thread


def _work(first_run: threading.Thread, tasks: Iterable[Callable[[], Iterable[object]]]) -> None:
    first_run.join()
    for task in tasks:
        try:
            _do_in_pauses(task())
        except Exception:
            # The page that needs it will meet the same error, and say so.
            _log.exception("what pages need could not be got ready")
    gc.freeze()


def _do_in_pauses(steps: Iterable[object]) -> None:
    """Take the steps of a task, each when all is quiet; none once the server shuts down."""
    remaining = iter(steps)
    while _wait_for_quiet() and next(remaining, remaining) is not remaining:
        pass


def _wait_for_quiet() -> bool:
    """Wait for a moment without a page that runs; False where the server shuts down."""
    latest, quiet_since = time.monotonic() + MOST_SECONDS, time.monotonic()
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
