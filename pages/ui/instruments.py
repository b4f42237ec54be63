"""Instruments that decode in the browser while they are moved.

A page mounts each big blob (a decoder, the codes) once with `mount_asset`; the instruments get
small JSON that names blobs by the identity they were packed with. Nothing is sent to Python while
something is dragged; the value is, when it is released. Decoders that the browser cannot run are
the exception: `served` decodes for them.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from pages.state.reported import is_code, is_number, is_pin
from vae.charts.images import enlarge
from vae.viewer.bundle import SOURCES, bundle, style_sheets


class DecoderPanel(TypedDict):
    """One live picture."""

    asset: str
    """Identity of a mounted decoder."""
    caption: str
    """Shown under the picture; may be empty."""
    order: NotRequired[Sequence[int]]
    """Position i of z moves latent index order[i] of this model; without it, index i."""
    signs: NotRequired[Sequence[int]]
    """1 or -1 by position: which way it moves it; without it, upwards."""
    base: NotRequired[Sequence[float]]
    """The code to which the sliders add; zeros without it."""


class Dimension(TypedDict):
    """One slider of `live_decode`."""

    index: int
    """Position in z."""
    label: str
    low: float
    high: float
    kl: float
    """Nats; drawn as a bar relative to the largest."""
    active: bool
    """Inactive ones are folded away."""


class PlaneSpec(TypedDict):
    """z(x, y) = origin + x * basis[0] + y * basis[1], the basis orthonormal."""

    origin: Sequence[float]
    basis: Sequence[Sequence[float]]
    labels: Sequence[str]
    """Names of the two axes."""
    symbols: Sequence[str]
    """What they are called beside a value."""
    has_prior: bool
    """Whether codes have a normal prior, which |z| and the axes are measured by."""


class Surroundings(TypedDict):
    """What lies around a code: how near the data is, on a map and in the nearest test images."""

    codes: str
    """Identity of the mounted codes."""
    pictures: str | None
    """Identity of the mounted test images; without it, the nearest ones are decoded."""
    plane: PlaneSpec
    """Of the small map."""
    colors: Sequence[str]
    """`#rrggbb` by class index."""


class BetaImage(TypedDict):
    """An image whose reconstruction follows beta."""

    means: np.ndarray
    """Its posterior mean at each beta of the curve's grid, (grid, latent)."""
    original: NotRequired[np.ndarray | None]
    """(h, w, c), pixels in [0, 1]."""
    caption: str


class TrainedModel(TypedDict):
    """A model trained for one beta alone, with which the curve is compared."""

    beta: float
    rate: float
    """Nats per test image, as the distortion."""
    distortion: float
    caption: str
    """Short: it stands beside the model's mark on the curve."""


class Pin(TypedDict):
    """A place picked on the map."""

    z: list[float]
    index: int
    """The nearest shown code on the map, -1 if no class is shown."""


class DrawingReport(TypedDict):
    """A drawing as the browser reports it; the places of strokes and pixels are not yet checked."""

    strokes: list[list[int]]
    """Each x0, y0, x1, y1, … in ten-thousandths of the pad's side."""
    pixels: list[int]
    """The model's image (h, w) row by row, 0 to 255; empty where nothing is drawn."""
    z: NotRequired[list[float] | None]
    """Its code, where the instrument has an encoder."""


class PadSpec(TypedDict):
    """What a pad needs to know."""

    ink: Mapping[str, object]
    """The fields of `vae.data.stroke_style.Ink`."""
    shape: Sequence[int]
    """(c, h, w) of the model's images."""
    encoder: NotRequired[str]
    """Identity of a mounted encoder."""


class NoPad(TypedDict):
    """Why there is no pad."""

    reason: str


INSTRUMENTS = ("decode", "map", "draw", "beta")
"""Each is a module of `vae/viewer/js`: `map/map.js`."""

CALL = bundle("streamlit/call.js")
"""The JavaScript of every component, which travels with each of its messages."""

_host = component("latent_host", js=bundle("streamlit/host.js"))
_asset = component("latent_asset", js=CALL)
_decode = component("latent_decode", js=CALL)
_map = component("latent_map", js=CALL)
_beta = component("latent_beta", js=CALL)
_draw = component("latent_draw", js=CALL)


def mount_host() -> None:
    """Sends the code and the styles of all instruments to the page; it belongs into the sidebar.

    It also lets links close the sidebar on a phone, and Back go to the page before. Instruments
    may come before it.
    """
    _host(key="host", data=styles())


def styles() -> dict[str, dict[str, Any]]:
    """Returns all style sheets by path, and the paths of each component's sheets in their order."""
    theme = "streamlit/theme.css"
    sheets = {theme: (SOURCES / theme).read_text(encoding="utf-8")}
    order = {}
    for name in INSTRUMENTS:
        own = style_sheets(f"{name}/{name}.js")
        order[f"latent_{name}"] = [theme, *own]
        sheets |= own
    return {"sheets": sheets, "order": order}


