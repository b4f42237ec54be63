"""Writes the table of all checkpoints, and the command that trains a run again.

Example:
    >>> train_command(load_run("checkpoints/mnist-map")).split(" --arch")[0]
    'vae train --dataset mnist --model vae'
"""

from collections.abc import Sequence

from vae.core.config import KINDS
from vae.core.settings import command_line, format_value
from vae.runs.run import Run

ALWAYS_STATED = tuple(
    "dataset kind architecture latent_dim likelihood beta objective warmup_epochs free_bits epochs "
    "batch_size learning_rate schedule grad_clip validation_fraction precision storage seed".split()
)
"""Settings that a command states first, in this order, even where they have their defaults."""


def train_command(run: Run) -> str:
    """Return the command line that trains this run again, with every setting that matters."""
    stated = command_line(run.model, ALWAYS_STATED) | command_line(run.train, ALWAYS_STATED)
    first = [stated.pop(name) for name in ALWAYS_STATED]
    first.append(f"--threads {run.provenance.threads}")
    first.append(f"--out {format_value(f'checkpoints/{run.name}')}")
    if run.train.dataset.startswith("folder:"):
        first.append(f"--image-size {run.model.image_shape[1]}")
    return " ".join(["vae train", *first, *stated.values()])


def markdown_table(runs: Sequence[Run]) -> str:
    """Return the text of `checkpoints/README.md`: the results and the command of each run."""
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

Distortion, rate and ELBO are means over the test split, in nats per image. A multi-rate model is
measured at the beta that the table names. The distortion is -log p(x|z) with one posterior sample
per image, and the rate is KL(q(z|x) || p(z)) in closed form. The ELBO is -(distortion + rate) for
any beta. A latent dimension is active if the variance of its posterior mean over the test split
exceeds 0.01 (Burda et al. 2016). The time is that of the training loop. For a data set that is
restricted to some classes (only=…, without=…), the test images are those of these classes. A model
that was trained to undo corruption is measured on clean images. Autoencoders and classifiers have
no rate and no ELBO; the distortion of a classifier is -log p(y|x).

| name | data set | kind | architecture | latent | beta | distortion | rate | ELBO | active | time |
|---|---|---|---|---|---|---|---|---|---|---|
"""


def _kind(run: Run) -> str:
    name = KINDS[run.model.kind]
    return name if name.isupper() else name.lower().replace("vae", "VAE")


def _terms(run: Run) -> list[str]:
    """Return beta, distortion, rate and ELBO as texts, which are empty if the model has none."""
    results, has_rate = run.results, run.model.has_rate
    distortion = f"{results.test_distortion:.{1 if run.model.is_generative else 3}f}"
    if not has_rate:
        return ["", distortion, "", ""]
    return [_beta(run), distortion, f"{results.test_rate:.1f}", f"{results.test_elbo:.1f}"]


def _beta(run: Run) -> str:
    own = run.train.beta_label.removeprefix("β ")
    return own if run.model.beta_range is None else f"{run.beta_label}; here {own}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _versions(run: Run) -> str:
    return ", ".join(f"{name} {version}" for name, version in run.provenance.versions.items())
