"""What the live instruments are given: networks, codes and test images, each sent once.

An instrument is told names; what they mean may come after it, so that it is drawn first.
"""

import math
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.models import open_gallery
from pages.ui.instruments import PlaneSpec, Surroundings, mount_asset
from pages.ui.server_decode import ServedDecoder, ServedEncoder, ServedNetwork, mount_served
from vae.core.errors import ConfigError, UnsupportedNetwork

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery
    from vae.explorer.latent.projection import LatentPlane


KEPT_AFTER_SECONDS = 5.0


def decoder_id(explorer: "Explorer") -> str:
    """The name of a decoder."""
    return explorer.decoder_identity


def encoder_id(explorer: "Explorer") -> str:
    """The name of an encoder."""
    return f"encoder-{explorer.decoder_identity}"


def multi_rate_id(explorer: "Explorer") -> str:
    """The name of the decoder of all betas of a multi-rate model."""
    return f"any-beta-{explorer.run.identity}"


def labelled_id(explorer: "Explorer") -> str:
    """The name of the decoder of all labels of a conditional model."""
    return f"any-label-{explorer.run.identity}"


def curve_id(explorer: "Explorer") -> str:
    """The name of a multi-rate model's curve."""
    return f"curve-{explorer.run.identity}"


def codes_id(explorer: "Explorer") -> str:
    """The name of a model's codes."""
    return f"codes-{explorer.run.identity}"


def pictures_id(explorer: "Explorer") -> str:
    """The name of a data set's test images; models of the same data share them."""
    shape = "x".join(map(str, explorer.run.model.image_shape))
    return f"pictures-{explorer.run.train.dataset}-{shape}-{len(explorer.atlas.label)}"


def mount_decoders(explorers: "Sequence[Explorer]", encoders: "Sequence[Explorer]" = ()) -> None:
    """Make decoders, and the encoders of some models, known to the page's instruments.

    Each is sent to the browser, once, where that can run it; else the server runs it, all that are
    mounted together at once.
    """
    served: list[ServedNetwork] = []
    # Copies of a checkpoint have the same decoder.
    for explorer in {decoder_id(explorer): explorer for explorer in explorers}.values():
        identity, shape = decoder_id(explorer), explorer.run.model.image_shape
        packed = _packed_decoder(explorer, identity, browser_megabytes())
        if isinstance(packed, bytes):
            mount_asset(packed, key=f"decoder-{identity[:16]}{identity[64:]}")
        else:
            reason, decode = str(packed), explorer.decode
            served.append(ServedDecoder(identity, explorer.latent_dim, shape, reason, decode))
    served += [found for found in map(_mount_encoder, encoders) if found is not None]
    if served:
        mount_served(served, key=f"exchange-{served[0].identity[:16]}")


def _mount_encoder(explorer: "Explorer") -> ServedEncoder | None:
    """Send an encoder to the browser; where that cannot run it, what the server does for it."""
    identity, shape = encoder_id(explorer), explorer.run.model.image_shape
    packed = _packed_encoder(explorer, identity, browser_megabytes())
    if isinstance(packed, bytes):
        mount_asset(packed, key=f"encoder-{identity[8:24]}{identity[72:]}")
        return None

    def encode(images: np.ndarray) -> np.ndarray:
        means, logvars = explorer.encode(images)
        return np.concatenate([means, logvars], axis=1) if explorer.run.model.is_gaussian else means

    return ServedEncoder(identity, explorer.latent_dim, shape, str(packed), encode)


def mount_multi_rate(explorer: "Explorer") -> None:
    """Send the decoder of all betas, and what the model is at each of them, to the browser.

    Raises UnsupportedNetwork where the browser cannot run it.
    """
    identity = explorer.run.identity
    packed = _packed_multi_rate(explorer, identity, browser_megabytes())
    if isinstance(packed, UnsupportedNetwork):
        raise packed
    decoder, curve = packed
    mount_asset(decoder, key=f"any-beta-{identity[:16]}")
    mount_asset(curve, key=f"curve-{identity[:16]}")


