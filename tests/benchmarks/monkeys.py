"""Runs random visitors over the pages: `python -m tests.benchmarks.monkeys --seed 1 --minutes 5`.

`tests.load.monkey` describes their actions. The server has the models that ship and hostile ones,
some of which appear, disappear and break meanwhile. The exit status is 1 if a fault was found.
"""

import argparse
import asyncio
import os
import shutil
import tempfile
from pathlib import Path

from tests.load.monkey import Walk, Zoo, let_loose, look_everywhere
from tests.support.app_server import link_shipped_models, running_server
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
    # This proxy does not exist, so nothing is downloaded.
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}


def fill(root: Path, models: str) -> list[str]:
    """Fill a folder with checkpoints; return the names of those that the monkeys may break."""
    root.mkdir()
    if models in ("hostile", "both"):
        write_hostile(root)
    if models in ("shipped", "both"):
        link_shipped_models(root, without=BREAKABLE)
    return [name for name in BREAKABLE if (root / name).is_dir()]


def report(walk: Walk, seed: int) -> None:
    """Print the actions, the warnings and the findings of a walk."""
    done = ", ".join(f"{count} {name}" for name, count in walk.actions.most_common())
    print(f"seed {seed}: {done}")
    for line, count in walk.warnings.most_common():
        print(f"  {count} times: {line}")
    for what, trails in walk.findings.items():
        print(f"--- {len(trails)} times: {what}\n    {trails[0]}\n")
    print(f"{len(walk.findings)} findings")


def main() -> int:
    """Start a server and the monkeys; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--monkeys", type=int, default=2, help="number of concurrent sessions")
    parser.add_argument("--models", choices=("hostile", "shipped", "both"), default="both")
    parser.add_argument("--served", action="store_true", help="run all decoders on the server")
    parser.add_argument(
        "--everywhere", action="store_true", help="visit every view of every model once, in order"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        breakable = fill(folder / "checkpoints", options.models)
        shutil.copytree(folder / "checkpoints", folder / "kept", symlinks=True)
        names = sorted(path.name for path in (folder / "checkpoints").iterdir() if path.is_dir())
        zoo = Zoo(names, folder / "checkpoints", folder / "kept", breakable)
        settings = LIMITS | ({"LATENT_BROWSER_MEGABYTES": "0"} if options.served else {})
        if data := os.environ.get("LATENT_DATA_DIR"):
            settings["LATENT_DATA_DIR"] = data
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
            # The server's log has a traceback, which the findings include.
            return 1
    return int(bool(walk.findings))


if __name__ == "__main__":
    raise SystemExit(main())
