"""Networks that the browser cannot run: it asks for pictures or codes, and the server runs them.

`request_channel.js` sends one request at a time, as the state `asked` of an invisible component in
a fragment of its own, so that it reruns nothing else; the answer is that component's data. It
repeats the request's number, because a page that is run anew answers the last request once more.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from pages.state.reported import is_code
from pages.ui.instruments import CALL, mount_asset

BATCH = 32
"""The most codes in one request."""

LAST_ANSWER = "served-answer"

_served = component("latent_served", js=CALL)


@dataclass(frozen=True)
class ServedDecoder:
    """A decoder on the server, as its instruments know it."""

    identity: str
    latent_dim: int
    image_shape: Sequence[int]
    """(c, h, w)."""
    reason: str
    """Why the browser does not run it, in a sentence."""
    decode: Callable[[np.ndarray], np.ndarray]
    """Codes (n, latent) to images (n, h, w, c) with pixels in [0, 1]; called by many threads."""

    part = "decoder"

    @property
    def inputs(self) -> int:
        """How many numbers each thing asked for has."""
        return self.latent_dim

    def answer(self, codes: np.ndarray) -> np.ndarray:
        """The images of codes (n, latent)."""
        return self.decode(codes)


@dataclass(frozen=True)
class ServedEncoder:
    """An encoder on the server, as its instruments know it; fields as those of a decoder."""

    identity: str
    latent_dim: int
    image_shape: Sequence[int]
    reason: str
    encode: Callable[[np.ndarray], np.ndarray]
    """Images (n, h, w, c) with pixels in [0, 1] to (n, numbers); called by many threads."""

    part = "encoder"

    @property
    def inputs(self) -> int:
        """How many numbers each thing asked for has: the bytes of an image (c, h, w)."""
        return math.prod(self.image_shape)

    def answer(self, pixels: np.ndarray) -> np.ndarray:
        """The codes of images (n, c * h * w) of bytes: the means, then any log-variances."""
        images = np.clip(pixels, 0, 255).reshape(-1, *self.image_shape) / np.float32(255)
        return self.encode(images.transpose(0, 2, 3, 1))


ServedNetwork = ServedDecoder | ServedEncoder


@dataclass(frozen=True)
class NetworkRequest:
    """What a browser asked for; nothing where that was unusable."""

    number: int
    asks: Sequence[tuple[ServedNetwork, np.ndarray]]
    """Networks with their inputs (n, numbers)."""


NOTHING = NetworkRequest(0, ())


def mount_served(networks: Sequence[ServedNetwork], key: str) -> None:
    """Make networks on the server known to this page's instruments, under their identities.

    One request can be for all of them. They take no room, and may come after the instruments.
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
        # Even where a network fails: without its component the channel would be cut off.
        _served(key=key, data=answer)


def _answer(request: NetworkRequest, key: str) -> bytes:
    """What was asked for; a page that is run anew does not decode them once more."""
    from vae.viewer.blobs import frames_blob

    question = key, request.number
    answered, answer = st.session_state.get(LAST_ANSWER, (None, b""))
    if answered != question:
        frames = [network.answer(inputs) for network, inputs in request.asks]
        answer = frames_blob(key, request.number, frames)
        st.session_state[LAST_ANSWER] = question, answer
    return answer


def pack_description(network: ServedNetwork, exchange: str) -> bytes:
    """What the browser has to know of a network, as a blob of kind `served`."""
    from vae.viewer.blobs import FORMAT, pack

    header = {
        "format": FORMAT,
        "kind": "served",
        "part": network.part,
        "id": network.identity,
        "exchange": exchange,
        "latent_dim": network.latent_dim,
        "image_shape": list(network.image_shape),
        "batch": BATCH,
        "reason": network.reason,
    }
    return pack(header, {})


def read_request(asked: object, networks: Mapping[str, ServedNetwork]) -> NetworkRequest:
    """The request in what a browser sent, of which nothing is taken on trust."""
    if not isinstance(asked, dict):
        return NOTHING
    number, asks = asked.get("number"), asked.get("asks")
    if type(number) is not int or not 0 < number < 2**53:
        return NOTHING
    if not isinstance(asks, list) or len(asks) > BATCH:
        return NetworkRequest(number, ())
    read = [_read_ask(ask, networks) for ask in asks]
    found = [ask for ask in read if ask is not None]
    count = sum(len(codes) for _, codes in found)
    return NetworkRequest(number, found if len(found) == len(asks) and count <= BATCH else ())


def _read_ask(
    ask: object, networks: Mapping[str, ServedNetwork]
) -> tuple[ServedNetwork, np.ndarray] | None:
    """One network's inputs, at least one; None where anything about it is unusable."""
    if not isinstance(ask, dict):
        return None
    name, codes = ask.get("decoder"), ask.get("codes")
    network = networks.get(name) if isinstance(name, str) else None
    if network is None or not isinstance(codes, list) or not 0 < len(codes) <= BATCH:
        return None
    if not all(is_code(code, network.inputs) for code in codes):
        return None
    return network, np.array(codes, dtype=np.float32)
