"""Measures the quality of a model's samples, from its own prior and from a fitted one.

Four sets of images are compared with the same reference, in the features of a classifier of real
images (`eval_classifier.py`):

- decoded samples from the standard normal prior;
- decoded samples from a Gaussian mixture that is fitted to codes of training images;
- reconstructions of test images;
- the test images themselves, which show the best possible scores.

Without the data set, the mixture is fitted to one half of the test codes in the checkpoint, and the
reference is the decoded images of that half. A conditional model decodes each code with the label
of some image.

Example:
    >>> explorer = Explorer.open("checkpoints/mnist-best")
    >>> classifier = EvalClassifier.open("checkpoints/mnist-classifier")
    >>> inputs = gather_inputs(explorer, read_real_images(explorer.run, 1000), 1000)
    >>> found = measure_generation(explorer, classifier, inputs, fit_prior(inputs, None))
    >>> found.mixture.frechet < found.prior.frechet
    True
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
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
"""Largest number of training images whose codes a mixture is fitted to."""

CODES_PER_COMPONENT = 20
"""Smallest number of codes for each component of a mixture."""

TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4)
"""Factors of the prior's standard deviation that `sweep_temperature` measures."""

TRAINING_IMAGES = "training images"
RECONSTRUCTIONS = "reconstructions"


@dataclass(frozen=True)
class LabelledImages:
    """Images with their labels; an image without a label has -1."""

    pixels: Float[np.ndarray, "n h w c"]
    labels: Int[np.ndarray, "n"]


@dataclass(frozen=True)
class RealImages:
    """Random images of a data set."""

    train: LabelledImages
    test: LabelledImages


@dataclass(frozen=True)
class SampleQuality(Record):
    """Scores of a set of images against the reference, in the classifier's features."""

    frechet: float
    """Fréchet distance of normal distributions; FID is the same in Inception's features."""

    precision: float
    """Share of these images that lie in the region of the reference."""

    recall: float
    """Share of the reference that lies in the region of these images."""

    recognised: float
    """Share of these images that the classifier recognises; see `prior_coverage.SURE`."""


@dataclass(frozen=True)
class Generation(Record):
    """The quality of a model's images; the module's docstring describes the sets."""

    reference: str
    """Name of the reference: training images, or reconstructions without the data set."""

    count: int
    """Number of images in each set."""

    temperature: float
    """Factor of the standard deviations of both priors."""

    components: int
    """Number of components of the mixture."""

    fitted_codes: int
    """Number of codes that the mixture is fitted to."""

    prior: SampleQuality
    """Quality of decoded samples from the standard normal prior."""

    mixture: SampleQuality
    """Quality of decoded samples from the mixture."""

    reconstructions: SampleQuality
    """Quality of reconstructed test images."""

    real: SampleQuality | None
    """Quality of test images; None without the data set."""

    log_density_prior: float | None
    """Mean log p(z) of held-out samples from the aggregate posterior under the prior, in nats.

    None for a VQ-VAE, whose prior is over the vectors of a codebook.
    """

    log_density_mixture: float
    """Mean log p(z) of the same samples under the mixture, in nats."""

    @property
    def gain(self) -> float | None:
        """Gain of the mixture in the ELBO of held-out images, in nats; None for a VQ-VAE."""
        if self.log_density_prior is None:
            return None
        return self.log_density_mixture - self.log_density_prior

    def rows(self) -> dict[str, SampleQuality]:
        """Return the quality of each set by name."""
        sets = {
            "prior": self.prior,
            "mixture": self.mixture,
            "reconstructions": self.reconstructions,
        }
        return sets if self.real is None else {**sets, "real": self.real}


@dataclass(frozen=True)
class GenerationInputs:
    """The codes to fit and test a mixture, and the images to compare."""

    fitted: Codes
    """Samples from the aggregate posterior that a mixture is fitted to."""

    held_out: Codes
    """Other samples, which measure the mixture's density."""

    reference: LabelledImages
    reference_name: str

    reconstructions: LabelledImages
    real: LabelledImages | None


