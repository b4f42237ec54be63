"""Reads and writes checkpoints. No other code does; a checkpoint is a folder of these files:

    model.safetensors    the weights
    atlas.safetensors    posterior means, log-variances (half precision) and labels of the test
                         split, and the factors of variation if the data set knows them
    curve.safetensors    for a multi-rate model only: measurements and codes at each beta of a grid
    metrics.jsonl        one line per epoch
    scores.json          if measured: the scores of `vae metrics --save`, and the weights' sha256
    run.json             both configurations, results, provenance, and the sha256 of other files
    resume.safetensors   for a run with steps left only: the state from which training resumes

`run.json` is written last, by renaming; a folder without it is an incomplete run. Nothing is
pickled.

Example:
    >>> run = load_run("checkpoints/mnist-map")
    >>> load_model(run).config.latent_dim, load_atlas(run).mean.shape
    (2, (10000, 2))
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError

from vae.core.config import ModelConfig, Storage, TrainConfig
from vae.core.errors import (
    CheckpointError,
    ConfigError,
    IncompleteCheckpoint,
    TamperedCheckpoint,
)
from vae.core.files import written_atomically
from vae.data.splits import Factor
from vae.metrics.rate_curve import RateCurve, beta_grid
from vae.models import build
from vae.models.posterior import Posterior
from vae.models.vae import VAE
from vae.runs.format import (
    ATLAS_FILE,
    CURVE_FILE,
    FORMAT_VERSION,
    HALF_RANGE,
    MAX_ATLAS_BYTES,
    MAX_CURVE_BYTES,
    MAX_HEADER_BYTES,
    MAX_METRICS_BYTES,
    METRICS_FILE,
    RUN_FILE,
    WEIGHTS_FILE,
    check_digest,
    check_tensors,
    hashed_files,
    parse_digest,
    read_run_record,
    read_tensors,
    sha256_of,
    write_tensors,
)
from vae.runs.run import Provenance, Results, Run

MAX_ATLAS_VALUES = 2**19
"""Maximum number of stored means, which take 1 MB. Longer codes are stored for fewer images."""


@dataclass(frozen=True)
class Atlas:
    """The posteriors of the test split, or of its first `atlas_rows` images, in half precision."""

    mean: Float[np.ndarray, "n latent"]
    logvar: Float[np.ndarray, "n latent"]
    label: Int[np.ndarray, "n"]
    """Class of each image; -1 for an image without a label."""

    factors: Int[np.ndarray, "n factors"] | None = None
    """Level of each factor of variation, from 0; None if the run has no factors."""


def atlas_rows(latent_dim: int) -> int:
    """Return the maximum number of stored codes; 10,000 fit if they have up to 52 dimensions."""
    return MAX_ATLAS_VALUES // latent_dim


def save_checkpoint(
    path: Path,
    model: VAE,
    train: TrainConfig,
    class_names: Sequence[str],
    results: Results,
    atlas: Posterior,
    labels: torch.Tensor,
    epochs: Iterable[dict[str, Any]],
    curve: RateCurve | None = None,
    factors: Sequence[Factor] = (),
    levels: Int[torch.Tensor, "n factors"] | None = None,
) -> Run:
    """Write a checkpoint, `run.json` last; raise CheckpointError if the disk refuses.

    Args:
        path: The folder, which is made if it does not exist.
        model: The model. Its weights are stored as `train.storage` says.
        train: The configuration of the training.
        class_names: The names of the data set's classes.
        results: The measurements on the test split.
        atlas: The posteriors of test images.
        labels: The class of each image of `atlas`.
        epochs: The measurements of each epoch; one line of `metrics.jsonl` each.
        curve: The rate curve of a multi-rate model; None for other models.
        factors: The factors of variation that the data set knows.
        levels: The level of each factor (columns) for each image of `atlas` (rows).
    """
    tensors = {
        WEIGHTS_FILE: _stored_weights(model, train.storage),
        ATLAS_FILE: _atlas_tensors(atlas, labels, levels),
    }
    if curve is not None:
        tensors[CURVE_FILE] = _curve_tensors(curve)
    metrics = "".join(json.dumps(epoch) + "\n" for epoch in epochs)
    provenance = Provenance.here(model.device)
    names, described = tuple(class_names), tuple(factors)
    try:
        path.mkdir(parents=True, exist_ok=True)
        sha256 = _replace_files(path, hashed_files(model.config), tensors, metrics)
        run = Run(path, model.config, train, names, results, provenance, sha256, described)
        with written_atomically(path / RUN_FILE) as file:
            file.write_text(json.dumps(_record(run), indent=2) + "\n", encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"the checkpoint could not be written to {path} ({error}); free some space there or "
            "choose another folder"
        ) from error
    return run


def _atlas_tensors(
    atlas: Posterior, labels: torch.Tensor, levels: Int[torch.Tensor, "n factors"] | None
) -> dict[str, torch.Tensor]:
    tensors = {
        "mean": atlas.mean.clamp(*HALF_RANGE).half(),
        "logvar": atlas.logvar.half(),
        "label": labels.to(torch.int16),
    }
    return tensors if levels is None else tensors | {"factors": levels.to(torch.int16)}


def _replace_files(
    path: Path,
    names: Iterable[str],
    tensors: Mapping[str, dict[str, torch.Tensor]],
    metrics: str,
) -> dict[str, str]:
    """Write all files, remove `run.json`, and return the sha256 of each file."""
    with ExitStack() as stack:
        staged = {name: stack.enter_context(written_atomically(path / name)) for name in names}
        for name, values in tensors.items():
            write_tensors(staged[name], values)
        staged[METRICS_FILE].write_text(metrics, encoding="utf-8")
        sha256 = {name: sha256_of(file) for name, file in staged.items()}
        # An older checkpoint stays valid until all files of the new one are on the disk.
        (path / RUN_FILE).unlink(missing_ok=True)
    return sha256


def _record(run: Run) -> dict[str, Any]:
    return {
        "format": "latent-explorer",
        "format_version": FORMAT_VERSION,
        "model": run.model.to_dict(),
        "train": run.train.to_dict(),
        "class_names": list(run.class_names),
        "factors": [factor.to_dict() for factor in run.factors],
        "results": run.results.to_dict(),
        "provenance": run.provenance.to_dict(),
        "sha256": run.sha256,
    }


def load_run(path: str | Path) -> Run:
    """Read `run.json` alone; raise the CheckpointError that says what is wrong with it."""
    path = Path(path)
    record = read_run_record(path)
    try:
        model = ModelConfig.from_dict(record["model"])
        run = Run(
            path=path,
            model=model,
            train=TrainConfig.from_dict(record["train"]),
            class_names=_names(record["class_names"]),
            results=Results.from_dict(record["results"]),
            provenance=Provenance.from_dict(record["provenance"]),
            sha256={name: parse_digest(record["sha256"][name]) for name in hashed_files(model)},
            factors=tuple(Factor.from_dict(values) for values in record.get("factors", ())),
        )
        run.results.check_dimensions(run.model.latent_dim)
        return run
    except (KeyError, TypeError, ConfigError) as error:
        reason = f"key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise TamperedCheckpoint(f"{path / RUN_FILE} is not valid: {reason}") from error


def _read_hashed(run: Run, name: str, most_bytes: int) -> dict[str, torch.Tensor]:
    _check_digest(run, name, most_bytes)
    return read_tensors(run.path / name)


def _check_digest(run: Run, name: str, most_bytes: int) -> None:
    check_digest(run.path / name, run.sha256[name], most_bytes)


def _names(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise ConfigError(f"class_names: expected a list of names, found {values!r:.40}")
    return tuple(values)


def load_model(run: Run, device: torch.device | str = "cpu") -> VAE:
    """Build the model from its stored configuration and load its weights.

    Raises CheckpointError if the weights are absent, cut short, changed since they were written,
    not finite, or of other shapes than those of the configuration.
    """
    with torch.device("meta"):
        model = build.build(run.model)
    numbers = sum(value.numel() for value in model.state_dict().values())
    tensors = _read_hashed(run, WEIGHTS_FILE, 4 * numbers + MAX_HEADER_BYTES)
    check_tensors(run.path, tensors, model.state_dict())
    model.load_state_dict({name: value.float() for name, value in tensors.items()}, assign=True)
    return model.eval().requires_grad_(False).to(device)


def load_atlas(run: Run) -> Atlas:
    """Load the posteriors of the test split as float32. Raises the errors of `load_model`."""
    tensors = _read_hashed(run, ATLAS_FILE, MAX_ATLAS_BYTES)
    label = tensors.get("label", torch.empty(0))
    count = len(label) if label.ndim == 1 else 0
    shape = (count, run.model.latent_dim)
    expected = {"mean": torch.empty(shape), "logvar": torch.empty(shape)}
    expected["label"] = torch.empty(count)
    if run.factors:
        expected["factors"] = torch.empty(count, len(run.factors))
    check_tensors(run.path, tensors, expected)
    _check_labels(run, label)
    return Atlas(
        mean=tensors["mean"].float().numpy(),
        logvar=tensors["logvar"].float().numpy(),
        label=tensors["label"].long().numpy(),
        factors=_read_levels(run, tensors["factors"]) if run.factors else None,
    )


def _check_labels(run: Run, labels: torch.Tensor) -> None:
    """Check that pages can start from a test image and name its class."""
    if not len(labels):
        raise TamperedCheckpoint(f"{run.path}: {ATLAS_FILE} holds no test image; train afresh")
    lowest, highest = float(labels.min()), float(labels.max())
    # A conditional model cannot encode an image without its class.
    least = 0 if run.model.needs_labels else -1
    if lowest < least or highest >= len(run.class_names):
        raise TamperedCheckpoint(
            f"{run.path}: tensor label holds {lowest:g} to {highest:g}, but {RUN_FILE} names "
            f"{len(run.class_names)} classes; train afresh"
        )


def _read_levels(run: Run, levels: torch.Tensor) -> Int[np.ndarray, "n factors"]:
    for factor, column in zip(run.factors, levels.double().T, strict=True):
        for stray in column[(column < 0) | (column >= factor.size) | (column % 1 != 0)][:1]:
            raise TamperedCheckpoint(
                f"{run.path}: tensor factors holds the level {stray:g} of {factor.name!r:.40}, but "
                f"{RUN_FILE} has its levels as 0 to {factor.size - 1}; train afresh"
            )
    return levels.long().numpy()


def load_curve(run: Run) -> RateCurve | None:
    """Load the measurements of a multi-rate model at each beta; return None for other models.

    Raises the errors of `load_model`.
    """
    if run.model.beta_range is None:
        return None
    tensors = _read_hashed(run, CURVE_FILE, MAX_CURVE_BYTES)
    grid, latent = len(beta_grid(*run.model.beta_range)), run.model.latent_dim
    means = tensors.get("means", torch.empty(0))
    count = means.shape[1] if means.ndim == 3 else 0
    shapes = {
        "betas": (grid,),
        "distortion": (grid,),
        "rate_per_dimension": (grid, latent),
        "mean_variances": (grid, latent),
        "means": (grid, count, latent),
    }
    check_tensors(run.path, tensors, {name: torch.empty(shape) for name, shape in shapes.items()})
    tensors["means"] = means.float()
    return RateCurve(**{name: value.numpy() for name, value in tensors.items()})


def load_metrics(run: Run) -> list[dict[str, Any]]:
    """Load the measurements of each epoch, in order. Raises the errors of `load_model`."""
    _check_digest(run, METRICS_FILE, MAX_METRICS_BYTES)
    try:
        text = (run.path / METRICS_FILE).read_text(encoding="utf-8")
        epochs = [json.loads(line) for line in text.splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise IncompleteCheckpoint(f"{run.path / METRICS_FILE} is damaged; train afresh") from error
    if not all(isinstance(epoch, dict) and _is_measured(epoch) for epoch in epochs):
        raise TamperedCheckpoint(f"{run.path / METRICS_FILE} is not a list of epochs; train afresh")
    return epochs


def _is_measured(epoch: dict[str, Any]) -> bool:
    wanted = (epoch.get(name) for name in ("epoch", "beta", "distortion", "rate"))
    held_out = (epoch.get(f"validation_{name}", 0) or 0 for name in ("distortion", "rate"))
    return all(map(_fits_a_float, (*wanted, *held_out)))


def _fits_a_float(value: object) -> bool:
    """Tell whether a JSON value is a number within the range of a float."""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**53)


def _stored_weights(model: VAE, storage: Storage) -> dict[str, torch.Tensor]:
    weights = model.state_dict()
    if storage == "float32":
        return weights
    return {name: value.clamp(*HALF_RANGE).half() for name, value in weights.items()}


def _curve_tensors(curve: RateCurve) -> dict[str, torch.Tensor]:
    fields = dataclasses.fields(curve)
    tensors = {f.name: torch.from_numpy(getattr(curve, f.name)) for f in fields}
    return tensors | {"means": tensors["means"].clamp(*HALF_RANGE).half()}
