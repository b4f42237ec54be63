"""Compare beta: the same image, the same moves, through models that differ in beta alone."""

import numpy as np
import streamlit as st

from pages.shared import latent
from pages.shared.frame import calm_errors, open_page
from pages.shared.images import choose_test_image
from pages.shared.live import Dimension, Panel, live_decode
from pages.shared.models import catalogue, open_explorer, open_gallery, pick_explorer
from pages.shared.mounts import decoder_id, mount_decoders
from vae.pictures import enlarge, png_bytes, tile

SLIDERS = 6
STRIP = np.linspace(-3, 3, 7)


open_page(
    "Compare beta",
    "β is the price of a nat of rate. Raise it and codes get shorter, pictures blurrier, "
    "dimensions die. Each column is one model; all see the same image and the same sliders.",
)


def find_family(explorer):
    """The explorers of the chosen model's beta family, by rising beta."""
    from vae.catalogue import beta_family, largest_family
    from vae.data import dataset_title

    runs = catalogue().runs
    family = beta_family(explorer.run, runs)
    if len(family) < 2:
        family = largest_family(runs, explorer.run.train.dataset)
        if not family:
            st.info("No two models here differ in beta alone. Train some with `vae sweep`.")
            st.stop()
        title = dataset_title(family[0].train.dataset)
        st.caption(
            f"{explorer.run.name} has no family; this is the one of {family[0].name}, trained on "
            f"{title}."
        )
    return [open_explorer(run) for run in family]


def show_image(family, index: int) -> None:
    """The shared image."""
    gallery = open_gallery(family[0])
    kind = "Test image" if gallery.are_real else "Reconstruction"
    picture = enlarge(gallery.images(np.array([index]))[0], 140)
    st.image(picture, caption=f"{kind} {index}", width=picture.shape[1])
    st.caption(
        "At 0 each picture is that model's reconstruction of it. Slider 1 moves, in every model, "
        "the dimension with its highest rate, slider 2 the second, and so on."
    )


def show_sliders(family, index: int) -> None:
    """One set of sliders; slider i moves each model's dimension of i-th highest rate."""
    count = min(SLIDERS, family[0].latent_dim)
    panels: list[Panel] = [
        {
            "asset": decoder_id(explorer),
            "caption": f"β {explorer.run.train.beta:g}",
            "order": explorer.dimensions_by_rate()[:count],
            "base": explorer.atlas.mean[index].tolist(),
        }
        for explorer in family
    ]
    rates = np.mean([sorted(e.run.results.test_rate_per_dimension)[::-1] for e in family], axis=0)
    dimensions: list[Dimension] = [
        {
            "index": place,
            "label": f"{place + 1}.",
            "low": -3.0,
            "high": 3.0,
            "kl": float(rates[place]),
            "active": True,
        }
        for place in range(count)
    ]
    live_decode(f"compare-{family[0].run.identity[:12]}", panels, dimensions, [0.0] * count, 140)
    mount_decoders(family)


def show_traversals(family, index: int) -> None:
    """For each model, its two dimensions of highest rate from -3 to 3."""
    for explorer in family:
        strips = traversal_strips(explorer.run.identity, index, explorer)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**β {explorer.run.train.beta:g}**", width=70)
            for strip in strips:
                st.image(strip)


@st.cache_resource(max_entries=200, show_spinner=False)
def traversal_strips(identity: str, index: int, _explorer) -> list[bytes]:
    """The strips of one model as PNG files; made once for all visitors."""
    code = _explorer.atlas.mean[index]
    walks = [_explorer.traverse(code, i, STRIP) for i in _explorer.dimensions_by_rate()[:2]]
    return [png_bytes(tile(walk, len(STRIP), 56)) for walk in walks]


def show_numbers(family, chosen_beta: float) -> None:
    """The rate-distortion curve, and each model's rate per dimension."""
    runs = [explorer.run for explorer in family]
    figures = family_figures([run.identity for run in runs], chosen_beta, runs)
    left, right = st.columns([1, 1.3], gap="large")
    with left:
        st.markdown("**Rate–distortion curve** on the test split")
        st.plotly_chart(figures[0], key="rate-distortion", config={"displayModeBar": False})
    with right:
        st.markdown("**Rate per dimension**, sorted; grey ones are inactive")
        st.plotly_chart(figures[1], key="family-bars", config={"displayModeBar": False})


@st.cache_resource(max_entries=50, show_spinner=False)
def family_figures(identities: list[str], chosen_beta: float, _runs):
    """Both figures of a family; made once for all visitors."""
    from vae.charts import family_rate_bars, rate_distortion

    betas, results = [run.train.beta for run in _runs], [run.results for run in _runs]
    curve = rate_distortion(
        [r.test_rate for r in results], [r.test_distortion for r in results], betas, chosen_beta
    )
    orders = [np.argsort(r.test_rate_per_dimension)[::-1].tolist() for r in results]
    sorted_results = list(zip(results, orders, strict=True))
    bars = family_rate_bars(
        betas,
        [[r.test_rate_per_dimension[i] for i in order] for r, order in sorted_results],
        [[i not in r.inactive for i in order] for r, order in sorted_results],
    )
    return curve, bars


explorer = pick_explorer()
with calm_errors():
    family = find_family(explorer)
    index = choose_test_image(family[0], "Choose the image", key="compare-image")
    if index is not None:
        latent.start_from_image(family[0], index)
    index = latent.image_index(family[0])
    left, right = st.columns([1.15, 5.5])
    with left:
        show_image(family, index)
    with right:
        show_sliders(family, index)
    st.markdown("**Traversals** of the two dimensions with the highest rate, −3 to 3 each")
    show_traversals(family, index)
    show_numbers(family, explorer.run.train.beta)

with st.expander("What does beta buy?"):
    st.markdown(
        r"Training minimises $\text{distortion} + \beta \cdot \text{rate}$ (Higgins et al. 2017). "
        r"With $\beta = 1$ that is the negative ELBO; each other $\beta$ asks for another point of "
        "the rate–distortion curve, whose slope there is $-\\beta$ (Alemi et al. 2018). A high β "
        "leaves only dimensions that pay; whether those are also the ones that a person would "
        "name is another question, which these pictures cannot settle: two runs with other seeds "
        "can differ more than two betas do."
    )
