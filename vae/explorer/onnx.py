"""Exports a model's encoder or decoder as ONNX, for programs without torch.

Example:
    export_onnx(load_model(load_run("checkpoints/mnist-map")), Path("decoder.onnx"))
"""

import logging
import warnings
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from vae.core.errors import CheckpointError, ConfigError
from vae.models.vae import VAE

Part = Literal["decoder", "encoder"]


class _Decode(nn.Module):
    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.model.decode_mean(z)


class _Encode(nn.Module):
    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        posterior = self.model.encode(images)
        return posterior.mean, posterior.logvar


def export_onnx(model: VAE, file: Path, part: Part = "decoder") -> Path:
    """Writes one part of a model; the batch size of its inputs and outputs stays free.

    decoder: `z` (batch, latent) to `images` (batch, c, h, w), pixels in [0, 1].
    encoder: `images` to `mean` and `logvar` (batch, latent) of the posterior.
    Raises CheckpointError where the file cannot be written.
    """
    config = model.config
    if part == "decoder":
        codes = torch.zeros(2, config.latent_dim, device=model.device)
        return _write(_trace(_Decode(model), codes, "z", ["images"]), file)
    if part == "encoder":
        images = torch.zeros(2, *config.image_shape, device=model.device)
        return _write(_trace(_Encode(model), images, "images", ["mean", "logvar"]), file)
    raise ConfigError(f"part must be decoder or encoder, not {part!r}")


def _trace(
    module: nn.Module, example: torch.Tensor, name: str, outputs: list[str]
) -> torch.onnx.ONNXProgram:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=DeprecationWarning)
        warnings.simplefilter("ignore", category=FutureWarning)
        program = torch.onnx.export(
            module.eval(),
            (example,),
            dynamo=True,
            input_names=[name],
            output_names=outputs,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            verbose=False,
        )
    assert program is not None
    return program


def _write(program: torch.onnx.ONNXProgram, file: Path) -> Path:
    partial = file.with_name(f"{file.name}.partial")
    try:
        program.save(str(partial), external_data=False)
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CheckpointError(f"{file} could not be written ({error})") from error
    return file
