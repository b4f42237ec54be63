"""Mounts the live instruments: widgets that decode in the browser while people move them.

A page sends each large blob (a decoder, the codes) once with `mount_asset`. The instruments get
small JSON, which refers to blobs by their ids. The browser sends nothing to Python during a drag;
it sends the value at the release. The exception are decoders that the browser cannot run, which
`pages.ui.server_decode` runs on the server.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from pages.state.reported_values import is_code, is_number, is_pin
from vae.charts.images import enlarge
from vae.viewer.bundle import SOURCES, bundle, style_sheets


class DecoderPanel(TypedDict):
    """One live picture."""

    asset: str
    """The id of a mounted decoder."""
    caption: str
    """The text under the picture; may be empty."""
    order: NotRequired[Sequence[int]]
    """Position i of z moves the latent dimension order[i] of this model; by default, i."""
    signs: NotRequired[Sequence[int]]
    """The direction, 1 or -1, in which each position of z moves its dimension; by default, 1."""
    base: NotRequired[Sequence[float]]
    """The code to which the sliders add; by default, zeros."""


class Dimension(TypedDict):
    """One slider of `live_decode`."""

    index: int
    """The position in z."""
    label: str
    low: float
    high: float
    kl: float
    """The rate in nats, drawn as a bar relative to the largest rate."""
    active: bool
    """Whether the dimension is active; inactive ones are folded away."""


class PlaneSpec(TypedDict):
    """A plane z(x, y) = origin + x * basis[0] + y * basis[1] with an orthonormal basis."""

    origin: Sequence[float]
    basis: Sequence[Sequence[float]]
    labels: Sequence[str]
    """The names of the two axes."""
    symbols: Sequence[str]
    """The short names of the axes, for use beside a value."""
    has_prior: bool
    """Whether codes have a normal prior, which gives |z| and the axes their unit."""


class Surroundings(TypedDict):
    """The data around a code, which an instrument shows on a small map and as test images."""

    codes: str
    """The id of the mounted codes."""
    pictures: str | None
    """The id of the mounted test images; if None, the nearest ones are decoded."""
    plane: PlaneSpec
    """The plane of the small map."""
    colors: Sequence[str]
    """The colour of each class, as `#rrggbb`."""


class BetaImage(TypedDict):
    """An image whose reconstruction follows the slider of beta."""

    means: np.ndarray
    """The posterior mean at each beta of the curve's grid, (grid, latent)."""
    original: NotRequired[np.ndarray | None]
    """The image itself, (h, w, c), pixels in [0, 1]."""
    caption: str


class TrainedModel(TypedDict):
    """A model that was trained for one beta, as a mark beside the curve."""

    beta: float
    rate: float
    """The rate in nats per test image, the unit of the distortion too."""
    distortion: float
    caption: str
    """A short text beside the model's mark."""


class Pin(TypedDict):
    """A position that somebody picked on the map."""

    z: list[float]
    index: int
    """The index of the nearest shown code, or -1 if no class is shown."""


class DrawingReport(TypedDict):
    """A drawing as the browser reports it, before any check of strokes and pixels."""

    strokes: list[list[int]]
    """The strokes, each x0, y0, x1, y1, … in ten-thousandths of the pad's side."""
    pixels: list[int]
    """The model's image (h, w) row by row, 0 to 255; empty if nothing is drawn."""
    z: NotRequired[list[float] | None]
    """The code of the drawing, if the instrument has an encoder."""


class PadSpec(TypedDict):
    """The settings of a drawing pad."""

    ink: Mapping[str, object]
    """The fields of `vae.data.stroke_style.Ink`."""
    shape: Sequence[int]
    """The shape (c, h, w) of the model's images."""
    encoder: NotRequired[str]
    """The id of a mounted encoder."""


class NoPad(TypedDict):
    """The reason why a model has no pad."""

    reason: str


INSTRUMENTS = ("decode", "map", "draw", "beta")
"""The instruments; the module of `map` is `vae/viewer/js/map/map.js`."""

CALL = bundle("streamlit/call.js")
"""The small JavaScript of every component, which Streamlit sends with each message."""

