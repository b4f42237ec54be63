"""The two records that describe a model and its training; both are frozen and validated.

Each field declares its setting (see `vae.core.settings`). Rules between fields of one record stand
below the record; rules between the two records are in `vae.core.compatibility`.

Example:
    >>> ModelConfig((1, 28, 28), latent_dim=2, architecture="mlp-deep").latent_shape
    (2,)
    >>> TrainConfig("mnist", epochs=8, beta=4).beta_label
    'β 4'
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args

from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.core.settings import (
    Setting,
    check_integer,
    check_number,
    check_settings,
    from_values,
    is_integer,
    settings_of,
)
from vae.core.text import is_showable

Architecture = Literal["mlp", "mlp-deep", "conv", "conv-mlp", "resnet", "spatial"]
Likelihood = Literal["bernoulli", "gaussian", "gaussian-learned", "logistic"]
Kind = Literal["vae", "autoencoder", "conditional", "semi-supervised", "classifier", "ladder", "vq"]
Schedule = Literal["constant", "cosine"]
Objective = Literal["beta-vae", "beta-tcvae"]
Precision = Literal["float32", "bfloat16"]
Storage = Literal["float32", "float16"]
ImageShape = tuple[int, int, int]
"""Channels, height and width."""

KINDS: dict[Kind, str] = {
    "vae": "VAE",
    "autoencoder": "Autoencoder",
    "conditional": "Conditional VAE",
    "semi-supervised": "Semi-supervised VAE",
    "classifier": "Classifier",
    "ladder": "Hierarchical VAE",
    "vq": "VQ-VAE",
}
"""Titles of the kinds of model; see `vae.models.build`."""

KINDS_WITH_LABELS: tuple[Kind, ...] = ("conditional", "semi-supervised", "classifier")
"""Kinds that need the label of each image."""

KINDS_WITHOUT_RATE: tuple[Kind, ...] = ("autoencoder", "classifier")
"""Kinds whose codes are points: they have no posterior, so no rate, no ELBO and no likelihood."""

DENOISING_KINDS: tuple[Kind, ...] = ("vae", "autoencoder", "conditional")
"""Kinds that can learn to reconstruct the clean image from a corrupted one."""

ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)

LIKELIHOODS: dict[Likelihood, str] = {
    "bernoulli": "Bernoulli",
    "gaussian": "Gaussian, fixed scale",
    "gaussian-learned": "Gaussian, learned scale",
    "logistic": "Discretised logistic",
}
"""Titles of the likelihoods; see `vae.models.likelihood`."""

OBJECTIVES: dict[Objective, str] = {"beta-vae": "β-VAE", "beta-tcvae": "β-TCVAE"}
"""Titles of the objectives."""

DOWNSAMPLING_ARCHITECTURES: tuple[Architecture, ...] = ("conv", "conv-mlp", "resnet", "spatial")
"""Architectures that halve an image's sides twice."""

LADDER_ARCHITECTURES: tuple[Architecture, ...] = ("mlp", "mlp-deep", "conv", "conv-mlp")
"""Architectures that a ladder can use."""

VQ_ARCHITECTURES: tuple[Architecture, ...] = ("conv", "spatial")
"""Architectures with one code per grid cell; `spatial` is that of `networks.residual`."""

MAX_LATENT_DIM = 512
LOGVAR_LIMIT = 10.0
"""Default limit of log-variances."""

MAX_DATASET_NAME = 1000
"""Most characters of a data set's name."""

MAX_SIDE = 256
MAX_LEVELS = 5
MAX_CLASSES = 1000
MAX_CODEBOOK = 4096
DEFAULT_CODEBOOK = 64
"""Default number of codes of a vq model."""


