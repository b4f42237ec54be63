"""Packs the networks, codes and images of an explorer as blobs for the live instruments.

Example:
    from vae.explorer import Explorer
    from vae.viewer.pack import pack_decoder

    blob = pack_decoder(Explorer.open("checkpoints/mnist-map"))
"""

import numpy as np

from vae.core.errors import UnsupportedNetwork
from vae.explorer import Explorer
from vae.explorer.gallery import Gallery
from vae.models.autoencoder import Autoencoder
from vae.models.conditional import LabelledSequential
from vae.models.vae import VAE
from vae.models.vq import QuantisedVAE
from vae.viewer.blobs import (
    codes_blob,
    decoder_blob,
    encoder_blob,
    pictures_blob,
    rate_curve_blob,
)

MAX_MEGABYTES = 32.0
"""The largest network that is packed where the caller sets no limit."""


def pack_decoder(explorer: Explorer, max_megabytes: float = MAX_MEGABYTES) -> bytes:
    """Packs the decoder, named by the explorer's `decoder_identity`.

    Raises UnsupportedNetwork where the browser cannot run it or it exceeds the limit.
    """
    model = explorer.model
    if isinstance(model, QuantisedVAE):
        raise UnsupportedNetwork(
            "The browser has no codebook: it cannot find the codes nearest to a position."
        )
    return decoder_blob(
        model.decoder,
        explorer.latent_dim,
        explorer.run.model.image_shape,
        explorer.decoder_identity,
        max_megabytes=max_megabytes,
    )


def pack_encoder(explorer: Explorer, identity: str, max_megabytes: float = MAX_MEGABYTES) -> bytes:
    """Packs the encoder, named `identity`; a conditional model's at the explorer's label.

    Raises UnsupportedNetwork where the browser cannot run it or it exceeds the limit.
    """
    config, model = explorer.run.model, explorer.model
    if type(model).encode not in (VAE.encode, Autoencoder.encode):
        raise UnsupportedNetwork(
            f"The browser cannot run the encoder of a {config.kind} model, which is"
            " more than layers in a row."
        )
    return encoder_blob(
        model.encoder,
        config.image_shape,
        explorer.latent_dim,
        identity,
        is_gaussian=config.is_gaussian,
        logvar_limit=config.logvar_limit,
        max_megabytes=max_megabytes,
    )


def pack_multi_rate_decoder(
    explorer: Explorer, identity: str, max_megabytes: float = MAX_MEGABYTES
) -> bytes:
    """Packs the decoder for all betas of a multi-rate model, named `identity`.

    Raises UnsupportedNetwork as `pack_decoder` does.
    """
    config = explorer.run.model
    return decoder_blob(
        explorer.full_model.decoder,
        explorer.latent_dim,
        config.image_shape,
        identity,
        max_megabytes=max_megabytes,
        beta_range=config.beta_range,
    )


def pack_labelled_decoder(
    explorer: Explorer, identity: str, max_megabytes: float = MAX_MEGABYTES
) -> bytes:
    """Packs a conditional model's decoder for all labels, named `identity`.

    Its code is z with the label's one-hot vector behind it. Raises UnsupportedNetwork as
    `pack_decoder` does.
    """
    decoder, config = explorer.full_model.decoder, explorer.run.model
    assert isinstance(decoder, LabelledSequential)
    return decoder_blob(
        decoder.over_one_hot(),
        explorer.latent_dim + config.classes,
        config.image_shape,
        identity,
        max_megabytes=max_megabytes,
    )


def pack_rate_curve(explorer: Explorer, identity: str) -> bytes:
    """Packs a multi-rate model's rate-distortion curve and its codes at each beta.

    The codes lie on the plane of the two dimensions with the highest rate.
    """
    curve = explorer.curve
    assert curve is not None
    points = curve.means[:, :, explorer.dimensions_by_rate()[:2]]
    if explorer.latent_dim == 1:
        points = np.concatenate([points, np.zeros_like(points)], axis=2)
    return rate_curve_blob(
        identity,
        curve.betas,
        curve.distortion,
        curve.rate_per_dimension,
        curve.active,
        points,
        explorer.atlas.label,
        explorer.run.class_names,
    )


def pack_codes(explorer: Explorer, identity: str) -> bytes:
    """Packs the codes of the atlas, named `identity`."""
    atlas, neighbours = explorer.atlas, explorer.neighbours
    return codes_blob(
        identity,
        atlas.mean,
        None if explorer.run.model.kind == "vq" else atlas.logvar,
        atlas.label,
        explorer.run.class_names,
        neighbours.active,
        neighbours.spacing_quantiles(),
    )


def pack_pictures(gallery: Gallery, identity: str) -> bytes | None:
    """Packs all images of a gallery; None where they are not real or too many for a browser."""
    return None if gallery.pixels is None else pictures_blob(identity, gallery.pixels)
