"""One checkpoint: a folder, and the only code that reads and writes one.

    model.safetensors    the weights
    atlas.safetensors    the test split's posterior means, log-variances (half precision), labels
                         and, where the data set knows them, factors
    curve.safetensors    only of a multi-rate model: its measures and codes at each beta of a grid
    metrics.jsonl        one line an epoch
    scores.json          only where measured: what `vae metrics --save` found, and of which weights
    run.json             both configurations, results, provenance, and the sha256 of the others
    resume.safetensors   only of a run that has steps left: all that resuming needs

`run.json` is written last, by renaming; a folder without it is an incomplete run. Nothing is
pickled.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from vae.core.config import ModelConfig, Storage, TrainConfig
from vae.core.errors import (
    CheckpointError,
    ConfigError,
    ForeignCheckpoint,
    IncompleteCheckpoint,
    MissingCheckpoint,
    NewerCheckpoint,
    StaleScores,
    TamperedCheckpoint,
)
from vae.data.splits import Factor
from vae.metrics.rate_curve import RateCurve, beta_grid
from vae.models import build
from vae.models.posterior import Posterior
from vae.models.vae import VAE
from vae.runs.run import WEIGHTS_FILE, Provenance, Results, Run
from vae.runs.stored_scores import StoredScores

FORMAT_VERSION = 8
RUN_FILE = "run.json"
ATLAS_FILE = "atlas.safetensors"
METRICS_FILE = "metrics.jsonl"
CURVE_FILE = "curve.safetensors"
RESUME_FILE = "resume.safetensors"
SCORES_FILE = "scores.json"
PARTIAL = ".partial"
"""Behind the name of a file that is being written."""
SCORES_FORMAT, SCORES_VERSION = "latent-explorer-scores", 1
MAX_RUN_FILE_BYTES = 4 * 2**20
MAX_HEADER_BYTES = 2**20
MAX_ATLAS_BYTES, MAX_CURVE_BYTES, MAX_METRICS_BYTES = 64 * 2**20, 256 * 2**20, 64 * 2**20
"""Far more than ever is written; what is larger is not read."""

PLAIN_DTYPES = (torch.float32, torch.float64, torch.float16, torch.int16, torch.int32, torch.int64)
_NAME = re.compile(r"\w[\w .+=,@-]{0,99}")
SETTINGS_SINCE: dict[int, dict[str, dict[str, Any]]] = {
    2: {
        "model": {"beta_range": None},
        "train": {"objective": "beta-vae", "precision": "float32", "storage": "float32"},
    },
    3: {"model": {"kind": "vae", "classes": 0}},
    4: {"train": {"corruption": 0.0}},
    5: {"train": {"perceptual": 0.0, "critic": ""}},
    6: {"train": {"labelled": 0}},
    7: {"model": {"logvar_limit": 10.0}},
    8: {"model": {"levels": (), "codebook": 0}},
}
"""By format version, the settings that came with it, as all runs before it had them."""
HALF_RANGE = (-65504.0, 65504.0)


ATLAS_NUMBERS = 2**19
"""At most so many means, and as many log-variances: 2 MB. Long codes are kept of fewer images."""


@dataclass(frozen=True)
class Atlas:
    """The posteriors of the test split, or of its first images: see `atlas_rows`.

    They are rounded to half precision; a label of -1 means none.
    """

    mean: Float[np.ndarray, "n latent"]
    logvar: Float[np.ndarray, "n latent"]
    label: Int[np.ndarray, "n"]
    factors: Int[np.ndarray, "n factors"] | None = None
    """The level of each of the run's factors, counted from 0; None where it has none."""


