"""What a model is and how it is trained: two frozen, validated records."""

from dataclasses import dataclass
from typing import Literal, get_args

from vae.core.dataset_name import is_subset
from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.core.text import is_showable

Architecture = Literal["mlp", "mlp-deep", "conv", "conv-mlp", "resnet", "spatial"]
Likelihood = Literal["bernoulli", "gaussian", "gaussian-learned", "logistic"]
Kind = Literal["vae", "autoencoder", "conditional", "semi-supervised", "classifier", "ladder", "vq"]
Schedule = Literal["constant", "cosine"]
Objective = Literal["beta-vae", "beta-tcvae"]
Precision = Literal["float32", "bfloat16"]
Storage = Literal["float32", "float16"]

KINDS: dict[Kind, str] = {
    "vae": "VAE",
    "autoencoder": "Autoencoder",
    "conditional": "Conditional VAE",
    "semi-supervised": "Semi-supervised VAE",
    "classifier": "Classifier",
    "ladder": "Hierarchical VAE",
    "vq": "VQ-VAE",
}
"""By name, as people write them; see `vae.models.build`."""

KINDS_WITH_LABELS: tuple[Kind, ...] = ("conditional", "semi-supervised", "classifier")
"""Those that need the label of each image."""

KINDS_WITHOUT_RATE: tuple[Kind, ...] = ("autoencoder", "classifier")
"""Those whose codes are points: no posterior, so no rate, no ELBO and no likelihood."""

DENOISING_KINDS: tuple[Kind, ...] = ("vae", "autoencoder", "conditional")
"""Those that can learn to give the clean image of a corrupted one."""

ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)

LIKELIHOODS: dict[Likelihood, str] = {
    "bernoulli": "Bernoulli",
    "gaussian": "Gaussian, fixed scale",
    "gaussian-learned": "Gaussian, learned scale",
    "logistic": "Discretised logistic",
}
"""By name, as people write them; see `vae.models.likelihood`."""

DOWNSAMPLING_ARCHITECTURES: tuple[Architecture, ...] = ("conv", "conv-mlp", "resnet", "spatial")
"""Those that halve an image's sides twice."""

LADDER_ARCHITECTURES: tuple[Architecture, ...] = ("mlp", "mlp-deep", "conv", "conv-mlp")
"""Those that a ladder can be made of."""

VQ_ARCHITECTURES: tuple[Architecture, ...] = ("conv", "spatial")
"""Those with a place for each code: a small one, and that of `vae.models.networks.residual`."""

MAX_LATENT_DIM = 512
LOGVAR_LIMIT = 10.0
"""Where log-variances are clamped unless the configuration says otherwise."""
LONGEST_DATASET = 1000
MAX_SIDE = 256
MAX_LEVELS = 5


