"""`vae export`: a model for other programs."""

import argparse

from vae.cli.output import CommandResult
from vae.cli.settings import beta_to_look_at, label_to_look_at
from vae.core.errors import CheckpointError, ConfigError
from vae.runs.checkpoint import load_model, load_run


def export(options: argparse.Namespace) -> CommandResult:
    """`vae export`."""
    from vae.explorer.onnx import export_onnx

    if options.out.is_dir() or not options.out.parent.is_dir():
        raise CheckpointError(f"{options.out} is not a file in a folder that exists; name another")
    run_ = load_run(options.checkpoint)
    if not run_.model.is_generative:
        raise ConfigError(f"{options.checkpoint} is a {run_.model.kind}; it decodes to no images")
    label = label_to_look_at(options, run_)
    model = load_model(run_).at_beta(beta_to_look_at(options, run_))
    model = model if label is None else model.at_label(label)
    path = export_onnx(model, options.out, options.part)
    return CommandResult({"path": str(path)}, f"wrote {path}")
