"""Shows the direction between two groups: on the map, as a slider, and decoded."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position, url_state
from pages.state.caches import BY_RUN
from pages.state.models import command_path
from pages.ui.assets import decoder_id, mount_codes, mount_decoders, plane_spec, surroundings
from pages.ui.instruments import live_path
from pages.ui.markdown import escaped, in_code
from pages.ui.widgets import show_figure
from pages.views.attributes.evidence import show_effect, show_numbers, show_verdict
from pages.views.attributes.groups import CLASS, LASSO, choose_groups, points_on_map
from vae.charts.images import tile

if TYPE_CHECKING:
    from vae.analysis.attributes import AttributeFinding, Groups
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery
    from vae.explorer.latent.projection import LatentPlane
    from vae.metrics.morphology import Attribute

STEP = "by"
"""Name in the link: how far the slider is from the image, in lengths of the direction."""

MAX_STEP = 2.0
COLUMNS = 9


def show_direction(explorer: "Explorer", gallery: "Gallery", choice: str) -> None:
    """Show the groups and the effect on the left, the slider and the evidence on the right."""
    left, right = st.columns([1, 1.4], gap="medium")
    with left:
        groups, attribute = choose_groups(explorer, gallery, choice)
        if groups is None:
            return
        finding = _finding(explorer, gallery, groups, attribute)
        if choice != LASSO:
            _show_map(explorer, groups, finding)
        show_effect(finding)
    with right:
        _show_slider(explorer, finding)
        show_verdict(finding)
        _show_means(explorer, finding)
        show_numbers(finding, _command(explorer, choice, finding))


def _show_map(explorer: "Explorer", groups: "Groups", finding: "AttributeFinding") -> None:
    """Show both groups on a plane, and the arrow between their means."""
    from vae.charts.attributes import groups_map

    if explorer.latent_dim < 2:
        st.caption("This model has one latent dimension: the direction is up or down.")
        return
    plane, indices = _plane(explorer, finding), points_on_map(len(explorer.atlas.label))
    ends = np.array([finding.direction.low_mean, finding.direction.high_mean])
    named = {groups.low_name: groups.low, groups.high_name: groups.high}
    figure = groups_map(
        plane.project(explorer.atlas.mean[indices]),
        {name: np.flatnonzero(np.isin(indices, group)) for name, group in named.items()},
        plane.project(ends),
        plane.labels,
    )
    show_figure(figure, key="groups-map")


def _show_slider(explorer: "Explorer", finding: "AttributeFinding") -> None:
    """Show the shared image plus a multiple of the direction, decoded while it is dragged."""
    start, vector = latent_position.position(explorer), finding.direction.vector
    around = surroundings(explorer)
    if around is not None:
        around["plane"] = plane_spec(explorer, _plane(explorer, finding))
    live_path(
        f"attribute-{explorer.run.identity[:16]}",
        [{"asset": decoder_id(explorer), "caption": "image + t · direction"}],
        [(start - MAX_STEP * vector).tolist(), (start + MAX_STEP * vector).tolist()],
        captions=("less", "the image itself", "more"),
        t=url_state.read_number(STEP, 0.0, -MAX_STEP, MAX_STEP),
        span=(-MAX_STEP, MAX_STEP),
        size=196,
        surroundings=around,
        on_release=lambda t: url_state.write(STEP, f"{t:g}"),
    )
    mount_decoders([explorer])
    mount_codes(explorer)


def _plane(explorer: "Explorer", finding: "AttributeFinding") -> "LatentPlane":
    """Return the plane that holds the direction; two dimensions are shown as they are."""
    from vae.explorer.latent.projection import direction_plane, overview_plane

    if explorer.latent_dim == 2 or finding.direction.length == 0:
        return overview_plane(explorer.atlas.mean)
    return direction_plane(explorer.atlas.mean, finding.direction.vector)


def _show_means(explorer: "Explorer", finding: "AttributeFinding") -> None:
    """Show the mean code of each group and the codes between them, decoded."""
    low, high = (np.array(m) for m in (finding.direction.low_mean, finding.direction.high_mean))
    between = low + np.linspace(0, 1, COLUMNS)[:, None] * (high - low)
    st.image(tile(explorer.decode(between), COLUMNS, 56), alt="Between the means")
    st.caption(
        f"From the mean code of **{escaped(finding.low_name)}** to that of "
        f"**{escaped(finding.high_name)}**."
    )


def _command(explorer: "Explorer", choice: str, finding: "AttributeFinding") -> str:
    """Return a sentence with the command that prints the numbers; "" for a drawn loop."""
    if choice == LASSO:
        return ""
    name = choice if choice != CLASS else f'"class:{finding.title.removeprefix("Class ")}"'
    command = f"vae attributes {command_path(explorer.run)} --attribute {name}"
    return f" {in_code(command)} prints these numbers."


@st.cache_data(max_entries=100, show_spinner="Comparing with chance …", hash_funcs=BY_RUN)
def _finding(
    explorer: "Explorer", gallery: "Gallery", groups: "Groups", _attribute: "Attribute | None"
) -> "AttributeFinding":
    # The title of the groups tells attributes apart.
    from vae.analysis.attributes import measure_attribute

    return measure_attribute(explorer, gallery, groups, _attribute)
