"""Decoders that the browser cannot run: it asks for pictures, and the server decodes them.

`channel.js` sends one request at a time, as the state `asked` of an invisible component in a
fragment of its own, so that it reruns nothing else; the answer is that component's data. It repeats
the request's number, because a page that is run anew answers the last request once more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from pages.shared.live import module_source, mount_asset

BATCH = 32
"""The most codes in one request."""

LIMIT = 1e4
"""The largest coordinate of a code; what people reach by hand is a hundredth of it."""

LAST_ANSWER = "served-answer"

_served = component("latent_served", js=module_source("served"))


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


@dataclass(frozen=True)
class Request:
    """What a browser asked for; nothing where that was unusable."""

    number: int
    asks: Sequence[tuple[ServedDecoder, np.ndarray]]
    """Decoders with codes (n, latent)."""


NOTHING = Request(0, ())


def mount_served(decoders: Sequence[ServedDecoder], key: str) -> None:
    """Make decoders on the server known to this page's instruments, under their identities.

    One request can be for all of them. They take no room, and may come after the instruments.
    """
    for decoder in decoders:
        blob = pack_description(decoder, exchange=key)
        mount_asset(blob, key=f"served-{decoder.identity[:16]}")
    _exchange({decoder.identity: decoder for decoder in decoders}, key)


@st.fragment
def _exchange(decoders: Mapping[str, ServedDecoder], key: str) -> None:
    from vae.browser.blobs import pack_frames

    asked = st.session_state.get(key, {}).get("asked")
    request = read_request(asked, decoders)
    answer = pack_frames(key, request.number, [])
    try:
        answer = _answer(request, key)
    finally:
        # Even where a decoder fails: without its component the channel would be cut off.
        _served(key=key, data=answer)


def _answer(request: Request, key: str) -> bytes:
    """The pictures asked for; a page that is run anew does not decode them once more."""
    from vae.browser.blobs import pack_frames

    question = key, request.number
    answered, answer = st.session_state.get(LAST_ANSWER, (None, b""))
    if answered != question:
        frames = [decoder.decode(codes) for decoder, codes in request.asks]
        answer = pack_frames(key, request.number, frames)
        st.session_state[LAST_ANSWER] = question, answer
    return answer


def pack_description(decoder: ServedDecoder, exchange: str) -> bytes:
    """What the browser has to know of a decoder, as a blob of kind `served`."""
    from vae.browser.blobs import FORMAT, pack

    header = {
        "format": FORMAT,
        "kind": "served",
        "id": decoder.identity,
        "exchange": exchange,
        "latent_dim": decoder.latent_dim,
        "image_shape": list(decoder.image_shape),
        "batch": BATCH,
        "reason": decoder.reason,
    }
    return pack(header, {})


def read_request(asked: object, decoders: Mapping[str, ServedDecoder]) -> Request:
    """The request in what a browser sent, of which nothing is taken on trust."""
    if not isinstance(asked, dict):
        return NOTHING
    number, asks = asked.get("number"), asked.get("asks")
    if type(number) is not int or not 0 < number < 2**53:
        return NOTHING
    if not isinstance(asks, list) or len(asks) > BATCH:
        return Request(number, ())
    read = [_read_ask(ask, decoders) for ask in asks]
    found = [ask for ask in read if ask is not None]
    count = sum(len(codes) for _, codes in found)
    return Request(number, found if len(found) == len(asks) and count <= BATCH else ())


def _read_ask(
    ask: object, decoders: Mapping[str, ServedDecoder]
) -> tuple[ServedDecoder, np.ndarray] | None:
    """One decoder's codes, at least one; None where anything about it is unusable."""
    if not isinstance(ask, dict):
        return None
    name, codes = ask.get("decoder"), ask.get("codes")
    decoder = decoders.get(name) if isinstance(name, str) else None
    if decoder is None or not isinstance(codes, list) or not 0 < len(codes) <= BATCH:
        return None
    if not all(_is_code(code, decoder.latent_dim) for code in codes):
        return None
    return decoder, np.array(codes, dtype=np.float32)


def _is_code(code: object, latent_dim: int) -> bool:
    if not isinstance(code, list) or len(code) != latent_dim:
        return False
    # The comparison also keeps out NaN, which Python's JSON lets through.
    return all(type(x) in (int, float) and abs(x) <= LIMIT for x in code)
