"""The command line: `vae …` or `python -m vae …`.

With --json the last line on standard output is one JSON object; everything else goes to standard
error. Bad input is one line on standard error and exit status 2.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from vae import __version__
from vae.cli.command import Command
from vae.cli.output import CommandResult
from vae.cli.registry import COMMANDS
from vae.core.errors import VaeError
from vae.core.text import in_one_line

LONGEST_ERROR = 4000
"""Number of characters; file names from elsewhere are shown in one line of printable text."""

EPILOG = (
    "Data sets: digits, mnist, fashion-mnist, kmnist, cifar10, sprites[:OPTIONS], folder:PATH; "
    "some classes of one as in mnist:only=3 or mnist:without=3+5."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    try:
        options = _parser().parse_args(arguments)
        outcome = _run(options)
    except VaeError as error:
        print(f"vae: {in_one_line(str(error), LONGEST_ERROR)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("vae: stopped", file=sys.stderr)
        return 130
    print(json.dumps(outcome.record) if options.json else outcome.text)
    return 0


def _run(options: argparse.Namespace) -> CommandResult:
    if options.command == "app":
        options.run(options)
    # Late, so that --help and a mistyped option answer without loading torch.
    from vae.cli.distributed import run_distributed
    from vae.training.distributed import TorchrunEnv

    torchrun_env = TorchrunEnv.read()
    if torchrun_env is not None:
        return run_distributed(options, torchrun_env)
    result: CommandResult = options.run(options)
    return result


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(prog="vae", description="Train and explore VAEs.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        _add_command(commands, command)
    return parser


def _add_command(commands: Any, command: Command) -> None:
    parser = commands.add_parser(
        command.name,
        aliases=command.aliases,
        help=command.help,
        description=command.help,
        epilog=EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object as last line")
    command.add_options(parser)


if __name__ == "__main__":
    raise SystemExit(main())
