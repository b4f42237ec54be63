"""Defines commands: a decorator turns a function into a command or into a study.

A command's file holds its name, its help, its options and the function that does the work. It
imports no heavy library at its top, so that `vae --help` answers at once. Instead the function
imports the code that measures. `vae.cli.registry` lists all commands.

Example:
    @study("codebook", "Measure which codes of a VQ-VAE are used.", [CHECKPOINT, SEED, THREADS])
    def codebook(inputs: "StudyInputs") -> Findings:
        from vae.analysis.codebook import measure_codebook

        return measure_codebook(inputs.explorer).to_dict()
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vae.cli.options import Option
from vae.cli.output import CommandResult, lines

if TYPE_CHECKING:
    from vae.cli.study_inputs import StudyInputs

Findings = dict[str, Any]
Run = Callable[[argparse.Namespace], CommandResult]
Measure = Callable[["StudyInputs"], Findings | CommandResult]


@dataclass(frozen=True)
class Command:
    """One command: its name, its help, its options and the function that runs it."""

    name: str
    help: str
    options: Sequence[Option]
    run: Run
    aliases: Sequence[str] = ()
    """Older names of the command, which still work."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add this command's options to its parser, and the function that runs it."""
        for add_option in self.options:
            add_option(parser)
        parser.set_defaults(run=self.run)


def command(
    name: str, help_text: str, options: Sequence[Option], aliases: Sequence[str] = ()
) -> Callable[[Run], Command]:
    """Turn a function of the parsed options into a command."""
    return lambda run: Command(name, help_text, options, run, aliases)


def study(
    name: str,
    help_text: str,
    options: Sequence[Option],
    aliases: Sequence[str] = (),
    show: Callable[[Findings], str] = lines,
) -> Callable[[Measure], Command]:
    """Turn a function that measures into a command, which runs on the CPU.

    The function returns its findings as a JSON object; `show` writes them as text. Findings about
    a single checkpoint are preceded by its path. A function whose text needs more than the findings
    returns both as a CommandResult.
    """

    def decorate(measure: Measure) -> Command:
        def run(options: argparse.Namespace) -> CommandResult:
            from vae.cli.study_inputs import StudyInputs
            from vae.core.device import prepare_device

            prepare_device("cpu", options.threads)
            found = measure(StudyInputs(options))
            if isinstance(found, CommandResult):
                return found
            if "checkpoint" in options:
                found = {"checkpoint": str(options.checkpoint), **found}
            return CommandResult(found, show(found))

        return Command(name, help_text, options, run, aliases)

    return decorate
