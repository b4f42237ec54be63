"""Lab: lists the questions that its pages answer, and shows the cost of each image in nats."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.models import open_gallery
from pages.ui.image_picker import note_missing
from pages.ui.layout import LAB, SCREENS, handle_errors, link_to, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_seed, show_figure
from vae.charts.images import tile

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery

SHOWN, CARDS_IN_ROW = 10, 4

open_page(
    "Lab",
    "This is what VAEs and their relatives are used for. Each question has a page with live "
    "images and numbers.",
)


def show_cards() -> None:
    """Show the pages of the Lab with their questions, four in a row."""
    pages = [screen for screen in SCREENS if screen.group == LAB and screen.question]
    for start in range(0, len(pages), CARDS_IN_ROW):
        row = pages[start : start + CARDS_IN_ROW]
        for column, screen in zip(st.columns(CARDS_IN_ROW), row, strict=False):
            with column, st.container(border=True, height="stretch"):
                link_to(screen.file, f"**{screen.title}**")
                st.caption(screen.question)


def show_costs(explorer: "Explorer") -> None:
    """Show some test images, their reconstructions, and the terms of the ELBO of each image."""
    from vae.charts.figures import elbo_bars

    gallery = open_gallery(explorer)
    note_missing(explorer, gallery)
    seed = choose_seed(width=160, help="Chooses the test images.")
    shown = min(SHOWN, len(gallery.labels))
    indices = np.random.default_rng(seed).choice(len(gallery.labels), shown, replace=False)
    images, labels = gallery.images(indices), gallery.labels[indices]
    terms = explorer.elbo_terms(images, labels=labels)
    st.image(
        tile(np.concatenate([images, explorer.reconstruct(images, labels)]), shown, 56),
        caption="Test images above, and their decoded posterior means below.",
        alt="Test images and their reconstructions",
    )
    names = [f"{column}: {_class(gallery, index)}" for column, index in enumerate(indices, 1)]
    show_figure(elbo_bars(names, terms.distortion.tolist(), terms.rate.tolist()), key="costs")
    st.caption(
        f"These {shown} images cost {-terms.elbo.mean():.1f} nats on average. The images of the "
        f"whole test split cost {-explorer.run.results.test_elbo:.1f}. The distortion is of one "
        "posterior sample per image."
        if explorer.run.model.has_rate
        else "The codes of an autoencoder cost nothing, so this is the distortion alone."
    )


def _class(gallery: "Gallery", index: int) -> str:
    """Return the class name of an image, or its index if it has no class."""
    label = int(gallery.labels[index])
    return gallery.class_names[label] if 0 <= label < len(gallery.class_names) else str(index)


explorer = pick_explorer()
show_cards()
st.header("What does an image cost?")
with handle_errors():
    show_costs(explorer)

with st.expander("What is this number?"):
    st.markdown(
        r"The ELBO of an image is $-(\text{distortion} + \text{rate})$, a lower bound on "
        r"$\log p(x)$. The **distortion** $-\log p(x|z)$ is the cost of the pixels if the code is "
        "known. The **rate** $\\mathrm{KL}(q(z|x)\\,\\|\\,p(z))$ is the cost of the code. Both are "
        "in nats: one nat is 1.44 bits."
    )
