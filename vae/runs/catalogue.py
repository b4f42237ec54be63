"""A folder of checkpoints: what is in it, which belong together, and the table of them."""

import dataclasses
import os
import re
import shlex
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vae.core.config import (
    KINDS,
    LOGVAR_LIMIT,
    WITHOUT_RATE,
    Kind,
    ModelConfig,
    Objective,
    TrainConfig,
)
from vae.core.errors import CheckpointError
from vae.runs.checkpoint import RUN_FILE, check_name, load_run
from vae.runs.run import Run

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
    """List the checkpoints right below a folder; incomplete and foreign folders are left out.

    A folder that is a link is listed like any other: whoever may make one may make a checkpoint.
    """
    runs, refused = [], []
    for folder in sorted(folders_in(root), key=_natural):
        try:
            if not folder.name.startswith(".") and (folder / RUN_FILE).is_file():
                check_name(folder)
                runs.append(load_run(folder))
        except CheckpointError as error:
            refused.append(error)
        except OSError as error:
            refused.append(CheckpointError(f"{folder} cannot be read ({error.strerror})"))
    return Catalogue(tuple(runs), tuple(refused))


def folders_in(root: Path) -> list[Path]:
    """What lies right below a folder of checkpoints; nothing where there is no such folder."""
    try:
        return list(root.iterdir()) if root.is_dir() else []
    except OSError as error:
        raise CheckpointError(f"{root} cannot be listed ({error.strerror})") from error


@dataclass(frozen=True)
class Setting:
    """One objective and beta, and its runs by seed."""

    objective: Objective
    beta: float
    runs: tuple[Run, ...]

    @property
    def label(self) -> str:
        """Such as "β 4"."""
        return self.runs[0].train.beta_label

    def of_seed(self, seed: int) -> Run:
        """The run of a seed, or the first run where there is none."""
        return next((run for run in self.runs if run.train.seed == seed), self.runs[0])


@dataclass(frozen=True)
class Comparison:
    """The same data, network and training under several settings; and the multi-rate models."""

    settings: tuple[Setting, ...]
    """By objective, then rising beta."""

    multi_rate: tuple[Run, ...]
    """Models of the same data and network that serve a range of betas."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """Those of one beta, by setting and seed."""
        return tuple(run for setting in self.settings for run in setting.runs)

    @property
    def example(self) -> Run:
        """Any run: data set, architecture and latent size are those of all."""
        return (*self.multi_rate, *self.runs)[0]

    @property
    def betas(self) -> tuple[float, ...]:
        """Of the runs of one beta, rising."""
        return tuple(sorted({setting.beta for setting in self.settings}))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the runs of one beta, rising."""
        return tuple(sorted({run.train.seed for run in self.runs}))

    def holds(self, run: Run) -> bool:
        """Whether a run is among them."""
        return any(run.path == other.path for other in (*self.multi_rate, *self.runs))


def comparisons(runs: Iterable[Run]) -> list[Comparison]:
    """What can be compared: VAEs alike but for beta, objective and seed, of two settings or more.

    A multi-rate model joins all runs of its data and network, and stands alone where there are
    none; what it is compared with may have been trained for longer or shorter.
    """
    runs = [run for run in runs if run.model.kind == "vae"]
    kin: dict[tuple[Hashable, Hashable], list[Run]] = {}
    multi_rate: dict[Hashable, list[Run]] = {}
    for run in runs:
        if run.model.beta_range is None:
            kin.setdefault((_network(run), _training(run)), []).append(run)
        else:
            multi_rate.setdefault(_network(run), []).append(run)
    found = []
    for (network, _), alike in kin.items():
        settings = _settings(alike)
        if len(settings) > 1:
            found.append(Comparison(settings, tuple(multi_rate.get(network, ()))))
    joined = {_network(comparison.example) for comparison in found}
    alone = [Comparison((), tuple(m)) for network, m in multi_rate.items() if network not in joined]
    return [*found, *alone]


def run_name(
    train: TrainConfig,
    architecture: str,
    latent_dim: int,
    beta_range: tuple[float, float] | None = None,
    kind: Kind = "vae",
) -> str:
    """A folder name that says what the run is."""
    beta = f"beta-{train.beta:g}" if beta_range is None else "multi-rate"
    if train.objective == "beta-tcvae":
        beta = f"tc-{beta}"
    parts = [dataset_part(train.dataset), kind, architecture, latent_dim, beta, "seed", train.seed]
    left_out = ["vae"] + [beta] * (kind in WITHOUT_RATE)
    return "-".join(str(part) for part in parts if part not in left_out)


def dataset_part(dataset: str) -> str:
    """What a folder's name says of a data set: up to 48 small letters, digits and dashes."""
    words = re.sub(r"[^a-z0-9]+", "-", dataset.split("/")[-1].lower()).strip("-")
    return words[:48].strip("-") or "images"


