"""Lab: what the model makes up, and what it costs the model to describe an image."""

import numpy as np
import streamlit as st

from pages.shared.frame import calm_errors, open_page
from pages.shared.images import note_missing
from pages.shared.models import open_gallery, pick_explorer
from vae.pictures import tile

SHOWN = 10


open_page(
    "Lab",
    "Two questions to a model: what does it **imagine**, and what does an image **cost** it?",
)


def show_samples(explorer) -> None:
    """Decoded draws from the prior, at a temperature."""
    left, right = st.columns([1, 2.4], gap="large")
    with left:
        temperature = st.slider(
            "Temperature",
            0.0,
            2.0,
            1.0,
            0.05,
            help="Scales the prior's standard deviation. At 1 the samples are the model's own; "
            "lower ones are safer and more alike, higher ones leave what it was trained on.",
        )
        seed = st.number_input("Seed", 0, 10_000, 0, help="The same seed draws the same codes.")
        typical = np.sqrt(explorer.latent_dim) * temperature
        st.caption(
            f"z is drawn from Normal(0, {temperature:.2f}²) in {explorer.latent_dim} dimensions, "
            f"so |z| is about {typical:.1f}; then decoded."
        )
    with right:
        st.image(tile(explorer.sample(60, int(seed), temperature), 12, 56), alt="Samples")


def show_costs(explorer) -> None:
    """Reconstructions with the ELBO's terms of each image."""
    from vae.charts import elbo_bars

    gallery = open_gallery(explorer)
    note_missing(explorer, gallery)
    seed = st.number_input("Draw", 0, 10_000, 0, width=160, help="Which test images.")
    shown = min(SHOWN, len(gallery.labels))
    drawn = np.random.default_rng(int(seed)).choice(len(gallery.labels), shown, replace=False)
    images, labels = gallery.images(drawn), gallery.labels[drawn]
    terms = explorer.terms(images, labels=labels)
    st.image(
        tile(np.concatenate([images, explorer.reconstruct(images, labels)]), shown, 56),
        caption="Above the images, below what the decoder makes of their posterior means.",
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
with calm_errors():
    titles = ["What does it imagine?", "What does an image cost?"]
    samples, costs = st.tabs(titles, key="question", on_change="rerun")
    with samples:
        if samples.open:
            show_samples(explorer)
    with costs:
        if costs.open:
            show_costs(explorer)

with st.expander("What is this number?"):
    st.markdown(
        r"The ELBO of an image is $-(\text{distortion} + \text{rate})$, a lower bound on "
        r"$\log p(x)$. The **distortion** $-\log p(x|z)$ is what is left to say about the pixels "
        "once the code is known; the **rate** $\\mathrm{KL}(q(z|x)\\,\\|\\,p(z))$ is what the code "
        "itself says. Both in nats: one nat is 1.44 bits."
    )
