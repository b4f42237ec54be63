"""The state of one training run: model, weights, data, noise and position in the schedule.

Example:
    >>> run = TrainingRun(ModelConfig((1, 8, 8), latent_dim=2), TrainConfig("digits"), digits)
    >>> other = TrainingRun(run.model.config, run.config, digits)
    >>> other.restore(run.state())  # continues exactly where `run` stands
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae.core.compatibility import check_together
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import DataError, DivergedError, TrainingError
from vae.data.sampling import EpochSampler, keep_labels
from vae.data.splits import Dataset, check_labels
from vae.metrics.evaluation import Evaluation, evaluate
from vae.models.build import build_seeded
from vae.training.distributed import SINGLE_PROCESS, ProcessGroup
from vae.training.losses import warmup_kl_scale
from vae.training.manual.support import supports_manual_step
from vae.training.perceptual import PerceptualLoss
from vae.training.progress import Report, RunningSums, Throughput
from vae.training.weights import Weights

MONITORED_IMAGES = 5000
"""Most images that each epoch's evaluation reads."""

NOISE_BYTES = (5056, 16)
"""Sizes of a generator's state on the CPU and on CUDA."""


class TrainingRun:
    """One run in progress: the model, Adam's moments, the data and the step reached."""

    def __init__(
        self,
        model_config: ModelConfig,
        config: TrainConfig,
        dataset: Dataset,
        device: torch.device | str = "cpu",
        perceptual_loss: PerceptualLoss | None = None,
    ) -> None:
        """`perceptual_loss` is required if `config.perceptual` is above 0, and only then."""
        assert (perceptual_loss is not None) == (config.perceptual > 0)
        _check_data(model_config, config, dataset)
        self.config = config
        self.perceptual_loss = perceptual_loss
        self.model = build_seeded(model_config, config.seed).to(device)
        # Convolutions run faster in this layout, and no other layer is slower.
        self.model.to(memory_format=torch.channels_last)
        is_manual = supports_manual_step(model_config, config, self.model.device)
        self.weights = Weights(self.model, affine=is_manual)
        whole = dataset.train.to(device)
        self.images = keep_labels(whole, config.labelled, config.seed) if config.labelled else whole
        self._sampler = EpochSampler(
            self.images, config.batch_size, repeats_labelled=config.labelled > 0
        )
        self.noise = torch.Generator(device).manual_seed(config.seed)
        self.step = 0
        self.throughput = Throughput()
        self.process_group: ProcessGroup = SINGLE_PROCESS
        """The processes that take the steps together; `state()` is equal in all of them."""

        held_out = dataset.validation.to(device)
        self._monitor = (held_out if len(held_out) else whole).head(MONITORED_IMAGES)
        self._validates = len(dataset.validation) > 0
        self._inactive: tuple[int, ...] | None = None
        self._epoch = self._new_sums()

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in an epoch; the last one may be smaller."""
        return self._sampler.steps

    @property
    def steps(self) -> int:
        """Number of batches in the whole run."""
        return self.steps_per_epoch * self.config.epochs

    @property
    def next_step_ends_epoch(self) -> bool:
        """Whether the next step is the last one of an epoch."""
        return (self.step + 1) % self.steps_per_epoch == 0

    @property
    def finished(self) -> bool:
        """Whether every step has been taken."""
        return self.step >= self.steps

    @property
    def seconds(self) -> float:
        """Seconds in training steps so far; concurrent runs divide the time equally."""
        return self.throughput.seconds

    @property
    def images_per_second(self) -> float:
        """Speed of the training loop alone, without the first epoch if there are more."""
        return self.throughput.images_per_second

    def kl_scale(self, step: int) -> float:
        """Return the warm-up's factor of beta at a step, from 0."""
        return warmup_kl_scale(step, self.config.warmup_epochs * self.steps_per_epoch)

    def learning_rate(self, step: int) -> float:
        """Return Adam's step size at a step, from 0."""
        if self.config.schedule == "constant":
            return self.config.learning_rate
        return 0.5 * (1 + math.cos(math.pi * step / self.steps)) * self.config.learning_rate

    def order(self, epoch: int) -> Int[Tensor, "n"]:
        """Return the order of the training images in an epoch, on the model's device."""
        seed = int(np.random.SeedSequence([self.config.seed, epoch]).generate_state(1)[0])
        generator = torch.Generator().manual_seed(seed)
        return self._sampler.indices(generator).to(self.model.device)

    def state(self) -> dict[str, Tensor]:
        """Return all that a resumed run needs, as named tensors on the CPU."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"adam.{k}": v for k, v in self.weights.state().items()}
        tensors |= {f"epoch.{k}": v for k, v in self._epoch.state().items()}
        tensors["noise"] = self.noise.get_state()
        tensors["step"] = torch.tensor(self.step)
        tensors["seconds"] = torch.tensor(self.seconds, dtype=torch.float64)
        return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue from a `state()` of the same configuration.

        Raises TrainingError if the state does not fit.
        """
        try:
            self.model.load_state_dict(_with_prefix(state, "model."))
            self.weights.restore(_with_prefix(state, "adam."))
            self._epoch.restore(_with_prefix(state, "epoch."))
            self.step = int(state["step"])
            self._restore_noise(state["noise"])
            self.throughput.resume(float(state["seconds"]))
        except (KeyError, RuntimeError, ValueError) as error:
            raise TrainingError(
                "the saved training state does not fit this run; start the run again"
            ) from error

    def _restore_noise(self, saved: Tensor) -> None:
        """Restore the generator; a state of another kind of device is replaced by a new seed."""
        if len(saved) in NOISE_BYTES and len(saved) != len(self.noise.get_state()):
            seed = np.random.SeedSequence([self.config.seed, self.step]).generate_state(1)[0]
            self.noise.manual_seed(int(seed))
        else:
            self.noise.set_state(saved)

    def report(self, images: int, sums: Float[Tensor, "terms"], concurrent: int = 1) -> Report:
        """Return the progress, and end the epoch if the last step was the last one of it.

        `sums` are the distortion and rates of the images since the last report; see `RunningSums`.
        `concurrent` is the number of runs that share the time. Raises DivergedError if a loss is
        no longer finite.
        """
        recent = self._new_sums()
        recent.add(images, sums, self._beta_of_last_step())
        if not recent.is_finite:
            raise self._diverged()
        self._epoch.merge(recent)
        seconds_left = (self.steps - self.step) * concurrent * self.seconds / max(1, self.step)
        if self.step % self.steps_per_epoch:
            return self._report(recent, seconds_left)
        self.throughput.end_epoch()
        evaluation = self.evaluate_now()
        self._inactive = evaluation.inactive
        whole, self._epoch = self._epoch, self._new_sums()
        return self._report(whole, seconds_left, evaluation)

    def _beta_of_last_step(self) -> float:
        return self.kl_scale(self.step - 1) * self.config.beta

    def evaluate_now(self) -> Evaluation:
        """Evaluate the present weights; raise DivergedError if they are not finite numbers."""
        evaluation = evaluate(self.model.at_beta(self.config.beta), self._monitor)
        if not math.isfinite(evaluation.elbo):
            raise self._diverged()
        return evaluation

    def _new_sums(self) -> RunningSums:
        return RunningSums(self.model.config.latent_dim)

    def _report(
        self, sums: RunningSums, seconds_left: float, evaluation: Evaluation | None = None
    ) -> Report:
        """Return a report on some images; an evaluation marks it as the end of an epoch."""
        return Report(
            epoch=self.step // self.steps_per_epoch,
            step=self.step,
            steps=self.steps,
            beta=sums.beta,
            distortion=sums.distortion,
            rate_per_dimension=sums.rate_per_dimension,
            images_per_second=self.throughput.recent,
            seconds=self.seconds,
            seconds_left=seconds_left,
            inactive=self._inactive,
            validation=evaluation if self._validates else None,
            ends_epoch=evaluation is not None,
        )

    def _diverged(self) -> DivergedError:
        lower = self.config.learning_rate / 10
        return DivergedError(
            f"the loss is no longer finite at step {self.step} of {self.steps} (epoch "
            f"{self.step // self.steps_per_epoch + 1}); lower the learning rate (now "
            f"{self.config.learning_rate:g}, try {lower:g}) or clip gradients at a smaller norm "
            f"(now {self.config.grad_clip:g})"
        )


def _check_data(model: ModelConfig, config: TrainConfig, dataset: Dataset) -> None:
    """Raise ConfigError or DataError if the model cannot be trained on the data set."""
    check_together(model, config)
    if dataset.image_shape != model.image_shape:
        raise DataError(
            f"{dataset.name} has images of shape {dataset.image_shape}, but the model takes "
            f"{model.image_shape}"
        )
    if model.needs_labels:
        check_labels(dataset, model.classes)


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): v for name, v in tensors.items() if name.startswith(prefix)}
