"""Trains the runs of a sweep as Ray tasks, on this machine or on a cluster.

Example:
    >>> options = RayOptions(address=None, threads=1, device="cpu", gpus=None)
    >>> for run, result in train_on_ray(runs, datasets, options, check):
    ...     print(run.run.name, result)
"""

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

from vae.core.device import DeviceName
from vae.core.errors import ClusterError, ConfigError, VaeError
from vae.data.splits import Dataset
from vae.jobs.distributed.published_run import PublishedRun, RemoteTask, TaskResult, train_published
from vae.runs import recorder
from vae.runs.format import RESUME_FILE
from vae.runs.run import Run

RETRIES = 5
"""Number of times that a run continues on another worker after its worker has died."""


@dataclass(frozen=True)
class RayOptions:
    """The cluster of a sweep, and the resources of each run."""

    address: str | None
    """Address of a Ray cluster. None starts a cluster of this machine alone for the sweep."""

    threads: int
    device: DeviceName
    gpus: float | None
    """GPUs of each run; runs share a GPU below 1. None means 1 if cluster and device allow it."""


@dataclass(frozen=True)
class TaskFailure:
    """The reason why a run could not be trained."""

    reason: str


def train_on_ray(
    runs: Sequence[PublishedRun],
    datasets: Mapping[str, Dataset],
    machines: RayOptions,
    check: Callable[[Run], tuple[str, ...]],
) -> Iterator[tuple[PublishedRun, TaskResult | TaskFailure]]:
    """Train runs at the same time, and yield each run with its result when it ends.

    If a worker dies, its run continues on another one from the last published state. A run that
    fails by itself does not stop the others. Raises ClusterError if the cluster cannot be reached
    or lacks the requested resources, and ConfigError if Ray is not installed.
    """
    with connected_to_ray(machines.address) as ray:
        gpus = _gpus_per_run(ray, machines)
        _check_resources(ray, machines, gpus)
        stored = {name: ray.put(dataset) for name, dataset in datasets.items()}
        function = ray.remote(_train)
        pending = {}
        for run in runs:
            if run.status == "new":
                run.folder.discard(RESUME_FILE)
            name = run.run.train.dataset
            task = _task(run, datasets[name], machines, gpus, check)
            options = function.options(
                name=f"vae {task.name}",
                num_cpus=task.threads,
                num_gpus=gpus,
                max_retries=RETRIES,
                retry_exceptions=False,
            )
            pending[options.remote(task, stored[name])] = run
        while pending:
            (done,), _ = ray.wait(list(pending), num_returns=1)
            yield pending.pop(done), _result(ray, done)


def _train(task: RemoteTask, dataset: Dataset) -> TaskResult | TaskFailure:
    try:
        return train_published(task, dataset)
    except VaeError as error:
        return TaskFailure(str(error))


def _task(
    run: PublishedRun,
    dataset: Dataset,
    machines: RayOptions,
    gpus: float,
    check: Callable[[Run], tuple[str, ...]],
) -> RemoteTask:
    alone: DeviceName = "cpu" if machines.device == "auto" else machines.device
    return RemoteTask(
        name=run.run.name,
        folder=run.folder,
        model=run.run.model(dataset.image_shape, len(dataset.class_names)),
        train=run.run.train,
        device="cuda" if gpus else alone,
        threads=machines.threads,
        save_seconds=recorder.SAVE_SECONDS,
        replaces=run.replaces,
        check=check,
    )


def _result(ray: Any, reference: Any) -> TaskResult | TaskFailure:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError:  # This is an error of the program, not of the machines.
        raise
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return TaskFailure(f"its workers died {RETRIES + 1} times ({reason:.200})")


def check_ray() -> Any:
    """Import and return the module `ray`; raise ConfigError if it is not installed."""
    # Ray reads this variable at its import. A cluster that runs already keeps its own setting.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            'Ray is not installed; add it with python -m pip install -e ".[ray]", or leave out '
            "--engine ray"
        ) from error
    return ray


@contextmanager
def connected_to_ray(address: str | None) -> Iterator[Any]:
    """Connect to Ray, and in the end disconnect and shut down a cluster that was started here."""
    ray = check_ray()
    if address not in (None, "auto"):
        _check_answers(address)
    local = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    # Ray reports dead workers on standard output, which is for the command's result alone.
    with redirect_stdout(sys.stderr):
        try:
            ray.init(
                address=address or "local",
                logging_level=logging.ERROR,
                log_to_driver=False,
                **({} if address else local),
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            where = f"cluster at {address}" if address else "local cluster"
            reason = " ".join(str(error).split())
            raise ClusterError(
                f"the Ray {where} cannot be used ({reason:.300}); check --address, and that "
                "the cluster runs the same versions of Python and Ray"
            ) from error
        try:
            yield ray
        finally:
            ray.shutdown()


def _check_answers(address: str) -> None:
    """Raise ClusterError unless the address answers. Ray itself would retry for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal() or int(port[:9]) >= 2**16:
        raise ClusterError(
            f"{address!r:.120} is not the address of a cluster; give HOST:PORT or auto"
        )
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise ClusterError(
            f"no Ray cluster answers at {address} ({error}); start one there with ray start, or "
            "leave out --address to use this machine alone"
        ) from error


def _gpus_per_run(ray: Any, machines: RayOptions) -> float:
    if machines.gpus is not None:
        if (machines.device, machines.gpus > 0) in (("cpu", True), ("cuda", False)):
            raise ConfigError(
                f"--device {machines.device} and --gpus {machines.gpus:g} contradict each other; "
                "leave one of them out"
            )
        return machines.gpus
    if machines.device == "cuda":
        return 1
    return 1 if machines.device == "auto" and ray.cluster_resources().get("GPU") else 0


def _check_resources(ray: Any, machines: RayOptions, gpus: float) -> None:
    """Check that one machine of the cluster has the resources of a run.

    Raises ClusterError for a cluster of this machine alone. For another cluster it prints a note,
    because a machine may still join.
    """
    most = {
        kind: max((node["Resources"].get(kind, 0) for node in ray.nodes()), default=0)
        for kind in ("CPU", "GPU")
    }
    for option, kind, wanted in (
        ("threads", "CPU", machines.threads),
        ("gpus", "GPU", gpus),
    ):
        if wanted <= most[kind]:
            continue
        lack = f"no machine of the cluster has {wanted:g} {kind}s, at most {most[kind]:g}"
        if machines.address is None:
            raise ClusterError(f"{lack}; give a lower --{option} or another --device")
        print(f"{lack}; waiting for one to join", file=sys.stderr)
