"""One run over several processes, as torchrun starts them: who takes part, what they exchange."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from vae.core.config import TrainConfig
from vae.core.device import DeviceName, pick_device
from vae.core.errors import ConfigError

PATIENCE = timedelta(hours=2)
"""How long a process waits for another, which may be downloading data or evaluating a model."""

VARIABLES = "RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE MASTER_ADDR MASTER_PORT".split()

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """Those that take the steps of one run together; all of them call each method in turn."""

    rank: int = 0
    """Which of them this one is, counted from 0."""

    size: int = 1
    """How many there are."""

    @property
    def is_leader(self) -> bool:
        """Whether this is the one that writes files and tells people."""
        return self.rank == 0

    def shard(self, count: int) -> slice:
        """This process's rows of a batch; none where there are fewer rows than processes."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def all_reduce(self, values: Tensor) -> None:
        """Replace values by their sum over all processes."""
        dist.all_reduce(values)

    def broadcast(self, value: T) -> T:
        """What the leading process passes, in all of them; they wait for it."""
        box = [value]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    def broadcast_state(self, state: dict[str, Tensor]) -> None:
        """Overwrite tensors on the CPU, of the same names and shapes, by the leading process's."""
        for tensor in state.values():
            dist.broadcast(tensor, src=0)

    def barrier(self) -> None:
        """Until all of them are here."""
        dist.all_reduce(torch.zeros(1))


SINGLE_PROCESS = ProcessGroup()


@dataclass(frozen=True)
class TorchrunEnv:
    """How torchrun started this process."""

    rank: int
    size: int
    local_rank: int
    """Which of the processes of this machine it is, counted from 0."""

    local_size: int
    """How many processes there are on this machine."""

    attempt: int
    """How often torchrun has started the processes again, because one of them was lost."""

    @classmethod
    def read(cls) -> "TorchrunEnv | None":
        """Read from torchrun's environment; None where this process is on its own."""
        if any(name not in os.environ for name in (*VARIABLES, "TORCHELASTIC_RESTART_COUNT")):
            return None
        rank, size, local_rank, local_size = (int(os.environ[name]) for name in VARIABLES[:4])
        attempt = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
        return cls(rank, size, local_rank, local_size, attempt) if size > 1 else None

    @property
    def threads(self) -> int:
        """A fair share of this machine's cores."""
        return max(1, (os.cpu_count() or 1) // self.local_size)

    def device(self, name: DeviceName) -> torch.device:
        """The CPU, or the GPU that is this process's own; ConfigError where there is none."""
        chosen = pick_device(name)
        if chosen.type == "mps":
            raise ConfigError("over several processes mps cannot be used; give --device cpu")
        if chosen.type == "cpu":
            return chosen
        if self.local_size > torch.cuda.device_count():
            raise ConfigError(
                f"{self.local_size} processes on a machine with {torch.cuda.device_count()} GPUs; "
                "give --nproc-per-node that number, or --device cpu"
            )
        return torch.device("cuda", self.local_rank)


class SharedStore:
    """Notes that the processes of a torchrun leave each other; they outlive its restarts."""

    def __init__(self, torchrun_env: TorchrunEnv) -> None:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        self._server = dist.TCPStore(address, port, is_master=False)
        self._notes = dist.PrefixStore("latent-explorer", self._server)
        self._attempt = torchrun_env.attempt

    def set_once(self, name: str) -> bool:
        """Leave a note without text; whether nobody had left it before."""
        return self._notes.add(name, 1) == 1

    def has(self, name: str) -> bool:
        """Whether a note without text was left."""
        return self._notes.add(name, 0) > 0

    def wait_for(self, name: str, seconds: float) -> None:
        """Wait for a note without text, but not longer than that."""
        until = time.monotonic() + seconds
        while not self.has(name) and time.monotonic() < until:
            time.sleep(0.05)

    def write(self, name: str, text: str) -> None:
        """Leave a note, in place of an earlier one."""
        self._notes.set(name, text)

    def read(self, name: str) -> str | None:
        """The text of a note; None where it was not left."""
        return self._notes.get(name).decode() if self._notes.check([name]) else None

    def rendezvous_store(self) -> dist.Store:
        """Where the processes of this attempt find each other."""
        return dist.PrefixStore(f"attempt {self._attempt}", self._server)


@contextmanager
def join_process_group(
    torchrun_env: TorchrunEnv, store: SharedStore, device: torch.device
) -> Iterator[ProcessGroup]:
    """Join the others; leave them at the end, when all are there."""
    backend = "gloo"
    if device.type == "cuda":
        torch.cuda.set_device(device)
        backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(
        backend,
        store=store.rendezvous_store(),
        rank=torchrun_env.rank,
        world_size=torchrun_env.size,
        timeout=PATIENCE,
    )
    process_group = ProcessGroup(torchrun_env.rank, torchrun_env.size)
    yield process_group
    # Not after an error: the others may be waiting in an exchange, and should see it break.
    process_group.barrier()
    dist.destroy_process_group()


def check_distributable(config: TrainConfig) -> None:
    """ConfigError unless the loss is a mean over images, which processes can share out."""
    if config.objective != "beta-vae":
        raise ConfigError(
            f"objective {config.objective} looks at a whole batch at once, which several processes "
            "cannot share; train it without torchrun, or choose beta-vae"
        )
    if config.free_bits > 0:
        raise ConfigError(
            f"free_bits ({config.free_bits:g}) looks at a whole batch at once, which several "
            "processes cannot share; train it without torchrun, or set it to 0"
        )
