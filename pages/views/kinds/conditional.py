"""The conditional VAE: one code, painted as every class."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position
from pages.state.models import command_path
from pages.ui import related_models
from pages.ui.assets import labelled_id, mount_labelled
from pages.ui.instruments import DecoderPanel, live_decode
from pages.ui.latent_sliders import slider_dimensions
from pages.ui.markdown import escaped
from pages.ui.widgets import choose_one
from vae.charts.images import tile

if TYPE_CHECKING:
    from vae.analysis.conditioning import Conditioning
    from vae.explorer import Explorer

STYLES, TILE = 8, 56
PICTURE, LIVE_CLASSES = 84, 12
OWN, DRAWN = "Style of test images", "Drawn from the prior"


def show(explorer: "Explorer") -> None:
    """A row a style, a column a class; and how often a classifier sees the class asked for."""
    model = related_models.pick_of_kind("conditional", explorer, "Conditional model")
    if model is None:
        return
    show_live(model)
    left, right = st.columns([1.6, 1], gap="large")
    with left:
        show_styles(model)
    with right:
        show_accuracy(model)
    with st.expander("How does it know the class?"):
        st.markdown(
            "Encoder and decoder are given the label *y* besides their input, as in "
            r"$q(z|x,y)$ and $p(x|z,y)$ (Sohn et al. 2015); the prior of *z* stays the standard "
            "normal. The code need not say which class an image is of, since the decoder knows, "
            "and it would have to pay for it. So it holds the rest: slant, thickness, roundness. "
            "On **Map** and **Decode** this model is seen at the class chosen in the sidebar."
        )


def show_live(explorer: "Explorer") -> None:
    """All classes of one code, decoded while a slider is dragged."""
    count, names = explorer.run.model.classes, explorer.run.class_names
    asset, latent_dim = labelled_id(explorer), explorer.latent_dim
    if count > LIVE_CLASSES:
        return
    panels: list[DecoderPanel] = [
        {
            "asset": asset,
            "caption": name,
            "base": [0.0] * latent_dim + [float(label == other) for other in range(count)],
        }
        for label, name in enumerate(names)
    ]
    live_decode(
        f"any-label-{explorer.run.identity[:16]}",
        panels,
        slider_dimensions(explorer),
        latent_position.position(explorer).tolist(),
        size=PICTURE,
        on_release=lambda z: latent_position.move_to(explorer, z),
    )
    mount_labelled(explorer)


def show_styles(explorer: "Explorer") -> None:
    """The same codes as each class."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = choose_one("Styles", [OWN, DRAWN], "styles")
        seed = int(st.number_input("Draw", 0, 10_000, 0, width=160))
    st.image(_styles(explorer.run.identity, source == OWN, seed, explorer), alt="Styles")
    first = "The first column is the test image whose code it is, as the model sees it; "
    st.caption(f"{first if source == OWN else ''}each row is one code, decoded as every class.")


def show_accuracy(explorer: "Explorer") -> None:
    """What the classifier says."""
    from vae.charts.kinds import accuracy_bars

    classifier = related_models.eval_classifier_for(explorer)
    found = _measured(explorer.run.identity, classifier.run.identity, explorer, classifier)
    st.metric(
        "Generated as the class asked for",
        f"{found.accuracy:.1%}",
        help=f"{found.count} draws from the prior, each decoded as every class, by the classifier "
        f"{escaped(classifier.run.name)}.",
    )
    figure = accuracy_bars(explorer.run.class_names, found.accuracy_by_class)
    st.plotly_chart(figure, key="conditioning", config={"displayModeBar": False})
    st.caption(f"`vae conditioning {command_path(explorer.run)}` prints these numbers.")


@st.cache_data(max_entries=50, show_spinner=False)
def _styles(identity: str, own: bool, seed: int, _explorer: "Explorer") -> np.ndarray:
    from vae.analysis.conditioning import generate

    labels, generator = list(range(len(_explorer.run.class_names))), np.random.default_rng(seed)
    if not own:
        codes = generator.standard_normal((STYLES, _explorer.latent_dim)).astype(np.float32)
        rows = generate(_explorer, labels, codes).swapaxes(0, 1)
        return tile(rows.reshape(-1, *rows.shape[2:]), len(labels), TILE)
    chosen = generator.integers(len(_explorer.atlas.label), size=STYLES)
    rows = generate(_explorer, labels, _explorer.atlas.mean[chosen]).swapaxes(0, 1)
    originals = _explorer.atlas_images(chosen)[:, None]
    rows = np.concatenate([originals, rows], axis=1)
    return tile(rows.reshape(-1, *rows.shape[2:]), len(labels) + 1, TILE)


@st.cache_data(max_entries=20, show_spinner="Asking the classifier …")
def _measured(
    identity: str, classifier_identity: str, _explorer: "Explorer", _classifier
) -> "Conditioning":
    from vae.analysis.conditioning import measure_conditioning

    return measure_conditioning(_explorer, _classifier, count=300)
