"""Generation: how good a model's own images are, under its prior and under a better one.

Four sets of images are held against the same reference, in the features of a classifier of real
images (`eval_classifier.py`): decoded draws from the standard normal prior, draws from a Gaussian
mixture that was fitted to codes of training images, reconstructions of test images, and the test
images themselves, which say what the best there is would come to.

Where the data set is absent, the atlas stands in for it: the mixture is fitted to half of the test
codes, and the reference is what the decoder makes of that half.

A conditional model is taken as a whole: each code is decoded as the label of some image.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from vae.analysis.eval_classifier import EvalClassifier
from vae.analysis.mixture import (
    CHOICES,
    Codes,
    Mixture,
    choose_components,
    fit_mixture,
    prior_log_density,
)
from vae.analysis.prior_coverage import recognised_share
from vae.core.errors import DataError
from vae.core.record import Record
from vae.data.registry import load_dataset
from vae.explorer import Explorer
from vae.metrics.frechet import Features, frechet_distance, precision_recall
from vae.runs.run import Run

FITTED_CODES = 20_000
"""Training images, at most, whose codes a mixture is fitted to."""

CODES_PER_COMPONENT = 20
"""A mixture has one component at most for so many codes."""

TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4)

TRAINING_IMAGES = "training images"
RECONSTRUCTIONS = "reconstructions"


@dataclass(frozen=True)
class LabelledImages:
    """Some images with their labels; -1 means none."""

    pixels: Float[np.ndarray, "n h w c"]
    labels: Int[np.ndarray, "n"]


@dataclass(frozen=True)
class RealImages:
    """Images of a data set, drawn at random."""

    train: LabelledImages
    test: LabelledImages


@dataclass(frozen=True)
class SampleQuality(Record):
    """How a set of images compares with the reference, in the classifier's features."""

    frechet: float
    """Fréchet distance of normal distributions; no FID, which is in Inception's features."""

    precision: float
    """Share of these images that lie where the reference does."""

    recall: float
    """Share of the reference that lies where these images do."""

    recognised: float
    """Share of these images of whose class the classifier is SURE."""


@dataclass(frozen=True)
class Generation(Record):
    """What a model's images are worth; see the module's docstring for what is compared."""

    reference: str
    """What the images are held against: training images, or reconstructions without a data set."""

    count: int
    """Images of each set."""

    temperature: float
    """What the standard deviations of both priors were scaled by."""

    components: int
    """Of the mixture."""

    fitted_codes: int
    """Codes that the mixture was fitted to."""

    prior: SampleQuality
    """Of decoded draws from the standard normal prior."""

    mixture: SampleQuality
    """Of decoded draws from the mixture."""

    reconstructions: SampleQuality
    """Of test images."""

    real: SampleQuality | None
    """Of test images; None where the data set is absent."""

    log_density_prior: float | None
    """Mean log p(z) of held-out draws from the aggregate posterior, in nats: standard normal.

    None of a vq, whose prior is over the vectors of a codebook.
    """

    log_density_mixture: float
    """The same under the mixture."""

    @property
    def gain(self) -> float | None:
        """What the mixture adds to the ELBO of held-out images, in nats; None of a vq."""
        if self.log_density_prior is None:
            return None
        return self.log_density_mixture - self.log_density_prior

    def rows(self) -> dict[str, SampleQuality]:
        """By the name of the set."""
        sets = {
            "prior": self.prior,
            "mixture": self.mixture,
            "reconstructions": self.reconstructions,
        }
        return sets if self.real is None else {**sets, "real": self.real}


@dataclass(frozen=True)
class GenerationInputs:
    """What a model's images are made of and held against."""

    fitted: Codes
    """Draws from the aggregate posterior, to fit a mixture to."""

    held_out: Codes
    """Others, to judge it by."""

    reference: LabelledImages
    reference_name: str

    reconstructions: LabelledImages
    real: LabelledImages | None


def read_real_images(
    run: Run, count: int, directory: str | None = None, seed: int = 0
) -> RealImages | None:
    """Training images (FITTED_CODES, and `count` at least) and `count` test images.

    Fewer where there are fewer; None where the data set is absent. Nothing is downloaded.
    """
    try:
        data = load_dataset(
            run.train.dataset,
            directory,
            validation_fraction=0,
            image_shape=run.model.image_shape,
            download=False,
        )
    except DataError:
        return None
    generator = np.random.default_rng(seed)
    splits = (data.train, max(count, FITTED_CODES)), (data.test, count)
    drawn = []
    for split, wanted in splits:
        chosen = generator.permutation(len(split))[:wanted]
        pixels = split.images.numpy()[chosen].transpose(0, 2, 3, 1) / np.float32(255)
        drawn.append(LabelledImages(pixels, split.labels.numpy()[chosen]))
    return RealImages(*drawn)


def gather_inputs(
    explorer: Explorer, real: RealImages | None, count: int, seed: int = 0
) -> GenerationInputs:
    """Codes to fit to and to judge by, and `count` images of each sort, or fewer."""
    if real is None:
        return _from_atlas(explorer, count, seed)
    train, test = real.train, real.test
    return GenerationInputs(
        fitted=_draws(explorer, train, seed),
        held_out=_draws(explorer, test, seed + 1),
        reference=_head(train, count),
        reference_name=TRAINING_IMAGES,
        reconstructions=replace(
            _head(test, count),
            pixels=explorer.reconstruct(test.pixels[:count], test.labels[:count]),
        ),
        real=_head(test, count),
    )


