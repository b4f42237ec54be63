"""The runs of a sweep as tasks on Ray, on this machine or on a cluster of them."""

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
"""How often a run is taken up again after the death of its worker."""


@dataclass(frozen=True)
class RayOptions:
    """Where a sweep is trained, and what each of its runs takes there."""

    address: str | None
    """Of a Ray cluster; None for one of this machine alone, started for the sweep."""

    threads: int
    device: DeviceName
    gpus: float | None
    """Below 1 runs share one; None: one where the cluster has any and the device allows it."""


@dataclass(frozen=True)
class TaskFailure:
    """A run that cannot be trained, and why."""

    reason: str


def train_on_ray(
    runs: Sequence[PublishedRun],
    datasets: Mapping[str, Dataset],
    machines: RayOptions,
    check: Callable[[Run], tuple[str, ...]],
) -> Iterator[tuple[PublishedRun, TaskResult | TaskFailure]]:
    """Train runs side by side, each yielded as it ends.

    A run whose worker dies goes on elsewhere from the state that it last published; one that fails
    by itself leaves the others alone. Raises ClusterError where the machines cannot be reached or
    lack what is asked of them, ConfigError where Ray is not installed.
    """
    with _connected(machines.address) as ray:
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
    except ray.exceptions.RayTaskError:  # an error of the program, not of the machines
        raise
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return TaskFailure(f"its workers died {RETRIES + 1} times ({reason:.200})")


def check_ray() -> Any:
    """The module `ray`; ConfigError where it is not installed."""
    # Before the import: Ray reads it then. A cluster that runs already has a choice of its own.
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
def _connected(address: str | None) -> Iterator[Any]:
    """Ray, connected; a cluster that was started for this is shut down again."""
    ray = check_ray()
    if address not in (None, "auto"):
        _check_answers(address)
    local = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    # Ray tells of dead workers on standard output, which is for the result alone.
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
    """ClusterError unless something answers there; Ray itself would go on asking for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal() or int(port[:9]) >= 2**16:
        raise ClusterError(f"{address!r:.120} is no address of a cluster; give HOST:PORT or auto")
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
                f"--device {machines.device} and --gpus {machines.gpus:g} say different things of "
                "each run; leave one of them out"
            )
        return machines.gpus
    if machines.device == "cuda":
        return 1
    return 1 if machines.device == "auto" and ray.cluster_resources().get("GPU") else 0


def _check_resources(ray: Any, machines: RayOptions, gpus: float) -> None:
    """Refuse what this machine can never give; machines may still join a cluster of many."""
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
