"""`vae app`: starts the app in a web browser, from whichever folder it is called.

Example:
    $ vae app --port 8600 --read-only
"""

import argparse
import os
import subprocess
import sys
from typing import NoReturn

from vae.cli.command import command
from vae.core.installation import app_file


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae app`."""
    parser.add_argument("--port", type=int, help="port of the server (default 8501)")
    parser.add_argument(
        "--address", help="address that the server listens on; 0.0.0.0 opens it to the network"
    )
    parser.add_argument(
        "--read-only", action="store_true", help="switch off training, uploads and downloads"
    )
    parser.add_argument("--no-browser", action="store_true", help="open no browser window")


@command("app", "start the app in a web browser", [add_options])
def app(options: argparse.Namespace) -> NoReturn:
    """Run the app until it is stopped, and exit with the server's status.

    On POSIX the server takes this process's place, so a signal to one reaches the other. The models
    that ship are always listed. Runs are written to `checkpoints` in the working folder, or to the
    folder that LATENT_CHECKPOINTS names.
    """
    words = streamlit_command(options)
    if os.name == "posix":
        os.execv(words[0], words)
    raise SystemExit(subprocess.run(words, check=False).returncode)


def streamlit_command(options: argparse.Namespace) -> list[str]:
    """Return the command line that starts Streamlit with these options."""
    words = [sys.executable, "-m", "streamlit", "run", str(app_file())]
    if options.port is not None:
        words += ["--server.port", str(options.port)]
    if options.address is not None:
        words += ["--server.address", options.address]
    if options.no_browser:
        words += ["--server.headless", "true"]
    return [*words, "--", "--read-only"] if options.read_only else words
