"""The command line: `vae …` or `python -m vae …`.

With --json the last line on standard output is one JSON object; everything else goes to standard
error. Bad input is one line on standard error and exit status 2.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

from vae import __version__
from vae.cli import app
from vae.cli.options.checkpoints import add_checkpoint_commands
from vae.cli.options.studies import add_study_commands
from vae.cli.options.training import add_training_commands
from vae.core.errors import VaeError
from vae.core.text import in_one_line

LONGEST_ERROR = 4000
"""Characters; what a file's name brings in is shown as one line, and moves no terminal's cursor."""

EPILOG = (
    "Data sets: digits, mnist, fashion-mnist, kmnist, cifar10, sprites[:OPTIONS], folder:PATH; "
    "some classes of one as in mnist:only=3 or mnist:without=3+5."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    try:
        options = _parser().parse_args(arguments)
        if options.command == "app":
            return app.start_app(options)
        # Late, so that --help and a mistyped option answer without loading torch.
        from vae.cli import dispatch

        outcome = dispatch.run(options)
    except VaeError as error:
        print(f"vae: {in_one_line(str(error), LONGEST_ERROR)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("vae: stopped", file=sys.stderr)
        return 130
    print(json.dumps(outcome.record) if options.json else outcome.text)
    return 0


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(prog="vae", description="Train and look into VAEs.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add_commands in (add_training_commands, add_checkpoint_commands, add_study_commands):
        add_commands(partial(_command, commands))
    app.add_options(_command(commands, "app", "start the app in a web browser"))
    return parser


def _command(
    commands: Any, name: str, help_text: str, aliases: Sequence[str] = ()
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        aliases=aliases,
        help=help_text,
        description=help_text,
        epilog=EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