_host = component("latent_host", js=bundle("streamlit/host.js"))
_asset = component("latent_asset", js=CALL)
_decode = component("latent_decode", js=CALL)
_map = component("latent_map", js=CALL)
_beta = component("latent_beta", js=CALL)
_draw = component("latent_draw", js=CALL)


def mount_host() -> None:
    """Send the code and the styles of all instruments to the page; call it in the sidebar.

    The code also closes the sidebar after a link on a phone, and makes Back return to the previous
    page. Instruments may come before it.
    """
    _host(key="host", data=styles())


def styles() -> dict[str, dict[str, Any]]:
    """Return all style sheets by path, and the paths of each component's sheets in their order."""
    theme = "streamlit/theme.css"
    sheets = {theme: (SOURCES / theme).read_text(encoding="utf-8")}
    order = {}
    for name in INSTRUMENTS:
        own = style_sheets(f"{name}/{name}.js")
        order[f"latent_{name}"] = [theme, *own]
        sheets |= own
    return {"sheets": sheets, "order": order}


def mount_asset(blob: bytes, key: str) -> None:
    """Give a blob of `vae.viewer.blobs` to this page's instruments, by the id in its header.

    It takes no space on the page. Instruments may come before it.
    """
    _asset(key=key, data=blob)


def live_decode(
    key: str,
    panels: Sequence[DecoderPanel],
    dimensions: Sequence[Dimension],
    z: Sequence[float],
    size: int = 320,
    surroundings: Surroundings | None = None,
    on_release: Callable[[list[float]], None] | None = None,
) -> list[float] | None:
    """Show sliders that decode during a drag; return z at the last release, None before one.

    The sliders follow `z` if it is a new value, and not the value of the last release. So a page
    can pass the released value back. The return value stays the same until the next release, even
    if `z` changes. To keep a shared z, use `on_release`.

    Args:
        key: The component's key in the session state.
        panels: The pictures.
        dimensions: The sliders.
        z: The code (latent,) that the sliders show.
        size: The side of a picture in pixels.
        surroundings: The data around the code; if None, no map is shown.
        on_release: Called with z after a release, before the run that the release starts.
    """
    control = {"kind": "sliders", "dimensions": [dict(dimension) for dimension in dimensions]}
    spec = _decode_spec(panels, control, len(z), size) | _around(surroundings)
    data = {"spec": spec, "value": _floats(z)}
    callback = _callback(key, "z", on_release, lambda value: is_code(value, len(z)))
    return _decode(key=key, data=data, on_z_change=callback).z


def live_path(
    key: str,
    panels: Sequence[DecoderPanel],
    points: Sequence[Sequence[float]],
    captions: Sequence[str] = (),
    t: float = 0.0,
    span: tuple[float, float] = (0.0, 1.0),
    seconds: float = 4.0,
    size: int = 320,
    blend: tuple[np.ndarray, np.ndarray] | None = None,
    surroundings: Surroundings | None = None,
    on_release: Callable[[float], None] | None = None,
) -> float | None:
    """Show a slider along a path, with a play button; return t at the last release, or None.

    Args:
        key: The component's key in the session state.
        panels: The pictures.
        points: The codes at equal steps of t, with straight lines between them.
        captions: The texts under the slider, at equal distances.
        t: The position on the path.
        span: The values of t at the first and at the last point.
        seconds: The time that playing takes from one end to the other.
        size: The side of a picture in pixels.
        blend: Two images (h, w, c), pixels in [0, 1], that fade into each other beside the path.
        surroundings: The data around the code; if None, no map is shown.
        on_release: Called with t after a release, before the run that the release starts.
    """
    control = {
        "kind": "path",
        "points": [_floats(point) for point in points],
        "captions": list(captions),
        "seconds": seconds,
        "span": _floats(span),
    }
    spec = _decode_spec(panels, control, len(points[0]), size) | _around(surroundings)
    if blend is not None:
        spec["blend"] = _blend(*blend)
    callback = _callback(key, "t", on_release, is_number)
    return _decode(key=key, data={"spec": spec, "value": [float(t)]}, on_t_change=callback).t