def atlas_rows(latent_dim: int) -> int:
    """Of how many test images the codes are kept, at most; all 10,000 of up to 52 dimensions."""
    return ATLAS_NUMBERS // latent_dim


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
    """Write a whole checkpoint, `run.json` last; CheckpointError where the disk refuses.

    `levels` has a column for each of `factors` and a row for each image of `atlas`.
    `curve` goes with a multi-rate model, and with no other.
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
        with _staged(path / RUN_FILE) as file:
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
    """Write all files but `run.json`, which goes; the sha256 of each."""
    with ExitStack() as stack:
        staged = {name: stack.enter_context(_staged(path / name)) for name in names}
        for name, values in tensors.items():
            _save_tensors(staged[name], values)
        staged[METRICS_FILE].write_text(metrics, encoding="utf-8")
        sha256 = {name: _sha256(file) for name, file in staged.items()}
        # Only now, with all of the new one on the disk, is an older checkpoint given up.
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
    """Read `run.json` alone. Raises the CheckpointError that says what is wrong with it."""
    path = Path(path)
    record = _read_record(path)
    try:
        model = ModelConfig.from_dict(record["model"])
        run = Run(
            path=path,
            model=model,
            train=TrainConfig.from_dict(record["train"]),
            class_names=_names(record["class_names"]),
            results=Results.from_dict(record["results"]),
            provenance=Provenance.from_dict(record["provenance"]),
            sha256={name: _digest(record["sha256"][name]) for name in hashed_files(model)},
            factors=tuple(Factor.from_dict(values) for values in record.get("factors", ())),
        )
        run.results.check_dimensions(run.model.latent_dim)
        return run
    except (KeyError, TypeError, ConfigError) as error:
        reason = f"key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise TamperedCheckpoint(f"{path / RUN_FILE} is not valid: {reason}") from error


def _names(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise ConfigError(f"class_names: expected a list of names, found {values!r:.40}")
    return tuple(values)


def _digest(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise ConfigError(f"sha256: expected 64 hexadecimal digits, found {value!r:.40}")
    return value


def load_model(run: Run, device: torch.device | str = "cpu") -> VAE:
    """Build the model from its stored configuration and load its weights, strictly.

    Refuses weights that are absent, cut short, changed since they were written, of other shapes
    than the configuration asks for, or not finite.
    """
    with torch.device("meta"):
        model = build.build(run.model)
    numbers = sum(value.numel() for value in model.state_dict().values())
    tensors = _read_hashed(run, WEIGHTS_FILE, 4 * numbers + MAX_HEADER_BYTES)
    _check_leaves(run, tensors, model.state_dict())
    model.load_state_dict({name: value.float() for name, value in tensors.items()}, assign=True)
    return model.eval().requires_grad_(False).to(device)


def load_atlas(run: Run) -> Atlas:
    """The posteriors of the test split as float32; refused like weights are."""
    tensors = _read_hashed(run, ATLAS_FILE, MAX_ATLAS_BYTES)
    label = tensors.get("label", torch.empty(0))
    count = len(label) if label.ndim == 1 else 0
    shape = (count, run.model.latent_dim)
    wanted = {"mean": torch.empty(shape), "logvar": torch.empty(shape), "label": torch.empty(count)}
    if run.factors:
        wanted["factors"] = torch.empty(count, len(run.factors))
    _check_leaves(run, tensors, wanted)
    _check_labels(run, label)
    return Atlas(
        mean=tensors["mean"].float().numpy(),
        logvar=tensors["logvar"].float().numpy(),
        label=tensors["label"].long().numpy(),
        factors=_read_levels(run, tensors["factors"]) if run.factors else None,
    )


def _check_labels(run: Run, labels: torch.Tensor) -> None:
    """Pages start from a test image, and look up the name of its class."""
    if not len(labels):
        raise TamperedCheckpoint(f"{run.path}: {ATLAS_FILE} holds no test image; train afresh")
    lowest, highest = float(labels.min()), float(labels.max())
    # Such a model cannot be asked about an image without its class.
    least = 0 if run.model.is_told_labels else -1
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
    """A multi-rate model's measures at each beta, refused like weights are; else None."""
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
    _check_leaves(run, tensors, {name: torch.empty(shape) for name, shape in shapes.items()})
    tensors["means"] = means.float()
    return RateCurve(**{name: value.numpy() for name, value in tensors.items()})


def load_metrics(run: Run) -> list[dict[str, Any]]:
    """What was reported at the end of each epoch, in order; refused like weights are."""
    _check_hash(run, METRICS_FILE, MAX_METRICS_BYTES)
    try:
        text = (run.path / METRICS_FILE).read_text(encoding="utf-8")
        epochs = [json.loads(line) for line in text.splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise IncompleteCheckpoint(f"{run.path / METRICS_FILE} is damaged; train afresh") from error
    if not all(isinstance(epoch, dict) and _is_measured(epoch) for epoch in epochs):
        raise TamperedCheckpoint(f"{run.path / METRICS_FILE} is no list of epochs; train afresh")
    return epochs


def _is_measured(epoch: dict[str, Any]) -> bool:
    wanted = (epoch.get(name) for name in ("epoch", "beta", "distortion", "rate"))
    held_out = (epoch.get(f"validation_{name}", 0) or 0 for name in ("distortion", "rate"))
    return all(map(_fits_a_float, (*wanted, *held_out)))


def _fits_a_float(value: object) -> bool:
    """JSON has whole numbers of any length."""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**53)


