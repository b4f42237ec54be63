"""The explorer: a trained model behind numpy arrays, for pages, notebooks and scripts.

from vae.explorer import Explorer
explorer = Explorer.open("checkpoints/mnist-map")
images = explorer.decode([[0.0, 1.0]])
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from vae.core.device import DeviceName, pick_device
from vae.core.errors import ConfigError, TamperedCheckpoint, UnsupportedNetwork
from vae.explorer.latent import paths
from vae.explorer.latent.neighbours import Neighbours
from vae.explorer.rate_gap import RateGap, rate_gap
from vae.metrics.evaluation import BATCH, log_likelihood
from vae.metrics.rate_curve import RateCurve
from vae.models.autoencoder import Autoencoder
from vae.models.conditional import LabelledSequential
from vae.models.likelihood import Gaussian, LearnedScales, discretised_likelihood
from vae.models.semi_supervised import SemiSupervisedVAE
from vae.models.vae import VAE
from vae.models.vq import QuantisedVAE
from vae.runs.checkpoint import Atlas, load_atlas, load_curve, load_model, load_run
from vae.runs.run import Run
from vae.viewer.blobs import pack_codes, pack_decoder, pack_encoder, pack_rate_curve

Images = Float[np.ndarray, "n h w c"]
Codes = Float[np.ndarray, "n latent"]
CHECKED = 4
"""Test images whose pictures are looked at before a model is used."""


@dataclass(frozen=True)
class ElboArrays:
    """The ELBO's terms of each image, in nats."""

    distortion: Float[np.ndarray, "n"]
    rate_per_dimension: Float[np.ndarray, "n latent"]

    @property
    def rate(self) -> Float[np.ndarray, "n"]:
        """Summed over the dimensions."""
        return self.rate_per_dimension.sum(axis=1)

    @property
    def elbo(self) -> Float[np.ndarray, "n"]:
        """-(distortion + rate)."""
        return -(self.distortion + self.rate)


