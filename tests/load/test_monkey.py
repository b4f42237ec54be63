"""Monkeys walk over the pages for a few seconds; `tests.benchmarks.monkeys` lets them walk long."""

import shutil

import pytest

from tests.benchmarks.monkeys import LIMITS
from tests.load.monkey import Walk, Zoo, let_loose
from tests.load.visitor import in_a_loop
from tests.support.app_server import AppServer, running_server
from tests.support.hostile_checkpoints import write_hostile

pytestmark = pytest.mark.slow

SEED, SECONDS = 1, 8.0


def test_they_find_nothing(tmp_path):
    root, kept = tmp_path / "checkpoints", tmp_path / "kept"
    names = write_hostile(root)
    shutil.copytree(root, kept)
    zoo = Zoo(names, root, kept, ("line", "any-beta", "vq"))
    with running_server(tmp_path, root, **LIMITS) as server:
        walk = in_a_loop(let_loose(server, zoo, SEED, SECONDS, monkeys=2))
    assert walk.findings == {}
    assert walk.actions["open"] >= 2


def test_they_would_find_a_traceback(tmp_path):
    log = tmp_path / "log"
    where = '  File "/x/pages/map.py", line 1'
    log.write_text(f"Traceback (most recent call last):\n{where}\nKeyError: 1")
    walk = Walk(AppServer("http://localhost", 0, log))
    walk.read_log(["pressed a button"])
    walk.read_log(["pressed another"])
    assert list(walk.findings) == ['KeyError: 1 File "/x/pages/map.py", line 1']
