"""Attributes: a direction between two groups of images, added to any image, and its worth."""

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from pages.state import latent_position, url_state
from pages.state.models import command_path, open_gallery
from pages.ui.assets import decoder_id, mount_codes, mount_decoders, plane_spec, surroundings
from pages.ui.image_picker import choose_test_image, note_missing
from pages.ui.instruments import live_path
from pages.ui.layout import handle_errors, open_page
from pages.ui.markdown import error_text, escaped, in_code
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_one, selected_points
from vae.charts.images import tile
from vae.core.errors import DataError

if TYPE_CHECKING:
    from vae.analysis.attributes import AttributeFinding, Groups
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery
    from vae.metrics.morphology import Attribute

CHOICE, LABEL, PLACE = "attribute", "group", "by"
CLASS, LASSO = "class", "lasso"
REACH = 2.0  # of the slider, in lengths of the direction
SHOWN = 2000
STRIP = 9

open_page(
    "Attributes",
    "Two groups of images have a direction between them. **Drag** the slider to add it to an "
    "image, and see whether it does more than chance.",
)


def choose_attribute(explorer: "Explorer", gallery: "Gallery") -> str:
    """An attribute, a class or a group of one's own; kept in the link."""
    from vae.metrics.morphology import ATTRIBUTES

    names = {name: attribute.title for name, attribute in ATTRIBUTES.items()}
    if gallery.classes():
        names[CLASS] = "A class"
    if explorer.latent_dim > 1:
        names[LASSO] = "Your group"
    url_state.set_initial_value("attribute", url_state.read(CHOICE), list(names))
    chosen = choose_one(
        "Attribute",
        list(names),
        "attribute",
        "thickness",
        format_func=names.__getitem__,
        label_visibility="collapsed",
    )
    url_state.write(CHOICE, chosen)
    return chosen


def choose_class(explorer: "Explorer", gallery: "Gallery") -> int:
    """A class that has test images; kept in the link."""
    dataset, classes = explorer.run.train.dataset, gallery.classes()
    kept, key = url_state.read(LABEL, dataset), f"attribute-class-{dataset}"
    known = latent_position.parse_index(kept, classes[-1] + 1)
    url_state.set_initial_value(key, known if known in classes else classes[0], classes)
    chosen = st.selectbox(
        "Class",
        classes,
        key=key,
        format_func=gallery.class_names.__getitem__,
        label_visibility="collapsed",
        width=160,
    )
    url_state.write(LABEL, str(chosen), dataset)
    return int(chosen)


def show_lasso(explorer: "Explorer", gallery: "Gallery") -> "Groups | None":
    """The codes to draw a loop around; the groups once that is done."""
    from vae.analysis.attributes import by_choice

    event: Any = st.plotly_chart(
        _lasso_figure(explorer),
        key=f"lasso-{explorer.run.identity[:16]}",
        on_select="rerun",
        selection_mode=("lasso", "box"),
        config={"displayModeBar": False},
    )
    shown = _shown_rows(len(gallery.labels))
    places = selected_points(event, len(shown))
    if not places:
        st.caption("Draw a loop around some points: they are one group, the others here the other.")
        return None
    st.caption(f"{len(places)} images in your group, {len(shown) - len(places)} others.")
    return by_choice(shown, shown[places])


def show_map(explorer: "Explorer", groups: "Groups", finding: "AttributeFinding") -> None:
    """Both groups on a plane, and the arrow between their means."""
    from vae.charts.attributes import groups_map

    if explorer.latent_dim < 2:
        st.caption("This model has one latent dimension: the direction is up or down.")
        return
    plane, shown = plane_of(explorer, finding), _shown_rows(len(explorer.atlas.label))
    ends = np.array([finding.direction.low_mean, finding.direction.high_mean])
    named = {groups.low_name: groups.low, groups.high_name: groups.high}
    figure = groups_map(
        plane.project(explorer.atlas.mean[shown]),
        {name: np.flatnonzero(np.isin(shown, rows)) for name, rows in named.items()},
        plane.project(ends),
        plane.labels,
    )
    st.plotly_chart(figure, key="groups-map", config={"displayModeBar": False})


