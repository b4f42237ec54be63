"""Interpolate: goes from one image to another through latent space, beside a blend of pixels."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position, url_state
from pages.state.models import open_gallery
from pages.ui.assets import decoder_id, mount_codes, mount_decoders, surroundings
from pages.ui.endpoints import Endpoint, choose_endpoint
from pages.ui.image_picker import note_missing
from pages.ui.instruments import live_path
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_in_link, show_figure
from vae.charts.images import enlarge, gif_bytes, png_bytes, tile

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.explorer.latent.paths import PathKind

FRAMES = 11
FILM_FRAMES = 41
FILM_SECONDS = 3.0
PATH_POINTS = 101
PATHS: "dict[PathKind, str]" = {
    "linear": "Straight line",
    "spherical": "Arc",
    "data": "Along the data",
}

# Name in the link of the slider's position, from 0 at A to 1 at B.
POSITION = "t"

open_page(
    "Interpolate",
    "Choose two images and go from **A** to **B** through latent space. The **blend** beside it "
    "only fades one image into the other.",
)


def choose_path() -> "PathKind":
    """Choose the kind of path from A to B; the choice stands in the link."""
    return choose_in_link(
        "Path",
        list(PATHS),
        name="path",
        key="path-kind",
        format_func=PATHS.__getitem__,
        label_visibility="collapsed",
        help="The **straight line** passes nearer to the origin than codes lie. The **arc** keeps "
        "the length of the code between the lengths of its ends (White 2016). **Along the data** "
        "goes from test image to test image in many short steps. It is a shortest path in the "
        "graph that connects each code to its ten nearest codes.",
    )


def slider_position() -> float:
    """Return the position of the slider on the path, from 0 to 1."""
    return url_state.read_number(POSITION, 0.5, 0, 1)


def show_path(explorer: "Explorer", points: np.ndarray, start: Endpoint, end: Endpoint) -> None:
    """Show the live image with its slider, the live blend, and the path on the map."""
    live_path(
        f"path-{explorer.run.identity[:16]}",
        [{"asset": decoder_id(explorer), "caption": "latent path"}],
        points.tolist(),
        captions=("A", "B"),
        t=slider_position(),
        size=182,
        blend=(start.image, end.image),
        surroundings=surroundings(explorer),
        on_release=lambda t: url_state.write(POSITION, f"{t:g}"),
    )
    mount_decoders([explorer])
    mount_codes(explorer)


def show_end(explorer: "Explorer", name: str, label: int) -> Endpoint:
    """Show the widgets and the image of one end; `label` is its class at first."""
    end = choose_endpoint(explorer, name, label)
    picture = enlarge(end.image, 112)
    caption = f"{name} · {end.caption}"
    alt = f"End {name} of the path"
    st.image(picture, caption=caption, width=picture.shape[1], alt=alt, output_format="PNG")
    return end


def show_strips(decoded: np.ndarray, blended: np.ndarray) -> None:
    """Show eleven steps of the latent path, and below it those of the pixel blend."""
    for title, frames in (("Latent path", decoded), ("Pixel blend", blended)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{title}**", width=90)
            st.image(tile(frames, FRAMES, 64), alt=f"{title} from A to B")


def blend(start: Endpoint, end: Endpoint, count: int) -> np.ndarray:
    """Return the images (count, h, w, c) of a pixel blend."""
    fractions = np.linspace(0, 1, count)[:, None, None, None]
    return np.asarray((1 - fractions) * start.image + fractions * end.image)


def offer_exports(
    explorer: "Explorer", points: np.ndarray, decoded: np.ndarray, blended: np.ndarray, name: str
) -> None:
    """Offer to pin the position for all pages, and to download the film and the strips."""
    film = points[:: (PATH_POINTS - 1) // (FILM_FRAMES - 1)]
    with st.container(horizontal=True):
        st.button(
            "Pin this position",
            icon=":material/push_pin:",
            help="Make the position of the slider the shared one. Decode and Map open there.",
            on_click=lambda: latent_position.move_to(explorer, code_at(points, slider_position())),
        )
        st.download_button(
            "Film (GIF)",
            lambda: gif_bytes(explorer.decode(film), 280, FILM_SECONDS),
            f"{name}.gif",
            "image/gif",
            icon=":material/movie:",
            on_click="ignore",
        )
        st.download_button(
            "Strips (PNG)",
            lambda: png_bytes(tile(np.concatenate([decoded, blended]), FRAMES, 112)),
            f"{name}.png",
            "image/png",
            icon=":material/view_column:",
            on_click="ignore",
        )


def code_at(points: np.ndarray, t: float) -> np.ndarray:
    """Return the code at a fraction `t` of the path."""
    index = t * (len(points) - 1)
    low = min(int(index), len(points) - 2)
    return np.asarray(points[low] + (index - low) * (points[low + 1] - points[low]))


def show_measures(explorer: "Explorer", start: Endpoint, end: Endpoint, kind: "PathKind") -> None:
    """Show how evenly the images of each path change, and how near the data the path is."""
    from vae.charts.figures import path_measures
    from vae.explorer.latent.paths import pixel_changes

    paths = {
        title: explorer.path(start.code, end.code, FILM_FRAMES, each)
        for each, title in PATHS.items()
    }
    changes = {title: explorer.pixel_changes(codes).tolist() for title, codes in paths.items()}
    changes["Pixel blend"] = pixel_changes(blend(start, end, FILM_FRAMES)).tolist()
    outlying = {title: explorer.outlyingness(codes).tolist() for title, codes in paths.items()}
    show_figure(path_measures(changes, outlying, PATHS[kind]), key="path-measures")
    st.caption(
        "Left: the speed of change along each path, as the mean absolute change of a pixel per "
        "whole path. A level line means even steps. Right: the distance of each position from the "
        "nearest code of a test image, over the active dimensions. It is given as the share of "
        "test images that are nearer to their own nearest neighbour. The path along the data is "
        "near to the data, but not more even."
    )


explorer = pick_explorer()
with handle_errors():
    left, middle, right = st.columns([1, 3.5, 1], gap="medium")
    with left:
        start = show_end(explorer, "A", label=3)
    with right:
        end = show_end(explorer, "B", label=8)
    with middle:
        kind = choose_path()
        points = explorer.path(start.code, end.code, PATH_POINTS, kind)
        show_path(explorer, points, start, end)
    decoded = explorer.decode(points[:: (PATH_POINTS - 1) // (FRAMES - 1)])
    blended = blend(start, end, FRAMES)
    show_strips(decoded, blended)
    offer_exports(explorer, points, decoded, blended, f"{explorer.run.name}-{kind}")
    note_missing(explorer, open_gallery(explorer))
    with st.expander("How even is each path, and how near the data?", on_change="rerun") as fold:
        if fold.open:
            show_measures(explorer, start, end, kind)

with st.expander("Why not just blend the pixels?"):
    st.markdown(
        "Halfway between two images, the blend shows both at once, and no digit looks like that. "
        "Halfway between their codes, the decoder gives one image that looks like an image of the "
        "data. This holds as far as the codes between A and B lie among those of the training "
        "images. The ends of the latent path are the *reconstructions* of A and B, not A and B "
        "themselves."
    )
