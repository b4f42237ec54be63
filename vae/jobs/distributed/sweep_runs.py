"""Names the runs of a sweep, and finds which of them are finished or unfinished already.

Example:
    >>> configs = [TrainConfig("digits", beta=beta) for beta in (1.0, 4.0)]
    >>> [run.name for run in sweep_runs(configs, model)]
    ['beta-1', 'beta-4']
"""

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
    """One run of a sweep: the name of its folder and its settings."""

    name: str
    train: TrainConfig
    model: Callable[[tuple[int, int, int], int], ModelConfig]
    """Makes the model from the image shape (channels, height, width) and the number of classes."""

    @property
    def labels(self) -> dict[str, Any]:
        """The settings that distinguish the run from the others of the sweep."""
        return {"dataset": self.train.dataset, "beta": self.train.beta, "seed": self.train.seed}

    def load_finished(self, path: Path, status: RunStatus, where: object) -> Run | None:
        """Load the finished run in a folder, or return None if the run is unfinished.

        Raises ConfigError, which names `where`, if the folder holds a run with other settings.
        Raises CheckpointError if the run cannot be read.
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
    """Return one run per training, in the same order. Names hold only the settings that differ.

    Raises ConfigError if two runs would have the same name.
    """
    several_datasets = len({config.dataset for config in configs}) > 1
    several_seeds = len({config.seed for config in configs}) > 1
    runs: dict[str, SweepRun] = {}
    for config in configs:
        name = _name(config, several_datasets, several_seeds)
        if name in runs:
            raise ConfigError(
                f"{config.dataset} and {runs[name].train.dataset} would share the folder {name}; "
                "train them in two sweeps"
            )
        runs[name] = SweepRun(name, config, model)
    return list(runs.values())


def classify_files(names: Collection[str], resume: bool) -> RunStatus:
    """Return the status of a run whose folder has these files. Without `resume` it is new."""
    if resume and RESUME_FILE in names:
        return "unfinished"
    return "finished" if resume and RUN_FILE in names else "new"


def folder_status(
    run: SweepRun, path: Path, resume: bool, overwrite: bool
) -> tuple[RunStatus, Run | None]:
    """Return the status of a run in a folder of this machine, and the run if it is finished.

    Raises CheckpointError if a new run may not be written there, and ConfigError if the run to be
    resumed has other settings.
    """
    names = {file.name for file in path.iterdir()} if path.is_dir() else set()
    status = classify_files(names, resume)
    if status == "new":
        check_free(path, overwrite)
        return status, None
    return status, run.load_finished(path, status, path)


def _name(config: TrainConfig, several_datasets: bool, several_seeds: bool) -> str:
    parts = [dataset_part(config.dataset)] if several_datasets else []
    parts.append(f"beta-{config.beta:g}")
    if several_seeds:
        parts.append(f"seed-{config.seed}")
    return "-".join(parts)
