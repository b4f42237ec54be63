"""Shows how much of each factor each latent dimension of a run carries."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state.caches import BY_RUN
from pages.ui.widgets import show_figure

if TYPE_CHECKING:
    from vae.analysis.factor_map import FactorMap
    from vae.runs.comparison import Comparison
    from vae.runs.run import Run


def show_factor_map(comparison: "Comparison") -> None:
    """Show the map of a setting and a seed that people choose; nothing if factors are unknown."""
    from vae.charts.comparison import share_map

    if not comparison.example.factors:
        return
    st.markdown("## Which latent tells about which factor")
    pickers, chart = st.columns([1, 3], gap="large")
    with pickers:
        found = _factor_map(_pick_run(comparison))
        if found is None:
            st.caption("No factor varies among these test images.")
            return
        st.caption(
            "A cell is the mutual information of a latent and a factor, as a share of the factor's "
            "entropy. At 1, the latent alone determines the factor. A clean code has one bright "
            f"cell in each column. The estimate uses the posterior means of {found.rows} test "
            "images. It is biased upwards, more so for factors with many values. Latents are "
            "sorted by rate, highest first."
        )
    rows = [
        f"z{latent + 1} · {rate:.2f}"
        for latent, rate in zip(found.latents, found.rates, strict=True)
    ]
    figure = share_map(found.factors, rows, found.shares.tolist())
    with chart:
        show_figure(figure, "measured-factors")


def _pick_run(comparison: "Comparison") -> "Run":
    labels = {setting.label: setting for setting in comparison.settings}
    setting = labels[st.selectbox("Setting", list(labels), key="measured-setting")]
    seeds = [run.train.seed for run in setting.runs]
    return setting.of_seed(st.selectbox("Seed", seeds, key=f"measured-seed-{setting.label}"))


@st.cache_resource(max_entries=100, show_spinner=False, hash_funcs=BY_RUN)
def _factor_map(run: "Run") -> "FactorMap | None":
    from vae.analysis.factor_map import factor_map
    from vae.runs.checkpoint import load_atlas

    return factor_map(run, load_atlas(run))