def show_slider(explorer: "Explorer", finding: "AttributeFinding") -> None:
    """The shared image with so much of the direction added, decoded while it is dragged."""
    start, vector = latent_position.position(explorer), finding.direction.vector
    around = surroundings(explorer)
    if around is not None:
        around["plane"] = plane_spec(explorer, plane_of(explorer, finding))
    live_path(
        f"attribute-{explorer.run.identity[:16]}",
        [{"asset": decoder_id(explorer), "caption": "image + t · direction"}],
        [(start - REACH * vector).tolist(), (start + REACH * vector).tolist()],
        captions=("less", "the image itself", "more"),
        t=kept_place(),
        span=(-REACH, REACH),
        size=196,
        surroundings=around,
        on_release=lambda t: url_state.write(PLACE, f"{t:g}"),
    )
    mount_decoders([explorer])
    mount_codes(explorer)


def plane_of(explorer: "Explorer", finding: "AttributeFinding"):
    """The two dimensions as they are, or of more the plane in which the direction lies."""
    from vae.explorer.latent.projection import direction_plane

    if explorer.latent_dim == 2 or finding.direction.length == 0:
        return _plane(explorer)
    return direction_plane(explorer.atlas.mean, finding.direction.vector)


def kept_place() -> float:
    """How far the hand left the slider; kept in the link."""
    try:
        place = float(url_state.read(PLACE) or 0.0)
    except ValueError:
        return 0.0
    return place if abs(place) <= REACH else 0.0


def show_means(explorer: "Explorer", finding: "AttributeFinding") -> None:
    """Both groups' mean codes, decoded, and what lies between them."""
    low, high = (np.array(m) for m in (finding.direction.low_mean, finding.direction.high_mean))
    between = low + np.linspace(0, 1, STRIP)[:, None] * (high - low)
    st.image(tile(explorer.decode(between), STRIP, 56), alt="Between the means")
    st.caption(
        f"From the mean code of **{escaped(finding.low_name)}** to that of "
        f"**{escaped(finding.high_name)}**."
    )


def show_verdict(finding: "AttributeFinding") -> None:
    """A warning where the direction is no better than chance."""
    if finding.doubts:
        words = " ".join(finding.doubts)
        st.error(f"**No better than chance.** {words}", icon=":material/warning:")
    else:
        st.success(
            "**Better than chance**: images that are moved along it gain the attribute.",
            icon=":material/check:",
        )


def show_worth(finding: "AttributeFinding", command: str) -> None:
    """The numbers behind the verdict."""
    direction, effect = finding.direction, finding.effect
    low, high = direction.cosine_interval
    shown = (
        (
            "Cosine",
            f"{direction.cosine:.3f}",
            "Between the directions of two bootstrap resamples of the groups, on average: 1 is "
            "certainty.",
        ),
        (
            "p, groups",
            f"{direction.apart_p:.3f}",
            f"Of groupings of {direction.counts[0]:,} and {direction.counts[1]:,} of the same "
            "images at random, the share whose mean codes are at least as far apart.",
        ),
        (
            "Correlation",
            f"{effect.correlation:+.2f}",
            "Spearman's, of how far held-out images were moved with what is measured on the "
            "decoded images.",
        ),
        (
            "p, effect",
            f"{effect.p:.2f}",
            "The share of random directions of the same length, spread as the codes are, along "
            "which that correlation is at least as high.",
        ),
    )
    for column, (label, value, help_text) in zip(st.columns(4), shown, strict=True):
        column.metric(label, value, help=help_text)
    st.caption(
        f"95 % of those cosines lie from {low:.3f} to {high:.3f}; groups dealt at random give "
        f"{direction.chance_cosine:.2f}. The slider's unit is the distance of the means, "
        f"{direction.length:.2f}.{command}"
    )


def show_effect(finding: "AttributeFinding") -> None:
    """What is measured on decoded images by how far they were moved, and along random ways."""
    from vae.charts.attributes import effect_curves

    effect, title = finding.effect, finding.title
    figure = effect_curves(effect.steps, effect.curve, effect.random_curves, title, effect.unit)
    st.plotly_chart(figure, key="effect", config={"displayModeBar": False})


def show_direction(explorer: "Explorer", gallery: "Gallery", chosen: str) -> None:
    """The map and the slider, and how far to trust the direction."""
    left, right = st.columns([1, 1.4], gap="medium")
    with left:
        groups, attribute = choose_groups(explorer, gallery, chosen)
        if groups is None:
            return
        finding = found(explorer, gallery, groups, attribute)
        if chosen != LASSO:
            show_map(explorer, groups, finding)
        show_effect(finding)
    with right:
        show_slider(explorer, finding)
        show_verdict(finding)
        show_means(explorer, finding)
        show_worth(finding, _command(explorer, chosen, finding))