def live_walk(
    key: str,
    panels: Sequence[DecoderPanel],
    points: Sequence[Sequence[float]],
    seconds: float = 2.0,
    size: int = 320,
) -> None:
    """Show an endless walk, `seconds` from each point to the next; a click stops it."""
    control = {"kind": "walk", "points": [_floats(point) for point in points], "seconds": seconds}
    _decode(key=key, data={"spec": _decode_spec(panels, control, len(points[0]), size)})


def live_map(
    key: str,
    codes_asset: str,
    decoder_asset: str,
    plane: PlaneSpec,
    colors: Sequence[str],
    z: Sequence[float] | None = None,
    size: int | None = None,
    pictures_asset: str | None = None,
    backdrop: Literal["none", "manifold", "ellipses", "prior"] = "none",
    on_pin: Callable[[Pin], None] | None = None,
    drawing: PadSpec | NoPad | None = None,
    strokes: Sequence[Sequence[int]] = (),
    tool: Literal["point", "draw"] = "point",
    on_drawn: Callable[[DrawingReport], None] | None = None,
    on_tool: Callable[[str], None] | None = None,
) -> Pin | None:
    """Show all codes on a plane, with the decoded image at the pointer; return the pin, if any.

    Args:
        key: The component's key in the session state.
        codes_asset: The id of the mounted codes.
        decoder_asset: The id of a mounted decoder.
        plane: The plane of the map.
        colors: The colour of each class, as `#rrggbb`.
        z: The position to mark, again whenever it changes.
        size: The side of the map in pixels; if None, the window decides.
        pictures_asset: The id of the mounted test images; if None, the nearest ones are decoded.
        backdrop: The backdrop at first.
        on_pin: Called with the pin after a click, before the run that the click starts.
        drawing: The pad beside the map, or the reason why there is none; if None, neither.
        strokes: The strokes on the pad at first.
        tool: The selected tool at first.
        on_drawn: Called with the drawing after each stroke.
        on_tool: Called with the name of a tool after its selection.
    """
    latent = len(plane["origin"])
    spec = {
        "codes": codes_asset,
        "decoder": decoder_asset,
        "pictures": pictures_asset,
        "plane": _plane(plane),
        "colors": list(colors),
        "size": size,
        "backdrop": backdrop,
        "drawing": drawing,
    }
    data = {
        "spec": spec,
        "value": None if z is None else _floats(z),
        "strokes": [list(stroke) for stroke in strokes],
        "tool": tool,
    }
    return _map(
        key=key,
        data=data,
        on_pinned_change=_callback(key, "pinned", on_pin, lambda pin: is_pin(pin, latent)),
        on_drawn_change=_callback(key, "drawn", on_drawn),
        on_tool_change=_callback(key, "tool", on_tool),
    ).pinned


def live_draw(
    key: str,
    drawing: PadSpec,
    strokes: Sequence[Sequence[int]],
    is_known: bool,
    size: int = 400,
    on_drawn: Callable[[DrawingReport], None] | None = None,
) -> None:
    """Show a button that opens a drawing pad over the page.

    Args:
        key: The component's key in the session state.
        drawing: The settings of the pad.
        strokes: The strokes on the pad at first.
        is_known: Whether Python has the image of these strokes for this model; if not, the browser
            sends it at once.
        size: The largest side of the pad in pixels.
        on_drawn: Called with the drawing after each stroke.
    """
    data = {
        "spec": {**drawing, "size": size},
        "strokes": [list(stroke) for stroke in strokes],
        "known": is_known,
    }
    _draw(key=key, data=data, on_drawn_change=_callback(key, "drawn", on_drawn))


def live_beta(
    key: str,
    decoder_asset: str,
    curve_asset: str,
    images: Sequence[BetaImage],
    trained: Sequence[TrainedModel],
    plane_labels: Sequence[str],
    colors: Sequence[str],
    beta: float,
    on_release: Callable[[float], None] | None = None,
) -> float | None:
    """Show a multi-rate model with a slider of beta; return beta at the last release, or None.

    Args:
        key: The component's key in the session state.
        decoder_asset: The id of the mounted decoder for all betas.
        curve_asset: The id of the mounted rate-distortion curve.
        images: The images; the first one is large.
        trained: The models to mark beside the curve.
        plane_labels: The names of the two axes of the codes.
        colors: The colour of each class, as `#rrggbb`.
        beta: The beta that the slider shows, as z in `live_decode`.
        on_release: Called with beta, rounded to 4 decimals, before the run that a release starts.
    """
    spec = beta_spec(decoder_asset, curve_asset, images, trained, plane_labels, colors)
    data = {"spec": spec, "value": [float(beta)]}
    callback = _callback(key, "beta", on_release, is_number)
    return _beta(key=key, data=data, on_beta_change=callback).beta