def read_real_images(
    run: Run, count: int, directory: str | None = None, seed: int = 0
) -> RealImages | None:
    """Read at least FITTED_CODES or `count` training images, and `count` test images.

    The result has fewer images when the data set has fewer. Returns None when the data set is
    absent; nothing is downloaded.
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
    chosen = [
        split.pick(torch.from_numpy(generator.permutation(len(split))[:wanted]))
        for split, wanted in splits
    ]
    return RealImages(*(LabelledImages(some.pixels(), some.labels.numpy()) for some in chosen))


def gather_inputs(
    explorer: Explorer, real: RealImages | None, count: int, seed: int = 0
) -> GenerationInputs:
    """Collect the codes of a mixture, and up to `count` images of each set."""
    if real is None:
        return _from_atlas(explorer, count, seed)
    train, test = real.train, real.test
    return GenerationInputs(
        fitted=_encoded_samples(explorer, train, seed),
        held_out=_encoded_samples(explorer, test, seed + 1),
        reference=_head(train, count),
        reference_name=TRAINING_IMAGES,
        reconstructions=replace(
            _head(test, count),
            pixels=explorer.reconstruct(test.pixels[:count], test.labels[:count]),
        ),
        real=_head(test, count),
    )


def fit_prior(inputs: GenerationInputs, components: int | None, seed: int = 0) -> Mixture:
    """Fit a mixture to the codes; None chooses the number of components by held-out codes.

    Few codes limit the number of components; see CODES_PER_COMPONENT.
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
    """Compare all four sets with the reference.

    Args:
        explorer: The model.
        classifier: The classifier whose features are compared.
        inputs: Codes and images; raises ConfigError for fewer than four images in a set.
        mixture: The fitted prior.
        temperature: Factor of the standard deviations of both priors.
        seed: Seed of the samples.
    """
    count = len(inputs.reconstructions.pixels)
    reference = classifier.features(inputs.reference.pixels[:count])
    prior = sample_prior(explorer, count, temperature, seed)
    fitted = mixture.sample(count, seed, temperature)
    return Generation(
        reference=inputs.reference_name,
        count=count,
        temperature=temperature,
        components=len(mixture.weights),
        fitted_codes=len(inputs.fitted),
        prior=_quality(classifier, reference, decode_codes(explorer, prior, inputs)),
        mixture=_quality(classifier, reference, decode_codes(explorer, fitted, inputs)),
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
    """Measure samples from the prior, or from a mixture, at each of TEMPERATURES."""
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
    """Sample the prior, with its standard deviation scaled by `temperature`."""
    noise = np.random.default_rng(seed).standard_normal((count, explorer.latent_dim))
    return explorer.prior_codes(temperature * noise)


def decode_codes(
    explorer: Explorer, codes: Codes, inputs: GenerationInputs
) -> Float[np.ndarray, "_ h w c"]:
    """Decode codes; a conditional model uses the labels of the reference in turn."""
    labels = inputs.reference.labels
    return explorer.decode(codes, labels[np.arange(len(codes)) % len(labels)])


def _from_atlas(explorer: Explorer, count: int, seed: int) -> GenerationInputs:
    """Use one half of the atlas to fit and as the reference, and the other half to test."""
    atlas = explorer.atlas
    order = np.random.default_rng(seed).permutation(len(atlas.mean))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    samples = _posterior_samples(explorer, atlas.mean, atlas.logvar, seed)
    count = min(count, *map(len, halves))
    images = [
        LabelledImages(explorer.atlas_images(half[:count]), atlas.label[half[:count]])
        for half in halves
    ]
    return GenerationInputs(
        fitted=samples[halves[0]],
        held_out=samples[halves[1]],
        reference=images[0],
        reference_name=RECONSTRUCTIONS,
        reconstructions=images[1],
        real=None,
    )


def _encoded_samples(explorer: Explorer, images: LabelledImages, seed: int) -> Codes:
    """Encode images and return one posterior sample of each."""
    return _posterior_samples(explorer, *explorer.encode(images.pixels, images.labels), seed)


def _posterior_samples(explorer: Explorer, mean: Codes, logvar: Codes, seed: int) -> Codes:
    """Sample Gaussian posteriors; other models have point codes, which stay as they are."""
    if not explorer.run.model.is_gaussian:
        return mean
    noise = np.random.default_rng(seed).standard_normal(mean.shape)
    return (mean + np.exp(0.5 * logvar) * noise).astype(np.float32)


def _head(images: LabelledImages, count: int) -> LabelledImages:
    # A view would keep all other images in memory.
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
