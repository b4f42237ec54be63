"""What each command does; the options are parsed in `vae.__main__`."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from tqdm import tqdm

from vae.catalogue import checkpoints_dir, markdown_table, read_catalogue, run_name, unused_path
from vae.checkpoint import (
    RESUME_FILE,
    RUN_FILE,
    load_atlas,
    load_model,
    load_resume_state,
    load_run,
    save_scores,
)
from vae.config import ModelConfig, TrainConfig
from vae.data import FOLDER_PREFIX, Dataset, load_dataset
from vae.device import pick_device, use_threads
from vae.diagnostics import BATCH, evaluate, explain_collapse, mean_log_likelihood
from vae.errors import CheckpointError, ConfigError
from vae.folder import FOLDER_SIDE
from vae.recorder import RecordedTraining, check_free, read_resume_configs
from vae.run import Run


@dataclass(frozen=True)
class Outcome:
    """What a command found: a JSON object, and the same for people."""

    record: dict[str, Any]
    text: str


def run(options: argparse.Namespace) -> Outcome:
    """Run the chosen command; raises VaeError for bad input."""
    return _COMMANDS[options.command](options)


def train(options: argparse.Namespace) -> Outcome:
    """`vae train`."""
    use_threads(options.threads)
    config = _train_config(options, options.beta, options.seed)
    record = _train_one(options, config, options.out, resume=options.resume)
    return Outcome(record, _lines(record))


def sweep(options: argparse.Namespace) -> Outcome:
    """`vae sweep`: one run per beta and seed, one after the other."""
    use_threads(options.threads)
    seeds = options.seeds or [options.seed]
    configs = [_train_config(options, beta, seed) for beta in options.betas for seed in seeds]
    paths = [_sweep_path(options, config, several_seeds=len(seeds) > 1) for config in configs]
    for config, path in zip(configs, paths, strict=True):
        _check_place(options, config, path)
    dataset = _dataset_for_training(options)
    runs = [
        _sweep_one(options, config, path, dataset) | {"beta": config.beta, "seed": config.seed}
        for config, path in zip(configs, paths, strict=True)
    ]
    return Outcome({"runs": runs}, "\n\n".join(_lines(record) for record in runs))


def evaluate_checkpoint(options: argparse.Namespace) -> Outcome:
    """`vae evaluate`."""
    use_threads(options.threads)
    device = pick_device(options.device)
    run_ = load_run(options.checkpoint)
    beta = _beta_to_look_at(options, run_)
    model = load_model(run_, device).at_beta(beta)
    test = load_dataset(
        run_.train.dataset, options.data_dir, image_shape=run_.model.image_shape
    ).test.to(device)
    found = evaluate(model, test, options.seed)
    estimates = mean_log_likelihood(model, test, options.importance_samples, options.seed)
    log_likelihood = list(_progress(estimates, "log-likelihood", total=-(-len(test) // BATCH)))[-1]
    record = {
        "checkpoint": str(options.checkpoint),
        "beta": beta,
        "test_distortion": found.distortion,
        "test_rate": found.rate,
        "test_elbo": found.elbo,
        "test_rate_per_dimension": list(found.rate_per_dimension),
        "active_units": found.active_units,
        "log_likelihood": log_likelihood,
        "importance_samples": options.importance_samples,
        "test_images": len(test),
    }
    return Outcome(record, _lines(record))


def metrics(options: argparse.Namespace) -> Outcome:
    """`vae metrics`: of a file of codes, or of a checkpoint."""
    source = options.source
    is_file = source.is_file() or (source.suffix == ".npz" and not source.is_dir())
    record = _metrics_of_codes(options) if is_file else _metrics_of_checkpoint(options)
    shown = {k: v for k, v in record.items() if v is not None and k != "mutual_information"}
    return Outcome(record, _lines(shown))


def _metrics_of_codes(options: argparse.Namespace) -> dict[str, Any]:
    import dataclasses

    from vae.codes import load_codes
    from vae.disentanglement import score

    if options.save:
        raise ConfigError("--save needs a checkpoint folder to keep the scores in, not a file")
    known = load_codes(options.source)
    if options.rows is not None:
        known = known.sample(options.rows, options.seed)
    cores = os.cpu_count() or 1
    return dataclasses.asdict(
        score(known.codes, known.factors, known.test, options.estimator, options.seed, cores)
    )


def _metrics_of_checkpoint(options: argparse.Namespace) -> dict[str, Any]:
    from vae.assessment import ROWS, assess
    from vae.stored_scores import StoredScores

    run_ = load_run(options.source)
    rows = ROWS if options.rows is None else options.rows
    settings = {"rows": rows, "estimator": options.estimator, "seed": options.seed}
    found = assess(run_, load_atlas(run_), **settings, n_jobs=os.cpu_count() or 1)
    if found.note:
        _say(found.note)
    if options.save:
        save_scores(run_, StoredScores.now(run_.identity, settings, found.to_dict()))
    return {"checkpoint": str(options.source)} | found.to_dict()


def list_checkpoints(options: argparse.Namespace) -> Outcome:
    """`vae list`."""
    root = options.checkpoints or checkpoints_dir()
    if options.checkpoints and not root.is_dir():
        raise CheckpointError(f"there is no folder {root}; name one that holds checkpoints")
    catalogue = read_catalogue(root)
    for error in catalogue.refused:
        _say(f"left out: {error}")
    rows = [
        {
            "name": run_.name,
            "dataset": run_.train.dataset,
            "architecture": run_.model.architecture,
            "latent_dim": run_.model.latent_dim,
            "beta": run_.train.beta,
            "test_elbo": run_.results.test_elbo,
        }
        for run_ in catalogue.runs
    ]
    text = markdown_table(catalogue.runs) if options.markdown else _table(rows)
    return Outcome({"checkpoints": rows}, text)


def export(options: argparse.Namespace) -> Outcome:
    """`vae export`."""
    from vae.export import export_onnx

    if options.out.is_dir() or not options.out.parent.is_dir():
        raise CheckpointError(f"{options.out} is not a file in a folder that exists; name another")
    run_ = load_run(options.checkpoint)
    model = load_model(run_).at_beta(_beta_to_look_at(options, run_))
    path = export_onnx(model, options.out, options.part)
    return Outcome({"path": str(path)}, f"wrote {path}")


_COMMANDS: dict[str, Callable[[argparse.Namespace], Outcome]] = {
    "train": train,
    "sweep": sweep,
    "evaluate": evaluate_checkpoint,
    "metrics": metrics,
    "list": list_checkpoints,
    "export": export,
}


def _check_place(options: argparse.Namespace, config: TrainConfig, path: Path) -> None:
    """Refuse a sweep's folder unless a run may be written there, or taken up with --resume."""
    if options.resume and (path / RESUME_FILE).is_file():
        _check_settings(options, config, path, *read_resume_configs(load_resume_state(path)[1]))
    elif options.resume and (path / RUN_FILE).is_file():
        found = load_run(path)
        _check_settings(options, config, path, found.model, found.train)
    else:
        check_free(path, options.overwrite)


