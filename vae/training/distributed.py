"""The processes that train one model together: how torchrun starts them, and what they exchange.

Example:
    >>> env = TorchrunEnv.read()  # None without torchrun
    >>> store, device = SharedStore(env), env.device("auto")
    >>> with join_process_group(env, store, device) as group:
    ...     print(group.rank, group.size, group.is_leader)
"""

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
"""How long a process waits for others, which may be downloading data or evaluating a model."""

VARIABLES = "RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE MASTER_ADDR MASTER_PORT".split()

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """The processes that train one run together; all call the same methods in the same order."""

    rank: int = 0
    """This process's number, from 0."""

    size: int = 1
    """The number of processes."""

    @property
    def is_leader(self) -> bool:
        """Whether this process writes the files and prints the progress."""
        return self.rank == 0

    def shard(self, count: int) -> slice:
        """Return this process's rows of a batch: none if there are fewer rows than processes."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def all_reduce(self, values: Tensor) -> None:
        """Replace the values by their sum over all processes."""
        dist.all_reduce(values)

    def broadcast(self, value: T) -> T:
        """Return the leader's value in every process; the other processes wait for it."""
        box = [value]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    def broadcast_state(self, state: dict[str, Tensor]) -> None:
        """Overwrite tensors on the CPU by the leader's, which have the same names and shapes."""
        for tensor in state.values():
            dist.broadcast(tensor, src=0)

    def barrier(self) -> None:
        """Wait until every process has called this method."""
        dist.all_reduce(torch.zeros(1))


SINGLE_PROCESS = ProcessGroup()
"""The group of a run that no other process takes part in."""


@dataclass(frozen=True)
class TorchrunEnv:
    """The settings that torchrun gives this process in its environment."""

    rank: int
    size: int
    local_rank: int
    """This process's number among those of its machine, from 0."""

    local_size: int
    """The number of processes on this machine."""

    attempt: int
    """How often torchrun has restarted the processes, because one of them failed."""

    @classmethod
    def read(cls) -> "TorchrunEnv | None":
        """Read the settings from the environment; return None if this process is the only one."""
        if any(name not in os.environ for name in (*VARIABLES, "TORCHELASTIC_RESTART_COUNT")):
            return None
        rank, size, local_rank, local_size = (int(os.environ[name]) for name in VARIABLES[:4])
        attempt = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
        return cls(rank, size, local_rank, local_size, attempt) if size > 1 else None

    @property
    def threads(self) -> int:
        """The number of CPU threads for this process: an equal part of the machine's cores."""
        return max(1, (os.cpu_count() or 1) // self.local_size)

    def device(self, name: DeviceName) -> torch.device:
        """Return the CPU or this process's own GPU; raise ConfigError if there are too few GPUs."""
        chosen = pick_device(name)
        if chosen.type == "mps":
            raise ConfigError("several processes cannot train on mps together; give --device cpu")
        if chosen.type == "cpu":
            return chosen
        if self.local_size > torch.cuda.device_count():
            raise ConfigError(
                f"{self.local_size} processes share a machine with {torch.cuda.device_count()} "
                "GPUs; give --nproc-per-node the number of GPUs, or --device cpu"
            )
        return torch.device("cuda", self.local_rank)


class SharedStore:
    """Flags and texts by name that all processes of one torchrun share, across its restarts."""

    def __init__(self, torchrun_env: TorchrunEnv) -> None:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        self._server = dist.TCPStore(address, port, is_master=False)
        self._notes = dist.PrefixStore("latent-explorer", self._server)
        self._attempt = torchrun_env.attempt

    def set_once(self, name: str) -> bool:
        """Set a flag; return whether it was not set before."""
        return self._notes.add(name, 1) == 1

    def is_set(self, name: str) -> bool:
        """Return whether a flag is set."""
        return self._notes.add(name, 0) > 0

    def wait_for(self, name: str, seconds: float) -> None:
        """Wait until a flag is set, at most this long."""
        until = time.monotonic() + seconds
        while not self.is_set(name) and time.monotonic() < until:
            time.sleep(0.05)

    def write(self, name: str, text: str) -> None:
        """Store a text under a name, in place of an earlier text."""
        self._notes.set(name, text)

    def read(self, name: str) -> str | None:
        """Return the text under a name; None if there is none."""
        return self._notes.get(name).decode() if self._notes.check([name]) else None

    def rendezvous_store(self) -> dist.Store:
        """Return the store in which the processes of this attempt find each other."""
        return dist.PrefixStore(f"attempt {self._attempt}", self._server)


@contextmanager
def join_process_group(
    torchrun_env: TorchrunEnv, store: SharedStore, device: torch.device
) -> Iterator[ProcessGroup]:
    """Join the other processes, and leave together with them at the end."""
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
    # After an error there is no barrier: the others may wait in an exchange, which must fail.
    process_group.barrier()
    dist.destroy_process_group()


def check_distributable(config: TrainConfig) -> None:
    """Raise ConfigError unless the loss is a mean over images, which processes can divide."""
    if config.objective != "beta-vae":
        raise ConfigError(
            f"objective {config.objective} needs a whole batch at once, which several processes "
            "cannot divide; train without torchrun, or choose beta-vae"
        )
    if config.free_bits > 0:
        raise ConfigError(
            f"free_bits ({config.free_bits:g}) needs a whole batch at once, which several "
            "processes cannot divide; train without torchrun, or set free_bits to 0"
        )
