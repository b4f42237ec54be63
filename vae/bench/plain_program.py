"""Runs a plain loop in a process of its own, which has none of our settings of torch.

The process reads lines with a number of threads and seconds. It works for that time and answers
each line with its items per second.
"""

import itertools
import os
import subprocess
import sys
from types import TracebackType
from typing import Self

import torch

from vae.bench.contenders import BATCH, CONV, MLP, dataset
from vae.bench.plain_loop import PlainLoop, plain_log_likelihood
from vae.bench.timing import Work
from vae.models.vae import VAE

IMPORTANCE_SAMPLES = 500
LIKELIHOOD_IMAGES = 100
SAMPLES_AT_ONCE = {"likelihood": IMPORTANCE_SAMPLES, "likelihood-singly": 1}
"""The samples of one image that each likelihood task decodes together."""


class PlainProgram:
    """A contender in a second process, with the number of threads that torch has in this one."""

    def __init__(self, name: str, task: str, device: str = "cpu") -> None:
        """Start the process; `task` is an architecture to train or a key of `SAMPLES_AT_ONCE`."""
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vae.bench.plain_program", task, device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"THP_MEM_ALLOC_ENABLE": "0"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def rate(self, seconds: float) -> float:
        """See `Contender`."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{torch.get_num_threads()} {seconds}\n")
        process.stdin.flush()
        return float(process.stdout.readline())


def main(task: str, device: str) -> None:
    """Answer lines from standard input until it ends."""
    at_once = SAMPLES_AT_ONCE.get(task)
    work = _training(task, device) if at_once is None else _likelihood(at_once)
    for line in sys.stdin:
        threads, seconds = line.split()
        torch.set_num_threads(int(threads))
        print(work.rate(float(seconds)), flush=True)


def _training(architecture: str, device: str) -> Work:
    config = next(each for each in (MLP, CONV) if each.architecture == architecture)
    images, size = dataset().train.images, BATCH[config.architecture]
    loop = PlainLoop(config, images, size, torch.device(device))
    return Work(architecture, loop.step, size)


def _likelihood(at_once: int) -> Work:
    model, images = VAE.seeded(MLP, 0), dataset().train.batch(torch.arange(LIKELIHOOD_IMAGES))
    turn = itertools.cycle(images.split(1))

    def estimate() -> None:
        plain_log_likelihood(model, next(turn), IMPORTANCE_SAMPLES, at_once)

    return Work("likelihood", estimate, 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