class Explorer:
    """One trained model, never changed: safe to share between threads.

    A multi-rate model is seen at the beta that it is reported at; its `curve` has the others. A
    conditional one is seen at its `label`, unless labels are given with what is asked for.

    `neighbours` answers for the codes of the atlas; it builds what is costly at its first use.

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
        """The class whose images a conditional model decodes to; None of any other model."""

        self.atlas = atlas
        self.curve = curve
        inactive = run.results.inactive
        active = [i for i in range(run.model.latent_dim) if i not in inactive]
        self.neighbours = Neighbours(atlas.mean, active)
        self._whole = model.eval().requires_grad_(False)
        plain = model.at_beta(run.train.beta)
        self._model = plain if self.label is None else plain.at_label(self.label)

    @classmethod
    def open(cls, path: str | Path, device: DeviceName = "cpu") -> Self:
        """Load a checkpoint folder; raises the CheckpointError that says what is wrong with it."""
        return cls.load(load_run(path), device)

    @classmethod
    def load(cls, run: Run, device: DeviceName = "cpu") -> Self:
        """Load the weights and the atlas of a run that was listed."""
        found = cls(run, load_model(run, pick_device(device)), load_atlas(run), load_curve(run))
        found._check_pictures()
        return found

    @property
    def latent_dim(self) -> int:
        """Number of latent dimensions."""
        return self.run.model.latent_dim

    @property
    def decoder_identity(self) -> str:
        """Names the decoder that the pages show: of the run and, where there is one, the label."""
        label = "" if self.label is None else f"-label-{self.label}"
        return f"{self.run.identity}{label}"

    def at_label(self, label: int) -> Self:
        """A conditional model seen at another label; ConfigError for one that it does not know."""
        return type(self)(self.run, self._whole, self.atlas, self.curve, label)

    def dimensions_by_rate(self) -> list[int]:
        """The latent dimensions, the one with the highest test rate first.

        Where there is no rate, the one whose codes vary most.
        """
        rates = np.array(self.run.results.test_rate_per_dimension)
        order = rates if self.run.model.is_gaussian else self.atlas.mean.var(axis=0)
        return np.argsort(-order, kind="stable").tolist()

    def encode(self, images: ArrayLike, labels: ArrayLike | None = None) -> tuple[Codes, Codes]:
        """Means and log-variances of the images' posteriors."""
        model, parts = self._model_for_labels(labels), []
        with torch.inference_mode():
            for some, given in self._batches(self._tensor(images), labels):
                parts.append(model.encode(some, labels=given))
        means, logvars = ([getattr(p, name).cpu() for p in parts] for name in ("mean", "logvar"))
        return torch.cat(means).numpy(), torch.cat(logvars).numpy()

    def classify(self, images: ArrayLike) -> Float[np.ndarray, "n classes"]:
        """q(y|x) of each image, rows adding up to 1; ConfigError for a model that has none."""
        model = self._whole
        if not isinstance(model, SemiSupervisedVAE):
            raise ConfigError(
                f"{self.run.name} guesses no labels; choose a model trained with --model "
                "semi-supervised"
            )
        with torch.inference_mode():
            batches = self._batches(self._tensor(images), None)
            parts = [model.classify(some).softmax(dim=1).cpu() for some, _ in batches]
        return torch.cat(parts).numpy()

    def decode(self, z: ArrayLike, labels: ArrayLike | None = None) -> Images:
        """The decoded image of each code."""
        model, codes = self._model_for_labels(labels), torch.from_numpy(self._codes(z))
        with torch.inference_mode():
            batches = self._batches(codes.to(model.device), labels)
            parts = [model.decode_mean(some, labels=given).cpu() for some, given in batches]
        return torch.cat(parts).numpy().transpose(0, 2, 3, 1)

    def reconstruct(self, images: ArrayLike, labels: ArrayLike | None = None) -> Images:
        """What the decoder makes of each image's posterior mean."""
        return self.decode(self.encode(images, labels)[0], labels)

    def atlas_images(self, indices: Int[np.ndarray, "n"] | list[int]) -> Images:
        """Reconstructions of test images from the atlas: no data set is needed."""
        chosen = np.asarray(indices, dtype=np.int64)
        return self.decode(self.atlas.mean[chosen], self.atlas.label[chosen])

    def most_typical_first(self, indices: Int[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
        """Test images by the distance of their code from the mean of all their codes."""
        codes = self.atlas.mean[indices]
        return indices[np.argsort(np.linalg.norm(codes - codes.mean(axis=0), axis=1))]

    def sample(
        self, count: int, seed: int, temperature: float = 1.0, labels: ArrayLike | None = None
    ) -> Images:
        """Decoded draws from the prior, its standard deviation scaled by `temperature`."""
        noise = np.random.default_rng(seed).standard_normal((count, self.latent_dim))
        return self.decode(self.prior_codes(temperature * noise), labels)

    @property
    def parameter_count(self) -> int:
        """Numbers that training found."""
        return sum(parameter.numel() for parameter in self._whole.parameters())

    @property
    def codebook(self) -> Float[np.ndarray, "codes size"]:
        """The vectors that a vq chooses from; ConfigError for another kind."""
        return self._quantised().codes.detach().cpu().numpy()

    def code_grids(self, z: ArrayLike) -> Int[np.ndarray, "n h w"]:
        """Which vector of a vq's codebook stands at each place; ConfigError for another kind."""
        model, codes = self._quantised(), torch.from_numpy(self._codes(z))
        with torch.inference_mode():
            indices = model.indices(codes.to(model.device)).cpu().numpy()
        return indices.reshape(-1, *self.run.model.latent_shape[1:])

    def from_code_grids(self, maps: Int[np.ndarray, "n h w"]) -> Codes:
        """The codes that have these vectors at their places; ConfigError for another kind."""
        model, (height, width) = self._quantised(), self.run.model.latent_shape[1:]
        if maps.shape[1:] != (height, width) or maps.min() < 0 or maps.max() >= len(model.codes):
            raise ConfigError(
                f"maps must be (n, {height}, {width}) of numbers from 0 to {len(model.codes) - 1}"
            )
        with torch.inference_mode():
            chosen = torch.from_numpy(maps.reshape(len(maps), -1)).to(model.device)
            return model.vectors(chosen).cpu().numpy()

    def prior_codes(self, noise: ArrayLike) -> Codes:
        """Draws from the prior, of standard normal noise (n, latent): itself, but of a vq."""
        with torch.inference_mode():
            drawn = torch.from_numpy(self._codes(noise)).to(self._model.device)
            return self._model.prior_sample(drawn).cpu().numpy()

    def traverse(self, z: ArrayLike, dimension: int, values: ArrayLike) -> Images:
        """Decoded copies of one code in which one dimension takes each value."""
        start, steps = np.asarray(z, dtype=np.float64), np.asarray(values, dtype=np.float64)
        return self.decode(paths.traverse(start, dimension, steps))

    def path(
        self, start: ArrayLike, end: ArrayLike, count: int, kind: paths.PathKind = "linear"
    ) -> Codes:
        """Codes at equal steps between two codes, both ends included."""
        first, last = (self._codes(np.asarray(z)[None])[0].astype(float) for z in (start, end))
        steps = np.linspace(0, 1, count)
        return paths.interpolate(first, last, steps, kind, self.neighbours).astype(np.float32)

    def interpolate(
        self, start: ArrayLike, end: ArrayLike, count: int, kind: paths.PathKind = "linear"
    ) -> Images:
        """The decoded `path`."""
        return self.decode(self.path(start, end, count, kind))

    def pixel_changes(self, z: ArrayLike) -> Float[np.ndarray, "steps"]:
        """How much a decoded pixel changes from each code to the next, on average, 0 to 1."""
        return paths.pixel_changes(self.decode(z))

    def outlyingness(self, z: ArrayLike) -> Float[np.ndarray, "n"]:
        """How far each code is from the atlas, as a rank in [0, 1]; see `Neighbours`."""
        return self.neighbours.outlyingness(self._codes(z))

    def elbo_terms(
        self, images: ArrayLike, seed: int = 0, labels: ArrayLike | None = None
    ) -> ElboArrays:
        """Distortion (one posterior sample per image) and rate of each image."""
        generator = torch.Generator(self._model.device).manual_seed(seed)
        with torch.inference_mode():
            given = self._label_tensor(labels)
            terms = self._model_for_labels(labels).elbo_terms(
                self._tensor(images), generator, labels=given
            )
        return ElboArrays(terms.distortion.cpu().numpy(), terms.rate_per_dimension.cpu().numpy())

    def elbo_terms_in_levels(
        self, images: ArrayLike, seed: int = 0, labels: ArrayLike | None = None
    ) -> ElboArrays:
        """The same where each pixel counts as one of 256 levels, whatever the model trained with.

        ConfigError for a likelihood that says nothing of levels; see `vae.models.likelihood`.
        """
        model, pixels = self._model_for_labels(labels), self._tensor(images)
        levels = discretised_likelihood(model.likelihood)
        if levels is None:
            raise ConfigError(
                f"the likelihood {self.run.model.likelihood} of {self.run.name} has no bits per "
                "dimension; choose a model that was trained with another"
            )
        generator = torch.Generator(model.device).manual_seed(seed)
        with torch.inference_mode():
            terms = model.elbo_terms(pixels, generator, labels=self._label_tensor(labels))
            assert terms.decoded is not None, "the model decodes to images"
            distortion = levels.distortion(terms.decoded, pixels)
        return ElboArrays(distortion.cpu().numpy(), terms.rate_per_dimension.cpu().numpy())

    @property
    def likelihood_scales(self) -> tuple[float, ...]:
        """Of the likelihood, set or learned, in units of the pixels' range; none of a Bernoulli."""
        likelihood = self._model.likelihood
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
        """Importance-weighted estimate of log p(x) of each image, in nats."""
        model, given = self._model_for_labels(labels), self._label_tensor(labels)
        generator = torch.Generator(model.device).manual_seed(seed)
        found = log_likelihood(model, self._tensor(images), samples, generator, given)
        return found.cpu().numpy()

    def packed_decoder(self, max_megabytes: float = 32.0) -> bytes:
        """The decoder as the browser reads it, named by `decoder_identity`.

        Raises UnsupportedNetwork where the browser cannot run it or it is larger than that.
        """
        if isinstance(self._model, QuantisedVAE):
            raise UnsupportedNetwork(
                "The browser has no codebook: it cannot find the codes nearest to a place."
            )
        decoder, run = self._model.decoder, self.run
        shape, latent = run.model.image_shape, self.latent_dim
        return pack_decoder(
            decoder, latent, shape, self.decoder_identity, max_megabytes=max_megabytes
        )

    def packed_encoder(self, identity: str, max_megabytes: float = 32.0) -> bytes:
        """The encoder as the browser reads it, named `identity`; at the label, where there is one.

        Raises UnsupportedNetwork where the browser cannot run it or it is larger than that.
        """
        if not self._encodes_in_one_pass:
            raise UnsupportedNetwork(
                f"The browser cannot run the encoder of a {self.run.model.kind} model, which is"
                " more than layers in a row."
            )
        model = self.run.model
        return pack_encoder(
            self._model.encoder,
            model.image_shape,
            self.latent_dim,
            identity,
            is_gaussian=model.is_gaussian,
            logvar_limit=model.logvar_limit,
            max_megabytes=max_megabytes,
        )

    @property
    def _encodes_in_one_pass(self) -> bool:
        return type(self._model).encode in (VAE.encode, Autoencoder.encode)

    def packed_multi_rate_decoder(self, identity: str, max_megabytes: float = 32.0) -> bytes:
        """The decoder for all betas of a multi-rate model, named `identity`.

        Raises UnsupportedNetwork as `packed_decoder` does.
        """
        model = self.run.model
        return pack_decoder(
            self._whole.decoder,
            self.latent_dim,
            model.image_shape,
            identity,
            max_megabytes=max_megabytes,
            beta_range=model.beta_range,
        )

    def packed_labelled_decoder(self, identity: str, max_megabytes: float = 32.0) -> bytes:
        """A conditional model's decoder for all labels, named `identity`.

        Its code is z with the label's one-hot vector behind it. Raises UnsupportedNetwork as
        `packed_decoder` does.
        """
        decoder, model = self._whole.decoder, self.run.model
        assert isinstance(decoder, LabelledSequential)
        return pack_decoder(
            decoder.over_one_hot(),
            self.latent_dim + model.classes,
            model.image_shape,
            identity,
            max_megabytes=max_megabytes,
        )

    def packed_rate_curve(self, identity: str) -> bytes:
        """A multi-rate model's curve and codes at each beta as the browser reads them.

        The codes lie on the plane of the two dimensions with the highest rate.
        """
        assert self.curve is not None
        points = self.curve.means[:, :, self.dimensions_by_rate()[:2]]
        if self.latent_dim == 1:
            points = np.concatenate([points, np.zeros_like(points)], axis=2)
        return pack_rate_curve(
            identity,
            self.curve.betas,
            self.curve.distortion,
            self.curve.rate_per_dimension,
            self.curve.active,
            points,
            self.atlas.label,
            self.run.class_names,
        )

    def rate_gaps(self, apart: Sequence[Run]) -> list[RateGap]:
        """How a multi-rate model compares with models of one beta each, within its range."""
        assert self.curve is not None
        low, high = self.curve.betas[[0, -1]]
        inside = [run for run in apart if low <= run.train.beta <= high]
        return [rate_gap(self.curve, self.run, run) for run in inside]

    def packed_codes(self, identity: str) -> bytes:
        """The atlas as the browser reads it, named `identity`."""
        return pack_codes(
            identity,
            self.atlas.mean,
            None if self.run.model.kind == "vq" else self.atlas.logvar,
            self.atlas.label,
            self.run.class_names,
            self.neighbours.active,
            self.neighbours.spacing_quantiles(),
        )

    def _check_pictures(self) -> None:
        """Weights that are finite, each for itself, can still overflow together."""
        some = np.concatenate([np.zeros((1, self.latent_dim)), self.atlas.mean[:CHECKED]])
        pictures = self.decode(some)
        if not (np.isfinite(pictures).all() and np.isfinite(self.encode(pictures)[0]).all()):
            raise TamperedCheckpoint(
                f"{self.run.path}: its weights are so large that its pictures are no numbers; "
                "train afresh"
            )

    def _quantised(self) -> QuantisedVAE:
        if not isinstance(self._model, QuantisedVAE):
            raise ConfigError(
                f"{self.run.name} has no codebook; choose a model trained with --model vq"
            )
        return self._model

    def _model_for_labels(self, labels: ArrayLike | None) -> VAE:
        """The model that takes labels where they are given and it can, else the plain one."""
        return self._model if self.label is None or labels is None else self._whole

    def _label_tensor(self, labels: ArrayLike | None) -> torch.Tensor | None:
        if labels is None:
            return None
        return torch.from_numpy(np.asarray(labels, dtype=np.int64)).to(self._model.device)

    def _batches(
        self, values: torch.Tensor, labels: ArrayLike | None
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
        given = self._label_tensor(labels)
        for start in range(0, max(1, len(values)), BATCH):
            rows = slice(start, start + BATCH)
            yield values[rows], None if given is None else given[rows]

    def _codes(self, z: ArrayLike) -> Codes:
        codes = np.asarray(z, dtype=np.float32)
        if codes.ndim != 2 or codes.shape[1] != self.latent_dim or not np.isfinite(codes).all():
            raise ConfigError(
                f"codes must be finite numbers of shape (n, {self.latent_dim}), "
                f"not an array of shape {codes.shape}"
            )
        return codes

    def _tensor(self, images: ArrayLike) -> torch.Tensor:
        array = np.asarray(images, dtype=np.float32)
        channels, height, width = self.run.model.image_shape
        if array.ndim != 4 or array.shape[1:] != (height, width, channels):
            raise ConfigError(
                f"images must have shape (n, {height}, {width}, {channels}), not {array.shape}"
            )
        return torch.from_numpy(array.transpose(0, 3, 1, 2).copy()).to(self._model.device)
