"""The prepared failures: their symptoms, the settings that cause them, and those that cure them.

Example:
    >>> find_failure("learning-rate").differences()["learning_rate"]
    (0.5, 0.004)
"""

import dataclasses
from dataclasses import dataclass, replace

from vae.analysis.health import IssueName
from vae.core.config import TrainConfig
from vae.core.errors import ConfigError
from vae.runs.request import RunRequest


@dataclass(frozen=True)
class Failure:
    """Two runs that differ only in the settings that make one of them fail."""

    title: str
    symptom: str
    """One sentence that describes what a person sees."""

    reason: str
    remedy: str
    shows: IssueName
    """The issue that the health check must find in the failed run, and not in the cured one."""

    request: RunRequest
    cure: RunRequest

    def differences(self) -> dict[str, tuple[object, object]]:
        """Return the settings that differ, by name: the failure's value and the cure's."""
        return _different(self.request.model, self.cure.model) | _different(
            self.request.train, self.cure.train
        )


def find_failure(name: str) -> Failure:
    """Return one of FAILURES; raises ConfigError for an unknown name."""
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
        "The reconstruction of every image is the same: the grey mean of all images.",
        "Here the distortion is averaged over the 64 pixels, but the rate is summed over the "
        "dimensions. That equals β = 64, so the cheapest code says nothing, and the posterior "
        "becomes the prior. With MNIST's 784 pixels it would equal β = 784.",
        "Sum the distortion over the pixels: β = 1 is then the ELBO. If β has to be high, warm-up "
        "and free bits keep dimensions active.",
        "collapse",
        _with(_DIGITS, beta=64),
        _DIGITS,
    ),
    "too-little-kl": Failure(
        "Too little KL",
        "Reconstructions are sharp, but samples from the prior look like no image.",
        "With β near 0 codes cost nothing, so they spread far beyond the prior. Samples from the "
        "prior lie in the small region between them, where the decoder saw few images.",
        "Raise β to 1: the distortion rises a little, and the rate falls by far more.",
        "too-little-kl",
        _with(_DIGITS, beta=0.001),
        _DIGITS,
    ),
    "learning-rate": Failure(
        "A learning rate that explodes",
        "The loss jumps by powers of ten and falls again, and the model learns nothing.",
        "Each of Adam's first steps moves every weight by about the learning rate. At 0.5 that "
        "is ten times the weights themselves, and the change multiplies from layer to layer. The "
        "clamp keeps the numbers finite, but units that died stay dead.",
        "Divide the learning rate by a hundred, and let it fall to 0 at the end.",
        "explosion",
        _with(_DIGITS, learning_rate=0.5, schedule="constant"),
        _DIGITS,
    ),
    "unclamped": Failure(
        "An unclamped log-variance",
        "The run ends after a few steps: the loss is no longer finite.",
        "A few long steps make the encoder output a log-variance above 88, whose exponential is "
        "infinite in float32. Then every gradient is infinite or not a number, and so is every "
        "weight.",
        "Clamp log-variances to ±10, as all models here do. With all other settings unchanged the "
        "loss still jumps in the first epoch, but the run recovers and learns.",
        "divergence",
        _with(_SPRITES, logvar_limit=1e4),
        _SPRITES,
    ),
}
"""The prepared failures by name."""
