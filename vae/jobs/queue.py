"""The training queue of the server: jobs that anyone can watch or stop.

The jobs of a sweep train together, and later submissions wait for them. A thread sends the jobs
to the training process and writes its events into the `Job` objects. If the process dies, the jobs
that it trained fail, and a new process continues with the others.

Example:
    >>> queue = TrainingQueue(Path("checkpoints"))
    >>> job = queue.submit(RunRequest.of(TrainConfig("digits"), latent_dim=2))
    >>> queue.stop(job)
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

MAX_JOBS_TOGETHER = 10
"""Maximum number of jobs that train together, which bounds the memory; the others wait."""

JOBS_WITH_SNAPSHOTS = 20
"""Number of latest jobs whose snapshots are kept. Checkpoints of older jobs stay."""

MAX_SNAPSHOTS = 200

_log = logging.getLogger(__name__)


class TrainingQueue:
    """Trains jobs in the order of their submission. The jobs of a sweep train together."""

    def __init__(
        self,
        root: Path,
        process: TrainingProcess | None = None,
        save_seconds: float = SAVE_SECONDS,
        limits: Limits | None = None,
    ) -> None:
        """Start the queue's thread. By default the server's process and limits are used."""
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
        """Queue a request, or return the active job of the same request.

        Raises LimitError if the server does not accept the request.
        """
        refuse_if_read_only("training")
        with self._changed:
            self._check([request])
            return self._submit(request, next(self._submissions))

    def submit_sweep(self, requests: Sequence[RunRequest]) -> Sweep:
        """Queue requests as one sweep, or return the active sweep of the same jobs.

        A request that has an active job shares that job. A request that has a finished run is not
        trained again and counts as done. Stopped and unfinished runs are resumed.

        Raises LimitError, and queues nothing, if the server does not accept all of them.
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
        """Return the finished run of this server that matches a request, if there is one."""
        return next((run for run in read_catalogue(self.root).runs if request.matches(run)), None)

    def unfinished_runs(self) -> list[UnfinishedRun]:
        """List the stopped and unfinished runs that no active job resumes."""
        with self._changed:
            return self._unfinished()

    def find_unfinished(self, request: RunRequest) -> UnfinishedRun | None:
        """Return the unfinished run of this server that matches a request, if there is one."""
        return next((run for run in self.unfinished_runs() if run.matches(request)), None)

    def resume(self, run: UnfinishedRun) -> Job:
        """Queue a stopped or unfinished run, which continues from its saved state.

        Raises LimitError if the server does not accept the run, MissingCheckpoint if its folder is
        gone, and CheckpointError if it needs a checkpoint from outside this server's folder.
        """
        refuse_if_read_only("training")
        with self._changed:
            active = (job for job in self.jobs if job.path == run.path and not job.ended)
            if (job := next(active, None)) is not None:
                return job
            load_resume_record(run.path)
            self._check_perceptual_model(run)
            self._check([run.request])
            return self._resume(run, next(self._submissions))

    def stop(self, job: Job) -> None:
        """Remove a job from the queue, or stop it within a second and keep a checkpoint.

        A stop during the evaluation ends the evaluation too; the job can then be resumed.
        """
        with self._changed:
            job._stop.set()
            is_running = not job.ended and job.status != "queued"
            if job.status == "saving":
                job._skip_evaluation.set()
            elif job.status == "queued" or (job.status == "loading" and not job.resumes):
                job.end("stopped", _stopped_before_start(job))
        if is_running:
            self.process.stop(job.number)

    def stop_sweep(self, sweep: Sweep) -> None:
        """Stop the jobs of a sweep, except those that another active sweep contains."""
        sweep._cancelled.set()
        others = [other for other in self.sweeps if not other._cancelled.is_set()]
        shared = {job for other in others for job in other.jobs}
        for job in sweep.jobs:
            if not job.ended and job not in shared:
                self.stop(job)

    def _check(self, requests: Sequence[RunRequest]) -> None:
        new = [request for request in requests if self._find_active(request) is None]
        self._limits.check(new, sum(not job.ended for job in self.jobs))

    def _check_perceptual_model(self, run: UnfinishedRun) -> None:
        """Refuse a perceptual model outside the root; a foreign state could name any folder."""
        critic = run.train.critic
        if critic and Path(critic).resolve().parent != self.root.resolve():
            raise CheckpointError(
                f"{run.name} needs a perceptual model that is not among the checkpoints of this "
                "server; resume it with `vae train --resume`"
            )

    def _find_active(self, request: RunRequest) -> Job | None:
        same = (job for job in self.jobs if job.request == request)
        return next((job for job in same if not job.ended and not job.stopping), None)

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
        """Return the job of a finished run, and add it to the list if it is new."""
        for job in self.jobs:
            if job.path == run.path and job.status == "done":
                return job
        job = job_from_run(next(self._numbers), next(self._submissions), request, run)
        self.jobs.append(job)
        return job

    def _queue(self, job: Job) -> Job:
        self.jobs.append(job)
        for old in self.jobs[:-JOBS_WITH_SNAPSHOTS]:
            if old.ended:
                old.snapshots.clear()
        self._changed.notify()
        return job

    def _path(self, request: RunRequest) -> Path:
        name = run_name(request.train, request.model)
        return unused_path(self.root, name, {job.path for job in self.jobs})

    def _work(self) -> None:
        """Train one submission after the other, for ever."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: any(job.status == "queued" for job in self.jobs))
                submission = next(job.submission for job in self.jobs if job.status == "queued")
            with self.process.lock:
                while jobs := self._take(submission):
                    self._train(jobs)

    def _take(self, submission: int) -> list[Job]:
        """Mark up to MAX_JOBS_TOGETHER queued jobs of a submission as loading, and return them."""
        with self._changed:
            queued = [
                job for job in self.jobs if job.submission == submission and job.status == "queued"
            ]
            for job in queued[:MAX_JOBS_TOGETHER]:
                job.status = "loading"
            return queued[:MAX_JOBS_TOGETHER]

    def _train(self, jobs: Sequence[Job]) -> None:
        """Train jobs until all of them have ended, in a new process after each death of one."""
        specs = tuple(JobSpec(job.number, job.request, job.path, job.resumes) for job in jobs)
        by_number = {job.number: job for job in jobs}
        while specs:
            status = self._follow(Train(specs, data_dir(), self._save_seconds), by_number)
            specs = () if status is None else self._after_death(status, by_number)

    def _follow(self, command: Train, jobs: dict[int, Job]) -> int | None:
        """Send a command and write its events into the jobs until all of them have ended.

        Returns None, or the exit status of the process if it died meanwhile.
        """
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
                        _apply(jobs[event.number], event)

    def _send_train(self, command: Train) -> int | None:
        """Send a command. Return the exit status if the process and a new one both end at once."""
        for _ in range(2):
            # An idle process may have died just now, for a reason unrelated to this command.
            try:
                self.process.send(command)
            except OSError:
                continue
            if isinstance(event := self.process.receive(), Accepted):
                return None
        assert isinstance(event, int)
        return event

    def _after_death(self, status: int, jobs: dict[int, Job]) -> tuple[JobSpec, ...]:
        """Return the jobs that a new process has to continue after the old one has died."""
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
    message = "stopped before it began"
    return f"{message}; it can still be resumed" if job.resumes else message


def _remaining_work(job: Job, status: int) -> JobSpec | None:
    """Return what is left to do for a job whose process has ended. None means the job has ended."""
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
        job.end("stopped", f"stopped before evaluation; {_describe_saved_state(has_state)}")
    discard_empty(job.path)
    return None


def _cause(status: int) -> str:
    """Describe why the training process ended."""
    if status == -signal.SIGKILL:
        return (
            "the system ended its process, most likely for lack of memory; choose a smaller batch "
            "or network"
        )
    if status < 0:
        return f"the signal {signal.Signals(-status).name} ended its process"
    return f"its process ended unexpectedly, with status {status}; the server's log may say why"


def _describe_saved_state(has_state: bool) -> str:
    if has_state:
        return "its last state is saved, and it can be resumed"
    return "no state was saved yet, so train it again"


def _apply(job: Job, event: Started | Reported | Saving | Ended) -> None:
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
    """Start a job, and drop the reports of steps that a resumed job repeats."""
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
    """Append a snapshot; a full list loses every second one first."""
    if len(snapshots) >= MAX_SNAPSHOTS:
        del snapshots[1::2]
    snapshots.append(latest)
