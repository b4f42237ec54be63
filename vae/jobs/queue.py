"""The server's training queue: jobs that anyone can watch or stop, trained by another process.

The jobs of a sweep grow together; whatever was asked for later waits for them. A thread tells the
process what to train and writes its events into the jobs; where the process dies, the jobs that it
trained have failed, and a new one goes on with the others.
"""

import itertools
import logging
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from vae.core.access import refuse_if_read_only
from vae.core.errors import CheckpointError, ConfigError
from vae.data.registry import data_dir
from vae.jobs.cancellation import INTERRUPTED
from vae.jobs.from_run import job_from_run
from vae.jobs.jobs import Job, Snapshot, Sweep
from vae.jobs.limits import Limits
from vae.jobs.messages import (
    Accepted,
    AllEnded,
    Ended,
    JobSpec,
    Reported,
    Saving,
    Started,
    Train,
)
from vae.jobs.unfinished import UnfinishedRun, unfinished_runs
from vae.jobs.worker_process import TrainingProcess, training_process
from vae.runs.catalogue import read_catalogue
from vae.runs.format import RESUME_FILE
from vae.runs.recorder import SAVE_SECONDS
from vae.runs.request import RunRequest
from vae.runs.resume import load_resume_record
from vae.runs.run import Run
from vae.runs.run_folder import discard_empty, run_name, unused_path

AT_ONCE = 10
"""Jobs of a sweep that train together; the rest of it waits, so that memory has a bound."""

REMEMBERED_PICTURES = 20
"""Jobs whose snapshots are kept; those of older ones are let go, their checkpoints stay."""

MAX_SNAPSHOTS = 200

_log = logging.getLogger(__name__)