def save_scores(run: Run, scores: StoredScores) -> None:
    """Keep scores beside the weights they are of; CheckpointError where the disk refuses."""
    head = {"format": SCORES_FORMAT, "format_version": SCORES_VERSION}
    try:
        with _staged(run.path / SCORES_FILE) as file:
            file.write_text(json.dumps(head | scores.to_dict(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise CheckpointError(f"{run.path / SCORES_FILE} cannot be written ({error})") from error


def load_scores(run: Run) -> StoredScores | None:
    """What was last measured; None where nothing was, StaleScores where of other weights."""
    file = run.path / SCORES_FILE
    if not _is_there(file):
        return None
    record = _read_json(file, "measure again with `vae metrics --save`")
    version = record.pop("format_version", None) if isinstance(record, dict) else None
    if type(version) is not int or record.pop("format", None) != SCORES_FORMAT:
        raise ForeignCheckpoint(f"{file} does not hold scores of this program; remove it")
    if version > SCORES_VERSION:
        raise NewerCheckpoint(f"{file} has format version {version}; update the program")
    try:
        scores = StoredScores.from_dict(record)
    except ConfigError as error:
        raise TamperedCheckpoint(f"{file} is not valid: {error}; measure again") from error
    if scores.weights != run.identity:
        raise StaleScores(
            f"{file} is of other weights; measure again with `vae metrics {run.path} --save`"
        )
    return scores


def save_resume_state(path: Path, state: dict[str, torch.Tensor], record: dict[str, Any]) -> None:
    """Write the state of an unfinished run, with the configurations that it belongs to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with _staged(path / RESUME_FILE) as file:
            _save_tensors(file, state, {"record": json.dumps(record)})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"the training state could not be written to {path} ({error}); free some space there"
        ) from error


def load_resume_state(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The state of an unfinished run and its record; CheckpointError where there is none."""
    record = load_resume_record(path)
    return _read_tensors(path / RESUME_FILE), record


def load_resume_record(path: Path) -> dict[str, Any]:
    """The configurations of an unfinished run and its epochs so far; else a CheckpointError."""
    file = path / RESUME_FILE
    if not _is_there(file):
        raise MissingCheckpoint(f"{path} holds no unfinished run; there is nothing to resume")
    try:
        with safe_open(file, framework="pt") as opened:
            header = opened.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise IncompleteCheckpoint(
            f"{file} is cut short or not safetensors ({error}); train the run afresh"
        ) from error
    try:
        record = json.loads(header["record"])
        return {key: record[key] for key in ("model", "train", "epochs")}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ForeignCheckpoint(f"{file} was not written by this program") from error


def hashed_files(model: ModelConfig) -> tuple[str, ...]:
    """The files whose sha256 stands in `run.json`."""
    files = (WEIGHTS_FILE, ATLAS_FILE, METRICS_FILE)
    return files if model.beta_range is None else (*files, CURVE_FILE)


def check_name(path: Path) -> None:
    """CheckpointError unless a folder's name can be a checkpoint's: it is shown and linked to."""
    name = path.absolute().name
    if not _NAME.fullmatch(name):
        raise CheckpointError(
            f"{name!r:.120} cannot be a checkpoint's name; use up to 100 letters, digits, spaces "
            "and . _ + = , @ - with a letter or digit first"
        )


def make_folder(path: Path) -> None:
    """Make a checkpoint's folder; CheckpointError where that is not allowed."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"the folder {path} cannot be made ({error}); name another"
        ) from error


def discard_resume_state(path: Path) -> None:
    """Forget that a run was unfinished."""
    (path / RESUME_FILE).unlink(missing_ok=True)


def is_half_written(name: str) -> bool:
    """Whether a file of this name is what a killed process left: its own, or safetensors'."""
    return name.endswith(PARTIAL) or name.startswith(".tmp")


def discard_empty(path: Path) -> None:
    """Remove a run's folder where it holds nothing but what was left half written."""
    files = list(path.iterdir()) if path.is_dir() else []
    if path.is_dir() and all(is_half_written(file.name) for file in files):
        for file in files:
            file.unlink()
        path.rmdir()


def _read_record(path: Path) -> dict[str, Any]:
    file = path / RUN_FILE
    if not path.is_dir():
        raise MissingCheckpoint(
            f"there is no checkpoint folder {path}; `vae list` shows those there"
        )
    if not _is_there(file):
        if (path / RESUME_FILE).is_file() or (path / WEIGHTS_FILE).is_file():
            raise IncompleteCheckpoint(
                f"{path} has no {RUN_FILE}: its run did not finish; resume it or train it afresh"
            )
        raise ForeignCheckpoint(f"{path} is not a checkpoint: it has no {RUN_FILE}")
    record = _read_json(file, "restore it from a copy or train the run afresh")
    return _check_format(file, record)


def _is_there(file: Path) -> bool:
    """Whether there is such a file; CheckpointError where this program may not even ask."""
    try:
        return file.is_file()
    except OSError as error:
        raise IncompleteCheckpoint(f"{file} cannot be read ({error.strerror})") from error


def _read_json(file: Path, remedy: str) -> Any:
    try:
        if file.stat().st_size > MAX_RUN_FILE_BYTES:
            raise ForeignCheckpoint(f"{file} is too large to be a run's record; it is not read")
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise IncompleteCheckpoint(f"{file} cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise IncompleteCheckpoint(f"{file} is not whole JSON; {remedy}") from error


def _check_format(file: Path, record: Any) -> dict[str, Any]:
    if not isinstance(record, dict) or record.get("format") != "latent-explorer":
        raise ForeignCheckpoint(f"{file} was not written by this program")
    version = record.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise TamperedCheckpoint(f"{file} has the format version {version!r:.40}, not a number")
    if version > FORMAT_VERSION:
        raise NewerCheckpoint(
            f"{file} has format version {version}, but this program reads up to "
            f"{FORMAT_VERSION}; update the program"
        )
    return _upgraded(record, version)


def _upgraded(record: dict[str, Any], version: int) -> dict[str, Any]:
    """A record as the present version writes it."""
    for since, parts in SETTINGS_SINCE.items():
        for part, settings in parts.items():
            if version < since and isinstance(record.get(part), dict):
                record[part] = settings | record[part]
    return record


def _stored_weights(model: VAE, storage: Storage) -> dict[str, torch.Tensor]:
    weights = model.state_dict()
    if storage == "float32":
        return weights
    return {name: value.clamp(*HALF_RANGE).half() for name, value in weights.items()}


def _curve_tensors(curve: RateCurve) -> dict[str, torch.Tensor]:
    fields = dataclasses.fields(curve)
    tensors = {f.name: torch.from_numpy(getattr(curve, f.name)) for f in fields}
    return tensors | {"means": tensors["means"].clamp(*HALF_RANGE).half()}


def _read_hashed(run: Run, name: str, most_bytes: int) -> dict[str, torch.Tensor]:
    _check_hash(run, name, most_bytes)
    return _read_tensors(run.path / name)


def _check_hash(run: Run, name: str, most_bytes: int) -> None:
    file = run.path / name
    if not _is_there(file):
        raise IncompleteCheckpoint(f"{file} is missing; restore it from a copy or train afresh")
    try:
        if (size := file.stat().st_size) > most_bytes:
            raise TamperedCheckpoint(
                f"{file} is not the file that was saved: it has {size:,} bytes, more than the "
                f"{most_bytes:,} that {RUN_FILE} asks for; restore it from a copy or train afresh"
            )
        found = _sha256(file)
    except OSError as error:
        raise IncompleteCheckpoint(f"{file} cannot be read ({error.strerror})") from error
    if found != run.sha256[name]:
        raise TamperedCheckpoint(
            f"{file} is not the file that was saved: its sha256 starts with {found[:12]}, but "
            f"{RUN_FILE} says {run.sha256[name][:12]}; restore it from a copy or train afresh"
        )


def _read_tensors(file: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(file)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise IncompleteCheckpoint(
            f"{file} is cut short or not safetensors ({error}); restore it from a copy"
        ) from error


def _check_leaves(
    run: Run, found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]
) -> None:
    where = run.path
    for name in sorted(wanted.keys() - found.keys()):
        raise TamperedCheckpoint(f"{where} lacks the tensor {name}, which its configuration needs")
    for name in sorted(found.keys() - wanted.keys()):
        raise TamperedCheckpoint(f"{where} holds a tensor {name} that its configuration lacks")
    for name, tensor in found.items():
        if tensor.shape != wanted[name].shape:
            raise TamperedCheckpoint(
                f"{where}: tensor {name} has shape {tuple(tensor.shape)}, but the configuration "
                f"asks for {tuple(wanted[name].shape)}"
            )
        if tensor.dtype not in PLAIN_DTYPES:
            raise TamperedCheckpoint(
                f"{where}: tensor {name} holds {tensor.dtype}, expected plain numbers; train afresh"
            )
        if not torch.isfinite(tensor).all():
            raise TamperedCheckpoint(f"{where}: tensor {name} holds NaN or infinity; train afresh")


def _save_tensors(
    file: Path, tensors: dict[str, torch.Tensor], header: dict[str, str] | None = None
) -> None:
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, file, header)
    # safetensors makes files that nobody else may read; a server often runs as somebody else.
    file.chmod(0o644)


@contextmanager
def _staged(file: Path) -> Iterator[Path]:
    """A file to write beside `file`; it takes its place if all goes well, else it is removed."""
    partial = file.with_name(file.name + PARTIAL)
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
