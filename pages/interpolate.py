"""Interpolate: from one image to another through latent space, beside a plain pixel blend."""

import numpy as np
import streamlit as st

from pages.shared.endpoints import choose_endpoint
from pages.shared.frame import calm_errors, open_page
from pages.shared.images import note_missing
from pages.shared.live import live_path
from pages.shared.models import mount_decoder, open_gallery, pick_explorer
from pages.shared.pictures import enlarge, tile

FRAMES = 11
PATH_POINTS = 41
PATH_NAMES = {"linear": "Straight line", "spherical": "Arc around the origin"}


open_page(
    "Interpolate",
    "Choose two images and walk from **A** to **B**. The walk goes through the latent space; the "
    "strip below it only fades one picture into the other.",
)


def choose_path():
    """Which way from A to B."""
    return st.segmented_control(
        "Path",
        list(PATH_NAMES),
        format_func=PATH_NAMES.__getitem__,
        default="linear",
        required=True,
        help="The arc keeps the code's length between that of its ends, where Gaussian codes "
        "are; the straight line passes nearer to the origin (White 2016).",
    )


def show_walk(explorer, start, end, kind) -> None:
    """The live image with its slider."""
    from vae.paths import interpolate

    points = interpolate(start.code, end.code, np.linspace(0, 1, PATH_POINTS), kind)
    live_path(
        f"path-{explorer.run.identity[:16]}",
        [{"asset": mount_decoder(explorer), "caption": ""}],
        points.tolist(),
        captions=("A", "B"),
        t=0.5,
        size=224,
    )


def show_end(explorer, name: str, label: int):
    """One end: its widgets and its picture."""
    end = choose_endpoint(explorer, name, label)
    picture = enlarge(end.image, 140)
    st.image(picture, caption=f"{name} · {end.caption}", width=picture.shape[1])
    return end


def show_strips(explorer, start, end, kind) -> None:
    """Eleven steps of both ways, and how far each step moves."""
    walked = explorer.interpolate(start.code, end.code, FRAMES, kind)
    fractions = np.linspace(0, 1, FRAMES)[:, None, None, None]
    blended = (1 - fractions) * start.image + fractions * end.image
    for title, frames in (("Latent path", walked), ("Pixel blend", blended)):
        steps = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{title}**  \n:small[{_spread(steps)}]", width=150)
            st.image(tile(frames, FRAMES, 64), alt=f"{title} from A to B")


def _spread(steps: np.ndarray) -> str:
    return f"mean change of a pixel per step {steps.min():.3f} to {steps.max():.3f}"


explorer = pick_explorer()
with calm_errors():
    left, middle, right = st.columns([1, 1.9, 1], gap="medium")
    with left:
        start = show_end(explorer, "A", label=3)
    with right:
        end = show_end(explorer, "B", label=8)
    with middle:
        kind = choose_path()
        show_walk(explorer, start, end, kind)
    note_missing(explorer, open_gallery(explorer))
    show_strips(explorer, start, end, kind)

with st.expander("Why not just blend the pixels?"):
    st.markdown(
        "Halfway between two pictures the blend shows both at once: no digit looks like that. "
        "Halfway between their codes the decoder paints one picture that could be an image of its "
        "own, as far as the codes between A and B lie where the training images do. The ends of "
        "the latent path are the *reconstructions* of A and B, not A and B themselves."
    )
