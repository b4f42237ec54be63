"""`vae denoise`: PSNR and SSIM of corrupted images, as they came and as models undo it."""

import argparse

import numpy as np

from vae.analysis.denoising import (
    PCA_IMAGES,
    find_denoiser,
    fit_pca,
    measure_denoising,
    methods,
)
from vae.cli.output import CommandResult, lines
from vae.core.device import prepare_device
from vae.core.errors import CheckpointError
from vae.data.registry import load_dataset
from vae.data.splits import Split
from vae.explorer import Explorer
from vae.runs.catalogue import available_checkpoints


def denoise(options: argparse.Namespace) -> CommandResult:
    """`vae denoise`."""
    prepare_device("cpu", options.threads)
    explorer = Explorer.open(options.checkpoint)
    run = explorer.run
    data = load_dataset(run.train.dataset, options.data_dir, image_shape=run.model.image_shape)
    test, denoiser = data.in_distribution_test.head(options.count), _denoiser(options, explorer)
    pca = fit_pca(_pixels(data.train.head(PCA_IMAGES)), explorer.latent_dim)
    how = methods(explorer, test.labels.numpy(), pca, denoiser)
    found = measure_denoising(
        _pixels(test),
        how,
        options.corruption,
        options.levels,
        explorer.latent_dim,
        options.seed,
    )
    record = {
        "checkpoint": str(options.checkpoint),
        "denoiser": denoiser.run.name if denoiser else None,
        **found.to_dict(),
        "best_psnr": found.best("psnr"),
        "best_ssim": found.best("ssim"),
    }
    text = {k: v for k, v in record.items() if k not in ("psnr", "ssim")}
    for measure in ("psnr", "ssim"):
        text |= {f"{measure} {name}": values for name, values in record[measure].items()}
    return CommandResult(record, lines(text))


def _denoiser(options: argparse.Namespace, explorer: Explorer) -> Explorer | None:
    """The model named by --denoiser, else the one there is; None where that is the model itself."""
    if options.denoiser is not None:
        return Explorer.open(options.denoiser)
    if explorer.run.train.corruption:
        return None
    try:
        return Explorer.load(find_denoiser(available_checkpoints().runs, explorer.run))
    except CheckpointError:
        # Nobody asked for it.
        return None


def _pixels(split: Split) -> np.ndarray:
    return split.images.numpy().transpose(0, 2, 3, 1).astype(np.float32) / 255
