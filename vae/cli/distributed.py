"""Runs `vae train` under torchrun, which trains one model in several processes.

Example:
    $ torchrun --nproc-per-node 2 -m vae train --dataset mnist --out checkpoints/shared
"""

import argparse
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from vae.cli.output import CommandResult, lines
from vae.cli.settings import model_config, train_config
from vae.cli.training import begin, follow, say_health_issues, training_record
from vae.core.config import TrainConfig
from vae.core.device import enable_onednn_matmul, use_threads
from vae.core.errors import ConfigError, VaeError
from vae.data.registry import load_dataset
from vae.runs.checkpoint import load_run
from vae.runs.format import RESUME_FILE
from vae.runs.perceptual_model import open_perceptual_loss
from vae.runs.run import Run
from vae.training import TrainingRun, run_training
from vae.training.distributed import (
    ProcessGroup,
    SharedStore,
    TorchrunEnv,
    check_distributable,
    join_process_group,
)

ENDED = "ended by an error that starting again would not mend"
FOLDER = "folder of the run, once it has begun"
FINISHED = "finished"
"""Keys of the store that the processes share."""

GRACE_SECONDS = 10.0
"""Time that the other processes give the first one to report an error."""


def run_distributed(options: argparse.Namespace, torchrun_env: TorchrunEnv) -> CommandResult:
    """Run the command in each process of a torchrun. Only the first process returns.

    The others exit silently. An error is reported once: by the first process, or by another one if
    it alone fails. This holds too if torchrun starts all processes again after the error.
    """
    store = SharedStore(torchrun_env)
    if store.is_set(ENDED):
        raise SystemExit(2)
    try:
        record = _run(options, torchrun_env, store)
    except VaeError:
        # Most errors occur in all processes, so the first process reports them.
        if torchrun_env.rank > 0:
            store.wait_for(ENDED, GRACE_SECONDS)
        if store.set_once(ENDED):
            raise
        raise SystemExit(2) from None
    except RuntimeError:
        # The exchange with a process broke. Perhaps that process has reported an error and left.
        if store.is_set(ENDED):
            raise SystemExit(2) from None
        raise
    except KeyboardInterrupt:
        if torchrun_env.rank == 0:
            raise
        raise SystemExit(130) from None
    if torchrun_env.rank > 0:
        raise SystemExit(0)
    return CommandResult(record, lines(record))


def _run(
    options: argparse.Namespace, torchrun_env: TorchrunEnv, store: SharedStore
) -> dict[str, Any]:
    if options.command != "train":
        raise ConfigError(
            f"vae {options.command} runs in one process; start it without torchrun, which is for "
            "vae train"
        )
    config = train_config(options, options.beta, options.seed)
    check_distributable(config)
    device = torchrun_env.device(options.device)
    use_threads(torchrun_env.threads if options.threads is None else options.threads)
    enable_onednn_matmul(device)
    with join_process_group(torchrun_env, store, device) as process_group:
        if not process_group.is_leader:
            _take_part(options, config, device, process_group, store)
            return {}
        finished = _lead(options, config, process_group, store)
        return training_record(finished) | {"processes": process_group.size}


def _lead(
    options: argparse.Namespace,
    config: TrainConfig,
    process_group: ProcessGroup,
    store: SharedStore,
) -> Run:
    """Train in the first process, which alone writes files and prints messages."""
    folder = store.read(FOLDER)
    if folder is not None:
        if store.is_set(FINISHED):
            return load_run(Path(folder))
        options = _restart_options(options, Path(folder))
    with ExitStack() as held:
        recorded = begin(options, config, options.out, held, resume=options.resume)
        store.write(FOLDER, str(recorded.path))
        training = recorded.training
        process_group.broadcast(training.model.config.image_shape)
        process_group.broadcast_state(training.state())
        training.process_group = process_group
        follow(recorded, threading.Event())
        finished = recorded.finish()
    store.set_once(FINISHED)
    say_health_issues(finished)
    return finished


def _take_part(
    options: argparse.Namespace,
    config: TrainConfig,
    device: torch.device,
    process_group: ProcessGroup,
    store: SharedStore,
) -> None:
    """Train in another process. The data are on the disk once the first process has read them."""
    if store.is_set(FINISHED):
        return
    shape = process_group.broadcast((0, 0, 0))
    dataset = load_dataset(
        config.dataset,
        options.data_dir,
        validation_fraction=config.validation_fraction,
        image_shape=shape,
        download=False,
    )
    model = model_config(options, shape, len(dataset.class_names))
    training = TrainingRun(
        model, config, dataset, device, open_perceptual_loss(model, config, device)
    )
    state = training.state()
    process_group.broadcast_state(state)
    training.restore(state)
    training.process_group = process_group
    for _ in run_training(training, report_seconds=float("inf")):
        pass


def _restart_options(options: argparse.Namespace, folder: Path) -> argparse.Namespace:
    """Return options that resume the run of this torchrun, or start anew without a saved state."""
    saved = (folder / RESUME_FILE).is_file()
    changes = {"out": folder, "resume": saved, "overwrite": not saved}
    return argparse.Namespace(**vars(options) | changes)