def unused_path(root: Path, name: str, taken: Collection[Path] = ()) -> Path:
    """`root/name`, with a number behind it where that exists or is taken."""
    path, number = root / name, 1
    while path.exists() or path in taken:
        number += 1
        path = root / f"{name}-{number}"
    return path


def train_command(run: Run) -> str:
    """The command line that trains this run again; every setting that matters is written out."""
    model, train = run.model, run.train
    options = {
        "dataset": train.dataset,
        "model": model.kind,
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
        "storage": train.storage,
        "seed": train.seed,
        "threads": run.provenance.threads,
        "out": f"checkpoints/{run.name}",
    }
    if train.dataset.startswith("folder:"):
        options["image-size"] = model.image_shape[1]
    if model.levels:
        options["levels"] = ",".join(map(str, model.levels))
    if model.codebook:
        options["codebook"] = model.codebook
    if model.likelihood != "bernoulli":
        options["pixel-scale"] = model.pixel_scale
    if model.logvar_limit != LOGVAR_LIMIT:
        options["logvar-limit"] = model.logvar_limit
    if train.corruption:
        options["corruption"] = train.corruption
    if train.perceptual > 0:
        options |= {"perceptual": train.perceptual, "critic": train.critic}
    if train.labelled:
        options["labelled"] = train.labelled
    if model.beta_range is not None:
        options["beta-range"] = ",".join(_value(beta) for beta in model.beta_range)
    return "vae train " + " ".join(f"--{k} {_value(v)}" for k, v in options.items())


def markdown_table(runs: Sequence[Run]) -> str:
    """`checkpoints/README.md`: each run's numbers and the command that made it."""
    rows = [
        f"| `{run.name}` | {run.train.dataset} | {_kind(run)} | {run.model.architecture} "
        f"| {run.model.latent_dim} | {' | '.join(_terms(run))} | {run.results.active_units} of "
        f"{run.model.latent_dim} | {_duration(run.results.seconds)} |"
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

Distortion, rate and ELBO are means over the test split, in nats per image (of a model of any
beta, at the one named): the distortion
-log p(x|z) with one posterior sample per image, the rate KL(q(z|x) || p(z)) in closed form,
ELBO = -(distortion + rate) whatever beta was. A latent dimension is active when its posterior mean
varies by more than 0.01 over the test split (Burda et al. 2016). Time is that of the training loop.
Of a data set narrowed to some classes (only=…, without=…) the means are over the test images of
those classes. A model that was trained to undo corruption is measured on clean images.
Autoencoders and classifiers have no rate and no ELBO; the distortion of a classifier is
-log p(y|x).

| name | data set | kind | architecture | latent | beta | distortion | rate | ELBO | active | time |
|---|---|---|---|---|---|---|---|---|---|---|
"""


def _kind(run: Run) -> str:
    name = KINDS[run.model.kind]
    return name if name.isupper() else name.lower().replace("vae", "VAE")


def _terms(run: Run) -> list[str]:
    """Beta, distortion, rate and ELBO, as far as there are any."""
    results, has_rate = run.results, run.model.has_rate
    distortion = f"{results.test_distortion:.{1 if run.model.is_generative else 3}f}"
    if not has_rate:
        return ["", distortion, "", ""]
    return [_beta(run), distortion, f"{results.test_rate:.1f}", f"{results.test_elbo:.1f}"]


def _beta(run: Run) -> str:
    own = run.train.beta_label.removeprefix("β ")
    return own if run.model.beta_range is None else f"{run.beta_label}; here {own}"


def _natural(folder: Path) -> list[tuple[float, str]]:
    """Numbers in a name count as numbers: beta-4 comes before beta-10."""
    parts = re.split(r"(\d+(?:\.\d+)?)", folder.name)
    return [(float(p), "") if i % 2 else (-1.0, p) for i, p in enumerate(parts)]


def _network(run: Run) -> tuple[str, ModelConfig]:
    return run.train.dataset, dataclasses.replace(run.model, beta_range=None)


def _training(run: Run) -> tuple[TrainConfig, float]:
    alike = dataclasses.replace(run.train, beta=1.0, seed=0, objective="beta-vae")
    return alike, run.results.epochs_trained


def _settings(runs: Iterable[Run]) -> tuple[Setting, ...]:
    kin: dict[tuple[bool, float], dict[int, Run]] = {}
    for run in runs:
        key = run.train.objective != "beta-vae", run.train.beta
        kin.setdefault(key, {})[run.train.seed] = run
    settings = []
    for is_other, beta in sorted(kin):
        by_seed = kin[is_other, beta]
        alike = tuple(by_seed[seed] for seed in sorted(by_seed))
        settings.append(Setting(alike[0].train.objective, beta, alike))
    return tuple(settings)


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return shlex.quote(str(value))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _versions(run: Run) -> str:
    return ", ".join(f"{name} {version}" for name, version in run.provenance.versions.items())