def mount_asset(blob: bytes, key: str) -> None:
    """Make a blob of `vae.viewer.blobs` known to this page's instruments, under its own identity.

    It takes no room. Instruments may come before it; they show their picture when it arrives.
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
    """Sliders that decode while dragged; returns z as last released, None before that.

    `z` moves the sliders only when it differs from the z of the last run and from what was just
    released, so it is safe to hand back what was released. What this returns stays the same until
    the next release, even when `z` moves on; keep a shared z with `on_release(z)`, which is called
    before the run that a release starts. `size` is a picture's box in pixels.
    """
    control = {"kind": "sliders", "dimensions": [dict(dimension) for dimension in dimensions]}
    spec = _decode_spec(panels, control, len(z), size) | _around(surroundings)
    data = {"spec": spec, "value": _floats(z)}
    told = _teller(key, "z", on_release, lambda value: is_code(value, len(z)))
    return _decode(key=key, data=data, on_z_change=told).z


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
    """One slider along a path, with play; returns t as last released, None before that.

    t is `span[0]` at the first point and `span[1]` at the last. `points` are at equal steps of t,
    straight lines between them. `captions` stand under the slider
    at equal distances. `seconds` is how long playing takes from one end to the other.
    `blend` are two images (h, w, c) with pixels in [0, 1] that fade into each other beside it.
    `on_release(t)` is called as in `live_decode`.
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
    told = _teller(key, "t", on_release, is_number)
    return _decode(key=key, data={"spec": spec, "value": [float(t)]}, on_t_change=told).t


def live_walk(
    key: str,
    panels: Sequence[DecoderPanel],
    points: Sequence[Sequence[float]],
    seconds: float = 2.0,
    size: int = 320,
) -> None:
    """A walk through the points for ever, `seconds` from each to the next; a click stops it."""
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
    """All codes on a plane, with the decoded image under the pointer; returns the pin, if any.

    `z` is the place to mark at first, and again whenever it changes. `colors` are `#rrggbb`, by
    class index. `size` is the map's side in pixels; without it, what the window has room for.
    `pictures_asset` names the test images; without them, the nearest ones are decoded. `backdrop`
    is the one to start with. `on_pin(pin)` is called before the run that a click starts.
    With `drawing` there is a pad beside the map, which begins with `strokes`; `tool` is what is in
    the hand at first. `on_drawn(drawn)` is called when the pen is lifted, `on_tool(tool)` when the
    hand takes another tool.
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
        on_pinned_change=_teller(key, "pinned", on_pin, lambda pin: is_pin(pin, latent)),
        on_drawn_change=_teller(key, "drawn", on_drawn),
        on_tool_change=_teller(key, "tool", on_tool),
    ).pinned


def live_draw(
    key: str,
    drawing: PadSpec,
    strokes: Sequence[Sequence[int]],
    is_known: bool,
    size: int = 400,
    on_drawn: Callable[[DrawingReport], None] | None = None,
) -> None:
    """A button that opens a pad of up to `size` pixels over the page, which begins with `strokes`.

    Python hears when the pen is lifted. Unless it `is_known` what image the strokes are for this
    model, that is told at once.
    """
    data = {
        "spec": {**drawing, "size": size},
        "strokes": [list(stroke) for stroke in strokes],
        "known": is_known,
    }
    _draw(key=key, data=data, on_drawn_change=_teller(key, "drawn", on_drawn))


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
    """One model of many betas under a slider of beta, which everything follows.

    Returns beta as last released, None before that. The first of `images` is the large one.
    `plane_labels` name the axes of the curve's points, `colors` are `#rrggbb` by class index.
    `beta` and `on_release(beta)` are as in `live_decode`; what is released is rounded to 4 digits
    after the point.
    """
    spec = beta_spec(decoder_asset, curve_asset, images, trained, plane_labels, colors)
    data = {"spec": spec, "value": [float(beta)]}
    told = _teller(key, "beta", on_release, is_number)
    return _beta(key=key, data=data, on_beta_change=told).beta


def beta_spec(
    decoder_asset: str,
    curve_asset: str,
    images: Sequence[BetaImage],
    trained: Sequence[TrainedModel],
    plane_labels: Sequence[str],
    colors: Sequence[str],
) -> dict[str, object]:
    """What `live_beta` tells the browser apart from beta."""
    return {
        "decoder": decoder_asset,
        "curve": curve_asset,
        "images": [_beta_image(image) for image in images],
        "trained": [_trained_model(model) for model in trained],
        "labels": list(plane_labels),
        "colors": list(colors),
    }


def _trained_model(model: TrainedModel) -> dict[str, object]:
    return {
        "beta": float(model["beta"]),
        "rate": float(model["rate"]),
        "distortion": float(model["distortion"]),
        "caption": model["caption"],
    }


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


def _teller(
    key: str,
    state: str,
    tell: Callable[[Any], None] | None,
    is_usable: Callable[[Any], bool] = lambda value: value is not None,
) -> Callable[[], None]:
    """Streamlit's callback for a state, which hands the state's value to `tell` if it is usable."""

    def changed() -> None:
        value = st.session_state[key].get(state)
        if tell is not None and is_usable(value):
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
    """An image (h, w, c) with pixels in [0, 1] as bytes (c, h, w)."""
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
    """Plain floats: JSON knows no numpy."""
    return [float(value) for value in values]