@dataclass(frozen=True)
class ModelConfig(Record):
    """Everything that is needed to build a VAE, apart from its weights."""

    image_shape: tuple[int, int, int]
    """Channels, height, width of the images."""

    latent_dim: int = 2
    """Number of latent dimensions, 1 to 512."""

    architecture: Architecture = "mlp"
    """Encoder and decoder; see `vae.models.networks.architectures`. That of `spatial` has a code
    for each place: as many channels as latent_dim has for each of
    (height / 4) * (width / 4) places.
    """

    likelihood: Likelihood = "bernoulli"
    """How a decoded image is compared with a real one; see `vae.models.likelihood`."""

    pixel_scale: float = 0.1
    """Standard deviation of a pixel under the Gaussian likelihood; pixels lie in [0, 1].

    Where the likelihood learns its scale this is what training begins with.
    """

    beta_range: tuple[float, float] | None = None
    """The betas that the one model serves, lowest and highest; None for a model of one beta.

    See `vae.models.networks.gates`.
    """

    kind: Kind = "vae"
    """What encoder, posterior and decoder do with each other; see `vae.models.build`."""

    classes: int = 0
    """How many labels there are, for a kind that is told them; 0 for the others."""

    logvar_limit: float = LOGVAR_LIMIT
    """Log-variances are kept within plus and minus this, so that exp() stays finite.

    Beyond 88 it does not in float32: as good as no clamp.
    """

    levels: tuple[int, ...] = ()
    """Latent dimensions of each level from the top down, for a ladder; () for the others."""

    codebook: int = 0
    """Number of codes to choose from at each place, for a vq; 0 for the others."""

    def __post_init__(self) -> None:
        _check_image_shape(self.image_shape)
        _check_choice("kind", self.kind, get_args(Kind))
        _check_classes(self.kind, self.classes)
        _check_integer("latent_dim", self.latent_dim, 1, MAX_LATENT_DIM)
        _check_choice("architecture", self.architecture, get_args(Architecture))
        _check_choice("likelihood", self.likelihood, get_args(Likelihood))
        _check_number("pixel_scale", self.pixel_scale, 1e-3, 10)
        _check_number("logvar_limit", self.logvar_limit, 1, 1e4)
        if not self.is_generative and self.likelihood != "bernoulli":
            raise ConfigError(
                f"a classifier has no likelihood of images; leave {self.likelihood} out"
            )
        if self.beta_range is not None:
            _check_beta_range(self.beta_range)
        self._check_halving()
        self._check_kind()
        self._check_places()

    def _check_halving(self) -> None:
        height, width = self.image_shape[1:]
        if self.architecture in DOWNSAMPLING_ARCHITECTURES and (height % 4 or width % 4):
            raise ConfigError(
                f"architecture {self.architecture!r} halves the image twice, so its sides must be "
                f"multiples of 4, but the image is {height}x{width}; "
                "use an mlp or another image size"
            )

    def _check_kind(self) -> None:
        _check_levels(self.kind, self.levels, self.latent_dim)
        _check_integer("codebook", self.codebook, *((2, 4096) if self.kind == "vq" else (0, 0)))
        for kind, fitting in (("ladder", LADDER_ARCHITECTURES), ("vq", VQ_ARCHITECTURES)):
            if self.kind == kind and self.architecture not in fitting:
                raise ConfigError(
                    f"a {kind}'s architecture is one of {', '.join(fitting)}, not "
                    f"{self.architecture}; choose one of those"
                )

    def _check_places(self) -> None:
        height, width = (side // 4 for side in self.image_shape[1:])
        if self.has_spatial_code and self.latent_dim % (height * width):
            what = "the kind 'vq'" if self.kind == "vq" else "architecture 'spatial'"
            raise ConfigError(
                f"{what} has a code for each of {height}x{width} places "
                f"of the image, so latent_dim must be a multiple of {height * width}, not "
                f"{self.latent_dim}; choose such a number, or another kind and architecture"
            )

    @property
    def has_spatial_code(self) -> bool:
        """Whether a code is a grid, with some of its numbers for each place of the image."""
        return self.architecture == "spatial" or self.kind == "vq"

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Channels, height, width of a code that is a grid and flattened; else its length."""
        if not self.has_spatial_code:
            return (self.latent_dim,)
        height, width = (side // 4 for side in self.image_shape[1:])
        return self.latent_dim // (height * width), height, width

    @property
    def has_rate(self) -> bool:
        """Whether codes have a posterior, and so a rate, an ELBO and a likelihood."""
        return self.kind not in KINDS_WITHOUT_RATE

    @property
    def is_gaussian(self) -> bool:
        """Whether codes have a Gaussian posterior and prior, and not a point or a choice."""
        return self.has_rate and self.kind != "vq"

    @property
    def needs_labels(self) -> bool:
        """Whether images have to come with their labels."""
        return self.kind in KINDS_WITH_LABELS

    @property
    def is_generative(self) -> bool:
        """Whether codes decode to images."""
        return self.kind != "classifier"


@dataclass(frozen=True)
class TrainConfig(Record):
    """How a model is trained; with a ModelConfig it decides the weights on one device."""

    dataset: str
    """A name of `vae.data.registry`, or `folder:PATH`."""

    seed: int = 0
    """Seeds the weights, the order of the images and the posterior samples."""

    epochs: int = 10
    """Passes over the training split."""

    batch_size: int = 128
    """Images a step."""

    learning_rate: float = 2e-3
    """Adam's step size at the start."""

    schedule: Schedule = "cosine"
    """How the step size goes: constant, or along a half cosine down to zero."""

    beta: float = 1.0
    """Weight of the rate in the loss (Higgins et al. 2017); 1 is the ELBO.

    A model with a `beta_range` is trained for all of it; this is the beta that it is reported at.
    """

    warmup_epochs: float = 0.0
    """Epochs over which beta rises linearly from 0."""

    free_bits: float = 0.0
    """Rate of each dimension, in nats, that costs nothing (Kingma et al. 2016)."""

    grad_clip: float = 100.0
    """Largest norm of a step's gradient; larger ones are scaled down."""

    validation_fraction: float = 0.05
    """Share of the training images held out to report on while training."""

    objective: Objective = "beta-vae"
    """What beta weighs: the whole rate, or its total correlation alone; see `vae.objective`."""

    precision: Precision = "float32"
    """Of the layers' arithmetic in training; weights, losses and all reports are float32."""

    storage: Storage = "float32"
    """Of the weights on the disk; the results are those of the weights as stored."""

    corruption: float = 0.0
    """Standard deviation of the noise that training adds to each pixel that the encoder sees.

    The decoder has to give the clean image back; see `vae.data.corruption`.
    """

    perceptual: float = 0.0
    """Weight, in nats, of the distance in a classifier's features; `vae.training.perceptual`."""

    critic: str = ""
    """The folder of that classifier's checkpoint; empty where the weight is 0."""

    labelled: int = 0
    """Training images whose label a semi-supervised model is told, as many of each class; 0: all.

    They are drawn by the seed; see `vae.data.sampling`.
    """

    def __post_init__(self) -> None:
        if not isinstance(self.dataset, str) or not is_showable(self.dataset, LONGEST_DATASET):
            raise ConfigError(
                f"dataset must be a name of one line, up to {LONGEST_DATASET} characters long, "
                f"not {self.dataset!r:.60}"
            )
        _check_integer("seed", self.seed, 0, 2**32 - 1)
        _check_integer("epochs", self.epochs, 1, 100_000)
        _check_integer("batch_size", self.batch_size, 1, 1_000_000)
        _check_number("learning_rate", self.learning_rate, 0, 10, above=True)
        _check_choice("schedule", self.schedule, get_args(Schedule))
        _check_number("beta", self.beta, 0, 1e6)
        _check_choice("objective", self.objective, get_args(Objective))
        _check_choice("precision", self.precision, get_args(Precision))
        _check_choice("storage", self.storage, get_args(Storage))
        _check_number("warmup_epochs", self.warmup_epochs, 0, 1e6)
        _check_number("free_bits", self.free_bits, 0, 1e3)
        _check_number("grad_clip", self.grad_clip, 0, 1e9, above=True)
        _check_number("validation_fraction", self.validation_fraction, 0, 0.9)
        _check_number("corruption", self.corruption, 0, 10)
        _check_number("perceptual", self.perceptual, 0, 1e6)
        named = isinstance(self.critic, str) and is_showable(self.critic, LONGEST_DATASET)
        if named != (self.perceptual > 0) or not (named or self.critic == ""):
            raise ConfigError(
                "a perceptual loss needs a weight above 0 and, as its critic, the folder of a "
                f"classifier's checkpoint, or neither; not {self.perceptual!r} and "
                f"{self.critic!r:.60}"
            )
        _check_integer("labelled", self.labelled, 0, 10_000_000)

    @property
    def beta_label(self) -> str:
        """Such as "β 4", or "β-TC 4" where beta weighs the total correlation alone."""
        return f"{'β-TC' if self.objective == 'beta-tcvae' else 'β'} {self.beta:g}"


@dataclass(frozen=True)
class Preset:
    """A starting point for people who have no settings in mind."""

    title: str
    purpose: str
    dataset: str
    architecture: Architecture
    latent_dim: int
    epochs: int
    batch_size: int = 128
    beta: float = 1.0


PRESETS = {
    preset.title: preset
    for preset in (
        Preset("5 seconds", "Digits of 8x8 pixels, as a map.", "digits", "mlp-deep", 2, 40, 64),
        Preset("1 minute", "All of MNIST, as a map.", "mnist", "mlp-deep", 2, 8),
        Preset("Best", "All of MNIST, sharper: minutes, not one.", "mnist", "conv-mlp", 30, 20),
    )
}
"""By title; the times are those of two laptop cores."""


def default_levels(latent_dim: int) -> tuple[int, ...]:
    """Two levels where nobody says: a third of the dimensions above the others."""
    top = max(1, latent_dim // 3)
    return top, latent_dim - top


DEFAULT_CODEBOOK = 64
"""Codes of a vq where nobody says."""


def default_warmup(epochs: int) -> float:
    """Epochs of warm-up where nobody says: half of a short run, and never more than 2.5.

    Deep networks lose dimensions without any; a long one costs a short run its last nats.
    """
    return min(epochs / 2, 2.5)


def check_together(model: ModelConfig, train: TrainConfig) -> None:
    """Raise ConfigError for settings that are fine alone but not with each other."""
    if model.kind != "vae" and train.objective != "beta-vae":
        raise ConfigError(
            f"the objective {train.objective} goes with the plain VAE, not with the kind "
            f"{model.kind}; leave one of them out"
        )
    if train.corruption and model.kind not in DENOISING_KINDS:
        raise ConfigError(
            f"a model of the kind {model.kind} does not learn to undo corruption; choose one of "
            f"{', '.join(DENOISING_KINDS)}, or no corruption"
        )
    if train.perceptual > 0 and (not model.is_generative or train.objective != "beta-vae"):
        raise ConfigError(
            "a perceptual loss goes with models of images and the objective beta-vae; leave it out"
        )
    _check_semi_supervised(model, train)
    if model.beta_range is None:
        return
    if is_subset(train.dataset):
        raise ConfigError(
            f"a beta_range goes with whole data sets, not with {train.dataset:.60}; leave one of "
            "them out"
        )
    if model.kind != "vae":
        raise ConfigError(
            f"a beta_range goes with the plain VAE, not with the kind {model.kind}; leave one of "
            "them out"
        )
    low, high = model.beta_range
    if not low <= train.beta <= high:
        raise ConfigError(
            f"beta must lie in the model's beta_range, {low:g} to {high:g}, not {train.beta:g}"
        )
    if train.objective != "beta-vae" or train.free_bits:
        raise ConfigError(
            "a model with a beta_range is trained with the objective beta-vae and no free bits; "
            "leave one of them out"
        )


def _check_semi_supervised(model: ModelConfig, train: TrainConfig) -> None:
    if train.perceptual > 0 and model.kind == "semi-supervised":
        raise ConfigError(
            "a perceptual loss needs one decoded image for each image, but a semi-supervised model "
            "tries every label; leave it out"
        )
    if train.labelled and model.kind != "semi-supervised":
        raise ConfigError(
            "labelled goes with the kind semi-supervised; a model of the kind "
            f"{model.kind} is told all labels or none"
        )


def _check_classes(kind: Kind, classes: object) -> None:
    if kind not in KINDS_WITH_LABELS:
        _check_integer("classes", classes, 0, 0)
    elif not isinstance(classes, int) or isinstance(classes, bool) or not 2 <= classes <= 1000:
        raise ConfigError(
            f"a model of the kind {kind} needs images of 2 to 1000 classes, not {classes!r}; "
            "choose another data set or another kind"
        )


def _check_levels(kind: Kind, levels: object, latent_dim: int) -> None:
    if kind != "ladder":
        if levels != ():
            raise ConfigError(f"levels go with the kind ladder, not with {kind}; leave them out")
        return
    given = levels if isinstance(levels, tuple) else ()
    ok = all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in given)
    if not ok or not 2 <= len(given) <= MAX_LEVELS or sum(given) != latent_dim:
        raise ConfigError(
            f"a ladder needs 2 to {MAX_LEVELS} levels of 1 dimension or more that add up to "
            f"latent_dim, {latent_dim}, not {levels!r}; such as --levels 8,24 --latent-dim 32"
        )


def _check_beta_range(bounds: object) -> None:
    ok = isinstance(bounds, tuple) and len(bounds) == 2
    if ok:
        for value in bounds:  # type: ignore[attr-defined]
            _check_number("beta_range", value, 1e-3, 1e3)
    if not ok or not bounds[0] < bounds[1]:  # type: ignore[index]
        raise ConfigError(f"beta_range must be two betas, the lower one first, not {bounds!r}")


def _check_image_shape(shape: object) -> None:
    ok = (
        isinstance(shape, tuple)
        and len(shape) == 3
        and all(isinstance(n, int) for n in shape)
        and shape[0] in (1, 3)
        and all(4 <= n <= MAX_SIDE for n in shape[1:])
    )
    if not ok:
        raise ConfigError(
            f"image_shape must be (1 or 3 channels, height, width) with sides of 4 to {MAX_SIDE} "
            f"pixels, not {shape!r}"
        )


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def _check_integer(name: str, value: object, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ConfigError(f"{name} must be a whole number from {low} to {high}, not {value!r}")


def _check_number(name: str, value: object, low: float, high: float, above: bool = False) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and low <= value <= high and not (above and value == low):  # type: ignore[operator]
        return
    bounds = f"above {low:g} and at most {high:g}" if above else f"from {low:g} to {high:g}"
    raise ConfigError(f"{name} must be a number {bounds}, not {value!r}")
