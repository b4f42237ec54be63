"""The options of the commands that run a study (`vae.analysis`)."""

import argparse
from pathlib import Path

from vae.cli.options.machine import AddCommand
from vae.cli.options.types import labels, numbers, positive, seed, seeds, sizes, temperature
from vae.core.config import ARCHITECTURES


def add_study_commands(add: AddCommand) -> None:
    """A command for each study."""
    diagnose = add("diagnose", "what is wrong with a trained model, and what would cure it")
    diagnose.add_argument("checkpoint", type=Path)
    ood = add("ood", "whether a model can tell images from elsewhere", ["strangers"])
    _add_checkpoint(ood)
    ood.add_argument(
        "--count", type=positive, default=2000, help="test images, half of them for the threshold"
    )
    ood.add_argument("--data-dir", type=Path, help="where data sets lie")
    failures = add("failures", "train small runs that go wrong, and the same cured")
    failures.add_argument("name", nargs="?", help="of one of them (default: all)")
    failures.add_argument("--out", type=Path, metavar="FILE", help="keep what was measured")
    failures.add_argument("--threads", type=int, help="of the CPU (default: all cores but one)")
    coverage = add(
        "prior-coverage",
        "how much around and between a model's codes decodes to anything",
        ["holes"],
    )
    _add_rated(coverage)
    conditioning = add("conditioning", "how often a conditional model paints the class asked for")
    _add_rated(conditioning)
    generation = add("generation", "how good samples are, of the prior and of a fitted mixture")
    _add_rated(generation, count=5000)
    generation.add_argument(
        "--components",
        type=positive,
        metavar="K",
        help="of the mixture (default: as many as describe held-out codes best)",
    )
    generation.add_argument(
        "--temperature",
        type=temperature,
        default=1.0,
        help="scales the standard deviation of both priors (1)",
    )
    generation.add_argument("--data-dir", type=Path, help="where data sets lie")
    _add_likelihood_commands(add)
    _add_few(add)
    _add_anomaly(add)
    _add_denoise(add)
    _add_representation(add)
    _add_attributes(add)
    _add_levels(add("levels", "what each level of a hierarchical VAE says, and what that buys"))
    _add_checkpoint(add("codebook", "which codes of a VQ-VAE are used, and what a grid costs"))


def _add_representation(add: AddCommand) -> None:
    one = add("representation", "what codes know of the classes, beside pixels and PCA")
    one.add_argument("checkpoints", type=Path, nargs="+", metavar="CHECKPOINT")
    one.add_argument("--seed", type=seed, default=0, help="of everything that is drawn")
    several = add("latent-sizes", "train models of several latent sizes and compare them")
    several.add_argument("--dataset", default="mnist")
    several.add_argument("--arch", default="mlp", choices=ARCHITECTURES)
    several.add_argument("--latent-dims", type=sizes, default=[2, 4, 8, 16, 32, 64])
    several.add_argument("--seeds", type=seeds, default=[0, 1, 2])
    several.add_argument("--epochs", type=positive, default=10)
    several.add_argument("--beta", type=float, default=1.0)
    several.add_argument("--out", type=Path, help="a file, such as checkpoints/latent-sizes.json")
    for parser in (one, several):
        parser.add_argument(
            "--fitted", type=positive, default=5000, help="training images to fit on (5000)"
        )
        parser.add_argument("--data-dir", type=Path, help="where data sets lie")
        parser.add_argument("--threads", type=int, help="of the CPU (default: all cores but one)")


def _add_likelihood_commands(add: AddCommand) -> None:
    likelihoods = add("likelihoods", "models trained with other likelihoods, on the same images")
    likelihoods.add_argument("checkpoints", type=Path, nargs="+", metavar="CHECKPOINT")
    _add_classifier(likelihoods)
    _add_seed(likelihoods)
    _add_test_images(likelihoods)
    compression = add("compression", "a model as a codec of images, beside JPEG")
    _add_checkpoint(compression)
    _add_test_images(compression)


