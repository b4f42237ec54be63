"""The explorer: a trained model behind numpy arrays, for pages, notebooks and scripts.

Example:
    from vae.explorer import Explorer

    explorer = Explorer.open("checkpoints/mnist-map")
    images = explorer.decode([[0.0, 1.0]])
    inspection = explorer.inspect(images[0])
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from vae.core.device import DeviceName, pick_device
from vae.core.errors import ConfigError, TamperedCheckpoint
from vae.explorer.inspection import ElboArrays, Inspection
from vae.explorer.latent import paths
from vae.explorer.latent.neighbours import Neighbours
from vae.explorer.rate_gap import RateGap, rate_gap
from vae.explorer.tensors import (
    Codes,
    Images,
    checked_codes,
    image_array,
    image_tensor,
    label_condition,
)
from vae.metrics.evaluation import BATCH, log_likelihood
from vae.metrics.rate_curve import RateCurve
from vae.models.condition import Condition
from vae.models.likelihood import Gaussian, LearnedScales, discretised_likelihood
from vae.models.semi_supervised import SemiSupervisedVAE
from vae.models.vae import VAE
from vae.models.vq import QuantisedVAE
from vae.runs.checkpoint import Atlas, load_atlas, load_curve, load_model, load_run
from vae.runs.run import Run

CHECKED = 4
"""Number of test images that are decoded to check a model before its first use."""


class Explorer:
    """One trained model. It never changes, so threads can share it.

    A multi-rate model is used at the beta of its reported results; its `curve` covers the others. A
    conditional model is used at its `label`, unless the caller gives labels.

    `neighbours` searches the codes of the atlas and builds its costly parts at their first use.

    Images are (n, h, w, c) float32 with pixels in [0, 1]; codes are (n, latent) float32.
    """

    def __init__(
        self,
        run: Run,
        model: VAE,
        atlas: Atlas,
        curve: RateCurve | None = None,
        label: int | None = None,
    ) -> None:
        if not run.model.is_generative:
            raise ConfigError(f"{run.name} is a {run.model.kind}; it has no images to explore")
        self.run = run
        self.label = (label or 0) if run.model.needs_labels else None
        """The class whose images a conditional model decodes to; None for any other model."""

        self.atlas = atlas
        self.curve = curve
        inactive = run.results.inactive
        active = [i for i in range(run.model.latent_dim) if i not in inactive]
        self.neighbours = Neighbours(atlas.mean, active)
        self.full_model = model.eval().requires_grad_(False)
        plain = model.at_beta(run.train.beta)
        self.model = plain if self.label is None else plain.at_label(self.label)
        """The plain model at the reported beta and at `label`; `full_model` covers all of them."""

    @classmethod
    def open(cls, path: str | Path, device: DeviceName = "cpu") -> Self:
        """Loads a checkpoint folder; raises a CheckpointError that names the fault."""
        return cls.load(load_run(path), device)

    @classmethod
    def load(cls, run: Run, device: DeviceName = "cpu") -> Self:
        """Loads the weights and the atlas of a listed run."""
        found = cls(run, load_model(run, pick_device(device)), load_atlas(run), load_curve(run))
        found._check_pictures()
        return found

    @property
    def latent_dim(self) -> int:
        """The number of latent dimensions."""
        return self.run.model.latent_dim

    @property
    def decoder_identity(self) -> str:
        """The name of the shown decoder: the run's identity and, if there is one, the label."""
        label = "" if self.label is None else f"-label-{self.label}"
        return f"{self.run.identity}{label}"

    def at_label(self, label: int) -> Self:
        """Returns the explorer at another label; raises ConfigError for an unknown label."""
        return type(self)(self.run, self.full_model, self.atlas, self.curve, label)

    def dimensions_by_rate(self) -> list[int]:
        """Returns the latent dimensions, the one with the highest test rate first.

        A model without a rate orders them by the variance of the codes instead.
        """
        rates = np.array(self.run.results.test_rate_per_dimension)
        order = rates if self.run.model.is_gaussian else self.atlas.mean.var(axis=0)
        return np.argsort(-order, kind="stable").tolist()

    def encode(self, images: ArrayLike, labels: ArrayLike | None = None) -> tuple[Codes, Codes]:
        """Returns the means and the log-variances of the images' posteriors."""
        model, parts = self._model_for_labels(labels), []
        with torch.inference_mode():
            for some, given in self._batches(self._tensor(images), labels):
                parts.append(model.encode(some, given))
        means, logvars = ([getattr(p, name).cpu() for p in parts] for name in ("mean", "logvar"))
        return torch.cat(means).numpy(), torch.cat(logvars).numpy()

    def classify(self, images: ArrayLike) -> Float[np.ndarray, "n classes"]:
        """Returns q(y|x), rows adding up to 1; raises ConfigError for a model without a q(y|x)."""
        model = self.full_model
        if not isinstance(model, SemiSupervisedVAE):
            raise ConfigError(
                f"{self.run.name} infers no labels; choose a model trained with --model "
                "semi-supervised"
            )
        with torch.inference_mode():
            batches = self._batches(self._tensor(images), None)
            parts = [model.classify(some).softmax(dim=1).cpu() for some, _ in batches]
        return torch.cat(parts).numpy()

    def decode(self, z: ArrayLike, labels: ArrayLike | None = None) -> Images:
        """Returns the decoded image of each code."""
        model, codes = self._model_for_labels(labels), torch.from_numpy(self._checked(z))
        with torch.inference_mode():
            batches = self._batches(codes.to(model.device), labels)
            parts = [model.decode_mean(some, given).cpu() for some, given in batches]
        return image_array(torch.cat(parts))

    def reconstruct(self, images: ArrayLike, labels: ArrayLike | None = None) -> Images:
        """Returns the images decoded from the posterior means."""
        return self.decode(self.encode(images, labels)[0], labels)

    def atlas_images(self, indices: Int[np.ndarray, "n"] | list[int]) -> Images:
        """Returns reconstructions of test images from the atlas, without the data set."""
        chosen = np.asarray(indices, dtype=np.int64)
        return self.decode(self.atlas.mean[chosen], self.atlas.label[chosen])

    def most_typical_first(self, indices: Int[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
        """Sorts test images by the distance of their code to the mean of these codes."""
        codes = self.atlas.mean[indices]
        return indices[np.argsort(np.linalg.norm(codes - codes.mean(axis=0), axis=1))]

    def sample(
        self, count: int, seed: int, temperature: float = 1.0, labels: ArrayLike | None = None
    ) -> Images:
        """Returns decoded prior samples; `temperature` scales the prior's standard deviation."""
        noise = np.random.default_rng(seed).standard_normal((count, self.latent_dim))
        return self.decode(self.prior_codes(temperature * noise), labels)

    @property
    def parameter_count(self) -> int:
        """The number of trained parameters."""
        return sum(parameter.numel() for parameter in self.full_model.parameters())

    @property
    def codebook(self) -> Float[np.ndarray, "codes size"]:
        """The codebook vectors of a vq model; raises ConfigError for another kind."""
        return self._quantised().codes.detach().cpu().numpy()

    def code_grids(self, z: ArrayLike) -> Int[np.ndarray, "n h w"]:
        """Returns the codebook index at each position; raises ConfigError unless the kind is vq."""
        model, codes = self._quantised(), torch.from_numpy(self._checked(z))
        with torch.inference_mode():
            indices = model.indices(codes.to(model.device)).cpu().numpy()
        return indices.reshape(-1, *self.run.model.latent_shape[1:])

    def codes_from_grids(self, grids: Int[np.ndarray, "n h w"]) -> Codes:
        """Returns the codes of grids of codebook indices; raises ConfigError unless it is a vq."""
        model, (height, width) = self._quantised(), self.run.model.latent_shape[1:]
        if grids.shape[1:] != (height, width) or grids.min() < 0 or grids.max() >= len(model.codes):
            raise ConfigError(
                f"grids must be (n, {height}, {width}) of numbers from 0 to {len(model.codes) - 1}"
            )
        with torch.inference_mode():
            chosen = torch.from_numpy(grids.reshape(len(grids), -1)).to(model.device)
            return model.vectors(chosen).cpu().numpy()

    def prior_codes(self, noise: ArrayLike) -> Codes:
        """Turns standard normal noise (n, latent) into prior samples: only a vq changes it."""
        with torch.inference_mode():
            samples = torch.from_numpy(self._checked(noise)).to(self.model.device)
            return self.model.prior_sample(samples).cpu().numpy()

    def traverse(self, z: ArrayLike, dimension: int, values: ArrayLike) -> Images:
        """Decodes copies of one code in which one dimension takes each value."""
        start, steps = np.asarray(z, dtype=np.float64), np.asarray(values, dtype=np.float64)
        return self.decode(paths.traverse(start, dimension, steps))

    def path(
        self, start: ArrayLike, end: ArrayLike, count: int, kind: paths.PathKind = "linear"
    ) -> Codes:
        """Returns codes at equal steps between two codes, both ends included."""
        first, last = (self._checked(np.asarray(z)[None])[0].astype(float) for z in (start, end))
        steps = np.linspace(0, 1, count)
        return paths.interpolate(first, last, steps, kind, self.neighbours).astype(np.float32)

    def interpolate(
        self, start: ArrayLike, end: ArrayLike, count: int, kind: paths.PathKind = "linear"
    ) -> Images:
        """Returns the decoded `path`."""
        return self.decode(self.path(start, end, count, kind))

    def pixel_changes(self, z: ArrayLike) -> Float[np.ndarray, "steps"]:
        """Returns the mean change of a decoded pixel from each code to the next, 0 to 1."""
        return paths.pixel_changes(self.decode(z))

    def outlyingness(self, z: ArrayLike) -> Float[np.ndarray, "n"]:
        """Returns each code's distance from the atlas as a rank in [0, 1]; see `Neighbours`."""
        return self.neighbours.outlyingness(self._checked(z))

    def inspect(
        self, image: Float[np.ndarray, "h w c"], seed: int = 0, label: int | None = None
    ) -> Inspection:
        """Encodes one image once and returns its code, its reconstruction and its ELBO.

        `seed` draws the posterior sample of the distortion, as in `elbo_terms`.
        """
        labels = None if label is None else [label]
        model, condition = self._model_for_labels(labels), self._condition(labels)
        pixels = self._tensor(image[None])
        with torch.inference_mode():
            posterior, terms = model.encode_with_terms(pixels, self._noise(seed), condition)
            decoded = model.decode_mean(posterior.mean, condition)
        return Inspection(
            image,
            posterior.mean[0].cpu().numpy(),
            posterior.logvar[0].cpu().numpy(),
            image_array(decoded)[0],
            _arrays(terms.distortion, terms.rate_per_dimension),
        )

    def elbo_terms(
        self, images: ArrayLike, seed: int = 0, labels: ArrayLike | None = None
    ) -> ElboArrays:
        """Returns distortion (at one posterior sample, drawn by `seed`) and rate of each image."""
        model, condition = self._model_for_labels(labels), self._condition(labels)
        with torch.inference_mode():
            terms = model.elbo_terms(self._tensor(images), self._noise(seed), condition)
        return _arrays(terms.distortion, terms.rate_per_dimension)

    def elbo_terms_in_levels(
        self, images: ArrayLike, seed: int = 0, labels: ArrayLike | None = None
    ) -> ElboArrays:
        """Returns the terms where each pixel is one of 256 levels, whatever the likelihood.

        Raises ConfigError for a likelihood that gives levels no probability; see
        `vae.models.likelihood`.
        """
        model, pixels = self._model_for_labels(labels), self._tensor(images)
        levels = discretised_likelihood(model.likelihood)
        if levels is None:
            raise ConfigError(
                f"the likelihood {self.run.model.likelihood} of {self.run.name} has no bits per "
                "dimension; choose a model that was trained with another"
            )
        with torch.inference_mode():
            terms = model.elbo_terms(pixels, self._noise(seed), self._condition(labels))
            assert terms.decoded is not None, "the model decodes to images"
            distortion = levels.distortion(terms.decoded, pixels)
        return _arrays(distortion, terms.rate_per_dimension)

    @property
    def likelihood_scales(self) -> tuple[float, ...]:
        """The likelihood's scales in units of the pixel range; empty for a Bernoulli."""
        likelihood = self.model.likelihood
        if isinstance(likelihood, LearnedScales):
            return tuple(likelihood.scale.tolist())
        return (likelihood.scale,) if isinstance(likelihood, Gaussian) else ()

    def log_likelihood(
        self,
        images: ArrayLike,
        samples: int = 100,
        seed: int = 0,
        labels: ArrayLike | None = None,
    ) -> Float[np.ndarray, "n"]:
        """Returns an importance-weighted estimate of log p(x) of each image, in nats."""
        model, condition = self._model_for_labels(labels), self._condition(labels)
        found = log_likelihood(model, self._tensor(images), samples, self._noise(seed), condition)
        return found.cpu().numpy()

    def rate_gaps(self, single_rate: Sequence[Run]) -> list[RateGap]:
        """Compares a multi-rate model with models of one beta each, within its range."""
        assert self.curve is not None
        low, high = self.curve.betas[[0, -1]]
        inside = [run for run in single_rate if low <= run.train.beta <= high]
        return [rate_gap(self.curve, self.run, run) for run in inside]

    def _check_pictures(self) -> None:
        """Raises TamperedCheckpoint where finite weights still overflow in the decoder."""
        some = np.concatenate([np.zeros((1, self.latent_dim)), self.atlas.mean[:CHECKED]])
        pictures = self.decode(some)
        if not (np.isfinite(pictures).all() and np.isfinite(self.encode(pictures)[0]).all()):
            raise TamperedCheckpoint(
                f"{self.run.path}: its weights are so large that its images are not finite; "
                "train it again"
            )

    def _quantised(self) -> QuantisedVAE:
        if not isinstance(self.model, QuantisedVAE):
            raise ConfigError(
                f"{self.run.name} has no codebook; choose a model trained with --model vq"
            )
        return self.model

    def _model_for_labels(self, labels: ArrayLike | None) -> VAE:
        """Returns the model that takes labels if they are given and useful, else the plain one."""
        return self.model if self.label is None or labels is None else self.full_model

    def _condition(self, labels: ArrayLike | None) -> Condition:
        return label_condition(labels, self.model.device)

    def _noise(self, seed: int) -> torch.Generator:
        return torch.Generator(self.model.device).manual_seed(seed)

    def _batches(
        self, values: torch.Tensor, labels: ArrayLike | None
    ) -> Iterator[tuple[torch.Tensor, Condition]]:
        condition = self._condition(labels)
        for start in range(0, max(1, len(values)), BATCH):
            rows = slice(start, start + BATCH)
            yield values[rows], condition.rows(rows)

    def _checked(self, z: ArrayLike) -> Codes:
        return checked_codes(z, self.latent_dim)

    def _tensor(self, images: ArrayLike) -> torch.Tensor:
        return image_tensor(images, self.run.model.image_shape, self.model.device)


def _arrays(distortion: torch.Tensor, rate_per_dimension: torch.Tensor) -> ElboArrays:
    return ElboArrays(distortion.cpu().numpy(), rate_per_dimension.cpu().numpy())
