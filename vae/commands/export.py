"""`vae export`: a model for other programs."""

import argparse

from vae.checkpoint import load_model, load_run
from vae.commands.settings import beta_to_look_at
from vae.commands.text import Outcome
from vae.errors import CheckpointError


def export(options: argparse.Namespace) -> Outcome:
    """`vae export`."""
    from vae.export import export_onnx

    if options.out.is_dir() or not options.out.parent.is_dir():
        raise CheckpointError(f"{options.out} is not a file in a folder that exists; name another")
    run_ = load_run(options.checkpoint)
    model = load_model(run_).at_beta(beta_to_look_at(options, run_))
    path = export_onnx(model, options.out, options.part)
    return Outcome({"path": str(path)}, f"wrote {path}")
