"""Sends the assets of the live instruments (networks, codes and test images), each once.

Instruments refer to assets by id. An asset may arrive later, so the instrument renders at once.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.caches import BY_DECODER, BY_RUN
from pages.state.models import open_gallery
from pages.ui.instruments import PlaneSpec, Surroundings, mount_asset
from pages.ui.server_decode import ServedDecoder, ServedEncoder, ServedNetwork, mount_served
from vae.core.errors import ConfigError, UnsupportedNetwork

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery
    from vae.explorer.latent.projection import LatentPlane

RESEND_SECONDS = 5.0
"""The test images are sent again for this time, in case people left a page before they arrived."""


def decoder_id(explorer: "Explorer") -> str:
    """Return the id of a decoder."""
    return explorer.decoder_identity


def encoder_id(explorer: "Explorer") -> str:
    """Return the id of an encoder."""
    return f"encoder-{explorer.decoder_identity}"


def multi_rate_id(explorer: "Explorer") -> str:
    """Return the id of a multi-rate model's decoder for all betas."""
    return f"any-beta-{explorer.run.identity}"


def labelled_id(explorer: "Explorer") -> str:
    """Return the id of a conditional model's decoder for all labels."""
    return f"any-label-{explorer.run.identity}"


def curve_id(explorer: "Explorer") -> str:
    """Return the id of a multi-rate model's rate-distortion curve."""
    return f"curve-{explorer.run.identity}"


def codes_id(explorer: "Explorer") -> str:
    """Return the id of a model's codes."""
    return f"codes-{explorer.run.identity}"


def pictures_id(explorer: "Explorer") -> str:
    """Return the id of a data set's test images, which models of the same data share."""
    shape = "x".join(map(str, explorer.run.model.image_shape))
    return f"pictures-{explorer.run.train.dataset}-{shape}-{len(explorer.atlas.label)}"


def mount_decoders(explorers: "Sequence[Explorer]", encoders: "Sequence[Explorer]" = ()) -> None:
    """Give decoders, and the encoders of some models, to the page's instruments.

    Each network is sent to the browser once. The server runs those that the browser cannot run,
    and answers all of them in one request.
    """
    served: list[ServedNetwork] = []
    # Copies of a checkpoint have the same decoder.
    for explorer in {decoder_id(explorer): explorer for explorer in explorers}.values():
        identity, shape = decoder_id(explorer), explorer.run.model.image_shape
        packed = _packed_decoder(explorer, browser_megabytes())
        if isinstance(packed, bytes):
            mount_asset(packed, key=f"decoder-{identity[:16]}{identity[64:]}")
        else:
            reason, decode = str(packed), explorer.decode
            served.append(ServedDecoder(identity, explorer.latent_dim, shape, reason, decode))
    served += [network for network in map(_mount_encoder, encoders) if network is not None]
    if served:
        mount_served(served, key=f"exchange-{served[0].identity[:16]}")


def _mount_encoder(explorer: "Explorer") -> ServedEncoder | None:
    """Send an encoder to the browser, or return it if only the server can run it."""
    identity, shape = encoder_id(explorer), explorer.run.model.image_shape
    packed = _packed_encoder(explorer, browser_megabytes())
    if isinstance(packed, bytes):
        mount_asset(packed, key=f"encoder-{identity[8:24]}{identity[72:]}")
        return None

    def encode(images: np.ndarray) -> np.ndarray:
        means, logvars = explorer.encode(images)
        return np.concatenate([means, logvars], axis=1) if explorer.run.model.is_gaussian else means

    return ServedEncoder(identity, explorer.latent_dim, shape, str(packed), encode)


def mount_multi_rate(explorer: "Explorer") -> None:
    """Send the decoder for all betas and the rate-distortion curve to the browser.

    Raises UnsupportedNetwork if the browser cannot run the decoder.
    """
    identity = explorer.run.identity
    packed = _packed_multi_rate(explorer, browser_megabytes())
    if isinstance(packed, UnsupportedNetwork):
        raise packed
    mount_asset(packed, key=f"any-beta-{identity[:16]}")
    mount_asset(_packed_curve(explorer), key=f"curve-{identity[:16]}")


def mount_labelled(explorer: "Explorer") -> None:
    """Send a conditional model's decoder for all labels to the browser.

    Raises UnsupportedNetwork if the browser cannot run the decoder.
    """
    packed = _packed_labelled(explorer, browser_megabytes())
    if isinstance(packed, UnsupportedNetwork):
        raise packed
    mount_asset(packed, key=f"any-label-decoder-{explorer.run.identity[:16]}")


