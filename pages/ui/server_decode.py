"""Runs networks on the server that the browser cannot run, at the request of the browser.

`request_channel.js` sends one request at a time, as the state `asked` of an invisible component.
The component has its own fragment, so a request reruns nothing else. The answer is the component's
data. It repeats the request's number, because a rerun of the page sends the last answer again.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from pages.state.reported_values import is_code
from pages.ui.instruments import CALL, mount_asset

BATCH = 32
"""The most inputs in one request."""

LAST_ANSWER = "served-answer"

_served = component("latent_served", js=CALL)


@dataclass(frozen=True)
class ServedDecoder:
    """A decoder that the server runs for the instruments."""

    identity: str
    latent_dim: int
    image_shape: Sequence[int]
    """(c, h, w)."""
    reason: str
    """A sentence that says why the browser does not run it."""
    decode: Callable[[np.ndarray], np.ndarray]
    """Decodes codes (n, latent) to images (n, h, w, c), pixels in [0, 1]; many threads call it."""

    part = "decoder"

    @property
    def inputs(self) -> int:
        """The length of one input: a code."""
        return self.latent_dim

    def answer(self, codes: np.ndarray) -> np.ndarray:
        """Return the images of codes (n, latent)."""
        return self.decode(codes)


@dataclass(frozen=True)
class ServedEncoder:
    """An encoder that the server runs for the instruments; its fields are those of a decoder."""

    identity: str
    latent_dim: int
    image_shape: Sequence[int]
    reason: str
    encode: Callable[[np.ndarray], np.ndarray]
    """Encodes images (n, h, w, c), pixels in [0, 1], to (n, numbers); many threads call it."""

    part = "encoder"

    @property
    def inputs(self) -> int:
        """The length of one input: the bytes of an image (c, h, w)."""
        return math.prod(self.image_shape)

    def answer(self, pixels: np.ndarray) -> np.ndarray:
        """Return the codes of images (n, c * h * w) of bytes: the means, then any log-variances."""
        images = np.clip(pixels, 0, 255).reshape(-1, *self.image_shape) / np.float32(255)
        return self.encode(images.transpose(0, 2, 3, 1))


ServedNetwork = ServedDecoder | ServedEncoder


@dataclass(frozen=True)
class NetworkRequest:
    """The inputs that a browser sent; none if the request was invalid."""

    number: int
    asks: Sequence[tuple[ServedNetwork, np.ndarray]]
    """Each network with its inputs (n, numbers)."""


EMPTY = NetworkRequest(0, ())


def mount_served(networks: Sequence[ServedNetwork], key: str) -> None:
    """Give networks that the server runs to this page's instruments, by their identities.

    One request can ask for several of them. They take no space on the page, and may come after the
    instruments.
    """
    for network in networks:
        blob = pack_description(network, exchange=key)
        mount_asset(blob, key=f"served-{network.part}-{network.identity[-80:]}")
    _exchange({network.identity: network for network in networks}, key)


@st.fragment
def _exchange(networks: Mapping[str, ServedNetwork], key: str) -> None:
    from vae.viewer.blobs import frames_blob

    asked = st.session_state.get(key, {}).get("asked")
    request = read_request(asked, networks)
    answer = frames_blob(key, request.number, [])
    try:
        answer = _answer(request, key)
    finally:
        # The component must stay on the page even if a network fails, or requests would end.
        _served(key=key, data=answer)


def _answer(request: NetworkRequest, key: str) -> bytes:
    """Return the answer to a request; a rerun of the page does not compute it again."""
    from vae.viewer.blobs import frames_blob

    current = key, request.number
    answered, answer = st.session_state.get(LAST_ANSWER, (None, b""))
    if answered != current:
        frames = [network.answer(inputs) for network, inputs in request.asks]
        answer = frames_blob(key, request.number, frames)
        st.session_state[LAST_ANSWER] = current, answer
    return answer


def pack_description(network: ServedNetwork, exchange: str) -> bytes:
    """Return a blob of kind `served`, which describes a network to the browser."""
    from vae.viewer.blobs import pack

    return pack(
        "served",
        network.identity,
        {},
        part=network.part,
        exchange=exchange,
        latent_dim=network.latent_dim,
        image_shape=list(network.image_shape),
        batch=BATCH,
        reason=network.reason,
    )


def read_request(asked: object, networks: Mapping[str, ServedNetwork]) -> NetworkRequest:
    """Return the request that a browser sent, after checking every part of it."""
    if not isinstance(asked, dict):
        return EMPTY
    number, asks = asked.get("number"), asked.get("asks")
    if type(number) is not int or not 0 < number < 2**53:
        return EMPTY
    if not isinstance(asks, list) or len(asks) > BATCH:
        return NetworkRequest(number, ())
    read = [_read_ask(ask, networks) for ask in asks]
    found = [ask for ask in read if ask is not None]
    count = sum(len(codes) for _, codes in found)
    return NetworkRequest(number, found if len(found) == len(asks) and count <= BATCH else ())


def _read_ask(
    ask: object, networks: Mapping[str, ServedNetwork]
) -> tuple[ServedNetwork, np.ndarray] | None:
    """Return one network and its inputs, or None if any part of the entry is invalid."""
    if not isinstance(ask, dict):
        return None
    name, codes = ask.get("decoder"), ask.get("codes")
    network = networks.get(name) if isinstance(name, str) else None
    if network is None or not isinstance(codes, list) or not 0 < len(codes) <= BATCH:
        return None
    if not all(is_code(code, network.inputs) for code in codes):
        return None
    return network, np.array(codes, dtype=np.float32)