def choose_groups(
    explorer: "Explorer", gallery: "Gallery", chosen: str
) -> "tuple[Groups | None, Attribute | None]":
    """The two groups, and the attribute that they are the ends of, if of any."""
    if chosen == LASSO:
        return show_lasso(explorer, gallery), None
    if chosen == CLASS:
        return _class_groups(gallery, choose_class(explorer, gallery)), None
    return _groups(explorer.run.identity, gallery.are_real, chosen, explorer, gallery)


def _class_groups(gallery: "Gallery", label: int) -> "Groups":
    from vae.analysis.attributes import by_class

    return by_class(gallery.labels, label, gallery.class_names[label])


def found(
    explorer: "Explorer", gallery: "Gallery", groups: "Groups", attribute: "Attribute | None"
) -> "AttributeFinding":
    """The direction and its worth."""
    key = (groups.title, groups.high.tobytes(), groups.low.tobytes(), gallery.are_real)
    return _finding(explorer.run.identity, key, explorer, gallery, groups, attribute)


def _command(explorer: "Explorer", chosen: str, finding: "AttributeFinding") -> str:
    if chosen == LASSO:
        return ""
    name = chosen if chosen != CLASS else f'"class:{finding.title.removeprefix("Class ")}"'
    command = f"vae attributes {command_path(explorer.run)} --attribute {name}"
    return f" {in_code(command)} prints these numbers."


@st.cache_data(max_entries=50, show_spinner="Measuring the images …")
def _groups(
    identity: str, are_real: bool, name: str, _explorer: "Explorer", _gallery: "Gallery"
) -> "tuple[Groups, Attribute | None]":
    from vae.analysis.attributes import attribute_groups

    return attribute_groups(_gallery, name)


@st.cache_data(max_entries=100, show_spinner="Comparing with chance …")
def _finding(
    identity: str, key: tuple, _explorer: "Explorer", _gallery: "Gallery", _groups, _attribute
) -> "AttributeFinding":
    from vae.analysis.attributes import measure_attribute

    return measure_attribute(_explorer, _gallery, _groups, _attribute)


def _lasso_figure(explorer: "Explorer"):
    """Not cached: a copy from the cache reads as another chart, which loses its selection."""
    from vae.charts.attributes import lasso_map

    plane, atlas = _plane(explorer), explorer.atlas
    shown = _shown_rows(len(atlas.label))
    points = plane.project(atlas.mean[shown])
    return lasso_map(points, atlas.label[shown], explorer.run.class_names, plane.labels)


def _plane(explorer: "Explorer"):
    from vae.explorer.latent.projection import overview_plane

    return overview_plane(explorer.atlas.mean)


def _shown_rows(count: int) -> np.ndarray:
    """Which test images are drawn, at most SHOWN, the same each time."""
    return np.sort(np.random.default_rng(0).permutation(count)[:SHOWN])


explorer = pick_explorer()
with handle_errors():
    gallery = open_gallery(explorer)
    chosen = choose_attribute(explorer, gallery)
    try:
        show_direction(explorer, gallery, chosen)
    except DataError as error:
        st.info(
            f"There is no direction to be found here: {error_text(error)}.",
            icon=":material/info:",
        )
    index = choose_test_image(explorer, "Start from another test image", key="attribute-start")
    if index is not None:
        latent_position.start_from_image(explorer, index)
        st.rerun()
    if not gallery.are_real:
        note_missing(explorer, gallery)
        st.caption("Attributes are measured on those reconstructions, and groups made of them.")

with st.expander("What is measured, and against what?"):
    from vae.metrics.morphology import ATTRIBUTES

    formulas = "\n".join(f"- **{each.title}**: {each.formula}" for each in ATTRIBUTES.values())
    st.markdown(
        "The groups are the quarters of the test images at both ends of an attribute, a class and "
        "all others, or the images that you draw a loop around and the others on the map. The "
        "direction is the difference of their mean codes (Larsen et al. 2016; White 2016). "
        "Attributes are computed from the pixels, *I* a pixel's ink:\n\n"
        f"{formulas}\n\n"
        "**Is it certain?** The bootstrap resamples the images of both groups and compares the "
        "directions. **Are the groups different?** Their means are compared with those of random "
        "groups of the same images. **Does it do anything?** One half of the images gives the "
        "direction; 30 images of the other half are moved by −1 to +1 times its length, decoded "
        "and measured again. So are they along 99 random directions of that length. For a class "
        "or a group of your own what is measured is the *likeness*: where a picture stands on the "
        "line from the mean picture of the others (0) to that of the group (1), in pixels of the "
        "half that the direction has not seen. With few dimensions many random directions do as "
        "well: chance is harder to beat."
    )
