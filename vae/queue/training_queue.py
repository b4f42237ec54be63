"""The server's training queue: one worker thread, jobs that anyone can watch or stop.

The jobs of a sweep grow together; whatever was asked for later waits for them.
"""

import itertools
import threading
from collections.abc import Sequence
from pathlib import Path

from vae.catalogue import run_name, unused_path
from vae.device import prepare, yield_to_others
from vae.errors import ConfigError
from vae.queue.job_worker import OneDataset, train_jobs
from vae.queue.jobs import Job, Request, Sweep
from vae.read_only import refuse_if_read_only

AT_ONCE = 10
"""Jobs of a sweep that train together; the rest of it waits, so that memory has a bound."""

REMEMBERED_PICTURES = 20
"""Jobs whose snapshots are kept; those of older ones are let go, their checkpoints stay."""


class TrainingQueue:
    """Trains jobs in the order in which they were asked for; those of a sweep train together."""

    def __init__(self, root: Path) -> None:
        self.jobs: list[Job] = []
        self.sweeps: list[Sweep] = []
        self._root = root
        self._numbers = itertools.count(1)
        self._batches = itertools.count(1)
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name="training", daemon=True).start()

    def submit(self, request: Request) -> Job:
        """Queue a request; the same request while one is under way gives the same job."""
        refuse_if_read_only("training")
        with self._changed:
            return self._submit(request, next(self._batches))

    def submit_all(self, requests: Sequence[Request]) -> Sweep:
        """Queue requests as one sweep.

        Those that are under way already are shared; a sweep of the same jobs is the same sweep.
        """
        refuse_if_read_only("training")
        if not requests:
            raise ConfigError("a sweep needs one run or more")
        with self._changed:
            batch = next(self._batches)
            jobs = tuple(dict.fromkeys(self._submit(request, batch) for request in requests))
            for sweep in self.sweeps:
                if sweep.jobs == jobs and not sweep._given_up.is_set():
                    return sweep
            sweep = Sweep(len(self.sweeps) + 1, jobs)
            self.sweeps.append(sweep)
            return sweep

    def stop(self, job: Job) -> None:
        """Take a job out of the queue, or stop it at its next report and keep what there is."""
        with self._changed:
            job._stop.set()
            if job.status == "queued":
                job.end("stopped", "stopped before it began")

    def stop_all(self, sweep: Sweep) -> None:
        """Stop all jobs of a sweep, save those that another sweep under way waits for too."""
        sweep._given_up.set()
        going_on = [other for other in self.sweeps if not other._given_up.is_set()]
        wanted = {job for other in going_on for job in other.jobs}
        for job in sweep.jobs:
            if not job.ended and job not in wanted:
                self.stop(job)

    def _submit(self, request: Request, batch: int) -> Job:
        for job in self.jobs:
            if job.request == request and not job.ended and not job.stopping:
                return job
        job = Job(next(self._numbers), request, self._path(request), batch)
        self.jobs.append(job)
        for old in self.jobs[:-REMEMBERED_PICTURES]:
            if old.ended:
                old.snapshots.clear()
        self._changed.notify()
        return job

    def _path(self, request: Request) -> Path:
        name = run_name(
            request.train,
            request.architecture,
            request.latent_dim,
            request.beta_range,
            request.kind,
        )
        return unused_path(self._root, name, {job.path for job in self.jobs})

    def _work(self) -> None:
        prepare("auto", threads=1)
        yield_to_others()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: any(job.status == "queued" for job in self.jobs))
                batch = next(job.batch for job in self.jobs if job.status == "queued")
            data = OneDataset()
            while jobs := self._take(batch):
                train_jobs(jobs, data)

    def _take(self, batch: int) -> list[Job]:
        with self._changed:
            queued = [job for job in self.jobs if job.batch == batch and job.status == "queued"]
            for job in queued[:AT_ONCE]:
                job.status = "loading"
            return queued[:AT_ONCE]