def _sweep_one(
    options: argparse.Namespace, config: TrainConfig, path: Path, dataset: Dataset
) -> dict[str, Any]:
    """One run of a sweep; with --resume those that are done are kept."""
    unfinished = (path / RESUME_FILE).is_file()
    if options.resume and not unfinished and (path / RUN_FILE).is_file():
        return _training_record(load_run(path))
    return _train_one(options, config, path, dataset, resume=options.resume and unfinished)


def _train_one(
    options: argparse.Namespace,
    config: TrainConfig,
    out: Path | None,
    dataset: Dataset | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    training = _resume(options, out, config) if resume else _start(options, config, out, dataset)
    with _stop_on_interrupt() as stopped:
        _follow(training, stopped)
    finished = training.finish()
    if not training.training.finished:
        _say(f"stopped; the same command with --out {finished.path} --resume goes on with it")
        raise KeyboardInterrupt
    _warn_of_collapse(finished)
    return _training_record(finished)


def _start(
    options: argparse.Namespace, config: TrainConfig, out: Path | None, dataset: Dataset | None
) -> RecordedTraining:
    device = pick_device(options.device)
    if out is not None:
        check_free(out, options.overwrite)
    data = dataset or _dataset_for_training(options)
    model = _model_config(options, data.image_shape)
    path = out or unused_path(
        checkpoints_dir(), run_name(config, model.architecture, model.latent_dim, model.beta_range)
    )
    return RecordedTraining.start(path, model, config, data, device, options.overwrite)


def _resume(options: argparse.Namespace, out: Path | None, config: TrainConfig) -> RecordedTraining:
    if out is None:
        raise ConfigError("--resume needs --out, the folder of the unfinished run")
    model, stored = read_resume_configs(load_resume_state(out)[1])
    _check_settings(options, config, out, model, stored)
    dataset = load_dataset(
        config.dataset,
        options.data_dir,
        validation_fraction=config.validation_fraction,
        image_shape=model.image_shape,
    )
    return RecordedTraining.resume(out, dataset, pick_device(options.device))


def _beta_to_look_at(options: argparse.Namespace, run_: Run) -> float:
    if options.beta is None:
        return run_.train.beta
    if run_.model.beta_range is None:
        raise ConfigError(
            f"{options.checkpoint} was trained at beta {run_.train.beta:g} alone; --beta goes with "
            "models that were trained with --beta-range"
        )
    return options.beta


def _check_settings(
    options: argparse.Namespace,
    config: TrainConfig,
    path: Path,
    stored_model: ModelConfig,
    stored: TrainConfig,
) -> None:
    if stored != config or stored_model != _model_config(options, stored_model.image_shape):
        raise ConfigError(f"the run in {path} has other settings; resume it with those, unchanged")


def _model_config(options: argparse.Namespace, image_shape: tuple[int, int, int]) -> ModelConfig:
    return ModelConfig(
        image_shape,
        options.latent_dim,
        options.arch,
        options.likelihood,
        options.pixel_scale,
        getattr(options, "beta_range", None),
    )


def _train_config(options: argparse.Namespace, beta: float, seed: int) -> TrainConfig:
    names = (
        "dataset epochs batch_size learning_rate schedule warmup_epochs free_bits grad_clip "
        "validation_fraction objective precision storage"
    )
    given = {name: getattr(options, name) for name in names.split()}
    return TrainConfig(beta=beta, seed=seed, **given)


def _dataset_for_training(options: argparse.Namespace) -> Dataset:
    if options.image_size is not None and not options.dataset.startswith(FOLDER_PREFIX):
        raise ConfigError("--image-size goes with folder:PATH; other data sets have their own")
    side = FOLDER_SIDE if options.image_size is None else options.image_size
    ModelConfig((3, side, side), architecture=options.arch)
    return load_dataset(
        options.dataset,
        options.data_dir,
        validation_fraction=options.validation_fraction,
        folder_side=side,
    )


def _sweep_path(options: argparse.Namespace, config: TrainConfig, several_seeds: bool) -> Path:
    name = f"beta-{config.beta:g}"
    return options.out / (f"{name}-seed-{config.seed}" if several_seeds else name)


@contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, so that training ends between two steps; a second one interrupts."""
    asked = threading.Event()

    def ask(signal_number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _follow(training: RecordedTraining, stopped: threading.Event) -> None:
    with tqdm(
        total=training.training.steps,
        initial=training.training.step,
        unit=" steps",
        disable=not sys.stderr.isatty(),
        file=sys.stderr,
        dynamic_ncols=True,
    ) as bar:
        for report in training.run():
            bar.update(report.step - bar.n)
            bar.set_postfix_str(
                f"epoch {report.epoch}, distortion {report.distortion:.1f}, "
                f"rate {report.rate:.1f} nats"
            )
            if stopped.is_set():
                break


def _warn_of_collapse(run_: Run) -> None:
    message = explain_collapse(run_.results.inactive, run_.model.latent_dim, run_.train)
    if message:
        _say(message)


def _training_record(run_: Run) -> dict[str, Any]:
    results = run_.results
    return {
        "test_distortion": results.test_distortion,
        "test_rate": results.test_rate,
        "test_elbo": results.test_elbo,
        "active_units": results.active_units,
        "epochs": results.epochs_trained,
        "train_images_per_second": results.train_images_per_second,
        "seconds": results.seconds,
        "device": run_.provenance.device,
        "threads": run_.provenance.threads,
        "checkpoint": str(run_.path),
    }


def _progress(items: Iterable[Any], title: str, total: int) -> Iterable[Any]:
    return tqdm(items, desc=title, total=total, disable=not sys.stderr.isatty(), file=sys.stderr)


def _lines(record: dict[str, Any]) -> str:
    width = max(len(name) for name in record)
    return "\n".join(f"{name:<{width}}  {_show(value)}" for name, value in record.items())


def _table(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "no checkpoints"
    cells = [list(rows[0]), *([_show(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells
    )


def _show(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(_show(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _say(message: str) -> None:
    print(message, file=sys.stderr)
