"""Monkeys on the pages: `python -m tests.benchmarks.monkeys --seed 1 --minutes 5`.

They walk as `tests.load.monkey` says, on a server over the models that ship and over hostile ones,
of which some come, go and break meanwhile. The exit status is 1 where they found something.
"""

import argparse
import asyncio
import os
import shutil
import tempfile
from pathlib import Path

from tests.load.monkey import Walk, Zoo, let_loose, look_everywhere
from tests.support.app_server import PROJECT, running_server
from tests.support.hostile_checkpoints import write_hostile

BREAKABLE = (
    "digits-map",
    "digits-beta-4-seed-1",
    "any-beta",
    "line",
    "vq",
    "ladder",
    "conditional",
)
LIMITS = {
    "LATENT_MAX_JOB_MINUTES": "0.05",
    "LATENT_MAX_JOBS": "6",
    # Nothing is downloaded: there is no such proxy.
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}


def fill(root: Path, models: str) -> list[str]:
    """A folder of checkpoints; the names of those that may be broken."""
    root.mkdir()
    if models in ("hostile", "both"):
        write_hostile(root)
    if models in ("shipped", "both"):
        for item in (PROJECT / "checkpoints").iterdir():
            if item.name not in BREAKABLE:
                (root / item.name).symlink_to(item)
    return [name for name in BREAKABLE if (root / name).is_dir()]


def report(walk: Walk, seed: int) -> None:
    """What was done, and what was found."""
    done = ", ".join(f"{count} {name}" for name, count in walk.actions.most_common())
    print(f"seed {seed}: {done}")
    for line, count in walk.warnings.most_common():
        print(f"  {count} times: {line}")
    for what, trails in walk.findings.items():
        print(f"--- {len(trails)} times: {what}\n    {trails[0]}\n")
    print(f"{len(walk.findings)} findings")


def main() -> int:
    """Let them loose."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--monkeys", type=int, default=2, help="sessions at once")
    parser.add_argument("--models", choices=("hostile", "shipped", "both"), default="both")
    parser.add_argument("--served", action="store_true", help="no network runs in the browser")
    parser.add_argument(
        "--everywhere", action="store_true", help="no walk: every view of every model, once"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        breakable = fill(folder / "checkpoints", options.models)
        shutil.copytree(folder / "checkpoints", folder / "kept", symlinks=True)
        names = sorted(path.name for path in (folder / "checkpoints").iterdir() if path.is_dir())
        zoo = Zoo(names, folder / "checkpoints", folder / "kept", breakable)
        settings = LIMITS | ({"LATENT_BROWSER_MEGABYTES": "0"} if options.served else {})
        if place := os.environ.get("LATENT_DATA_DIR"):
            settings["LATENT_DATA_DIR"] = place
        try:
            with running_server(folder, folder / "checkpoints", **settings) as server:
                if options.everywhere:
                    walk = asyncio.run(look_everywhere(server, names))
                else:
                    seconds = 60 * options.minutes
                    walk = asyncio.run(
                        let_loose(server, zoo, options.seed, seconds, options.monkeys)
                    )
                report(walk, options.seed)
        except AssertionError:
            # The server's log has a traceback, which is among the findings.
            return 1
    return int(bool(walk.findings))


if __name__ == "__main__":
    raise SystemExit(main())
