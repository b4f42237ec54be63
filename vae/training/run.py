"""The state of one training run: its model, optimiser, data and place in the schedule."""

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae.core.config import ModelConfig, TrainConfig, check_together
from vae.core.errors import DataError, DivergedError, TrainingError
from vae.data.sampling import EpochSampler, keep_labels
from vae.data.splits import Dataset, check_labels
from vae.metrics.evaluation import Evaluation, evaluate
from vae.models.build import build_seeded
from vae.training.distributed import SINGLE_PROCESS, ProcessGroup
from vae.training.losses import warmup_kl_scale
from vae.training.manual.step import supports_manual_step
from vae.training.perceptual import PerceptualLoss
from vae.training.progress import Report, RunningSums, Throughput
from vae.training.weights import Weights

MONITORED_IMAGES = 5000

NOISE_BYTES = (5056, 16)
"""Of a generator's state on the CPU and on CUDA."""


class TrainingRun:
    """One run in progress: the model, its optimiser's moments, and where in the schedule it is."""

    def __init__(
        self,
        model_config: ModelConfig,
        config: TrainConfig,
        dataset: Dataset,
        device: torch.device | str = "cpu",
        perceptual_loss: PerceptualLoss | None = None,
    ) -> None:
        """`perceptual_loss` must be given where `config.perceptual` is above 0, and only there."""
        assert (perceptual_loss is not None) == (config.perceptual > 0)
        check_together(model_config, config)
        if dataset.image_shape != model_config.image_shape:
            raise DataError(
                f"{dataset.name} has images of shape {dataset.image_shape}, but the model takes "
                f"{model_config.image_shape}"
            )
        if model_config.needs_labels:
            check_labels(dataset, model_config.classes)
        self.perceptual_loss = perceptual_loss
        """Asked at each step where the loss is perceptual; else None."""

        self.config = config
        self.model = build_seeded(model_config, config.seed).to(device)
        # Convolutions are faster so, and nothing else is slower.
        self.model.to(memory_format=torch.channels_last)
        self.weights = Weights(
            self.model, supports_manual_step(model_config, config, self.model.device)
        )
        whole = dataset.train.to(device)
        self.images = keep_labels(whole, config.labelled, config.seed) if config.labelled else whole
        self._order = EpochSampler(
            self.images, config.batch_size, repeats_labelled=config.labelled > 0
        )
        self.noise = torch.Generator(device).manual_seed(config.seed)
        self.step = 0
        self.pace = Throughput()
        self.process_group: ProcessGroup = SINGLE_PROCESS
        """Those that take its steps together; alike in everything that `state` tells."""

        held_out = dataset.validation.to(device)
        self._monitor = (held_out if len(held_out) else whole).head(MONITORED_IMAGES)
        self._validates = len(dataset.validation) > 0
        self._inactive: tuple[int, ...] | None = None
        self._epoch = self._tally()

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last one may be smaller."""
        return self._order.steps

    @property
    def steps(self) -> int:
        """Batches in the whole run."""
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
        """Spent in training steps so far; of models that train together, this one's share."""
        return self.pace.seconds

    @property
    def images_per_second(self) -> float:
        """Of the training loop alone, the first epoch left out when there are more."""
        return self.pace.images_per_second

    def kl_scale(self, step: int) -> float:
        """How much of beta counts at a step, from 0."""
        return warmup_kl_scale(step, self.config.warmup_epochs * self.steps_per_epoch)

    def learning_rate(self, step: int) -> float:
        """Adam's step size at a step, from 0."""
        if self.config.schedule == "constant":
            return self.config.learning_rate
        share = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return share * self.config.learning_rate

    def order(self, epoch: int) -> Int[Tensor, "n"]:
        """The order of the training images in an epoch, on the model's device."""
        seed = int(np.random.SeedSequence([self.config.seed, epoch]).generate_state(1)[0])
        generator = torch.Generator().manual_seed(seed)
        return self._order.indices(generator).to(self.model.device)

    def state(self) -> dict[str, Tensor]:
        """Everything that a resumed run needs, as named tensors on the CPU."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"adam.{k}": v for k, v in self.weights.state().items()}
        tensors |= {f"epoch.{k}": v for k, v in self._epoch.state().items()}
        tensors["noise"] = self.noise.get_state()
        tensors["step"] = torch.tensor(self.step)
        tensors["seconds"] = torch.tensor(self.seconds, dtype=torch.float64)
        return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up a run where `state()` left it; the configuration must be the same."""
        try:
            self.model.load_state_dict(_with_prefix(state, "model."))
            self.weights.restore(_with_prefix(state, "adam."))
            self._epoch.restore(_with_prefix(state, "epoch."))
            self.step = int(state["step"])
            self._restore_noise(state["noise"])
            self.pace.resume(float(state["seconds"]))
        except (KeyError, RuntimeError, ValueError) as error:
            raise TrainingError(
                "the saved training state does not fit this run; start it afresh"
            ) from error

    def _restore_noise(self, saved: Tensor) -> None:
        """The state of one kind of device means nothing to another, where noise begins anew."""
        if len(saved) in NOISE_BYTES and len(saved) != len(self.noise.get_state()):
            seed = np.random.SeedSequence([self.config.seed, self.step]).generate_state(1)[0]
            self.noise.manual_seed(int(seed))
        else:
            self.noise.set_state(saved)

    def report(self, images: int, sums: Float[Tensor, "terms"], concurrent: int = 1) -> Report:
        """How it stands: `sums` are of the images since the last report, see `RunningSums`.

        `concurrent` models share the time. Closes the epoch where the last step ended it. Raises
        DivergedError where a loss is no longer finite.
        """
        recent = self._tally()
        recent.count(images, sums, self._beta_of_last_step())
        if not recent.is_finite:
            raise self._diverged()
        self._epoch.add(recent)
        seconds_left = (self.steps - self.step) * concurrent * self.seconds / max(1, self.step)
        if self.step % self.steps_per_epoch:
            return self._report(recent, seconds_left)
        self.pace.end_epoch()
        evaluation = self._evaluate()
        self._inactive = evaluation.inactive
        whole, self._epoch = self._epoch, self._tally()
        return self._report(whole, seconds_left, evaluation)

    def _beta_of_last_step(self) -> float:
        return self.kl_scale(self.step - 1) * self.config.beta

    def _evaluate(self) -> Evaluation:
        evaluation = evaluate(self.model.at_beta(self.config.beta), self._monitor)
        if not math.isfinite(evaluation.elbo):
            raise self._diverged()
        return evaluation

    def _tally(self) -> RunningSums:
        return RunningSums(self.model.config.latent_dim)

    def _report(
        self, tally: RunningSums, seconds_left: float, closing: Evaluation | None = None
    ) -> Report:
        return Report(
            epoch=self.step // self.steps_per_epoch,
            step=self.step,
            steps=self.steps,
            beta=tally.beta,
            distortion=tally.distortion,
            rate_per_dimension=tally.rate_per_dimension,
            images_per_second=self.pace.recent,
            seconds=self.seconds,
            seconds_left=seconds_left,
            inactive=self._inactive,
            validation=closing if self._validates else None,
            ends_epoch=closing is not None,
        )

    def _diverged(self) -> DivergedError:
        lower = self.config.learning_rate / 10
        return DivergedError(
            f"the loss is no longer finite at step {self.step} of {self.steps} (epoch "
            f"{self.step // self.steps_per_epoch + 1}); lower the learning rate (now "
            f"{self.config.learning_rate:g}, try {lower:g}) or clip gradients at a smaller norm "
            f"(now {self.config.grad_clip:g})"
        )


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): v for name, v in tensors.items() if name.startswith(prefix)}
