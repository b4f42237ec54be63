"""The training loop: yields reports, prints nothing, stops and resumes at any step exactly."""

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae.config import ModelConfig, TrainConfig, check_together
from vae.data.labels import Order, keep_labels
from vae.data.splits import Dataset, check_labels
from vae.device import flushed_denormals
from vae.diagnostics import Evaluation, evaluate
from vae.errors import DataError, DivergedError, TrainingError
from vae.kinds import build_seeded
from vae.objective.losses import warmup_share
from vae.objective.perceptual import open_critic
from vae.training.by_hand.step import is_by_hand
from vae.training.distributed import ALONE, Processes
from vae.training.engine import Engine
from vae.training.progress import Pace, Report, Tally
from vae.training.weights import Weights

REPORT_SECONDS = 0.1

ROUND = 8
"""Reports may take so many times as long where models take turns, so that turns can be long.

That is 0.8 s, and the pages look once a second.
"""

MONITORED_IMAGES = 5000

NOISE_BYTES = (5056, 16)
"""Of a generator's state on the CPU and on CUDA."""


class Training:
    """One run in progress: the model, its optimiser's moments, and where in the schedule it is."""

    def __init__(
        self,
        model_config: ModelConfig,
        config: TrainConfig,
        dataset: Dataset,
        device: torch.device | str = "cpu",
    ) -> None:
        check_together(model_config, config)
        if dataset.image_shape != model_config.image_shape:
            raise DataError(
                f"{dataset.name} has images of shape {dataset.image_shape}, but the model takes "
                f"{model_config.image_shape}"
            )
        if model_config.is_told_labels:
            check_labels(dataset, model_config.classes)
        self.critic = open_critic(model_config, config, device)
        """Asked at each step where the loss is perceptual; else None."""

        self.config = config
        self.model = build_seeded(model_config, config.seed).to(device)
        # Convolutions are faster so, and nothing else is slower.
        self.model.to(memory_format=torch.channels_last)
        self.weights = Weights(self.model, is_by_hand(model_config, config, self.model.device))
        whole = dataset.train.to(device)
        self.images = keep_labels(whole, config.labelled, config.seed) if config.labelled else whole
        self._order = Order(self.images, config.batch_size, repeats_labelled=config.labelled > 0)
        self.noise = torch.Generator(device).manual_seed(config.seed)
        self.step = 0
        self.pace = Pace()
        self.processes: Processes = ALONE
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
    def closes_next(self) -> bool:
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

    def warmup_share(self, step: int) -> float:
        """How much of beta counts at a step, from 0."""
        return warmup_share(step, self.config.warmup_epochs * self.steps_per_epoch)

    def learning_rate(self, step: int) -> float:
        """Adam's step size at a step, from 0."""
        if self.config.schedule == "constant":
            return self.config.learning_rate
        share = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return share * self.config.learning_rate

    def run(self, report_seconds: float = REPORT_SECONDS) -> Iterator[Report]:
        """Train to the end, yielding a report every so often and one at the end of each epoch.

        Stop by not asking for the next report; a later call goes on from there. Raises
        DivergedError once a loss is no longer finite.
        """
        for reports in Cohort([self]).run(report_seconds):
            report = reports[self]
            if isinstance(report, DivergedError):
                raise report
            yield report

    def order(self, epoch: int) -> Int[Tensor, "n"]:
        """The order of the training images in an epoch, on the model's device."""
        seed = int(np.random.SeedSequence([self.config.seed, epoch]).generate_state(1)[0])
        generator = torch.Generator().manual_seed(seed)
        return self._order.draw(generator).to(self.model.device)

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

    def report(self, images: int, sums: Float[Tensor, "terms"], abreast: int = 1) -> Report:
        """How it stands: `sums` are of the images since the last report, see `Tally`.

        `abreast` models share the time. Closes the epoch where the last step ended it. Raises
        DivergedError where a loss is no longer finite.
        """
        recent = self._tally()
        recent.count(images, sums, self._beta_of_last_step())
        if not recent.is_finite:
            raise self._diverged()
        self._epoch.add(recent)
        seconds_left = (self.steps - self.step) * abreast * self.seconds / max(1, self.step)
        if self.step % self.steps_per_epoch:
            return self._report(recent, seconds_left)
        self.pace.end_epoch()
        evaluation = self._evaluate()
        self._inactive = evaluation.inactive
        whole, self._epoch = self._epoch, self._tally()
        return self._report(whole, seconds_left, evaluation)

    def _beta_of_last_step(self) -> float:
        return self.warmup_share(self.step - 1) * self.config.beta

    def _evaluate(self) -> Evaluation:
        evaluation = evaluate(self.model.at_beta(self.config.beta), self._monitor)
        if not math.isfinite(evaluation.elbo):
            raise self._diverged()
        return evaluation

    def _tally(self) -> Tally:
        return Tally(self.model.config.latent_dim)

    def _report(
        self, tally: Tally, seconds_left: float, closing: Evaluation | None = None
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


class Cohort:
    """Runs that train together, step by step: `can_train_together` must hold for them.

    Each comes out as if it had trained alone, to rounding.
    """

    def __init__(self, members: Sequence[Training]) -> None:
        assert all(can_train_together(members[0], other) for other in members[1:])
        self.members = list(members)
        self.closes_apart = False
        """Whether to report before the last step of an epoch too, behind which it is measured."""

        self._engine: Engine | None = None

    def drop(self, member: Training) -> None:
        """Leave one out from here on, unless it is out already, having diverged."""
        if member in self.members:
            self._part()
            self.members.remove(member)

    def run(
        self, report_seconds: float = REPORT_SECONDS
    ) -> Iterator[dict[Training, Report | DivergedError]]:
        """Train to the end; yields what `Training.run` yields, of every member.

        A run that diverges tells so once, in place of its report, and is left out from there on.
        """
        try:
            while self.members and not self.members[0].finished:
                yield self._go_on(report_seconds)
        finally:
            self._part()

    def _go_on(self, report_seconds: float) -> dict[Training, Report | DivergedError]:
        """Take steps until it is time to report, or the epoch ends."""
        engine = self._engine = self._engine or Engine(self.members)
        lead, began, images = self.members[0], time.perf_counter(), 0
        with flushed_denormals():
            while not images or time.perf_counter() - began < report_seconds:
                images += engine.take(self._steps_left, ROUND * report_seconds)
                if lead.step % lead.steps_per_epoch == 0:
                    break
                if self.closes_apart and lead.closes_next:
                    break
        sums = engine.collect()
        seconds = (time.perf_counter() - began) / len(self.members)
        told = {
            member: self._tell(member, images, row, seconds)
            for member, row in zip(self.members, sums, strict=True)
        }
        for member, report in told.items():
            if isinstance(report, DivergedError):
                self.drop(member)
        return told

    @property
    def _steps_left(self) -> int:
        """Before there is something to report."""
        lead = self.members[0]
        left = lead.steps_per_epoch - lead.step % lead.steps_per_epoch
        return left - 1 if self.closes_apart and left > 1 else left

    def _tell(
        self, member: Training, images: int, sums: Tensor, seconds: float
    ) -> Report | DivergedError:
        member.pace.add(images, seconds)
        try:
            return member.report(images, sums, abreast=len(self.members))
        except DivergedError as error:
            # Its traceback holds the engine, and with it all that is on the device.
            return error.with_traceback(None)

    def _part(self) -> None:
        """Members that drew from one generator get one each again."""
        self._engine = None
        for member in self.members:
            member.noise = member.noise.clone_state()


def can_train_together(first: Training, other: Training) -> bool:
    """Whether two runs differ in nothing but beta, seed and what they have learnt so far."""
    alike = dataclasses.replace(other.config, beta=first.config.beta, seed=first.config.seed)
    return (
        first.model.config == other.model.config
        and first.model.device == other.model.device
        and first.config == alike
        and first.step == other.step
        and first.images.images.shape == other.images.images.shape
    )


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): v for name, v in tensors.items() if name.startswith(prefix)}
