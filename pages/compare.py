"""Compare beta: what each beta makes of the same data, and what it buys."""

import streamlit as st

from pages.state.models import choose
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.views.compare import choice

open_page(
    "Compare beta",
    "β is the price of a nat of rate. Raise it and codes get shorter, pictures blurrier, "
    "dimensions die.",
)


def show(view: str, comparison) -> None:
    """One view; the others are not even imported."""
    if view == choice.SWEEP:
        from pages.views.compare.sweep import show_sweep

        show_sweep(on_finished=show_side_by_side)
    elif comparison is None:
        st.info(
            "No two models here differ in beta alone. Train some under “Train a sweep”, or with "
            "`vae sweep`.",
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
    """From the next run on, a finished run beside its kin."""
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

with st.expander("What does beta buy?"):
    st.markdown(
        r"Training minimises $\text{distortion} + \beta \cdot \text{rate}$ (Higgins et al. 2017). "
        r"With $\beta = 1$ that is the negative ELBO; each other $\beta$ asks for another point of "
        "the rate–distortion curve, whose slope there is $-\\beta$ (Alemi et al. 2018). A high β "
        "leaves only dimensions that pay. Whether those are also the ones that a person would name "
        "is another question, which pictures cannot settle: see **Measurements**, and mind that "
        r"two seeds can differ more than two betas do. β-TC (Chen et al. 2018) lets β weigh only "
        "the part of the rate that ties dimensions to each other, their total correlation."
    )
