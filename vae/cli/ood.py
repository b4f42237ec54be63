"""`vae ood`: whether a model can tell images from elsewhere."""

import argparse

import numpy as np

from vae.analysis.ood import measure_ood
from vae.cli.output import CommandResult, table
from vae.core.device import prepare_device
from vae.data.registry import load_test_split
from vae.explorer import Explorer


def ood(options: argparse.Namespace) -> CommandResult:
    """`vae ood`."""
    prepare_device("cpu", options.threads)
    explorer = Explorer.open(options.checkpoint)
    run = explorer.run
    split = load_test_split(run.train.dataset, options.data_dir, image_shape=run.model.image_shape)
    chosen = np.random.default_rng(options.seed).permutation(len(split))[: options.count]
    images = split.images.numpy()[chosen].transpose(0, 2, 3, 1) / np.float32(255)
    found = measure_ood(explorer, images, split.labels.numpy()[chosen], options.seed)
    rows = [sort.to_dict() for sort in found]
    return CommandResult({"checkpoint": str(options.checkpoint), "sorts": rows}, table(rows))
