"""The conditional VAE: decodes one code as every class."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position
from pages.state.caches import BY_RUN
from pages.state.models import command_path
from pages.ui import related_models
from pages.ui.assets import labelled_id, mount_labelled
from pages.ui.instruments import DecoderPanel, live_decode
from pages.ui.latent_sliders import slider_dimensions
from pages.ui.markdown import escaped
from pages.ui.widgets import choose_one, choose_seed, show_figure
from vae.charts.images import tile

if TYPE_CHECKING:
    from vae.analysis.conditioning import Conditioning
    from vae.analysis.eval_classifier import EvalClassifier
    from vae.explorer import Explorer

STYLES, TILE = 8, 56
PICTURE, LIVE_CLASSES = 84, 12
TEST_STYLES, PRIOR_STYLES = "Style of test images", "Drawn from the prior"


def show(explorer: "Explorer") -> None:
    """Show codes decoded as every class, and how often a classifier sees the requested class."""
    model = related_models.pick_of_kind("conditional", explorer, "Conditional model")
    if model is None:
        return
    _show_live(model)
    left, right = st.columns([1.6, 1], gap="large")
    with left:
        _show_styles(model)
    with right:
        _show_accuracy(model)
    with st.expander("How does it know the class?"):
        st.markdown(
            "Encoder and decoder are given the label *y* besides their input, as in "
            r"$q(z|x,y)$ and $p(x|z,y)$ (Sohn et al. 2015). The prior of *z* stays the standard "
            "normal distribution. The decoder knows the class already, and the code would have to "
            "pay for it in nats. So the code holds the rest: slant, thickness, roundness. **Map** "
            "and **Decode** show this model at the class chosen in the sidebar."
        )


def _show_live(explorer: "Explorer") -> None:
    """Show one code decoded as every class while a slider is dragged."""
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


def _show_styles(explorer: "Explorer") -> None:
    """Show the same codes as each class."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = choose_one("Styles", [TEST_STYLES, PRIOR_STYLES], "styles")
        seed = choose_seed(width=160)
    of_test_images = source == TEST_STYLES
    st.image(_styles(explorer, of_test_images, seed), alt="Styles")
    first = "The first column holds the test images that the codes are from, as the model sees them"
    remark = f"{first}. " if of_test_images else ""
    st.caption(f"{remark}Each row is one code, decoded as every class.")


def _show_accuracy(explorer: "Explorer") -> None:
    """Show how often the classifier sees the class that was requested."""
    from vae.charts.kinds import accuracy_bars

    classifier = related_models.eval_classifier_for(explorer)
    found = _measure(explorer, classifier)
    st.metric(
        "Generated as the requested class",
        f"{found.accuracy:.1%}",
        help=f"The classifier {escaped(classifier.run.name)} rates {found.count} draws from the "
        "prior, each decoded as every class.",
    )
    show_figure(accuracy_bars(explorer.run.class_names, found.accuracy_by_class), "conditioning")
    st.caption(f"`vae conditioning {command_path(explorer.run)}` prints these numbers.")


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=BY_RUN)
def _styles(explorer: "Explorer", of_test_images: bool, seed: int) -> np.ndarray:
    """Return codes of test images or of the prior, a row each, decoded as every class."""
    from vae.analysis.conditioning import generate

    labels, generator = list(range(len(explorer.run.class_names))), np.random.default_rng(seed)
    if of_test_images:
        indices = generator.integers(len(explorer.atlas.label), size=STYLES)
        codes = explorer.atlas.mean[indices]
    else:
        codes = generator.standard_normal((STYLES, explorer.latent_dim)).astype(np.float32)
    rows = generate(explorer, labels, codes).swapaxes(0, 1)
    if of_test_images:
        rows = np.concatenate([explorer.atlas_images(indices)[:, None], rows], axis=1)
    return tile(rows.reshape(-1, *rows.shape[2:]), rows.shape[1], TILE)


@st.cache_data(max_entries=20, show_spinner="Classifying samples …", hash_funcs=BY_RUN)
def _measure(explorer: "Explorer", classifier: "EvalClassifier") -> "Conditioning":
    from vae.analysis.conditioning import measure_conditioning

    return measure_conditioning(explorer, classifier, count=300)
