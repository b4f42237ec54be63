"""Options that commands of more than one family have."""

import argparse
from collections.abc import Callable
from pathlib import Path

AddCommand = Callable[..., argparse.ArgumentParser]
"""Makes a command's parser of its name, what it does and its older names."""


def add_machine_options(parser: argparse.ArgumentParser) -> None:
    """Where the work runs, and where its data lie."""
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])
    parser.add_argument(
        "--threads", type=int, help="of the CPU (default: all cores but one; 1 a run on Ray)"
    )
    parser.add_argument("--data-dir", type=Path, help="where data sets lie")


def add_beta_choice(parser: argparse.ArgumentParser) -> None:
    """Which beta of a multi-rate model is meant."""
    parser.add_argument(
        "--beta",
        type=float,
        help="of a model with a --beta-range, the one to look at (default: its own --beta)",
    )
