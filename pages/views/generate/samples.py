"""Shows samples of a model, drawn from its prior or from a mixture, at a temperature."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.ui.markdown import escaped
from pages.ui.widgets import choose_one, choose_seed
from pages.views.generate.measures import MIXTURE, fit_mixture
from vae.charts.images import tile

if TYPE_CHECKING:
    from vae.analysis.generation import GenerationInputs
    from vae.analysis.mixture import Mixture
    from vae.explorer import Explorer

PRIOR = "Prior"
COLUMNS, ROWS, TILE = 11, 4, 56


def show_samples(explorer: "Explorer", inputs: "GenerationInputs") -> tuple[str, float]:
    """Show the widgets beside the samples; return the chosen source and temperature."""
    left, right = st.columns([1, 2.9], gap="large")
    with left:
        label = "Drawn from" if explorer.run.model.has_rate else "Drawn from (it has no prior)"
        source = choose_one(label, [PRIOR, MIXTURE], "drawn-from")
        temperature = st.slider(
            "Temperature",
            0.0,
            2.0,
            1.0,
            0.05,
            help="Scales the standard deviation of the prior, or of each component of the mixture. "
            "Lower values give safer images that are more alike. Higher values give codes far from "
            "those of the training images.",
        )
        seed = choose_seed(help="The same seed draws the same samples.")
    with right:
        mixture = fit_mixture(explorer, inputs) if source == MIXTURE else None
        st.image(_sheet(explorer, mixture, temperature, seed), alt="Samples")
        st.caption(_caption(explorer, mixture, temperature))
    return source, temperature


def _sheet(
    explorer: "Explorer", mixture: "Mixture | None", temperature: float, seed: int
) -> np.ndarray:
    """Return samples of the mixture, or else of the prior, side by side."""
    from vae.analysis.generation import sample_prior

    count = COLUMNS * ROWS
    if mixture is None:
        codes = sample_prior(explorer, count, temperature, seed)
    else:
        codes = mixture.sample(count, seed, temperature)
    return tile(explorer.decode(codes), COLUMNS, TILE)


def _caption(explorer: "Explorer", mixture: "Mixture | None", temperature: float) -> str:
    """Return a description of the distribution that the codes come from."""
    latent, remark = explorer.latent_dim, ""
    if explorer.label is not None:
        name = escaped(explorer.run.class_names[explorer.label])
        remark = f" All decoded as **{name}**; see the sidebar."
    if mixture is not None:
        return (
            f"z is drawn from {len(mixture.weights)} normal distributions in {latent} dimensions, "
            f"fitted to codes. Their standard deviation is scaled by {temperature:.2f}.{remark}"
        )
    if explorer.run.model.kind == "vq":
        return "At each position a vector of the codebook is drawn, and all of them are decoded."
    return (
        f"z is drawn from Normal(0, {temperature:.2f}²) in {latent} dimensions, so |z| is about "
        f"{np.sqrt(latent) * temperature:.1f}. Then it is decoded.{remark}"
    )
