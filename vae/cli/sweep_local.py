"""The runs of a sweep in this process: abreast where they lose nothing by it, else one by one."""

import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from vae.cli.output import say
from vae.cli.train import say_health_issues, stop_on_interrupt
from vae.core.errors import DivergedError, SweepFailed
from vae.jobs.distributed.sweep_runs import SweepRun
from vae.runs.recorder import RecordedRunGroup, RecordedTraining, group_runs
from vae.runs.run import Run

ABREAST = 16
"""Models in memory at a time."""


def sweep_local(
    runs: Sequence[SweepRun],
    begin: Callable[[SweepRun], RecordedTraining],
    together: bool,
    root: Path,
) -> dict[str, Run]:
    """Train all of them; the finished runs by name.

    Raises SweepFailed where some diverged, once the others are done, and KeyboardInterrupt where
    Ctrl-C stopped them, which leaves them to be resumed.
    """
    finished: dict[str, Run] = {}
    failed: dict[str, str] = {}
    size = ABREAST if together else 1
    for start in range(0, len(runs), size):
        begun = {begin(run): run.name for run in runs[start : start + size]}
        for group in group_runs(begun):
            diverged = _train(group, root)
            failed |= {begun[member]: str(error) for member, error in diverged.items()}
            for member in group:
                if member not in diverged:
                    finished[begun[member]] = found = member.finish()
                    say_health_issues(found)
    if failed:
        raise SweepFailed(
            f"{len(failed)} of {len(runs)} runs failed ({', '.join(failed)}; the first: "
            f"{next(iter(failed.values()))}); the others are in {root}"
        )
    return finished


def _train(group: Sequence[RecordedTraining], root: Path) -> dict[RecordedTraining, DivergedError]:
    """Train to the end; which of them diverged."""
    diverged: dict[RecordedTraining, DivergedError] = {}
    with stop_on_interrupt() as stopped:
        _follow(group, stopped, diverged)
    left = [member for member in group if member not in diverged]
    if any(not member.training.finished for member in left):
        for member in left:
            member.finish()
        say(f"stopped; the same command with --out {root} --resume goes on with it")
        raise KeyboardInterrupt
    return diverged


def _follow(
    group: Sequence[RecordedTraining],
    stopped: threading.Event,
    diverged: dict[RecordedTraining, DivergedError],
) -> None:
    lead = group[0].training
    with tqdm(
        total=lead.steps,
        initial=lead.step,
        unit=" steps",
        disable=not sys.stderr.isatty(),
        file=sys.stderr,
        dynamic_ncols=True,
    ) as bar:
        for reports in RecordedRunGroup(group).run():
            diverged |= {
                member: report
                for member, report in reports.items()
                if isinstance(report, DivergedError)
            }
            first = next(iter(reports)).training
            bar.update(first.step - bar.n)
            bar.set_postfix_str(f"epoch {first.step // first.steps_per_epoch}, {_betas(group)}")
            if stopped.is_set():
                break


def _betas(group: Sequence[RecordedTraining]) -> str:
    betas = dict.fromkeys(f"{member.training.config.beta:g}" for member in group)
    return f"β {', '.join(betas)}"
