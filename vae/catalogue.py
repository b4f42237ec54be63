"""A folder of checkpoints: what is in it, which belong together, and the table of them."""

import dataclasses
import os
import re
import shlex
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vae.checkpoint import RUN_FILE, check_name, load_run
from vae.config import ModelConfig, TrainConfig
from vae.errors import CheckpointError
from vae.run import Run

CHECKPOINTS_VARIABLE = "LATENT_CHECKPOINTS"


@dataclass(frozen=True)
class Catalogue:
    """The checkpoints of a folder, by name, and what is wrong with those that cannot be read."""

    runs: tuple[Run, ...]
    refused: tuple[CheckpointError, ...]


def checkpoints_dir() -> Path:
    """LATENT_CHECKPOINTS, else `checkpoints` in the working folder."""
    return Path(os.environ.get(CHECKPOINTS_VARIABLE) or "checkpoints")


def read_catalogue(root: Path) -> Catalogue:
    """List the checkpoints right below a folder; incomplete and foreign folders are left out."""
    runs, refused = [], []
    folders = sorted(root.iterdir(), key=_natural) if root.is_dir() else []
    for folder in folders:
        if folder.name.startswith(".") or not (folder / RUN_FILE).is_file():
            continue
        try:
            check_name(folder)
            runs.append(load_run(folder))
        except CheckpointError as error:
            refused.append(error)
    return Catalogue(tuple(runs), tuple(refused))


def beta_families(runs: Iterable[Run]) -> list[list[Run]]:
    """Runs that differ from each other in beta and seed alone, by rising beta, then seed.

    Only those of at least two betas.
    """
    kin: dict[Hashable, dict[tuple[float, int], Run]] = {}
    for run in runs:
        kin.setdefault(_family(run), {})[run.train.beta, run.train.seed] = run
    families = [[members[key] for key in sorted(members)] for members in kin.values()]
    return [family for family in families if len({run.train.beta for run in family}) > 1]


def trained_apart(run: Run, runs: Iterable[Run]) -> list[Run]:
    """The runs of one beta each that a multi-rate run stands for, by rising beta, then seed.

    Same data, same architecture and size, the plain objective.
    """
    plain = dataclasses.replace(run.model, beta_range=None)
    kin = [
        other
        for other in runs
        if other.model == plain
        and other.train.dataset == run.train.dataset
        and other.train.objective == run.train.objective
        and not other.train.free_bits
    ]
    return sorted(kin, key=lambda other: (other.train.beta, other.train.seed))


def run_name(
    train: TrainConfig,
    architecture: str,
    latent_dim: int,
    beta_range: tuple[float, float] | None = None,
) -> str:
    """A folder name that says what the run is."""
    dataset = re.sub(r"[^a-z0-9]+", "-", train.dataset.split("/")[-1].lower()).strip("-")
    beta = f"beta-{train.beta:g}" if beta_range is None else "multi-rate"
    if train.objective == "beta-tcvae":
        beta = f"tc-{beta}"
    setting = f"{architecture}-{latent_dim}-{beta}-seed-{train.seed}"
    return f"{dataset[:48].strip('-') or 'images'}-{setting}"


def unused_path(root: Path, name: str, taken: Collection[Path] = ()) -> Path:
    """`root/name`, with a number behind it where that exists or is taken."""
    path, number = root / name, 1
    while path.exists() or path in taken:
        number += 1
        path = root / f"{name}-{number}"
    return path


def train_command(run: Run) -> str:
    """The command line that trains this run again; every setting is written out."""
    model, train = run.model, run.train
    options = {
        "dataset": train.dataset,
        "arch": model.architecture,
        "latent-dim": model.latent_dim,
        "likelihood": model.likelihood,
        "beta": train.beta,
        "objective": train.objective,
        "warmup-epochs": train.warmup_epochs,
        "free-bits": train.free_bits,
        "epochs": train.epochs,
        "batch-size": train.batch_size,
        "learning-rate": train.learning_rate,
        "schedule": train.schedule,
        "grad-clip": train.grad_clip,
        "validation-fraction": train.validation_fraction,
        "precision": train.precision,
        "seed": train.seed,
        "threads": run.provenance.threads,
        "out": f"checkpoints/{run.name}",
    }
    if train.dataset.startswith("folder:"):
        options["image-size"] = model.image_shape[1]
    if model.likelihood == "gaussian":
        options["pixel-scale"] = model.pixel_scale
    if model.beta_range is not None:
        options["beta-range"] = ",".join(_value(beta) for beta in model.beta_range)
    return "vae train " + " ".join(f"--{k} {_value(v)}" for k, v in options.items())


def markdown_table(runs: Sequence[Run]) -> str:
    """`checkpoints/README.md`: each run's numbers and the command that made it."""
    rows = [
        f"| `{run.name}` | {run.train.dataset} | {run.model.architecture} | {run.model.latent_dim} "
        f"| {run.train.beta:g} | {run.results.test_distortion:.1f} | {run.results.test_rate:.1f} "
        f"| {run.results.test_elbo:.1f} | {run.results.active_units} of {run.model.latent_dim} "
        f"| {_duration(run.results.seconds)} |"
        for run in runs
    ]
    commands = [
        f"### {run.name}\n\n```\n{train_command(run)}\n```\n\n"
        f"{run.results.epochs_trained:g} epochs on {run.provenance.device}, "
        f"{run.provenance.threads} threads, "
        f"{_versions(run)}; {run.provenance.created}.\n"
        for run in runs
    ]
    return _TABLE_HEAD + "\n".join(rows) + "\n\n## How each was made\n\n" + "\n".join(commands)


_TABLE_HEAD = """\
# Checkpoints

Generated from the `run.json` files by `vae list --markdown > checkpoints/README.md`; not typed.

Distortion, rate and ELBO are means over the test split, in nats per image: the distortion
-log p(x|z) with one posterior sample per image, the rate KL(q(z|x) || p(z)) in closed form,
ELBO = -(distortion + rate) whatever beta was. A latent dimension is active when its posterior mean
varies by more than 0.01 over the test split (Burda et al. 2016). Time is that of the training loop.

| name | data set | architecture | latent | beta | distortion | rate | ELBO | active units | time |
|---|---|---|---|---|---|---|---|---|---|
"""


def _natural(folder: Path) -> list[tuple[float, str]]:
    """Numbers in a name count as numbers: beta-4 comes before beta-10."""
    parts = re.split(r"(\d+(?:\.\d+)?)", folder.name)
    return [(float(p), "") if i % 2 else (-1.0, p) for i, p in enumerate(parts)]


def _family(run: Run) -> tuple[ModelConfig, TrainConfig, float]:
    alike = dataclasses.replace(run.train, beta=1.0, seed=0)
    return run.model, alike, run.results.epochs_trained


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return shlex.quote(str(value))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _versions(run: Run) -> str:
    return ", ".join(f"{name} {version}" for name, version in run.provenance.versions.items())
