"""Lab: the questions that its pages answer, and what it costs a model to describe an image."""

import numpy as np
import streamlit as st

from pages.state.models import open_gallery
from pages.ui.image_picker import note_missing
from pages.ui.layout import LAB, SCREENS, handle_errors, link_to, open_page
from pages.ui.model_picker import pick_explorer
from vae.charts.images import tile

SHOWN, DOORS = 10, 4


open_page(
    "Lab",
    "What VAEs and their relatives are used for: each question has its page, its live picture and "
    "its number.",
)


def show_doors() -> None:
    """The pages of the Lab with their questions, four in a row."""
    pages = [screen for screen in SCREENS if screen.group == LAB and screen.question]
    for start in range(0, len(pages), DOORS):
        for column, screen in zip(st.columns(DOORS), pages[start : start + DOORS], strict=False):
            with column, st.container(border=True, height="stretch"):
                link_to(screen.file, f"**{screen.title}**")
                st.caption(screen.question)


def show_costs(explorer) -> None:
    """Reconstructions with the ELBO's terms of each image."""
    from vae.charts.figures import elbo_bars

    gallery = open_gallery(explorer)
    note_missing(explorer, gallery)
    seed = st.number_input("Draw", 0, 10_000, 0, width=160, help="Which test images.")
    shown = min(SHOWN, len(gallery.labels))
    drawn = np.random.default_rng(int(seed)).choice(len(gallery.labels), shown, replace=False)
    images, labels = gallery.images(drawn), gallery.labels[drawn]
    terms = explorer.elbo_terms(images, labels=labels)
    st.image(
        tile(np.concatenate([images, explorer.reconstruct(images, labels)]), shown, 56),
        caption="Above the images, below what the decoder makes of their posterior means.",
        alt="Test images and their reconstructions",
    )
    names = [f"{place + 1}: {_class(gallery, index)}" for place, index in enumerate(drawn)]
    figure = elbo_bars(names, terms.distortion, terms.rate)
    st.plotly_chart(figure, key="costs", config={"displayModeBar": False})
    st.caption(
        f"These {shown} cost {-terms.elbo.mean():.1f} nats on average; the whole test split, "
        "real images, "
        f"{-explorer.run.results.test_elbo:.1f}. Distortion from one posterior sample per image."
        if explorer.run.model.has_rate
        else "An autoencoder's codes cost nothing: this is the distortion alone."
    )


def _class(gallery, index: int) -> str:
    label = int(gallery.labels[index])
    return gallery.class_names[label] if 0 <= label < len(gallery.class_names) else str(index)


explorer = pick_explorer()
show_doors()
st.header("What does an image cost?")
with handle_errors():
    show_costs(explorer)

with st.expander("What is this number?"):
    st.markdown(
        r"The ELBO of an image is $-(\text{distortion} + \text{rate})$, a lower bound on "
        r"$\log p(x)$. The **distortion** $-\log p(x|z)$ is what is left to say about the pixels "
        "once the code is known; the **rate** $\\mathrm{KL}(q(z|x)\\,\\|\\,p(z))$ is what the code "
        "itself says. Both in nats: one nat is 1.44 bits."
    )
