"""The failures: what each shows, the settings that bring it about, and those that cure it."""

import dataclasses
from dataclasses import dataclass, replace

from vae.analysis.health import Name
from vae.core.config import TrainConfig
from vae.core.errors import ConfigError
from vae.runs.request import RunRequest


@dataclass(frozen=True)
class Failure:
    """Two runs that differ in what makes one of them fail."""

    title: str
    symptom: str
    """What a person sees, in one sentence."""

    reason: str
    remedy: str
    shows: Name
    """What the detector must find in the first run, and must not in the second."""

    request: RunRequest
    cure: RunRequest

    def differences(self) -> dict[str, tuple[object, object]]:
        """The settings that differ, by name: those of the failure and those of the cure."""
        return _different(self.request.model, self.cure.model) | _different(
            self.request.train, self.cure.train
        )


def find_failure(name: str) -> Failure:
    """One of FAILURES; ConfigError for a name that none has."""
    if name not in FAILURES:
        raise ConfigError(
            f"there is no prepared failure {name!r}; choose one of {', '.join(FAILURES)}"
        )
    return FAILURES[name]


def _different(one: object, other: object) -> dict[str, tuple[object, object]]:
    names = [field.name for field in dataclasses.fields(one)]  # type: ignore[arg-type]
    values = {name: (getattr(one, name), getattr(other, name)) for name in names}
    return {name: pair for name, pair in values.items() if pair[0] != pair[1]}


def _with(request: RunRequest, logvar_limit: float | None = None, **settings: object) -> RunRequest:
    train = replace(request.train, **settings)  # type: ignore[arg-type]
    changed = replace(request, train=train)
    return changed if logvar_limit is None else changed.with_model(logvar_limit=logvar_limit)


_DIGITS = RunRequest.of(
    TrainConfig("digits", epochs=20, batch_size=64, learning_rate=4e-3, warmup_epochs=2.5),
    architecture="mlp-deep",
    latent_dim=8,
)
_SPRITES = RunRequest.of(
    TrainConfig(
        "sprites:count=3000",
        epochs=10,
        batch_size=64,
        learning_rate=0.03,
        warmup_epochs=3,
        grad_clip=1,
    ),
    architecture="mlp-deep",
    latent_dim=10,
)

FAILURES = {
    "collapse": Failure(
        "Posterior collapse",
        "Whatever the image, the reconstruction is the same grey mean of all of them.",
        "A distortion averaged over the 64 pixels, beside a rate summed over the dimensions, is "
        "β = 64 in disguise: the cheapest code is none at all, and the posterior becomes the "
        "prior. Of MNIST's 784 pixels it would be β = 784.",
        "Sum over the pixels: β = 1 is the ELBO. Where β is meant to be high, warm-up and free "
        "bits keep dimensions alive.",
        "collapse",
        _with(_DIGITS, beta=64),
        _DIGITS,
    ),
    "too-little-kl": Failure(
        "Too little KL",
        "Reconstructions are sharp, but samples from the prior are rubbish.",
        "With β near 0 codes cost nothing, so they spread far beyond the prior; what is drawn "
        "from the prior lies in the small middle of them, where the decoder saw few images.",
        "Raise β to 1: the distortion rises a little, the rate falls by far more.",
        "too-little-kl",
        _with(_DIGITS, beta=0.001),
        _DIGITS,
    ),
    "learning-rate": Failure(
        "A learning rate that explodes",
        "The loss leaps by powers of ten, comes back, and the model has learnt nothing.",
        "Each of Adam's first steps moves every weight by about the learning rate; at 0.5 that "
        "is ten times the weights themselves, and it multiplies from layer to layer. The clamp "
        "keeps the numbers finite, but units that died do not come back.",
        "Lower the learning rate by a hundred, and let it fall to 0 by the end.",
        "explosion",
        _with(_DIGITS, learning_rate=0.5, schedule="constant"),
        _DIGITS,
    ),
    "unclamped": Failure(
        "An unclamped log-variance",
        "The run ends after a few steps: the loss is no longer finite.",
        "A few long steps make the encoder say a log-variance above 88, whose exponential is "
        "infinite in float32. Then every gradient is infinite or not a number, and so is every "
        "weight.",
        "Clamp log-variances to ±10, as all models here do. With everything else as it was the "
        "loss still leaps in the first epoch, but the run comes back and learns.",
        "divergence",
        _with(_SPRITES, logvar_limit=1e4),
        _SPRITES,
    ),
}
"""By name."""
