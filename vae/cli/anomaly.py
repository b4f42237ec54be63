"""`vae anomaly`: how well a model tells the images that it was not trained on."""

import argparse

from vae.analysis.anomaly import detect
from vae.cli.output import CommandResult, lines
from vae.core.device import prepare_device
from vae.data.registry import load_test_split
from vae.explorer import Explorer


def anomaly(options: argparse.Namespace) -> CommandResult:
    """`vae anomaly`."""
    prepare_device("cpu", options.threads)
    explorer = Explorer.open(options.checkpoint)
    run = explorer.run
    test = load_test_split(run.train.dataset, options.data_dir, image_shape=run.model.image_shape)
    images = test.images.numpy().transpose(0, 2, 3, 1).astype("float32") / 255
    found = detect(
        explorer, images, test.labels.numpy(), options.normal, options.samples, options.seed
    )
    scores = {
        f"{measure}_{score}": value
        for measure in ("auroc", "recall")
        for score, value in getattr(found, measure).items()
    }
    record = {"checkpoint": str(options.checkpoint), **found.to_dict()}
    text = {k: v for k, v in record.items() if k not in ("auroc", "recall")} | scores
    return CommandResult(record, lines(text))
