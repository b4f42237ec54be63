"""What torchrun runs in the tests of training over several processes.

`steps FOLDER` trains a few models for some steps and saves what came out. `killed …` and
`diverges …` are `vae …`, but at step EVENT the second process kills itself, or a weight is no
longer a number; the state is saved at every report.
"""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

import vae.runs.recorder
from vae.__main__ import main
from vae.core.config import ModelConfig, TrainConfig
from vae.data.registry import load_dataset
from vae.data.splits import Dataset
from vae.runs.resume import load_resume_state
from vae.training import TrainingRun, run_training
from vae.training.distributed import (
    SINGLE_PROCESS,
    ProcessGroup,
    SharedStore,
    TorchrunEnv,
    join_process_group,
)
from vae.training.stepper import StackedRuns

STEPS = 20
EVENT = 30
MODEL = ModelConfig((1, 8, 8), latent_dim=3)
CONV = replace(MODEL, architecture="conv")
TRAIN = TrainConfig("digits", seed=5, beta=2.0, batch_size=64, learning_rate=3e-3, epochs=9)
CASES = {
    "mlp": (MODEL, replace(TRAIN, warmup_epochs=0.5, grad_clip=20.0)),
    "conv": (CONV, TRAIN),
    "corruption": (CONV, replace(TRAIN, corruption=0.4)),
    "gates": (replace(CONV, beta_range=(0.1, 10.0)), TRAIN),
    # Of the 1,366 images the last batch has two, or one alone.
    "uneven": (CONV, replace(TRAIN, batch_size=341)),
    "fewer images than processes": (CONV, replace(TRAIN, batch_size=455)),
}


def take_steps(
    name: str, dataset: Dataset, process_group: ProcessGroup = SINGLE_PROCESS
) -> dict[str, Tensor]:
    """The state of a run of CASES after STEPS steps, and the distortion and rate of each."""
    training = TrainingRun(*CASES[name], dataset)
    training.process_group = process_group
    sums = []
    for report in run_training(training, report_seconds=0.0):
        sums.append([report.distortion, report.rate])
        if training.step == STEPS:
            break
    return training.state() | {"sums": torch.tensor(sums)}


def steps(folder: Path) -> None:
    """All cases, over all processes; each leaves a file of its own."""
    torchrun_env = TorchrunEnv.read()
    assert torchrun_env is not None
    dataset = load_dataset("digits")
    with join_process_group(
        torchrun_env, SharedStore(torchrun_env), torch.device("cpu")
    ) as process_group:
        found = {name: take_steps(name, dataset, process_group) for name in CASES}
    torch.save(found, folder / f"{torchrun_env.rank}.pt")


def happens(event: str, arguments: list[str]) -> int:
    """`vae` with these arguments; `resumed` beside its folder tells where it went on."""
    folder = Path(arguments[arguments.index("--out") + 1])
    torchrun_env = TorchrunEnv.read()
    assert torchrun_env is not None
    vae.runs.recorder.SAVE_SECONDS = 0.0
    take = StackedRuns.step

    def take_after_event(group: StackedRuns) -> int:
        training = group._members[0]
        if torchrun_env.attempt == 0 and training.step == EVENT:
            if event == "diverges":
                training.weights.values[0] = float("nan")
            elif torchrun_env.rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)
        return take(group)

    StackedRuns.step = take_after_event
    if torchrun_env.attempt > 0 and torchrun_env.rank == 0:
        saved = int(load_resume_state(folder)[0]["step"])
        (folder.parent / "resumed").write_text(str(saved))
    return main(arguments)


if __name__ == "__main__":
    if sys.argv[1] == "steps":
        steps(Path(sys.argv[2]))
    else:
        raise SystemExit(happens(sys.argv[1], sys.argv[2:]))
