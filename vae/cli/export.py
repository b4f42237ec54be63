"""`vae export`: writes a model as an ONNX file for other programs.

Example:
    $ vae export checkpoints/mnist-map --part encoder --out encoder.onnx
"""

import argparse
from pathlib import Path

from vae.cli.command import command
from vae.cli.options import BETA_CHOICE, CHECKPOINT, option
from vae.cli.output import CommandResult
from vae.core.errors import CheckpointError, ConfigError

OPTIONS = [
    CHECKPOINT,
    option("--format", choices=["onnx"], default="onnx"),
    option("--part", choices=["decoder", "encoder"], default="decoder"),
    BETA_CHOICE,
    option("--label", type=int, help="class of a conditional model, counted from 0"),
    option("--out", type=Path, required=True, metavar="FILE"),
]


@command("export", "write a model for other programs", OPTIONS)
def export(options: argparse.Namespace) -> CommandResult:
    """Write one part of a model."""
    from vae.cli.settings import choose_beta, choose_label
    from vae.explorer.onnx import export_onnx
    from vae.runs.checkpoint import load_model, load_run

    if options.out.is_dir() or not options.out.parent.is_dir():
        raise CheckpointError(f"{options.out} is not a file in a folder that exists; name another")
    run = load_run(options.checkpoint)
    if not run.model.is_generative:
        raise ConfigError(f"{options.checkpoint} is a {run.model.kind}; it decodes to no images")
    label = choose_label(options, run)
    model = load_model(run).at_beta(choose_beta(options, run))
    model = model if label is None else model.at_label(label)
    path = export_onnx(model, options.out, options.part)
    return CommandResult({"path": str(path)}, f"wrote {path}")
