"""Draws the losses of a training by epoch, and the rate of each latent dimension."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.widgets import show_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go

BARS_HEIGHT = 380


def show_training_charts(losses: "go.Figure", rates: "go.Figure | None", key: str) -> None:
    """Show the losses, and beside them the rates if the model has any."""
    left, right = st.columns([1.6, 1], gap="medium")
    with left:
        show_figure(losses, f"curves-{key}")
    if rates is not None:
        with right:
            show_figure(rates, f"bars-{key}")


def sorted_rate_bars(rates: Sequence[float], inactive: Collection[int]) -> "go.Figure":
    """Return bars of the rate of each dimension, highest first."""
    from vae.charts.figures import rate_bars

    order = sorted(range(len(rates)), key=rates.__getitem__, reverse=True)
    active = [i not in inactive for i in order]
    return rate_bars(order, [rates[i] for i in order], active, BARS_HEIGHT)
