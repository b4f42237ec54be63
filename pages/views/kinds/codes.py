"""The VQ-VAE: an image as a grid of codes, one of which can be swapped for another."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position
from pages.state.models import command_path
from pages.ui import related_models
from pages.ui.image_picker import choose_test_image
from pages.ui.layout import show_error
from pages.ui.widgets import selected_points
from vae.charts.images import enlarge
from vae.core.errors import DataError

if TYPE_CHECKING:
    from vae.analysis.codebook import Codebook
    from vae.explorer import Explorer

SIDE = 252


def show(explorer: "Explorer") -> None:
    """The code map of an image, what it decodes to, and how the codebook is used."""
    model = related_models.pick_of_kind("vq", explorer, "VQ-VAE")
    if model is None:
        return
    index = choose_test_image(model, "Choose a test image", key="codes-start")
    if index is not None:
        latent_position.start_from_image(model, index)
    left, right = st.columns([1.7, 1], gap="large")
    with left:
        show_swap(model)
    with right:
        show_usage(model)
    with st.expander("What is a code?"):
        st.markdown(
            "The encoder gives a vector for each place of a grid; the nearest vector of the "
            "codebook takes its place, and only its number is kept (van den Oord et al. 2017). "
            "Nearest has no gradient: the decoder's passes straight through to the encoder, while "
            "the loss pulls codes to the vectors that chose them, the vectors to their codes, and "
            "codes that nobody chose to the vectors nearest to them. The posterior is certain and "
            r"the prior uniform, so the rate is $\ln K$ nats for each place, and $-(\text{"
            r"distortion}+\text{rate})$ is a lower bound on $\log p(x)$ of this discrete model. "
            "**By place** is the cost under frequencies fitted for each place to one half of the "
            "images and measured on the other; a prior that also knew the neighbours would pay "
            "less. **Perplexity**: as many equally frequent codes. **Dead**: codes that stand in "
            "no image whose codes are kept."
        )


def show_swap(explorer: "Explorer") -> None:
    """The grid, the image as it is and with one code swapped."""
    from vae.analysis.codebook import code_order, with_code
    from vae.charts.codebook import code_grid

    codes = explorer.code_grids(latent_position.position(explorer)[None])[0]
    grid, pictures = st.columns([1.25, 1])
    with grid:
        place = chosen_place(explorer, codes.shape)
        figure = code_grid(codes, code_order(explorer.codebook), place)
        st.plotly_chart(
            figure,
            key=_grid_key(explorer),
            on_select="rerun",
            selection_mode="points",
            config={"displayModeBar": False},
        )
    with pictures:
        row, column = place
        before = int(codes[row, column])
        code = st.selectbox(
            f"Code in row {row + 1}, column {column + 1}",
            list(range(len(explorer.codebook))),
            before,
            key=f"code-{explorer.run.identity}-{row}-{column}-{before}",
        )
        changed = with_code(codes, row, column, int(code))
        plain, other = explorer.decode(explorer.codes_from_grids(np.stack([codes, changed])))
        caption = "Decoded" if code == before else "With it swapped"
        st.image(enlarge(other, SIDE), caption=caption, alt=caption, output_format="PNG")
        if code != before:
            moved = float(np.abs(other - plain).mean())
            st.caption(f"Code {before} → {code}: a pixel changes by {moved:.3f} on average.")
    st.caption(
        "Click a square to choose its place; the box swaps its code. Like colours are like codes, "
        "and the number is the code's."
    )


def chosen_place(explorer: "Explorer", shape: tuple[int, ...]) -> tuple[int, int]:
    """The square that was clicked, else the middle one."""
    chosen = selected_points(st.session_state.get(_grid_key(explorer)), shape[0] * shape[1])
    return divmod(chosen[0], shape[1]) if chosen else (shape[0] // 2, shape[1] // 2)


def show_usage(explorer: "Explorer") -> None:
    """How many codes are used, how evenly, and what an image costs in bits."""
    from vae.analysis.codebook import code_counts
    from vae.charts.codebook import usage_bars

    try:
        found = _measured(explorer.run.identity, explorer)
    except DataError as error:
        show_error(error)
        return
    shown = (
        ("Perplexity", f"{found.perplexity:.1f}", f"of {found.codes} codes"),
        ("Dead codes", f"{found.dead}", f"of {found.codes}, in {found.images} test images"),
        ("Rate", f"{found.bits_uniform:.0f} bits", "under the uniform prior, per image"),
        ("By place", f"{found.bits_by_place:.0f} bits", "under fitted frequencies, per image"),
    )
    for start in (0, 2):
        for column, (label, value, help_text) in zip(
            st.columns(2), shown[start : start + 2], strict=True
        ):
            column.metric(label, value, help=help_text)
    maps = explorer.code_grids(explorer.atlas.mean)
    figure = usage_bars(code_counts(maps, found.codes).tolist())
    st.plotly_chart(figure, key="usage", config={"displayModeBar": False})
    st.caption(
        f"Distortion {found.distortion:.1f} nats; ELBO {found.elbo_uniform:.1f} nats, and "
        f"{found.elbo_by_place:.1f} under the frequencies by place. "
        f"`vae codebook {command_path(explorer.run)}` prints these numbers."
    )


def _grid_key(explorer: "Explorer") -> str:
    return f"code-grid-{explorer.run.identity[:16]}"


@st.cache_data(max_entries=20, show_spinner=False)
def _measured(identity: str, _explorer: "Explorer") -> "Codebook":
    from vae.analysis.codebook import measure_codebook

    return measure_codebook(_explorer)