def _add_few(add: AddCommand) -> None:
    """Few labels, and few images."""
    labels = add("few-labels", "what a few labels come to, with a VAE and without")
    labels.add_argument(
        "models",
        type=Path,
        nargs="*",
        metavar="CHECKPOINT",
        help="semi-supervised models of some of the draws: their seeds say which",
    )
    labels.add_argument("--labels", type=positive, default=100, help="in each draw (100)")
    labels.add_argument("--vae", type=Path, help="whose codes to use (default: of the best ELBO)")
    labels.add_argument(
        "--epochs", type=positive, default=5, help="of the semi-supervised model on codes (5)"
    )
    data = add("few-data", "whether a VAE's samples help a classifier that has only a few images")
    data.add_argument(
        "--images", type=sizes, default=[100, 300, 1000], help="such as 100,300,1000 (these)"
    )
    for parser in (labels, data):
        parser.add_argument("--dataset", default="mnist")
        parser.add_argument("--draws", type=positive, default=3, help="of images (3)")
        parser.add_argument("--seed", type=seed, default=0, help="of the first draw")
        parser.add_argument("--save", action="store_true", help="keep it beside the checkpoints")
        parser.add_argument("--data-dir", type=Path, help="where data sets lie")
        parser.add_argument("--threads", type=int, help="of the CPU (default: all cores but one)")


def _add_anomaly(add: AddCommand) -> None:
    anomaly = add("anomaly", "how well a model tells the images that it was not trained on")
    _add_checkpoint(anomaly)
    anomaly.add_argument(
        "--normal",
        type=labels,
        metavar="LABELS",
        help="such as 3+5 (default: the classes that the model was trained on)",
    )
    anomaly.add_argument(
        "--samples",
        type=positive,
        metavar="K",
        help="also rank by the likelihood, importance weighted with so many samples an image",
    )
    anomaly.add_argument("--data-dir", type=Path, help="where data sets lie")


def _add_denoise(add: AddCommand) -> None:
    denoise = add("denoise", "how well models and filters undo the corruption of images")
    _add_checkpoint(denoise)
    denoise.add_argument(
        "--denoiser", type=Path, help="a model trained with --corruption (default: the one there)"
    )
    denoise.add_argument(
        "--corruption", default="noise", choices=["noise", "salt-and-pepper", "square"]
    )
    denoise.add_argument(
        "--levels",
        type=numbers,
        default=[0.1, 0.2, 0.3, 0.5, 0.7, 1.0],
        help="strengths above 0 and up to 1, such as 0.1,0.3",
    )
    denoise.add_argument("--count", type=positive, default=1000, help="test images (1000)")
    denoise.add_argument("--data-dir", type=Path, help="where data sets lie")


def _add_attributes(add: AddCommand) -> None:
    parser = add("attributes", "directions of attributes such as thickness, and their worth")
    _add_checkpoint(parser)
    parser.add_argument(
        "--attribute",
        action="append",
        metavar="NAME",
        help="thickness, slant, height, width, ink or class:NAME; may be repeated (default: the "
        "first five)",
    )
    parser.add_argument("--data-dir", type=Path, help="where data sets lie")


def _add_levels(parser: argparse.ArgumentParser) -> None:
    _add_checkpoint(parser)
    parser.add_argument(
        "--against", type=Path, metavar="FLAT", help="a model of one level to compare with"
    )
    parser.add_argument(
        "--importance-samples",
        type=positive,
        default=100,
        metavar="K",
        help="samples per image of the log-likelihood (default 100)",
    )
    _add_test_images(parser, count=10_000)


def _add_rated(parser: argparse.ArgumentParser, count: int = 1000) -> None:
    """Images of one checkpoint, rated by another."""
    _add_checkpoint(parser)
    _add_classifier(parser)
    parser.add_argument(
        "--count", type=positive, default=count, help=f"images of each sort ({count})"
    )


def _add_classifier(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--classifier",
        "--judge",
        type=Path,
        help="the checkpoint of a classifier (default: the best one of the data set)",
    )


def _add_test_images(parser: argparse.ArgumentParser, count: int = 1000) -> None:
    parser.add_argument("--count", type=positive, default=count, help=f"test images ({count})")
    parser.add_argument("--data-dir", type=Path, help="where data sets lie")


def _add_checkpoint(parser: argparse.ArgumentParser) -> None:
    """One checkpoint, a seed, a number of threads."""
    parser.add_argument("checkpoint", type=Path)
    _add_seed(parser)


def _add_seed(parser: argparse.ArgumentParser) -> None:
    """A seed, and a number of threads."""
    parser.add_argument("--seed", type=seed, default=0, help="of everything that is drawn")
    parser.add_argument("--threads", type=int, help="of the CPU (default: all cores but one)")