class TrainingQueue:
    """Trains jobs in the order in which they were asked for; those of a sweep train together."""

    def __init__(
        self,
        root: Path,
        process: TrainingProcess | None = None,
        save_seconds: float = SAVE_SECONDS,
        limits: Limits | None = None,
    ) -> None:
        """`process` is by default the server's, `limits` those of the environment."""
        self.jobs: list[Job] = []
        self.sweeps: list[Sweep] = []
        self.root = root
        self.process = process or training_process()
        self._limits = limits or Limits.from_environment()
        self._save_seconds = save_seconds
        self._numbers = itertools.count(1)
        self._submissions = itertools.count(1)
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name="training", daemon=True).start()

    def submit(self, request: RunRequest) -> Job:
        """Queue a request; the same request while one is under way gives the same job.

        LimitError where that is more than the server takes.
        """
        refuse_if_read_only("training")
        with self._changed:
            self._check([request])
            return self._submit(request, next(self._submissions))

    def submit_sweep(self, requests: Sequence[RunRequest]) -> Sweep:
        """Queue requests as one sweep.

        Those that are under way already are shared; a sweep of the same jobs is the same sweep.
        Those that are finished are not trained again: they stand beside the others as done; those
        that were stopped, or left unfinished, go on.
        LimitError where that is more than the server takes: then none is queued.
        """
        refuse_if_read_only("training")
        if not requests:
            raise ConfigError("a sweep needs one run or more")
        runs = read_catalogue(self.root).runs
        with self._changed:
            found = [next((run for run in runs if each.matches(run)), None) for each in requests]
            self._check([each for each, run in zip(requests, found, strict=True) if run is None])
            submission, left = next(self._submissions), self._unfinished()
            jobs = tuple(
                dict.fromkeys(
                    self._submit(request, submission, left)
                    if run is None
                    else self._done(request, run)
                    for request, run in zip(requests, found, strict=True)
                )
            )
            for sweep in self.sweeps:
                if sweep.jobs == jobs and not sweep._cancelled.is_set():
                    return sweep
            sweep = Sweep(len(self.sweeps) + 1, jobs)
            self.sweeps.append(sweep)
            return sweep

    def find_finished(self, request: RunRequest) -> Run | None:
        """The run of this server that is what the request asks for already; None without one."""
        return next((run for run in read_catalogue(self.root).runs if request.matches(run)), None)

    def unfinished_runs(self) -> list[UnfinishedRun]:
        """Runs that were stopped or left unfinished, and that no job goes on with."""
        with self._changed:
            return self._unfinished()

    def find_unfinished(self, request: RunRequest) -> UnfinishedRun | None:
        """The run of this server that is what the request asks for, so far; None without one."""
        return next((run for run in self.unfinished_runs() if run.matches(request)), None)

    def resume(self, run: UnfinishedRun) -> Job:
        """Queue a run that was stopped or left unfinished, to go on where its state was saved.

        LimitError where that is more than the server takes, MissingCheckpoint where it is gone,
        CheckpointError where it asks for a checkpoint that is none of this server's.
        """
        refuse_if_read_only("training")
        with self._changed:
            under_way = (job for job in self.jobs if job.path == run.path and not job.ended)
            if (job := next(under_way, None)) is not None:
                return job
            load_resume_record(run.path)
            self._check_perceptual_model(run)
            self._check([run.request])
            return self._resume(run, next(self._submissions))

    def stop(self, job: Job) -> None:
        """Take a job out of the queue, or stop it within a second and keep what there is.

        While it is measured, it is no longer measured either: then it can be resumed.
        """
        with self._changed:
            job._stop.set()
            under_way = not job.ended and job.status != "queued"
            if job.status == "saving":
                job._skip_evaluation.set()
            elif job.status == "queued" or (job.status == "loading" and not job.resumes):
                job.end("stopped", _stopped_before_start(job))
        if under_way:
            self.process.stop(job.number)

    def stop_sweep(self, sweep: Sweep) -> None:
        """Stop all jobs of a sweep, save those that another sweep under way waits for too."""
        sweep._cancelled.set()
        going_on = [other for other in self.sweeps if not other._cancelled.is_set()]
        wanted = {job for other in going_on for job in other.jobs}
        for job in sweep.jobs:
            if not job.ended and job not in wanted:
                self.stop(job)

    def _check(self, requests: Sequence[RunRequest]) -> None:
        new = [request for request in requests if self._find_active(request) is None]
        self._limits.check(new, sum(not job.ended for job in self.jobs))

    def _check_perceptual_model(self, run: UnfinishedRun) -> None:
        """A state from elsewhere may name any folder of the server."""
        critic = run.train.critic
        if critic and Path(critic).resolve().parent != self.root.resolve():
            raise CheckpointError(
                f"{run.name} was trained with a critic that is not among the checkpoints of this "
                "server; go on with it by `vae train --resume`"
            )

    def _find_active(self, request: RunRequest) -> Job | None:
        alike = (job for job in self.jobs if job.request == request)
        return next((job for job in alike if not job.ended and not job.stopping), None)

    def _unfinished(self) -> list[UnfinishedRun]:
        return unfinished_runs(self.root, {job.path for job in self.jobs if not job.ended})

    def _submit(
        self, request: RunRequest, submission: int, left: Sequence[UnfinishedRun] = ()
    ) -> Job:
        if (job := self._find_active(request)) is not None:
            return job
        if (run := next((run for run in left if run.matches(request)), None)) is not None:
            return self._resume(run, submission)
        return self._queue(Job(next(self._numbers), request, self._path(request), submission))

    def _resume(self, run: UnfinishedRun, submission: int) -> Job:
        job = Job(next(self._numbers), run.request, run.path, submission, resumes=True)
        for before in self.jobs:
            if before.path == run.path:
                job.epochs, job.snapshots = list(before.epochs), list(before.snapshots)
                job.originals = before.originals
        return self._queue(job)

    def _done(self, request: RunRequest, run: Run) -> Job:
        """The job of a run that is there already."""
        for job in self.jobs:
            if job.path == run.path and job.status == "done":
                return job
        job = job_from_run(next(self._numbers), next(self._submissions), request, run)
        self.jobs.append(job)
        return job

    def _queue(self, job: Job) -> Job:
        self.jobs.append(job)
        for old in self.jobs[:-REMEMBERED_PICTURES]:
            if old.ended:
                old.snapshots.clear()
        self._changed.notify()
        return job

    def _path(self, request: RunRequest) -> Path:
        name = run_name(request.train, request.model)
        return unused_path(self.root, name, {job.path for job in self.jobs})

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: any(job.status == "queued" for job in self.jobs))
                submission = next(job.submission for job in self.jobs if job.status == "queued")
            with self.process.lock:
                while jobs := self._take(submission):
                    self._train(jobs)

    def _take(self, submission: int) -> list[Job]:
        with self._changed:
            queued = [
                job for job in self.jobs if job.submission == submission and job.status == "queued"
            ]
            for job in queued[:AT_ONCE]:
                job.status = "loading"
            return queued[:AT_ONCE]

    def _train(self, jobs: Sequence[Job]) -> None:
        """Until all of them have ended, in as many processes as that takes."""
        specs = tuple(JobSpec(job.number, job.request, job.path, job.resumes) for job in jobs)
        under_way = {job.number: job for job in jobs}
        while specs:
            status = self._follow(Train(specs, data_dir(), self._save_seconds), under_way)
            specs = () if status is None else self._after_death(status, under_way)

    def _follow(self, command: Train, jobs: dict[int, Job]) -> int | None:
        """Follow what becomes of jobs; the exit status of a process that died of it."""
        if (status := self._send_train(command)) is not None:
            return status
        for spec in command.jobs:
            if jobs[spec.number].stopping and not spec.evaluate_only:
                self.process.stop(spec.number)
        while True:
            match event := self.process.receive():
                case int():
                    return event
                case AllEnded():
                    return None
                case Started() | Reported() | Saving() | Ended():
                    with self._changed:
                        _note(jobs[event.number], event)

    def _send_train(self, command: Train) -> int | None:
        """Give it to the process; the exit status where that ends at once, and a new one too."""
        for _ in range(2):
            # One that was idle may have died just now; that has nothing to do with this order.
            try:
                self.process.send(command)
            except OSError:
                continue
            if isinstance(event := self.process.receive(), Accepted):
                return None
        assert isinstance(event, int)
        return event

    def _after_death(self, status: int, jobs: dict[int, Job]) -> tuple[JobSpec, ...]:
        """What a new process has to do of what the old one left."""
        if status != INTERRUPTED:
            _log.warning("the training process ended: %s", _cause(status))
        specs = []
        with self._changed:
            for job in jobs.values():
                if job.ended:
                    discard_empty(job.path)
                elif (spec := _remaining_work(job, status)) is not None:
                    specs.append(spec)
        return tuple(specs)