def mount_labelled(explorer: "Explorer") -> None:
    """Send a conditional model's decoder for all labels to the browser.

    Raises UnsupportedNetwork where the browser cannot run it.
    """
    packed = _packed_labelled(explorer, labelled_id(explorer), browser_megabytes())
    if isinstance(packed, UnsupportedNetwork):
        raise packed
    mount_asset(packed, key=f"any-label-decoder-{explorer.run.identity[:16]}")


def browser_megabytes() -> float:
    """How large a decoder the browser is sent: LATENT_BROWSER_MEGABYTES, else 32."""
    text = os.environ.get("LATENT_BROWSER_MEGABYTES", "32")
    try:
        megabytes = float(text)
    except ValueError:
        megabytes = math.nan
    if not megabytes >= 0:
        raise ConfigError(f"LATENT_BROWSER_MEGABYTES must be a number from 0 on, not {text!r}")
    return megabytes


def mount_codes(explorer: "Explorer") -> None:
    """Send the codes to the browser."""
    blob = _packed_codes(explorer, codes_id(explorer))
    mount_asset(blob, key=f"codes-{explorer.run.identity[:16]}")


def mount_pictures(explorer: "Explorer") -> None:
    """Send the test images to the browser, where there are any and not too many.

    It keeps them until it leaves the app, so that other pages need not send them again. Should a
    page be left before they arrived, the nearest images stay decoded ones.
    """
    name, now = pictures_id(explorer), time.monotonic()
    sent = st.session_state.setdefault("pictures-sent", {})
    if now - sent.get(name, now) > KEPT_AFTER_SECONDS:
        return
    gallery = open_gallery(explorer)
    blob = _packed_pictures(gallery, name) if gallery.are_real else None
    if blob is not None:
        sent.setdefault(name, now)
        mount_asset(blob, key="test-images")


def surroundings(explorer: "Explorer") -> Surroundings | None:
    """The codes around a place, on the map of two dimensions or of two principal components.

    None for a model of one dimension, which has no map.
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
    """A plane of a model's codes as the instruments take it."""
    return {
        "origin": plane.origin.tolist(),
        "basis": plane.basis.tolist(),
        "labels": list(plane.labels),
        "symbols": list(plane.symbols),
        "has_prior": explorer.run.model.is_gaussian,
    }


@st.cache_resource(max_entries=12, show_spinner=False)
def _packed_decoder(
    _explorer: "Explorer", identity: str, megabytes: float
) -> "bytes | UnsupportedNetwork":
    from vae.viewer.pack import pack_decoder

    try:
        return pack_decoder(_explorer, megabytes)
    except UnsupportedNetwork as error:
        return error


@st.cache_resource(max_entries=12, show_spinner=False)
def _packed_encoder(
    _explorer: "Explorer", identity: str, megabytes: float
) -> "bytes | UnsupportedNetwork":
    from vae.viewer.pack import pack_encoder

    try:
        return pack_encoder(_explorer, identity, megabytes)
    except UnsupportedNetwork as error:
        return error


@st.cache_resource(max_entries=4, show_spinner=False)
def _packed_labelled(
    _explorer: "Explorer", identity: str, megabytes: float
) -> "bytes | UnsupportedNetwork":
    from vae.viewer.pack import pack_labelled_decoder

    try:
        return pack_labelled_decoder(_explorer, identity, megabytes)
    except UnsupportedNetwork as error:
        return error


@st.cache_resource(max_entries=4, show_spinner=False)
def _packed_multi_rate(
    _explorer: "Explorer", identity: str, megabytes: float
) -> "tuple[bytes, bytes] | UnsupportedNetwork":
    from vae.viewer.pack import pack_multi_rate_decoder, pack_rate_curve

    try:
        decoder = pack_multi_rate_decoder(_explorer, multi_rate_id(_explorer), megabytes)
    except UnsupportedNetwork as error:
        return error
    return decoder, pack_rate_curve(_explorer, curve_id(_explorer))


@st.cache_resource(max_entries=12, show_spinner=False)
def _packed_codes(_explorer: "Explorer", identity: str) -> bytes:
    from vae.viewer.pack import pack_codes

    return pack_codes(_explorer, identity)


@st.cache_resource(max_entries=4, show_spinner=False)
def _packed_pictures(_gallery: "Gallery", identity: str) -> bytes | None:
    from vae.viewer.pack import pack_pictures

    return pack_pictures(_gallery, identity)
