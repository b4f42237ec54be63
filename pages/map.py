"""Map: shows each test image as a point of latent space, and decodes the point at the pointer."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state import latent_position, url_state
from pages.ui import drawing
from pages.ui.assets import (
    codes_id,
    decoder_id,
    encoder_id,
    mount_codes,
    mount_decoders,
    mount_pictures,
    pictures_id,
    plane_spec,
)
from pages.ui.instruments import DrawingReport, live_map
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_one

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.explorer.latent.projection import LatentPlane

# Names and values in the link.
PLANE, PRINCIPAL, TOOL = "plane", "principal", "tool"
VIEWS = ("Principal plane", "Two dimensions")

open_page(
    "Map",
    "Each point is a test image. **Move the pointer** to decode any position, **click** to pin it "
    "for all pages, or **draw** an image of your own.",
)


def choose_plane(explorer: "Explorer") -> "LatentPlane":
    """Return the plane of a model of two dimensions; choose one for a model of more."""
    from vae.explorer.latent.projection import pair_plane, pca_plane

    mean = explorer.atlas.mean
    if explorer.latent_dim == 2:
        return pair_plane(mean, 0, 1)
    with st.container(horizontal=True, vertical_alignment="center", key="plane-row"):
        pair = choose_pair(explorer)
        if pair is None:
            plane = pca_plane(mean)
        else:
            plane = pair_plane(mean, *pair, through=latent_position.position(explorer))
        st.caption(
            f"{plane.kept_variance:.0%} of the codes' variance lies in this plane; "
            f"the other {1 - plane.kept_variance:.0%} is projected away."
        )
    return plane


def choose_pair(explorer: "Explorer") -> tuple[int, int] | None:
    """Choose two dimensions, or None for the principal plane; the choice stands in the link."""
    order, identity = explorer.dimensions_by_rate(), explorer.run.identity
    linked = _parse_pair(url_state.read(PLANE, identity), explorer.latent_dim)
    url_state.set_initial_value(f"view-{identity}", VIEWS[0] if linked is None else VIEWS[1])
    view = choose_one("View", VIEWS, f"view-{identity}", label_visibility="collapsed")
    if view == VIEWS[0]:
        url_state.write(PLANE, PRINCIPAL, identity)
        return None
    across, up = linked or order[:2]
    url_state.set_initial_value(f"across-{identity}", across)
    url_state.set_initial_value(f"up-{identity}", up)
    first = choose_dimension("Across", "→", order, f"across-{identity}")
    second = choose_dimension("Up", "↑", order, f"up-{identity}")
    if first == second:
        second = next(dimension for dimension in order if dimension != first)
        st.caption(f"A plane needs two dimensions, so up is {_dimension_name(second)}.")
    url_state.write(PLANE, f"{first + 1},{second + 1}", identity)
    return first, second


def choose_dimension(name: str, arrow: str, order: list[int], key: str) -> int:
    """Choose the dimension of one axis of the plane."""
    return st.selectbox(
        name,
        order,
        key=key,
        format_func=lambda dimension: f"{arrow} {_dimension_name(dimension)}",
        label_visibility="collapsed",
        width=110,
    )


def _parse_pair(text: str | None, latent_dim: int) -> tuple[int, int] | None:
    """Return the indices of two different dimensions such as "1,3" names, or None."""
    named = [latent_position.parse_index(part, latent_dim + 1) for part in (text or "").split(",")]
    pair = [number - 1 for number in named if number]
    return (pair[0], pair[1]) if len(named) == len(set(pair)) == 2 else None


def _dimension_name(dimension: int) -> str:
    return f"z{dimension + 1}"


def keep_drawing(explorer: "Explorer", drawn: DrawingReport) -> None:
    """Keep a drawing for the session, and make its code the shared latent position."""
    code = drawing.read_code(drawn, explorer.latent_dim)
    if drawing.keep(drawing.MAIN, explorer, drawn) and code is not None:
        latent_position.move_to(explorer, code)


def show_map(explorer: "Explorer", plane: "LatentPlane") -> None:
    """Show the map; a click or a drawing moves the shared latent position."""
    from vae.charts.figures import CLASS_COLOURS

    pad = drawing.pad_or_reason(explorer, encoder_id(explorer))
    live_map(
        f"map-{explorer.run.identity[:16]}",
        codes_id(explorer),
        decoder_id(explorer),
        plane_spec(explorer, plane),
        pictures_asset=pictures_id(explorer),
        z=latent_position.position(explorer).tolist(),
        colors=CLASS_COLOURS,
        on_pin=lambda pin: latent_position.move_to(explorer, pin["z"]),
        drawing=pad,
        strokes=drawing.strokes(drawing.MAIN),
        tool="draw" if url_state.read(TOOL) == "draw" else "point",
        on_drawn=lambda drawn: keep_drawing(explorer, drawn),
        on_tool=lambda tool: url_state.write(TOOL, "draw" if tool == "draw" else "point"),
    )
    mount_codes(explorer)
    mount_decoders([explorer], encoders=[explorer] if drawing.can_draw(explorer) else [])
    mount_pictures(explorer)


explorer = pick_explorer()
with handle_errors():
    if explorer.latent_dim == 1:
        st.info("This model has one latent dimension, so it has no plane. Open Decode instead.")
        st.stop()
    show_map(explorer, choose_plane(explorer))

with st.expander("What am I seeing?"):
    st.markdown(
        "The encoder gives each image a Gaussian posterior $q(z|x)$, and the map shows its mean. "
        "**Manifold** decodes a grid of positions. **Ellipses** show one standard deviation of "
        "some posteriors. **Prior** shows the radii of 1, 2 and 3 standard deviations of $p(z)$, "
        "from which samples are decoded. Points have the colour of their class on every page. Far "
        "from all points the decoder invents, so trust the image only where the data is near "
        "(Kingma and Welling 2014). **Off data** measures the distance from the data. It is the "
        "share of test images that are nearer to their own nearest neighbour than this position is "
        "to its nearest image. It is computed over all active dimensions, including those outside "
        "the plane."
        "\n\n**Draw** prepares your drawing in the same way as the data. An MNIST digit was scaled "
        "to fit 20x20 pixels and moved until its centre of mass was in the middle of 28x28 (LeCun "
        "et al. 1998). The encoder gets the result, and the mean of its posterior is pinned when "
        "you lift the pen. A conditional model encodes it as the class chosen in the sidebar. "
        "Drawings for other data sets stay at their position."
    )
