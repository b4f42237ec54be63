"""Writes the table of all checkpoints, and the command that trains a run again."""

import shlex
from collections.abc import Sequence

from vae.core.config import KINDS, LOGVAR_LIMIT
from vae.runs.run import Run


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


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return shlex.quote(str(value))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _versions(run: Run) -> str:
    return ", ".join(f"{name} {version}" for name, version in run.provenance.versions.items())
