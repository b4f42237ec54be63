"""The training loop: yields reports, prints nothing, stops and resumes at any step exactly."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae.config import ModelConfig, TrainConfig, check_together
from vae.data import Dataset
from vae.diagnostics import Evaluation, evaluate
from vae.errors import DataError, DivergedError, TrainingError
from vae.gates import draw_betas, parameter_groups
from vae.model import VAE
from vae.objective import (
    ElboTerms,
    beta_tcvae_loss,
    beta_vae_loss,
    elbo_terms,
    multi_rate_loss,
    warmup_share,
)

REPORT_SECONDS = 0.25
MONITORED_IMAGES = 5000


@dataclass(frozen=True)
class Report:
    """How training stands; losses are means over the training images since the last report."""

    epoch: int
    """Epochs finished."""

    step: int
    """Steps finished."""

    steps: int
    """Steps in all."""

    beta: float
    """Beta at the last step; with a range of betas, the one that is reported at."""

    distortion: float
    """Nats per image, one posterior sample each."""

    rate_per_dimension: tuple[float, ...]
    """Nats per image."""

    images_per_second: float
    """Of the training loop alone, since the last report."""

    seconds: float
    """Spent in the training loop so far."""

    seconds_left: float
    """Estimated for the rest of it."""

    inactive: tuple[int, ...] | None
    """Dimensions that are not active, as of the last finished epoch; None before the first."""

    validation: Evaluation | None
    """At the end of an epoch, on up to 5,000 held-out images; None where none are held out."""

    ends_epoch: bool
    """Whether this report covers one whole epoch and closes it."""

    @property
    def rate(self) -> float:
        """Nats per image, summed over the dimensions."""
        return math.fsum(self.rate_per_dimension)

    @property
    def active_units(self) -> int | None:
        """As of the last finished epoch, by Burda's criterion; None before the first."""
        return None if self.inactive is None else len(self.rate_per_dimension) - len(self.inactive)