def default_levels(latent_dim: int) -> tuple[int, ...]:
    """Return the default levels of a ladder: a third of the dimensions on top."""
    top = max(1, latent_dim // 3)
    return top, latent_dim - top


def default_warmup(epochs: int) -> float:
    """Return the default number of epochs of warm-up: half of the run, at most 2.5.

    Deep networks lose dimensions without warm-up. A long warm-up costs a short run its last nats.
    """
    return min(epochs / 2, 2.5)


def _derive_levels(values: Mapping[str, Any]) -> tuple[int, ...]:
    return default_levels(values["latent_dim"]) if values["kind"] == "ladder" else ()


def _derive_codebook(values: Mapping[str, Any]) -> int:
    return DEFAULT_CODEBOOK if values["kind"] == "vq" else 0


def _derive_warmup(values: Mapping[str, Any]) -> float:
    return default_warmup(values["epochs"])


def _check_dataset_name(name: str, value: object) -> None:
    if not isinstance(value, str) or not is_showable(value, MAX_DATASET_NAME):
        raise ConfigError(
            f"{name} must be a name of one line, up to {MAX_DATASET_NAME} characters long, "
            f"not {value!r:.60}"
        )


def _check_beta_range(name: str, bounds: object) -> None:
    if bounds is None:
        return
    is_pair = isinstance(bounds, tuple) and len(bounds) == 2
    if isinstance(bounds, tuple) and is_pair:
        for bound in bounds:
            check_number(name, bound, 1e-3, 1e3)
    if not isinstance(bounds, tuple) or not is_pair or not bounds[0] < bounds[1]:
        raise ConfigError(f"{name} must be two betas, the lower one first, not {bounds!r}")


@dataclass(frozen=True)
class ModelConfig(Record):
    """Everything that is needed to build a model, apart from its weights."""

    image_shape: ImageShape
    """Channels, height and width of the images."""

    latent_dim: Annotated[
        int,
        Setting(
            "Number of latent dimensions. Two can be drawn as a map; more reconstruct better.",
            group="the model",
            low=1,
            high=MAX_LATENT_DIM,
            label="Latent size",
        ),
    ] = 2

    architecture: Annotated[
        Architecture,
        Setting(
            "Networks of encoder and decoder. resnet and spatial are for colour and larger images, "
            "and slower. A spatial code is a grid: its size is a multiple of "
            "(height / 4) × (width / 4).",
            group="the model",
            option="--arch",
            label="Architecture",
        ),
    ] = "mlp"
    """See `vae.models.networks.architectures`."""

    likelihood: Annotated[
        Likelihood,
        Setting(
            "How an image is compared with its reconstruction.",
            group="the likelihood",
            label="Likelihood",
            page_help="See the page Kinds of model.",
            titles=LIKELIHOODS,
        ),
    ] = "bernoulli"
    """See `vae.models.likelihood`."""

    pixel_scale: Annotated[
        float,
        Setting(
            "Standard deviation of a pixel in [0, 1] under the gaussian and logistic likelihoods. "
            "A learned scale starts from it.",
            group="the likelihood",
            low=1e-3,
            high=10,
            is_written=lambda model: model.likelihood != "bernoulli",
        ),
    ] = 0.1

    beta_range: Annotated[
        tuple[float, float] | None,
        Setting(
            "Trains one model for all betas of a range, such as 0.1,10; --beta is the one that it "
            "is reported at.",
            metavar="0.1,10",
            check=_check_beta_range,
            added_in=2,
        ),
    ] = None
    """Lowest and highest beta of a multi-rate model; None for a model of one beta.

    See `vae.models.networks.gates`.
    """

    kind: Annotated[
        Kind,
        Setting(
            "Kind of model.",
            group="the model",
            option="--model",
            added_in=3,
            label="Kind of model",
            page_help="See the page Kinds of model.",
            titles=KINDS,
        ),
    ] = "vae"
    """How encoder, posterior and decoder work together; see `vae.models.build`."""

    classes: Annotated[
        int,
        Setting(
            "Number of classes of a data set whose labels the model needs, else 0.",
            low=0,
            high=MAX_CLASSES,
            is_written=lambda _: False,
            added_in=3,
        ),
    ] = 0

    logvar_limit: Annotated[
        float,
        Setting(
            "Log-variances are clamped to plus and minus this; 10000 has the effect of no clamp.",
            group="the likelihood",
            low=1,
            high=1e4,
            added_in=7,
        ),
    ] = LOGVAR_LIMIT
    """exp() overflows float32 above 88, so larger limits disable the clamp."""

    levels: Annotated[
        tuple[int, ...],
        Setting(
            "Dimensions of each level of a ladder from the top down, such as 8,24.",
            group="the model",
            metavar="8,24",
            derive=_derive_levels,
            derived="a third on top for a ladder",
            added_in=8,
        ),
    ] = ()
    """It is () for the other kinds."""

    codebook: Annotated[
        int,
        Setting(
            "Number of codes that a vq model chooses from in each grid cell; its architecture is "
            "conv or spatial, and its latent size a multiple of the number of cells (49 for "
            "MNIST).",
            group="the model",
            low=0,
            high=MAX_CODEBOOK,
            derive=_derive_codebook,
            derived=f"{DEFAULT_CODEBOOK} for a vq",
            added_in=8,
            label="Codebook",
            page_low=2,
        ),
    ] = 0
    """It is 0 for the other kinds."""

    def __post_init__(self) -> None:
        _check_image_shape(self.image_shape)
        check_settings(self)
        _check_classes(self.kind, self.classes)
        _check_levels(self.kind, self.levels, self.latent_dim)
        _check_codebook(self.kind, self.codebook)
        _check_architecture(self)
        _check_grid(self)

    def for_images(self, image_shape: ImageShape, class_count: int) -> "ModelConfig":
        """Return the same model for other images; a kind without labels ignores the classes."""
        return replace(
            self, image_shape=image_shape, classes=class_count if self.needs_labels else 0
        )

    @property
    def has_spatial_code(self) -> bool:
        """Whether a code is a grid with several numbers per cell."""
        return self.architecture == "spatial" or self.kind == "vq"

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Channels, height and width of a code that is a grid, else its length."""
        if not self.has_spatial_code:
            return (self.latent_dim,)
        height, width = self._grid
        return self.latent_dim // (height * width), height, width

    @property
    def has_rate(self) -> bool:
        """Whether codes have a posterior, and so a rate, an ELBO and a likelihood."""
        return self.kind not in KINDS_WITHOUT_RATE

    @property
    def is_gaussian(self) -> bool:
        """Whether posterior and prior are Gaussian, rather than points or choices."""
        return self.has_rate and self.kind != "vq"

    @property
    def needs_labels(self) -> bool:
        """Whether each image has to come with its label."""
        return self.kind in KINDS_WITH_LABELS

    @property
    def is_generative(self) -> bool:
        """Whether codes decode to images."""
        return self.kind != "classifier"

    @property
    def _grid(self) -> tuple[int, int]:
        """Height and width of a code that is a grid."""
        _, height, width = self.image_shape
        return height // 4, width // 4


@dataclass(frozen=True)
class TrainConfig(Record):
    """How a model is trained; together with a ModelConfig it fixes the weights on one device."""

    dataset: Annotated[
        str, Setting("Data set to train on.", check=_check_dataset_name, label="Data set")
    ]
    """A name of `vae.data.registry`, or `folder:PATH`."""

    seed: Annotated[
        int,
        Setting(
            "Seeds the weights, the order of the images and the posterior samples.",
            low=0,
            high=2**32 - 1,
            label="Seed",
            page_high=2**31,
        ),
    ] = 0

    epochs: Annotated[
        int,
        Setting(
            "Passes over the training split.",
            group="the steps",
            low=1,
            high=100_000,
            label="Epochs",
            page_high=1000,
        ),
    ] = 10

    batch_size: Annotated[
        int,
        Setting(
            "Images per step.",
            group="the steps",
            low=1,
            high=1_000_000,
            label="Batch size",
            page_low=8,
            page_high=4096,
        ),
    ] = 128

    learning_rate: Annotated[
        float,
        Setting(
            "Adam's step size at the start.",
            group="the steps",
            low=0,
            high=10,
            low_is_excluded=True,
            label="Learning rate",
            page_low=1e-5,
            page_high=1,
        ),
    ] = 2e-3

    schedule: Annotated[
        Schedule,
        Setting(
            "How the step size changes: it stays constant, or falls to 0 along half a cosine.",
            group="the steps",
        ),
    ] = "cosine"

    beta: Annotated[
        float,
        Setting(
            "Weight of the rate. Above 1 the codes get shorter; far above 1 they collapse.",
            low=0,
            high=1e6,
            label="β",
            page_high=1000,
            page_step=0.5,
        ),
    ] = 1.0
    """The weight of Higgins et al. 2017; 1 is the ELBO.

    A model with a `beta_range` is trained for all of it; this is the beta that it is reported at.
    """

    warmup_epochs: Annotated[
        float,
        Setting(
            "Epochs over which beta rises linearly from 0; it keeps dimensions from dying early.",
            group="the objective",
            low=0,
            high=1e6,
            derive=_derive_warmup,
            derived="half of the epochs, at most 2.5",
            label="Warm-up epochs",
            page_high=1000,
        ),
    ] = 0.0

    free_bits: Annotated[
        float,
        Setting(
            "Rate of each dimension, in nats, that costs nothing.",
            group="the objective",
            low=0,
            high=1e3,
            label="Free bits (nats)",
            page_high=10,
            page_step=0.05,
        ),
    ] = 0.0
    """Kingma et al. 2016."""

    grad_clip: Annotated[
        float,
        Setting(
            "Largest norm of a step's gradient; larger gradients are scaled down.",
            group="the steps",
            low=0,
            high=1e9,
            low_is_excluded=True,
        ),
    ] = 100.0

    validation_fraction: Annotated[
        float,
        Setting(
            "Share of the training images that is held out to report on during training.",
            group="the images",
            low=0,
            high=0.9,
        ),
    ] = 0.05

    objective: Annotated[
        Objective,
        Setting(
            "What beta weighs: the whole rate, or its total correlation alone.",
            group="the objective",
            added_in=2,
            label="Objective",
            titles=OBJECTIVES,
        ),
    ] = "beta-vae"
    """See `vae.training.losses`."""

    precision: Annotated[
        Precision,
        Setting(
            "Arithmetic of the layers in training; bfloat16 is faster where the machine has it.",
            group="the steps",
            added_in=2,
        ),
    ] = "float32"
    """Weights, losses and all reports stay float32."""

    storage: Annotated[
        Storage,
        Setting(
            "Precision of the weights on the disk; float16 halves the checkpoint.",
            group="the checkpoint",
            added_in=2,
        ),
    ] = "float32"
    """The reported results are those of the weights as stored."""

    corruption: Annotated[
        float,
        Setting(
            "Standard deviation of the noise on the pixels that the encoder sees in training; the "
            "model learns to give the clean image.",
            group="the images",
            low=0,
            high=10,
            added_in=4,
            label="Corruption",
            page_help="See the page Denoise.",
            page_high=2,
            page_step=0.1,
        ),
    ] = 0.0
    """See `vae.data.corruption`."""

    perceptual: Annotated[
        float,
        Setting(
            "Nats for a distance of 1 in the features of a classifier of the same images.",
            group="the objective",
            low=0,
            high=1e6,
            added_in=5,
            label="Perceptual loss",
            page_high=1000,
            page_step=10,
        ),
    ] = 0.0
    """See `vae.training.perceptual`."""

    critic: Annotated[
        str,
        Setting(
            "Folder of the checkpoint of that classifier.",
            group="the objective",
            alias="--perceptual-model",
            derived="the best one of the data set",
            added_in=5,
        ),
    ] = ""
    """It is empty if `perceptual` is 0."""

    labelled: Annotated[
        int,
        Setting(
            "Number of images whose label a semi-supervised model sees, 0 for all; as many of "
            "each class, drawn by the seed.",
            group="the images",
            metavar="N",
            low=0,
            high=10_000_000,
            added_in=6,
            label="Labels",
            page_high=1_000_000,
            page_help="Other kinds ignore it.",
        ),
    ] = 0
    """See `vae.data.sampling`."""

    def __post_init__(self) -> None:
        check_settings(self)
        _check_perceptual(self.perceptual, self.critic)

    @property
    def beta_label(self) -> str:
        """A label such as "β 4", or "β-TC 4" if beta weighs the total correlation alone."""
        return f"{'β-TC' if self.objective == 'beta-tcvae' else 'β'} {self.beta:g}"


SETTINGS = {s.name: s for record in (ModelConfig, TrainConfig) for s in settings_of(record)}
"""All settings of a run, by name."""


def model_for_images(
    values: Mapping[str, Any], image_shape: ImageShape, class_count: int
) -> ModelConfig:
    """Build the model of chosen settings for images of a shape and a number of classes.

    Absent values get their defaults (see `vae.core.settings.from_values`). Raises ConfigError for
    settings that are not allowed.
    """
    classes = class_count if values.get("kind") in KINDS_WITH_LABELS else 0
    return from_values(ModelConfig, values, image_shape=image_shape, classes=classes)


def _check_image_shape(shape: object) -> None:
    fits = (
        isinstance(shape, tuple)
        and len(shape) == 3
        and all(isinstance(length, int) for length in shape)
        and shape[0] in (1, 3)
        and all(4 <= side <= MAX_SIDE for side in shape[1:])
    )
    if not fits:
        raise ConfigError(
            f"image_shape must be (1 or 3 channels, height, width) with sides of 4 to {MAX_SIDE} "
            f"pixels, not {shape!r}"
        )


def _check_classes(kind: Kind, classes: object) -> None:
    if kind not in KINDS_WITH_LABELS:
        check_integer("classes", classes, 0, 0)
    elif not is_integer(classes) or not 2 <= classes <= MAX_CLASSES:  # type: ignore[operator]
        raise ConfigError(
            f"a model of the kind {kind} needs images of 2 to {MAX_CLASSES} classes, not "
            f"{classes!r}; choose another data set or another kind"
        )


def _check_levels(kind: Kind, levels: object, latent_dim: int) -> None:
    if kind != "ladder":
        if levels != ():
            raise ConfigError(f"levels go with the kind ladder, not with {kind}; leave them out")
        return
    given = levels if isinstance(levels, tuple) else ()
    are_dimensions = all(is_integer(level) and level >= 1 for level in given)
    if not are_dimensions or not 2 <= len(given) <= MAX_LEVELS or sum(given) != latent_dim:
        raise ConfigError(
            f"a ladder needs 2 to {MAX_LEVELS} levels of 1 dimension or more that add up to "
            f"latent_dim, {latent_dim}, not {levels!r}; such as --levels 8,24 --latent-dim 32"
        )


def _check_codebook(kind: Kind, codebook: object) -> None:
    low, high = (2, MAX_CODEBOOK) if kind == "vq" else (0, 0)
    check_integer("codebook", codebook, low, high)


def _check_architecture(model: ModelConfig) -> None:
    kind, architecture = model.kind, model.architecture
    if not model.is_generative and model.likelihood != "bernoulli":
        raise ConfigError(f"a classifier has no likelihood of images; leave {model.likelihood} out")
    _, height, width = model.image_shape
    if architecture in DOWNSAMPLING_ARCHITECTURES and (height % 4 or width % 4):
        raise ConfigError(
            f"architecture {architecture!r} halves the image twice, so its sides must be "
            f"multiples of 4, but the image is {height}x{width}; "
            "use an mlp or another image size"
        )
    fitting = {"ladder": LADDER_ARCHITECTURES, "vq": VQ_ARCHITECTURES}.get(kind, ARCHITECTURES)
    if architecture not in fitting:
        raise ConfigError(
            f"a {kind}'s architecture is one of {', '.join(fitting)}, not {architecture}; choose "
            "one of those"
        )


def _check_grid(model: ModelConfig) -> None:
    height, width = model._grid
    if model.has_spatial_code and model.latent_dim % (height * width):
        owner = "the kind 'vq'" if model.kind == "vq" else "architecture 'spatial'"
        raise ConfigError(
            f"{owner} has a code for each cell of a {height}x{width} grid, so latent_dim must be "
            f"a multiple of {height * width}, not {model.latent_dim}; choose such a number, or "
            "another kind and architecture"
        )


def _check_perceptual(weight: float, critic: object) -> None:
    is_named = isinstance(critic, str) and is_showable(critic, MAX_DATASET_NAME)
    if is_named != (weight > 0) or not (is_named or critic == ""):
        raise ConfigError(
            "a perceptual loss needs a weight above 0 and the folder of a classifier's checkpoint "
            f"(critic); give both or neither, not {weight!r} and {critic!r:.60}"
        )
