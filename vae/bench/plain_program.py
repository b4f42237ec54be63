"""The plain loops in a process of their own, which knows none of our settings of torch.

It reads lines of threads and seconds, works for so long, and answers with its rate.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from types import TracebackType

import torch

from vae.bench.contenders import BATCH, CONV, MLP, dataset
from vae.bench.plain_loop import PlainLoop, plain_log_likelihood
from vae.bench.timing import Work
from vae.models.vae import VAE

IMPORTANCE_SAMPLES = 500
LIKELIHOOD_IMAGES = 250


class PlainProgram:
    """A contender in a process of its own, on as many threads as this one has at the time."""

    def __init__(self, name: str, what: str, device: str = "cpu") -> None:
        """`what` is an architecture to train, or a likelihood: of all samples at once or singly."""
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vae.bench.plain_program", what, device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"THP_MEM_ALLOC_ENABLE": "0"},
        )

    def __enter__(self) -> "PlainProgram":
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


def main(what: str, device: str) -> None:
    """Answer until there is nothing more to read."""
    at_once = {"likelihood": IMPORTANCE_SAMPLES, "likelihood-singly": 1}.get(what)
    work = Work(what, _training(what, device) if at_once is None else _likelihood(at_once))
    for line in sys.stdin:
        threads, seconds = line.split()
        torch.set_num_threads(int(threads))
        print(work.rate(float(seconds)), flush=True)


def _training(architecture: str, device: str) -> Callable[[], int]:
    config = next(each for each in (MLP, CONV) if each.architecture == architecture)
    images = dataset().train.images
    return PlainLoop(config, images, BATCH[config.architecture], torch.device(device)).step


def _likelihood(at_once: int) -> Callable[[], int]:
    model, images = VAE.seeded(MLP, 0), dataset().train.batch(torch.arange(LIKELIHOOD_IMAGES))
    turn = itertools.cycle(images.split(1))

    def one() -> int:
        plain_log_likelihood(model, next(turn), IMPORTANCE_SAMPLES, at_once)
        return 1

    return one


if __name__ == "__main__":
    main(*sys.argv[1:])
