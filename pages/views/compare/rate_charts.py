"""Draws rate against distortion for all runs, and the rate of each latent dimension."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state.caches import BY_RUN
from pages.ui.widgets import show_figure
from pages.views.compare.measured import OBJECTIVES, has_several_seeds

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vae.charts.comparison import RateDistortionCurve
    from vae.runs.comparison import Comparison
    from vae.runs.run import Run


def show_rate_charts(comparison: "Comparison") -> None:
    """Show the plane on the left, and the rates of the latents on the right."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("## Rate and distortion of each model")
        show_plane(comparison)
        st.caption(
            "Lower left is better. The ELBO, −(distortion + rate), is constant on a line of slope "
            "−1. No point lies below the dotted line.",
        )
    with right:
        st.markdown("## Which latents stay active")
        show_figure(_bars(comparison), "measured-bars")
        seed = "Each panel shows the seed with the median ELBO. "
        st.caption(
            f"{seed if has_several_seeds(comparison) else ''}A bar is the rate of a latent (its KL "
            "divergence to the prior), highest first. Grey latents are inactive: the variance of "
            "their posterior mean is below 0.01.",
        )


def show_plane(comparison: "Comparison") -> None:
    """Show the rate-distortion plane of all runs, with the curves of multi-rate models."""
    show_figure(_plane(comparison), "measured-plane")


@st.cache_resource(max_entries=50, show_spinner=False, hash_funcs=BY_RUN)
def _plane(comparison: "Comparison") -> "go.Figure":
    from vae.charts.comparison import Cluster, rate_distortion_plane

    clusters = [
        Cluster(
            setting.label,
            setting.beta,
            OBJECTIVES[setting.objective] + ", one point per seed",
            tuple(run.train.seed for run in setting.runs),
            tuple(run.results.test_rate for run in setting.runs),
            tuple(run.results.test_distortion for run in setting.runs),
        )
        for setting in comparison.settings
    ]
    several = len(comparison.multi_rate) > 1
    curves = {
        run.name if several else "one model for any β": _curve(run) for run in comparison.multi_rate
    }
    return rate_distortion_plane(clusters, curves)


def _curve(run: "Run") -> "RateDistortionCurve":
    from vae.charts.comparison import RateDistortionCurve
    from vae.runs.checkpoint import load_curve

    found = load_curve(run)
    assert found is not None
    return RateDistortionCurve(found.betas.tolist(), found.rate.tolist(), found.distortion.tolist())


@st.cache_resource(max_entries=50, show_spinner=False, hash_funcs=BY_RUN)
def _bars(comparison: "Comparison") -> "go.Figure":
    from vae.analysis.measurements import median_run
    from vae.charts.comparison import RateBars, rate_bars_by_setting

    models = []
    for setting in comparison.settings:
        run = median_run(setting)
        rates, inactive = run.results.test_rate_per_dimension, run.results.inactive
        order = sorted(range(len(rates)), key=lambda i: -rates[i])
        models.append(
            RateBars(
                f"{setting.label}, {run.results.active_units} active",
                tuple(rates[i] for i in order),
                tuple(i not in inactive for i in order),
            )
        )
    count = len(models)
    columns = count if count <= 3 else 2 if count == 4 else 3 if count <= 9 else 4
    row_height = max(90, 340 // -(-count // columns))
    return rate_bars_by_setting(models, columns, row_height)