def fit_prior(inputs: GenerationInputs, components: int | None, seed: int = 0) -> Mixture:
    """A mixture of the fitted codes; of so many components, or as many as serve held-out ones.

    Of few codes it has fewer; see CODES_PER_COMPONENT.
    """
    codes = inputs.fitted
    most = max(1, len(codes) // CODES_PER_COMPONENT)
    chosen = components or choose_components(codes, [k for k in CHOICES if k <= most], seed)
    return fit_mixture(codes, min(chosen, most), seed)


def measure_generation(
    explorer: Explorer,
    classifier: EvalClassifier,
    inputs: GenerationInputs,
    mixture: Mixture,
    temperature: float = 1.0,
    seed: int = 0,
) -> Generation:
    """All four sets against the reference; ConfigError for fewer than four images of any."""
    count = len(inputs.reconstructions.pixels)
    reference = classifier.features(inputs.reference.pixels[:count])
    prior = sample_prior(explorer, count, temperature, seed)
    drawn = mixture.sample(count, seed, temperature)
    return Generation(
        reference=inputs.reference_name,
        count=count,
        temperature=temperature,
        components=len(mixture.weights),
        fitted_codes=len(inputs.fitted),
        prior=_quality(classifier, reference, decode_codes(explorer, prior, inputs)),
        mixture=_quality(classifier, reference, decode_codes(explorer, drawn, inputs)),
        reconstructions=_quality(classifier, reference, inputs.reconstructions.pixels),
        real=None if inputs.real is None else _quality(classifier, reference, inputs.real.pixels),
        log_density_prior=None
        if explorer.run.model.kind == "vq"
        else float(prior_log_density(inputs.held_out).mean()),
        log_density_mixture=float(mixture.log_density(inputs.held_out).mean()),
    )


def sweep_temperature(
    explorer: Explorer,
    classifier: EvalClassifier,
    inputs: GenerationInputs,
    mixture: Mixture | None = None,
    seed: int = 0,
) -> dict[float, SampleQuality]:
    """The quality of draws from the prior, or a mixture, at each of TEMPERATURES."""
    count = len(inputs.reconstructions.pixels)
    reference = classifier.features(inputs.reference.pixels[:count])
    found = {}
    for temperature in TEMPERATURES:
        if mixture is None:
            codes = sample_prior(explorer, count, temperature, seed)
        else:
            codes = mixture.sample(count, seed, temperature)
        found[temperature] = _quality(classifier, reference, decode_codes(explorer, codes, inputs))
    return found


def sample_prior(explorer: Explorer, count: int, temperature: float, seed: int) -> Codes:
    """Draws from the prior, its standard deviation scaled by `temperature`."""
    noise = np.random.default_rng(seed).standard_normal((count, explorer.latent_dim))
    return explorer.prior_codes(temperature * noise)


def decode_codes(
    explorer: Explorer, codes: Codes, inputs: GenerationInputs
) -> Float[np.ndarray, "_ h w c"]:
    """Decoded codes; a conditional model's as the labels of the reference, over and over."""
    labels = inputs.reference.labels
    return explorer.decode(codes, labels[np.arange(len(codes)) % len(labels)])


def _from_atlas(explorer: Explorer, count: int, seed: int) -> GenerationInputs:
    """The atlas in halves: one to fit to and hold against, the other to judge by."""
    atlas = explorer.atlas
    order = np.random.default_rng(seed).permutation(len(atlas.mean))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    drawn = _around(explorer, atlas.mean, atlas.logvar, seed)
    count = min(count, *map(len, halves))
    images = [
        LabelledImages(explorer.atlas_images(half[:count]), atlas.label[half[:count]])
        for half in halves
    ]
    return GenerationInputs(
        fitted=drawn[halves[0]],
        held_out=drawn[halves[1]],
        reference=images[0],
        reference_name=RECONSTRUCTIONS,
        reconstructions=images[1],
        real=None,
    )


def _draws(explorer: Explorer, images: LabelledImages, seed: int) -> Codes:
    """A draw from the posterior of each image."""
    return _around(explorer, *explorer.encode(images.pixels, images.labels), seed)


def _around(explorer: Explorer, mean: Codes, logvar: Codes, seed: int) -> Codes:
    """Draws from posteriors; an autoencoder's codes themselves, which are certain."""
    if not explorer.run.model.is_gaussian:
        return mean
    noise = np.random.default_rng(seed).standard_normal(mean.shape)
    return (mean + np.exp(0.5 * logvar) * noise).astype(np.float32)


def _head(images: LabelledImages, count: int) -> LabelledImages:
    # Copies: a view would keep all the others in memory.
    return LabelledImages(images.pixels[:count].copy(), images.labels[:count].copy())


def _quality(
    classifier: EvalClassifier, reference: Features, images: Float[np.ndarray, "_ h w c"]
) -> SampleQuality:
    features, probabilities = classifier.read(images)
    shares = precision_recall(reference, features)
    return SampleQuality(
        frechet=frechet_distance(features, reference),
        precision=shares.precision,
        recall=shares.recall,
        recognised=recognised_share(probabilities),
    )
