"""Texts of the command line as values; ArgumentTypeError says what was expected instead."""

import argparse
import math
import re


def betas(text: str) -> list[float]:
    """Numbers such as 1,2,4, each once."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers such as 1,2,4, not {text!r}") from None
    if len({f"{beta:g}" for beta in found}) < len(found):
        raise argparse.ArgumentTypeError(f"a beta stands twice in {text!r}")
    return found


def seeds(text: str) -> list[int]:
    """Seeds such as 1,2,3, each once."""
    found = [seed(part) for part in text.split(",")]
    if len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"a seed stands twice in {text!r}")
    return found


def datasets(text: str) -> list[str]:
    """Names of data sets with commas between them, each once."""
    # A comma before NAME=VALUE is one between the options of sprites.
    names = re.split(r",(?!\w+=)", text)
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"a data set stands twice in {text!r}")
    return names


def numbers(text: str) -> list[float]:
    """Finite numbers such as 0.1,0.3."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = [math.nan]
    if not all(math.isfinite(number) for number in found):
        raise argparse.ArgumentTypeError(f"expected numbers such as 0.1,0.3, not {text:.40}")
    return found


def labels(text: str) -> list[int]:
    """Labels such as 3+5, each once."""
    parts = text.split("+")
    if not all(re.fullmatch("[0-9]{1,4}", part) for part in parts) or len(set(parts)) < len(parts):
        raise argparse.ArgumentTypeError(f"expected labels such as 3+5, not {text:.40}")
    return [int(part) for part in parts]


def gpus(text: str) -> float:
    """A share of a GPU such as 0.5, or a number of them."""
    try:
        count = float(text)
    except ValueError:
        count = math.nan
    if not (0 <= count <= 1 or (1 < count <= 1024 and count.is_integer())):
        raise argparse.ArgumentTypeError(
            f"expected a share such as 0.5 or a number, not {text:.40}"
        )
    return count


def sizes(text: str) -> list[int]:
    """Whole numbers such as 100,300, each once."""
    found = [positive(part) for part in text.split(",")]
    if len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"a number stands twice in {text!r}")
    return found


def positive(text: str) -> int:
    """A whole number from 1 to a million."""
    if not text.isdecimal() or not 1 <= int(text[:12]) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"expected 1 to 1,000,000, not {text:.40}")
    return int(text)


def seconds(text: str) -> float:
    """A duration, up to an hour."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"expected seconds, up to 3600, not {text:.40}")
    return seconds


def seed(text: str) -> int:
    """What seeds generators."""
    if not text.isdecimal() or int(text[:12]) >= 2**32:
        raise argparse.ArgumentTypeError(f"expected a whole number below 2**32, not {text:.40}")
    return int(text)


def temperature(text: str) -> float:
    """A factor from 0 to 10."""
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0 <= factor <= 10:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 10, not {text:.40}")
    return factor
