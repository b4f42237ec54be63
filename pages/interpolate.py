"""Interpolate: from one image to another through latent space, beside a plain pixel blend."""

import numpy as np
import streamlit as st

from pages.state import latent_position, url_state
from pages.state.models import open_gallery
from pages.ui.assets import decoder_id, mount_codes, mount_decoders, surroundings
from pages.ui.endpoints import choose_endpoint
from pages.ui.image_picker import note_missing
from pages.ui.instruments import live_path
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_one
from vae.charts.images import enlarge, gif_bytes, png_bytes, tile

FRAMES = 11
FILM_FRAMES = 41
FILM_SECONDS = 3.0
PATH_POINTS = 101
PATHS = {"linear": "Straight line", "spherical": "Arc", "data": "Along the data"}
PATH, PLACE = "path", "t"


open_page(
    "Interpolate",
    "Choose two images and walk from **A** to **B** through latent space. The **blend** beside it "
    "only fades one picture into the other.",
)


def choose_path():
    """Which way from A to B; kept in the link."""
    kept = url_state.read(PATH)
    url_state.set_initial_value("path-kind", kept if kept in PATHS else "linear")
    kind = choose_one(
        "Path",
        list(PATHS),
        "path-kind",
        format_func=PATHS.__getitem__,
        label_visibility="collapsed",
        help="The **straight line** passes nearer to the origin than codes lie. The **arc** keeps "
        "the code's length between that of its ends (White 2016). **Along the data** goes from "
        "test image to test image by many short hops (a shortest path in the graph of each "
        "code's ten nearest).",
    )
    url_state.write(PATH, kind)
    return kind


def kept_place() -> float:
    """How far along the path the hand left the slider, 0 to 1; kept in the link."""
    try:
        place = float(url_state.read(PLACE) or 0.5)
    except ValueError:
        return 0.5
    return place if 0 <= place <= 1 else 0.5


def show_walk(explorer, points, start, end) -> None:
    """The live image with its slider, the live blend, and the way on the map."""
    live_path(
        f"path-{explorer.run.identity[:16]}",
        [{"asset": decoder_id(explorer), "caption": "latent path"}],
        points.tolist(),
        captions=("A", "B"),
        t=kept_place(),
        size=182,
        blend=(start.image, end.image),
        surroundings=surroundings(explorer),
        on_release=lambda t: url_state.write(PLACE, f"{t:g}"),
    )
    mount_decoders([explorer])
    mount_codes(explorer)


def show_end(explorer, name: str, label: int):
    """One end: its widgets and its picture."""
    end = choose_endpoint(explorer, name, label)
    picture = enlarge(end.image, 112)
    caption = f"{name} · {end.caption}"
    alt = f"End {name} of the path"
    st.image(picture, caption=caption, width=picture.shape[1], alt=alt, output_format="PNG")
    return end


def show_strips(walked, blended) -> None:
    """Eleven steps of both ways, one above the other."""
    for title, frames in (("Latent path", walked), ("Pixel blend", blended)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{title}**", width=90)
            st.image(tile(frames, FRAMES, 64), alt=f"{title} from A to B")


def blend(start, end, count: int) -> np.ndarray:
    """The images (count, h, w, c) of a plain fade."""
    fractions = np.linspace(0, 1, count)[:, None, None, None]
    return (1 - fractions) * start.image + fractions * end.image


def offer_exports(explorer, points, walked, blended, name: str) -> None:
    """The place on the path for all pages; the film and the strips as files."""
    film = points[:: (PATH_POINTS - 1) // (FILM_FRAMES - 1)]
    with st.container(horizontal=True):
        st.button(
            "Pin this place",
            icon=":material/push_pin:",
            help="Make the place at the slider the shared one: Decode and Map open there.",
            on_click=lambda: latent_position.move_to(explorer, place_on(points, kept_place())),
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
            lambda: png_bytes(tile(np.concatenate([walked, blended]), FRAMES, 112)),
            f"{name}.png",
            "image/png",
            icon=":material/view_column:",
            on_click="ignore",
        )


def place_on(points, t: float) -> np.ndarray:
    """The code at a fraction of the path."""
    place = t * (len(points) - 1)
    low = min(int(place), len(points) - 2)
    return points[low] + (place - low) * (points[low + 1] - points[low])


def show_measures(explorer, start, end, kind) -> None:
    """How evenly each way moves, and how near the data it runs."""
    from vae.charts.figures import path_measures
    from vae.explorer.latent.paths import pixel_changes

    ways = {
        name: explorer.path(start.code, end.code, FILM_FRAMES, way) for way, name in PATHS.items()
    }
    changes = {name: explorer.pixel_changes(codes) for name, codes in ways.items()}
    changes["Pixel blend"] = pixel_changes(blend(start, end, FILM_FRAMES))
    off = {name: explorer.outlyingness(codes) for name, codes in ways.items()}
    figure = path_measures(changes, off, PATHS[kind])
    st.plotly_chart(figure, key="path-measures", config={"displayModeBar": False})
    st.caption(
        "Left: how fast the picture changes along each way (mean absolute change of a pixel, per "
        "whole path; level means even steps). Right: how far each place is from the nearest test "
        "image's code, over the active dimensions, as the share of test images that lie nearer to "
        "their own nearest neighbour. The way along the data is near to it, but not more even."
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
        show_walk(explorer, points, start, end)
    walked = explorer.decode(points[:: (PATH_POINTS - 1) // (FRAMES - 1)])
    blended = blend(start, end, FRAMES)
    show_strips(walked, blended)
    offer_exports(explorer, points, walked, blended, f"{explorer.run.name}-{kind}")
    note_missing(explorer, open_gallery(explorer))
    with st.expander("How even is each way, and how near the data?", on_change="rerun") as fold:
        if fold.open:
            show_measures(explorer, start, end, kind)

with st.expander("Why not just blend the pixels?"):
    st.markdown(
        "Halfway between two pictures the blend shows both at once: no digit looks like that. "
        "Halfway between their codes the decoder paints one picture that could be an image of its "
        "own, as far as the codes between A and B lie where the training images do. The ends of "
        "the latent path are the *reconstructions* of A and B, not A and B themselves."
    )
