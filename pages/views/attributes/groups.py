"""Chooses the two groups of images between which the direction runs."""

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from pages.state import latent_position, url_state
from pages.state.caches import BY_RUN
from pages.ui.widgets import choose_in_link, selected_points

if TYPE_CHECKING:
    from vae.analysis.attributes import Groups
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery
    from vae.metrics.morphology import Attribute

CLASS, LASSO = "class", "lasso"
"""Choices beside the names of attributes: the images of a class, and those inside a drawn loop."""

MAX_POINTS = 2000


def choose_attribute(explorer: "Explorer", gallery: "Gallery") -> str:
    """Choose the name of an attribute, CLASS or LASSO; the choice stands in the link."""
    from vae.metrics.morphology import ATTRIBUTES

    titles = {name: attribute.title for name, attribute in ATTRIBUTES.items()}
    if gallery.classes():
        titles[CLASS] = "A class"
    if explorer.latent_dim > 1:
        titles[LASSO] = "Your group"
    return choose_in_link(
        "Attribute",
        list(titles),
        name="attribute",
        key="attribute",
        default="thickness",
        format_func=titles.__getitem__,
        label_visibility="collapsed",
    )


def choose_groups(
    explorer: "Explorer", gallery: "Gallery", choice: str
) -> "tuple[Groups | None, Attribute | None]":
    """Return the two groups, and the attribute of which they are the ends.

    The groups are None until a loop is drawn. The attribute is None for a class and for a loop.
    """
    if choice == LASSO:
        return _lasso_groups(explorer, gallery), None
    if choice == CLASS:
        return _class_groups(explorer, gallery), None
    return _attribute_groups(gallery, choice)


def points_on_map(count: int) -> np.ndarray:
    """Return the indices of the test images on the map: at most MAX_POINTS, always the same."""
    return np.sort(np.random.default_rng(0).permutation(count)[:MAX_POINTS])


def _lasso_groups(explorer: "Explorer", gallery: "Gallery") -> "Groups | None":
    """Show a map to draw a loop on; return the groups inside and outside of it."""
    from vae.analysis.attributes import groups_by_selection

    event: Any = st.plotly_chart(
        _lasso_figure(explorer),
        key=f"lasso-{explorer.run.identity[:16]}",
        on_select="rerun",
        selection_mode=("lasso", "box"),
        config={"displayModeBar": False},
    )
    indices = points_on_map(len(gallery.labels))
    selected = selected_points(event, len(indices))
    if not selected:
        st.caption(
            "Draw a loop around some points. They form one group, and all other points here form "
            "the other group."
        )
        return None
    st.caption(f"{len(selected)} images in your group, {len(indices) - len(selected)} others.")
    return groups_by_selection(indices, indices[selected])


def _lasso_figure(explorer: "Explorer") -> Any:
    """Return the map; a cached copy would be another chart to Streamlit and lose its selection."""
    from vae.charts.attributes import lasso_map
    from vae.explorer.latent.projection import overview_plane

    atlas = explorer.atlas
    plane, indices = overview_plane(atlas.mean), points_on_map(len(atlas.label))
    points = plane.project(atlas.mean[indices])
    return lasso_map(points, atlas.label[indices], explorer.run.class_names, plane.labels)


def _class_groups(explorer: "Explorer", gallery: "Gallery") -> "Groups":
    from vae.analysis.attributes import groups_by_class

    label = _choose_class(explorer, gallery)
    return groups_by_class(gallery.labels, label, gallery.class_names[label])


def _choose_class(explorer: "Explorer", gallery: "Gallery") -> int:
    """Choose a class that has test images; the choice stands in the link."""
    dataset, classes = explorer.run.train.dataset, gallery.classes()
    key = f"attribute-class-{dataset}"
    linked = latent_position.parse_index(url_state.read("group", dataset), classes[-1] + 1)
    url_state.set_initial_value(key, linked if linked in classes else classes[0], classes)
    label = st.selectbox(
        "Class",
        classes,
        key=key,
        format_func=gallery.class_names.__getitem__,
        label_visibility="collapsed",
        width=160,
    )
    url_state.write("group", str(label), dataset)
    return int(label)


@st.cache_data(max_entries=50, show_spinner="Measuring the images …", hash_funcs=BY_RUN)
def _attribute_groups(gallery: "Gallery", name: str) -> "tuple[Groups, Attribute | None]":
    from vae.analysis.attributes import attribute_groups

    return attribute_groups(gallery, name)