def browser_megabytes() -> float:
    """Return the size of the largest network to send: LATENT_BROWSER_MEGABYTES, or else 32."""
    text = os.environ.get("LATENT_BROWSER_MEGABYTES", "32")
    try:
        megabytes = float(text)
    except ValueError:
        megabytes = math.nan
    if not megabytes >= 0:
        raise ConfigError(f"LATENT_BROWSER_MEGABYTES must be a number of at least 0, not {text!r}")
    return megabytes


def mount_codes(explorer: "Explorer") -> None:
    """Send the codes to the browser."""
    mount_asset(_packed_codes(explorer), key=f"codes-{explorer.run.identity[:16]}")


def mount_pictures(explorer: "Explorer") -> None:
    """Send the test images to the browser, if the data set is present and not too large.

    The browser keeps them for all pages, so later pages do not send them again. If they never
    arrive, the instruments show decoded images in their place.
    """
    name, now = pictures_id(explorer), time.monotonic()
    sent = st.session_state.setdefault("pictures-sent", {})
    if now - sent.get(name, now) > RESEND_SECONDS:
        return
    gallery = open_gallery(explorer)
    blob = _packed_pictures(gallery, name) if gallery.are_real else None
    if blob is not None:
        sent.setdefault(name, now)
        mount_asset(blob, key="test-images")


def surroundings(explorer: "Explorer") -> Surroundings | None:
    """Return the codes near a position, for a small map and a list of the nearest test images.

    The map shows two dimensions or two principal components. A model with one dimension has no
    map, so this returns None.
    """
    from vae.charts.figures import CLASS_COLOURS
    from vae.explorer.latent.projection import overview_plane

    if explorer.latent_dim < 2:
        return None
    return {
        "codes": codes_id(explorer),
        "pictures": pictures_id(explorer),
        "plane": plane_spec(explorer, overview_plane(explorer.atlas.mean)),
        "colors": CLASS_COLOURS,
    }


def plane_spec(explorer: "Explorer", plane: "LatentPlane") -> PlaneSpec:
    """Return a plane of the latent space in the form that the instruments read."""
    return {
        "origin": plane.origin.tolist(),
        "basis": plane.basis.tolist(),
        "labels": list(plane.labels),
        "symbols": list(plane.symbols),
        "has_prior": explorer.run.model.is_gaussian,
    }


@st.cache_resource(max_entries=12, show_spinner=False, hash_funcs=BY_DECODER)
def _packed_decoder(explorer: "Explorer", megabytes: float) -> bytes | UnsupportedNetwork:
    from vae.viewer.pack import pack_decoder

    return _pack_or_error(pack_decoder, explorer, megabytes)


@st.cache_resource(max_entries=12, show_spinner=False, hash_funcs=BY_DECODER)
def _packed_encoder(explorer: "Explorer", megabytes: float) -> bytes | UnsupportedNetwork:
    from vae.viewer.pack import pack_encoder

    return _pack_or_error(pack_encoder, explorer, encoder_id(explorer), megabytes)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=BY_RUN)
def _packed_labelled(explorer: "Explorer", megabytes: float) -> bytes | UnsupportedNetwork:
    from vae.viewer.pack import pack_labelled_decoder

    return _pack_or_error(pack_labelled_decoder, explorer, labelled_id(explorer), megabytes)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=BY_RUN)
def _packed_multi_rate(explorer: "Explorer", megabytes: float) -> bytes | UnsupportedNetwork:
    from vae.viewer.pack import pack_multi_rate_decoder

    return _pack_or_error(pack_multi_rate_decoder, explorer, multi_rate_id(explorer), megabytes)


def _pack_or_error(pack: Callable[..., bytes], *arguments: object) -> bytes | UnsupportedNetwork:
    """Return a blob, or the error that says why the browser cannot run the network.

    Streamlit caches what a function returns but not what it raises.
    """
    try:
        return pack(*arguments)
    except UnsupportedNetwork as error:
        return error


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=BY_RUN)
def _packed_curve(explorer: "Explorer") -> bytes:
    from vae.viewer.pack import pack_rate_curve

    return pack_rate_curve(explorer, curve_id(explorer))


@st.cache_resource(max_entries=12, show_spinner=False, hash_funcs=BY_RUN)
def _packed_codes(explorer: "Explorer") -> bytes:
    from vae.viewer.pack import pack_codes

    return pack_codes(explorer, codes_id(explorer))


@st.cache_resource(max_entries=4, show_spinner=False)
def _packed_pictures(_gallery: "Gallery", identity: str) -> bytes | None:
    """Pack the images of a gallery; the identity is the key, because models share the images."""
    from vae.viewer.pack import pack_pictures

    return pack_pictures(_gallery, identity)
