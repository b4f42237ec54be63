"""Options that several commands have, and the readers of option values.

An option is a function that adds itself to a parser, so a command lists its options as values. A
reader turns the text of an option into a value, or raises ArgumentTypeError with the format that
it expects.

Example:
    >>> parser = argparse.ArgumentParser()
    >>> for add_option in (CHECKPOINT, count(1000), SEED):
    ...     add_option(parser)
    >>> parser.parse_args(["checkpoints/mnist", "--count", "5"]).count
    5
"""

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vae.core.config import SETTINGS
from vae.core.errors import ConfigError
from vae.core.settings import REQUIRED, Setting, format_value

Option = Callable[[argparse.ArgumentParser], Any]
Parser = argparse.ArgumentParser | argparse._ArgumentGroup


def option(*names: str, **settings: Any) -> Option:
    """Return an option; the arguments are those of `ArgumentParser.add_argument`."""
    return lambda parser: parser.add_argument(*names, **settings)


def betas(text: str) -> list[float]:
    """Read different numbers such as 1,2,4."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers such as 1,2,4, not {text!r}") from None
    if len({f"{beta:g}" for beta in found}) < len(found):
        raise argparse.ArgumentTypeError(f"a beta appears twice in {text!r}")
    return found


def seeds(text: str) -> list[int]:
    """Read different seeds such as 1,2,3."""
    found = [seed(part) for part in text.split(",")]
    if len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"a seed appears twice in {text!r}")
    return found


def datasets(text: str) -> list[str]:
    """Read different names of data sets, separated by commas."""
    # A comma before NAME=VALUE separates two options of sprites.
    names = re.split(r",(?!\w+=)", text)
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"a data set appears twice in {text!r}")
    return names


def numbers(text: str) -> list[float]:
    """Read finite numbers such as 0.1,0.3."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = [math.nan]
    if not all(math.isfinite(number) for number in found):
        raise argparse.ArgumentTypeError(f"expected numbers such as 0.1,0.3, not {text:.40}")
    return found


def labels(text: str) -> list[int]:
    """Read different labels such as 3+5."""
    parts = text.split("+")
    if not all(re.fullmatch("[0-9]{1,4}", part) for part in parts) or len(set(parts)) < len(parts):
        raise argparse.ArgumentTypeError(f"expected labels such as 3+5, not {text:.40}")
    return [int(part) for part in parts]


def gpus(text: str) -> float:
    """Read a share of a GPU such as 0.5, or a number of GPUs."""
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
    """Read different whole numbers such as 100,300."""
    found = [positive(part) for part in text.split(",")]
    if len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"a number appears twice in {text!r}")
    return found


def positive(text: str) -> int:
    """Read a whole number from 1 to a million."""
    if not text.isdecimal() or not 1 <= int(text[:12]) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"expected 1 to 1,000,000, not {text:.40}")
    return int(text)


def seconds(text: str) -> float:
    """Read a duration in seconds, up to an hour."""
    try:
        duration = float(text)
    except ValueError:
        duration = 0.0
    if not 0 < duration <= 3600:
        raise argparse.ArgumentTypeError(f"expected seconds, up to 3600, not {text:.40}")
    return duration


def seed(text: str) -> int:
    """Read the seed of a random generator."""
    if not text.isdecimal() or int(text[:12]) >= 2**32:
        raise argparse.ArgumentTypeError(f"expected a whole number below 2**32, not {text:.40}")
    return int(text)


def temperature(text: str) -> float:
    """Read a factor from 0 to 10."""
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0 <= factor <= 10:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 10, not {text:.40}")
    return factor


CHECKPOINT = option("checkpoint", type=Path, help="folder of a checkpoint")
CHECKPOINTS = option("checkpoints", type=Path, nargs="+", metavar="CHECKPOINT")
SEED = option("--seed", type=seed, default=0, help="seed of all random draws")
THREADS = option("--threads", type=int, help="number of CPU threads (default: all cores but one)")
DATA_DIR = option("--data-dir", type=Path, help="folder of the data sets")
CLASSIFIER = option(
    "--classifier",
    "--judge",
    type=Path,
    help="checkpoint of a classifier (default: the best one for the data set)",
)
FITTED = option(
    "--fitted", type=positive, default=5000, help="number of training images to fit on (5000)"
)
IMPORTANCE_SAMPLES = option(
    "--importance-samples",
    type=positive,
    default=100,
    metavar="K",
    help="samples per image for the log-likelihood (default 100)",
)
BETA_CHOICE = option(
    "--beta",
    type=float,
    help="for a model with a --beta-range: the beta to use (default: the model's own --beta)",
)


DATASET = option("--dataset", default="mnist")
DRAWN_SEEDS = [
    option("--draws", type=positive, default=3, help="number of draws of the images (3)"),
    option("--seed", type=seed, default=0, help="seed of the first draw"),
    option("--save", action="store_true", help="keep the findings beside the checkpoints"),
    DATA_DIR,
    THREADS,
]


def count(default: int, images: str = "number of test images") -> Option:
    """Return the option --count with this default."""
    return option("--count", type=positive, default=default, help=f"{images} ({default})")


def machine(parser: argparse.ArgumentParser) -> None:
    """Add the options for the device, the threads and the folder of the data sets."""
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])
    parser.add_argument(
        "--threads",
        type=int,
        help="number of CPU threads (default: all cores but one; 1 for each run on Ray)",
    )
    DATA_DIR(parser)


def training_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options that `vae train` and `vae sweep` share."""
    groups = add_settings_by_group(parser)
    images, checkpoint = groups["the images"], groups["the checkpoint"]
    images.add_argument("--image-size", type=int, help="side of a folder's images (default 32)")
    checkpoint.add_argument("--overwrite", action="store_true", help="replace an existing run")
    checkpoint.add_argument("--resume", action="store_true", help="continue an unfinished run")
    machine(parser)


def add_setting(parser: Parser, name: str, **changes: Any) -> None:
    """Add the option of one setting; `changes` are further arguments of `add_argument`."""
    setting = SETTINGS[name]
    options = [option for option in (setting.option, setting.alias) if option]
    arguments: dict[str, Any] = {"dest": name, "help": _help(setting), "metavar": setting.metavar}
    arguments |= {"choices": setting.choices} if setting.choices else {"type": _type(setting)}
    default = None if setting.derive or setting.default is REQUIRED else setting.default
    parser.add_argument(*options, **arguments | {"default": default} | changes)


def add_settings_by_group(parser: argparse.ArgumentParser) -> dict[str, argparse._ArgumentGroup]:
    """Add each setting of a group under the group's heading; return the groups by heading."""
    headings = dict.fromkeys(setting.group for setting in SETTINGS.values() if setting.group)
    groups = {heading: parser.add_argument_group(heading) for heading in headings}
    for setting in SETTINGS.values():
        if setting.group:
            add_setting(groups[setting.group], setting.name)
    return groups


def _help(setting: Setting) -> str:
    default = setting.derived
    if not default and setting.default not in (REQUIRED, None, ""):
        default = format_value(setting.default)
    return f"{setting.help} (default: {default})" if default else setting.help


def _type(setting: Setting) -> Any:
    """Return the function that reads the option's text; argparse names it in its errors."""
    if setting.value_type in (int, float, str):
        return setting.value_type

    def value(text: str) -> Any:
        try:
            return setting.parse(text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return value
