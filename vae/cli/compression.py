"""`vae compression`: a model as a codec of images, beside JPEG."""

import argparse

from vae.analysis.compression import measure_compression
from vae.cli.output import CommandResult, lines, table
from vae.cli.test_images import read_test_images
from vae.core.device import prepare_device
from vae.explorer import Explorer


def compression(options: argparse.Namespace) -> CommandResult:
    """`vae compression`."""
    prepare_device("cpu", options.threads)
    explorer = Explorer.open(options.checkpoint)
    images, labels = read_test_images(explorer.run, options)
    found = measure_compression(explorer, images, labels)
    record = {"checkpoint": str(options.checkpoint), **found.to_dict(), "ratio": found.ratio}
    whole = {name: v for name, v in record.items() if name not in ("rounded", "jpeg")}
    tables = [
        f"{title}\n{table([point.to_dict() for point in points])}"
        for title, points in (("codes rounded", found.rounded), ("JPEG, 4:2:0", found.jpeg))
    ]
    return CommandResult(record, "\n\n".join([lines(whole), *tables]))
