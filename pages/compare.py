"""Shows the screen Compare beta: models of one data set and network that differ in beta."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state.models import choose
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.views.compare import choice

if TYPE_CHECKING:
    from vae.runs.comparison import Comparison

open_page(
    "Compare beta",
    "β is the weight of the rate in the loss. A higher β gives shorter codes, blurrier images and "
    "fewer active dimensions.",
)


def show(view: str, comparison: "Comparison | None") -> None:
    """Show one view, and import that view alone."""
    if view == choice.SWEEP:
        from pages.views.compare.sweep import show_sweep

        show_sweep(on_finished=show_side_by_side)
    elif comparison is None or (view == choice.COLUMNS and not comparison.settings):
        st.info(
            "There are no two models that differ in beta alone. Train some under “Train a sweep”, "
            "or with `vae sweep`.",
            icon=":material/info:",
        )
    elif view == choice.DRAG:
        from pages.views.compare.drag import show_drag

        show_drag(comparison)
    elif view == choice.COLUMNS:
        from pages.views.compare.columns import show_columns

        show_columns(comparison)
    else:
        from pages.views.compare.measurements import show_measurements

        show_measurements(comparison)


def show_side_by_side(name: str) -> None:
    """Choose a finished run, and open the view that shows it beside the models like it."""
    choose(name)
    choice.open_view(choice.COLUMNS)


explorer = pick_explorer()
with handle_errors():
    chooser, views = st.columns([1.25, 1], vertical_alignment="center")
    with chooser:
        comparison = choice.choose_comparison(explorer.run)
    with views:
        view = choice.choose_view(comparison)
    show(view, comparison)

with st.expander("What does beta do?"):
    st.markdown(
        r"Training minimises $\text{distortion} + \beta \cdot \text{rate}$ (Higgins et al. 2017). "
        r"With $\beta = 1$ this is the negative ELBO. Each other $\beta$ leads to another point of "
        "the rate–distortion curve, where its slope is $-\\beta$ (Alemi et al. 2018). With a high "
        "β, only dimensions that reduce the distortion by more than their cost stay active. "
        "Pictures cannot show whether these are also the dimensions that a person would name: see "
        "**Measurements**, and note that two seeds can differ more than two betas do. In β-TC "
        "(Chen et al. 2018), β weights only the part of the rate that makes dimensions depend on "
        "each other, their total correlation."
    )