def beta_spec(
    decoder_asset: str,
    curve_asset: str,
    images: Sequence[BetaImage],
    trained: Sequence[TrainedModel],
    plane_labels: Sequence[str],
    colors: Sequence[str],
) -> dict[str, object]:
    """Return the part of the data of `live_beta` that does not change with beta.

    The arguments are those of `live_beta`.
    """
    return {
        "decoder": decoder_asset,
        "curve": curve_asset,
        "images": [_beta_image(image) for image in images],
        "trained": [_trained_model(model) for model in trained],
        "labels": list(plane_labels),
        "colors": list(colors),
    }


def _trained_model(model: TrainedModel) -> dict[str, object]:
    numbers = {"beta": model["beta"], "rate": model["rate"], "distortion": model["distortion"]}
    return {name: float(value) for name, value in numbers.items()} | {"caption": model["caption"]}


def _beta_image(image: BetaImage) -> dict[str, object]:
    plain: dict[str, object] = {
        "means": _base64(np.asarray(image["means"], dtype="<f4")),
        "caption": image["caption"],
    }
    original = image.get("original")
    if original is not None:
        pixels = _levels(original)
        plain["original"] = {"shape": list(pixels.shape), "pixels": _base64(pixels)}
    return plain


def _callback(
    key: str,
    state: str,
    tell: Callable[[Any], None] | None,
    is_valid: Callable[[Any], bool] = lambda value: value is not None,
) -> Callable[[], None]:
    """Return Streamlit's callback for a state; it calls `tell` with the value if it is valid."""

    def changed() -> None:
        value = st.session_state[key].get(state)
        if tell is not None and is_valid(value):
            tell(value)

    return changed


def _decode_spec(
    panels: Sequence[DecoderPanel], control: Mapping[str, object], latent: int, size: int
) -> dict[str, object]:
    return {
        "panels": [_panel(panel) for panel in panels],
        "control": control,
        "latent": latent,
        "size": size,
    }


def _around(surroundings: Surroundings | None) -> dict[str, object]:
    if surroundings is None:
        return {}
    plain = {**surroundings, "plane": _plane(surroundings["plane"])}
    return {"surroundings": plain | {"colors": list(surroundings["colors"])}}


def _plane(plane: PlaneSpec) -> dict[str, object]:
    return {
        "origin": _floats(plane["origin"]),
        "basis": [_floats(axis) for axis in plane["basis"]],
        "labels": list(plane["labels"]),
        "symbols": list(plane["symbols"]),
        "has_prior": plane["has_prior"],
    }


def _blend(start: np.ndarray, end: np.ndarray) -> dict[str, object]:
    pixels = [_levels(image) for image in (start, end)]
    texts = [_base64(image) for image in pixels]
    return {"shape": list(pixels[0].shape), "start": texts[0], "end": texts[1]}


def _levels(image: np.ndarray) -> np.ndarray:
    """Return an image (h, w, c) with pixels in [0, 1] as bytes (c, h, w)."""
    return enlarge(image, 1).transpose(2, 0, 1)


def _base64(array: np.ndarray) -> str:
    return b64encode(array.tobytes()).decode()


def _panel(panel: DecoderPanel) -> dict[str, object]:
    plain: dict[str, object] = {"asset": panel["asset"], "caption": panel["caption"]}
    if "order" in panel:
        plain["order"] = [int(index) for index in panel["order"]]
    if "signs" in panel:
        plain["signs"] = [int(sign) for sign in panel["signs"]]
    if "base" in panel:
        plain["base"] = _floats(panel["base"])
    return plain


def _floats(values: Sequence[float]) -> list[float]:
    """Return plain floats, because JSON has no numpy numbers."""
    return [float(value) for value in values]