class Training:
    """One run in progress: the model, its optimiser, and where in the schedule they are."""

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
        self.config = config
        self.model = VAE.seeded(model_config, config.seed).to(device)
        # Convolutions are faster so, and nothing else is slower.
        self.model.to(memory_format=torch.channels_last)
        self.step = 0
        self._is_half = config.precision == "bfloat16"
        self._train = dataset.train.to(device)
        held_out = dataset.validation.to(device)
        self._monitor = (held_out if len(held_out) else self._train).head(MONITORED_IMAGES)
        self._validates = len(dataset.validation) > 0
        self._optimiser = torch.optim.Adam(
            parameter_groups(self.model, config.learning_rate),
            fused=torch.device(device).type in ("cpu", "cuda"),
        )
        self._learning_rates = [group["lr"] for group in self._optimiser.param_groups]
        self._noise = torch.Generator(device).manual_seed(config.seed)
        self._speed = _Speed()
        self._inactive: tuple[int, ...] | None = None
        self._epoch = self._tally()

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last one may be smaller."""
        return math.ceil(len(self._train) / self.config.batch_size)

    @property
    def steps(self) -> int:
        """Batches in the whole run."""
        return self.steps_per_epoch * self.config.epochs

    @property
    def finished(self) -> bool:
        """Whether every step has been taken."""
        return self.step >= self.steps

    @property
    def seconds(self) -> float:
        """Spent in training steps so far."""
        return self._speed.seconds

    @property
    def images_per_second(self) -> float:
        """Of the training loop alone, the first epoch left out when there are more."""
        return self._speed.images_per_second()

    def run(self, report_seconds: float = REPORT_SECONDS) -> Iterator[Report]:
        """Train to the end, yielding a report every so often and one at the end of each epoch.

        Stop by not asking for the next report; a later call goes on from there. Raises
        DivergedError once a loss is no longer finite.
        """
        while not self.finished:
            yield from self._run_epoch(report_seconds)

    def state(self) -> dict[str, Tensor]:
        """Everything that a resumed run needs, as named tensors on the CPU."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        for index, slots in self._optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": value for name, value in slots.items()}
        tensors |= {f"epoch.{name}": value for name, value in self._epoch.state().items()}
        tensors["noise"] = self._noise.get_state()
        tensors["step"] = torch.tensor(self.step)
        tensors["seconds"] = torch.tensor(self.seconds, dtype=torch.float64)
        return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up a run where `state()` left it; the configuration must be the same."""
        try:
            self._restore(state)
        except (KeyError, RuntimeError, ValueError) as error:
            raise TrainingError(
                "the saved training state does not fit this run; start it afresh"
            ) from error

    def _restore(self, state: dict[str, Tensor]) -> None:
        self.model.load_state_dict(_with_prefix(state, "model."))
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in _with_prefix(state, "optimiser.").items():
            index, slot = name.split(".")
            slots.setdefault(int(index), {})[slot] = value
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": slots, "param_groups": groups})
        self._noise.set_state(state["noise"])
        self._epoch.restore(_with_prefix(state, "epoch."))
        self.step = int(state["step"])
        self._speed.resume(float(state["seconds"]))

    def _run_epoch(self, report_seconds: float) -> Iterator[Report]:
        epoch, start = divmod(self.step, self.steps_per_epoch)
        order = self._order(epoch)
        recent = self._tally()
        self._speed.start()
        for position in range(start, self.steps_per_epoch):
            chosen = order[position * self.config.batch_size :][: self.config.batch_size]
            self._take_step(chosen, recent)
            last = position == self.steps_per_epoch - 1
            if self._speed.running_seconds() >= report_seconds and not last:
                self._check_finite(recent)
                self._speed.stop(recent.images)
                self._epoch.add(recent)
                yield self._report(recent)
                recent = self._tally()
                self._speed.start()
        self._check_finite(recent)
        self._speed.stop(recent.images)
        self._speed.end_epoch()
        self._epoch.add(recent)
        whole, self._epoch = self._epoch, self._tally()
        yield self._report(whole, closing=self._evaluate())

    def _take_step(self, chosen: Int[Tensor, "batch"], tally: "_Tally") -> None:
        share = self._warmup_share()
        self._set_learning_rates()
        betas = self._draw_betas(len(chosen))
        with torch.autocast(self.model.device.type, torch.bfloat16, enabled=self._is_half):
            terms = elbo_terms(self.model, self._train.batch(chosen), self._noise, betas)
        self._optimiser.zero_grad()
        self._loss(terms, betas, share).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_clip)
        self._optimiser.step()
        self.step += 1
        beta = share * self.config.beta
        tally.count(terms.distortion.detach(), terms.rate_per_dimension.detach(), beta)

    def _draw_betas(self, count: int) -> Float[Tensor, "count"] | None:
        if self.model.config.beta_range is None:
            return None
        low, high = self.model.config.beta_range
        return draw_betas(low, high, count, self._noise)

    def _loss(self, terms: ElboTerms, betas: Tensor | None, share: float) -> Float[Tensor, ""]:
        config = self.config
        if betas is not None:
            return multi_rate_loss(terms, share * betas)
        if config.objective == "beta-tcvae":
            return beta_tcvae_loss(terms, config.beta, len(self._train), share)
        return beta_vae_loss(terms, share * config.beta, config.free_bits)

    def _warmup_share(self) -> float:
        return warmup_share(self.step, self.config.warmup_epochs * self.steps_per_epoch)

    def _set_learning_rates(self) -> None:
        if self.config.schedule == "constant":
            return
        share = 0.5 * (1 + math.cos(math.pi * self.step / self.steps))
        for group, start in zip(self._optimiser.param_groups, self._learning_rates, strict=True):
            group["lr"] = share * start

    def _order(self, epoch: int) -> Int[Tensor, "n"]:
        seed = int(np.random.SeedSequence([self.config.seed, epoch]).generate_state(1)[0])
        generator = torch.Generator().manual_seed(seed)
        return torch.randperm(len(self._train), generator=generator).to(self.model.device)

    def _evaluate(self) -> Evaluation:
        evaluation = evaluate(self.model.at_beta(self.config.beta), self._monitor)
        if not math.isfinite(evaluation.elbo):
            raise self._diverged()
        return evaluation

    def _tally(self) -> "_Tally":
        return _Tally(self.model.config.latent_dim, self.model.device)

    def _report(self, tally: "_Tally", closing: Evaluation | None = None) -> Report:
        self._check_finite(tally)
        if closing is not None:
            self._inactive = closing.inactive
        return Report(
            epoch=self.step // self.steps_per_epoch,
            step=self.step,
            steps=self.steps,
            beta=tally.beta,
            distortion=tally.mean_distortion(),
            rate_per_dimension=tally.mean_rate(),
            images_per_second=self._speed.recent,
            seconds=self.seconds,
            seconds_left=(self.steps - self.step) * self.seconds / max(1, self.step),
            inactive=self._inactive,
            validation=closing if self._validates else None,
            ends_epoch=closing is not None,
        )

    def _check_finite(self, tally: "_Tally") -> None:
        if not tally.is_finite():
            raise self._diverged()

    def _diverged(self) -> DivergedError:
        lower = self.config.learning_rate / 10
        return DivergedError(
            f"the loss is no longer finite at step {self.step} of {self.steps} (epoch "
            f"{self.step // self.steps_per_epoch + 1}); lower the learning rate (now "
            f"{self.config.learning_rate:g}, try {lower:g}) or clip gradients at a smaller norm "
            f"(now {self.config.grad_clip:g})"
        )


class _Tally:
    """Sums over images, kept on the device, so that a step waits for nothing."""

    def __init__(self, latent_dim: int, device: torch.device) -> None:
        self.images = 0
        self.beta = 0.0
        self._distortion = torch.zeros((), device=device)
        self._rate = torch.zeros(latent_dim, device=device)

    def count(self, distortion: Tensor, rate_per_dimension: Tensor, beta: float) -> None:
        self.images += len(distortion)
        self.beta = beta
        self._distortion += distortion.sum()
        self._rate += rate_per_dimension.sum(dim=0)

    def add(self, other: "_Tally") -> None:
        if other.images:
            self.beta = other.beta
        self.images += other.images
        self._distortion += other._distortion
        self._rate += other._rate

    def state(self) -> dict[str, Tensor]:
        return {
            "images": torch.tensor(self.images),
            "distortion": self._distortion,
            "rate": self._rate,
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        self.images = int(state["images"])
        self._distortion.copy_(state["distortion"])
        self._rate.copy_(state["rate"])

    def mean_distortion(self) -> float:
        return float(self._distortion) / max(1, self.images)

    def mean_rate(self) -> tuple[float, ...]:
        return tuple((self._rate / max(1, self.images)).tolist())

    def is_finite(self) -> bool:
        return bool(torch.isfinite(self._distortion + self._rate.sum()))


class _Speed:
    """Seconds in the training loop alone: what happens between `stop` and `start` is not in it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.recent = 0.0
        self._started = 0.0
        self._epochs = [(0, 0.0)]

    def resume(self, seconds: float) -> None:
        self.seconds = seconds

    def start(self) -> None:
        self._started = time.perf_counter()

    def running_seconds(self) -> float:
        return time.perf_counter() - self._started

    def stop(self, images: int) -> None:
        elapsed = self.running_seconds()
        self.seconds += elapsed
        self.recent = images / elapsed
        counted, spent = self._epochs[-1]
        self._epochs[-1] = (counted + images, spent + elapsed)

    def end_epoch(self) -> None:
        counted, spent = self._epochs[-1]
        self.recent = counted / spent
        self._epochs.append((0, 0.0))

    def images_per_second(self) -> float:
        timed = [epoch for epoch in self._epochs if epoch[0]]
        kept = timed[1:] or timed
        return sum(n for n, _ in kept) / sum(s for _, s in kept) if kept else 0.0


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): v for name, v in tensors.items() if name.startswith(prefix)}
