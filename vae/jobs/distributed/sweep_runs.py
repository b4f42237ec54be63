"""The runs of a sweep on any engine: their names, and what is there of each already."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import ConfigError
from vae.runs.checkpoint import load_run
from vae.runs.format import RESUME_FILE, RUN_FILE
from vae.runs.resume import check_same, load_resume_state, read_resume_configs
from vae.runs.run import Run
from vae.runs.run_folder import check_free, dataset_part

RunStatus = Literal["new", "unfinished", "finished"]


@dataclass(frozen=True)
class SweepRun:
    """One run of a sweep: what its folder is called, and what is to be trained."""

    name: str
    train: TrainConfig
    model: Callable[[tuple[int, int, int], int], ModelConfig]
    """For images of a shape (channels, height, width) and a number of classes."""

    @property
    def labels(self) -> dict[str, Any]:
        """What tells it apart from the others."""
        return {"dataset": self.train.dataset, "beta": self.train.beta, "seed": self.train.seed}

    def stored(self, path: Path, status: RunStatus, where: object) -> Run | None:
        """The run in the folder `path`, a copy of `where`; None while it is unfinished.

        ConfigError where it is not this one, CheckpointError where it cannot be read.
        """
        finished = None if status == "unfinished" else load_run(path)
        if finished is None:
            model, train = read_resume_configs(load_resume_state(path)[1])
        else:
            model, train = finished.model, finished.train
        check_same(
            where, (model, train), (self.model(model.image_shape, model.classes), self.train)
        )
        return finished


def sweep_runs(
    configs: Sequence[TrainConfig], model: Callable[[tuple[int, int, int], int], ModelConfig]
) -> list[SweepRun]:
    """A run for each training, in their order; names say only what differs between them.

    ConfigError where two would have the same name.
    """
    several_datasets = len({config.dataset for config in configs}) > 1
    several_seeds = len({config.seed for config in configs}) > 1
    runs: dict[str, SweepRun] = {}
    for config in configs:
        name = _name(config, several_datasets, several_seeds)
        if name in runs:
            raise ConfigError(
                f"{config.dataset} and {runs[name].train.dataset} would share the folder {name}; "
                "sweep over them one after the other"
            )
        runs[name] = SweepRun(name, config, model)
    return list(runs.values())


def classify_files(names: Collection[str], resume: bool) -> RunStatus:
    """What a folder of such files means to a sweep; without `resume` every run is new."""
    if resume and RESUME_FILE in names:
        return "unfinished"
    return "finished" if resume and RUN_FILE in names else "new"


def folder_status(
    run: SweepRun, path: Path, resume: bool, overwrite: bool
) -> tuple[RunStatus, Run | None]:
    """How a run stands in a folder of this machine, and the run itself where it is finished.

    CheckpointError where a new one may not be written there, ConfigError where the one to be taken
    up has other settings.
    """
    names = {file.name for file in path.iterdir()} if path.is_dir() else set()
    found = classify_files(names, resume)
    if found == "new":
        check_free(path, overwrite)
        return found, None
    return found, run.stored(path, found, path)


def _name(config: TrainConfig, several_datasets: bool, several_seeds: bool) -> str:
    parts = [dataset_part(config.dataset)] if several_datasets else []
    parts.append(f"beta-{config.beta:g}")
    if several_seeds:
        parts.append(f"seed-{config.seed}")
    return "-".join(parts)
