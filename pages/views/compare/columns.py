"""Shows the view Side by side: one image and one set of sliders for several betas."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position
from pages.state.caches import BY_DECODER
from pages.state.models import open_explorer, open_gallery
from pages.ui.assets import decoder_id, mount_decoders
from pages.ui.image_picker import offer_start_images
from pages.ui.instruments import DecoderPanel, Dimension, live_decode
from pages.ui.widgets import choose_in_link
from vae.charts.images import enlarge, png_bytes, tile

if TYPE_CHECKING:
    from vae.analysis.matching import Matching
    from vae.explorer import Explorer
    from vae.runs.comparison import Comparison

SLIDERS = 6
TRAVERSED = 3
STRIP = np.linspace(-3, 3, 7)
PICTURE = 140
ORDERS = {"rate": "by rate", "match": "matched across models"}


def show_columns(comparison: "Comparison") -> None:
    """Show one live picture for each setting, and traversals of the same dimensions below."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed, order = _choose_seed(comparison), _choose_order()
    explorers = [open_explorer(setting.of_seed(seed)) for setting in comparison.settings]
    labels = [setting.label for setting in comparison.settings]
    index = latent_position.image_index(explorers[0])
    matchings = _matchings(explorers, order)
    left, right = st.columns([1.15, 5.5])
    with left:
        _show_image(explorers[0], index)
    with right:
        _show_sliders(explorers, labels, matchings, index)
    offer_start_images(explorers[0], "Choose the image", key="compare-image")
    _show_traversals(explorers, labels, matchings, index)


def _choose_seed(comparison: "Comparison") -> int:
    seeds = [str(seed) for seed in comparison.seeds]
    if len(seeds) == 1:
        return comparison.seeds[0]
    return int(choose_in_link("Seed", seeds, "seed", "columns-seed", writes_default=False))


def _choose_order() -> str:
    return choose_in_link(
        "Sliders and traversals",
        [*ORDERS],
        "order",
        "columns-order",
        writes_default=False,
        format_func=ORDERS.__getitem__,
        help="“By rate”: slider 1 moves the dimension with the highest rate of each model. "
        "“Matched”: it moves the dimension whose codes correlate most with those of the first "
        "model's dimension, in the same direction.",
    )


def _matchings(explorers: "list[Explorer]", order: str) -> "list[Matching]":
    """Return, for each model, the dimensions that the sliders move."""
    reference = explorers[0]
    if order == "match":
        return [_match(explorer, reference) for explorer in explorers]
    return [_by_rate(explorer) for explorer in explorers]


def _by_rate(explorer: "Explorer") -> "Matching":
    from vae.analysis.matching import Matching

    order = np.array(explorer.dimensions_by_rate())
    return Matching(order, np.ones_like(order), np.full(len(order), np.nan))


@st.cache_resource(max_entries=200, show_spinner=False, hash_funcs=BY_DECODER)
def _match(explorer: "Explorer", reference: "Explorer") -> "Matching":
    """Match a model's dimensions to those of the reference, which are sorted by rate."""
    from vae.analysis.matching import match_dimensions

    codes = reference.atlas.mean[:, reference.dimensions_by_rate()]
    return match_dimensions(codes, explorer.atlas.mean)


def _show_image(explorer: "Explorer", index: int) -> None:
    gallery = open_gallery(explorer)
    kind = "Test image" if gallery.are_real else "Reconstruction"
    picture = enlarge(gallery.images(np.array([index]))[0], PICTURE)
    st.image(
        picture, caption=f"{kind} {index}", width=picture.shape[1], alt=kind, output_format="PNG"
    )
    st.caption("With all sliders at 0, each picture is that model's reconstruction of this image.")


def _show_sliders(
    explorers: "list[Explorer]", labels: list[str], matchings: "list[Matching]", index: int
) -> None:
    count = min(SLIDERS, explorers[0].latent_dim)
    panels: list[DecoderPanel] = [
        {
            "asset": decoder_id(explorer),
            "caption": label,
            "order": matching.dimensions[:count].tolist(),
            "signs": matching.signs[:count].tolist(),
            "base": explorer.atlas.mean[index].tolist(),
        }
        for explorer, label, matching in zip(explorers, labels, matchings, strict=True)
    ]
    rates = [e.run.results.test_rate_per_dimension for e in explorers]
    moved = [
        [rate[d] for d in m.dimensions[:count]] for rate, m in zip(rates, matchings, strict=True)
    ]
    dimensions: list[Dimension] = [
        {
            "index": i,
            "label": f"{i + 1}.",
            "low": -3.0,
            "high": 3.0,
            "kl": float(np.mean([row[i] for row in moved])),
            "active": True,
        }
        for i in range(count)
    ]
    name = f"compare-{explorers[0].run.identity[:12]}"
    live_decode(name, panels, dimensions, [0.0] * count, PICTURE)
    mount_decoders(explorers)


def _show_traversals(
    explorers: "list[Explorer]", labels: list[str], matchings: "list[Matching]", index: int
) -> None:
    st.markdown("**Traversals**: this image while one of the sliders 1 to 3 moves from −3 to 3")
    with st.container(key="traversals"):
        for explorer, label, matching in zip(explorers, labels, matchings, strict=True):
            _show_row(explorer, label, matching, index)


def _show_row(explorer: "Explorer", label: str, matching: "Matching", index: int) -> None:
    count = min(TRAVERSED, explorer.latent_dim)
    dimensions, signs = matching.dimensions[:count].tolist(), matching.signs[:count].tolist()
    strips = _traversal_strips(explorer, index, tuple(dimensions), tuple(signs))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{label}**", width=70)
        for strip, dimension, agreement in zip(
            strips, dimensions, matching.correlations, strict=False
        ):
            st.image(strip, caption=_strip_caption(explorer, dimension, agreement), alt="Traversal")


def _strip_caption(explorer: "Explorer", dimension: int, correlation: float) -> str:
    rate = explorer.run.results.test_rate_per_dimension[dimension]
    parts = [f"z{dimension + 1}", f"{rate:.1f} nats" if rate >= 0.05 else "off"]
    if np.isfinite(correlation):
        parts.append(f"|r| {correlation:.2f}")
    return " · ".join(parts)


@st.cache_resource(max_entries=400, show_spinner=False, hash_funcs=BY_DECODER)
def _traversal_strips(
    explorer: "Explorer", index: int, dimensions: tuple[int, ...], signs: tuple[int, ...]
) -> list[bytes]:
    """Return one PNG file for each dimension: the code of a test image moved along it."""
    code = explorer.atlas.mean[index]
    walks = [
        explorer.traverse(code, dimension, code[dimension] + sign * STRIP)
        for dimension, sign in zip(dimensions, signs, strict=True)
    ]
    return [png_bytes(tile(walk, len(STRIP), 40)) for walk in walks]