def _stopped_before_start(job: Job) -> str:
    said = "stopped before it began"
    return f"{said}; it can still be resumed" if job.resumes else said


def _remaining_work(job: Job, status: int) -> JobSpec | None:
    """What is still to be done for a job whose process has ended; None ends the job."""
    has_state = (job.path / RESUME_FILE).is_file()
    if status != INTERRUPTED:
        job.end("failed", f"{_cause(status)}; {_describe_saved_state(has_state)}")
    elif not job.stopping:
        job.status = "loading"
        return JobSpec(job.number, job.request, job.path, resumes=has_state)
    elif has_state and not job._skip_evaluation.is_set():
        job.status = "saving"
        return JobSpec(job.number, job.request, job.path, resumes=True, evaluate_only=True)
    else:
        job.end(
            "stopped", f"stopped before it could be measured; {_describe_saved_state(has_state)}"
        )
    discard_empty(job.path)
    return None


def _cause(status: int) -> str:
    """Why the training process ended, in words."""
    if status == -signal.SIGKILL:
        return (
            "its process was ended by the system, most likely for lack of memory: choose a smaller "
            "batch or network"
        )
    if status < 0:
        return f"its process was ended by the signal {signal.Signals(-status).name}"
    return f"its process ended unexpectedly, with status {status}; the server's log may say why"


def _describe_saved_state(has_state: bool) -> str:
    if has_state:
        return "what it had learnt is saved, and it can be resumed"
    return "nothing had been saved yet, so train it anew"


def _note(job: Job, event: Started | Reported | Saving | Ended) -> None:
    """Write an event into its job, unless the job has ended."""
    if job.ended:
        return
    match event:
        case Started():
            _begin(job, event)
        case Reported():
            job.latest = event.report
            if event.report.ends_epoch:
                job.epochs.append(event.report)
            if event.snapshot is not None:
                _keep(job.snapshots, event.snapshot)
        case Saving():
            job.status = "saving"
        case Ended():
            if event.details:
                _log.error("training %s failed\n%s", job.name, event.details)
            job.has_checkpoint = event.has_checkpoint
            job.end(event.status, event.message)


def _begin(job: Job, event: Started) -> None:
    """It may have been under way before: what was told since the state was saved comes anew."""
    job.epochs[:] = [report for report in job.epochs if report.epoch <= event.epoch]
    job.snapshots[:] = [shot for shot in job.snapshots if shot.epoch < event.epoch]
    job.snapshots.append(event.snapshot)
    job.originals = event.originals
    if job.started_at is None:
        job.started_at, job.progress_at_start = (
            time.monotonic(),
            event.epoch / job.request.train.epochs,
        )
    job.status = "saving" if job.stopping else "training"


def _keep(snapshots: list[Snapshot], latest: Snapshot) -> None:
    if len(snapshots) >= MAX_SNAPSHOTS:
        del snapshots[1::2]
    snapshots.append(latest)
