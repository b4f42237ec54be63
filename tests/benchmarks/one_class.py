"""Measures one-class anomaly detection on MNIST: `python -m tests.benchmarks.one_class`.

It trains one model for each digit on that digit alone, for about half a minute each. Each model
ranks all 10,000 test images by each score. checkpoints/README.md quotes the table. The published
figure is the mean AUROC of a VAE on the same task in Perera, Nallapati and Xiang, "OCGAN", 2019.
"""

import argparse
import tempfile
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from vae.analysis.anomaly import Detection, detect
from vae.core.config import Likelihood, ModelConfig, TrainConfig, default_warmup
from vae.core.device import pick_device
from vae.data.registry import load_dataset
from vae.explorer import Explorer
from vae.runs.recorder import RecordedTraining

PUBLISHED = 0.97
SCORES = ("elbo", "distortion", "rate", "likelihood", "unexplained")


def detection(
    digit: int, likelihood: Likelihood, epochs: int, samples: int, folder: Path
) -> Detection:
    """Train a model on one digit and rank the test split."""
    dataset = load_dataset(f"mnist:only={digit}", validation_fraction=0)
    train = TrainConfig(
        dataset.name, epochs=epochs, warmup_epochs=default_warmup(epochs), validation_fraction=0
    )
    model = ModelConfig(dataset.image_shape, 20, likelihood=likelihood)
    recorded = RecordedTraining.start(
        folder / str(digit), model, train, dataset, pick_device("cpu")
    )
    for _ in recorded.run():
        pass
    recorded.finish()
    images = dataset.test.images.numpy().transpose(0, 2, 3, 1).astype(np.float32) / 255
    explorer = Explorer.open(folder / str(digit))
    return detect(explorer, images, dataset.test.labels.numpy(), samples=samples)


def main() -> None:
    """Print the AUROC of each digit and score, and their means."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--likelihood", default="bernoulli", choices=get_args(Likelihood))
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--digits", default="0123456789")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    print("digit  " + "  ".join(f"{score:>11}" for score in SCORES), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for digit in map(int, options.digits):
            found = detection(
                digit, options.likelihood, options.epochs, options.samples, Path(folder)
            )
            rows.append([found.auroc[score] for score in SCORES])
            print(f"{digit:<7}" + "  ".join(f"{v:11.4f}" for v in rows[-1]), flush=True)
    print("mean   " + "  ".join(f"{v:11.4f}" for v in np.mean(rows, axis=0)))
    print(f"published for a VAE: {PUBLISHED}")


if __name__ == "__main__":
    main()
