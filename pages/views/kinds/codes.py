"""The VQ-VAE: shows an image as a grid of codes, and swaps one of them for another."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position
from pages.state.caches import BY_RUN
from pages.state.models import command_path
from pages.ui import related_models
from pages.ui.image_picker import offer_start_images
from pages.ui.layout import show_error
from pages.ui.widgets import selected_points, show_figure, show_metrics
from vae.charts.images import enlarge
from vae.core.errors import DataError

if TYPE_CHECKING:
    from vae.analysis.codebook import Codebook
    from vae.explorer import Explorer

SIDE = 252


def show(explorer: "Explorer") -> None:
    """Show the code grid of an image, its decoded image, and the use of the codebook."""
    model = related_models.pick_of_kind("vq", explorer, "VQ-VAE")
    if model is None:
        return
    offer_start_images(model, "Choose a test image", key="codes-start")
    left, right = st.columns([1.7, 1], gap="large")
    with left:
        _show_swap(model)
    with right:
        _show_usage(model)
    with st.expander("What is a code?"):
        st.markdown(
            "The encoder gives a vector for each position of a grid. It is replaced by the nearest "
            "vector of the codebook, whose number is the code (van den Oord et al. 2017). The "
            "choice of the nearest vector has no gradient, so the gradient of the decoder is "
            "passed on to the encoder unchanged. The loss pulls the encoder's vectors and the "
            "codebook's vectors that replace them towards each other. It pulls unused vectors of "
            "the codebook to the nearest vectors of the encoder. The posterior is certain and the "
            r"prior uniform, so the rate is $\ln K$ nats for each position. So $-(\text{"
            r"distortion}+\text{rate})$ is a lower bound on $\log p(x)$ of this discrete model. "
            "**By position** is the cost under code frequencies of each position. They are fitted "
            "to one half of the images and measured on the other half. A prior that also knows the "
            "neighbouring codes costs less. **Perplexity** is the number of equally frequent codes "
            "with the same entropy. **Dead** codes occur in no test image whose codes are stored."
        )


def _show_swap(explorer: "Explorer") -> None:
    """Show the grid of codes, and the image decoded with one code swapped."""
    from vae.analysis.codebook import code_order, with_code
    from vae.charts.codebook import code_grid

    codes = explorer.code_grids(latent_position.position(explorer)[None])[0]
    key = f"code-grid-{explorer.run.identity[:16]}"
    row, column = selected_square(st.session_state.get(key), codes.shape)
    grid, pictures = st.columns([1.25, 1])
    with grid:
        st.plotly_chart(
            code_grid(codes, code_order(explorer.codebook), (row, column)),
            key=key,
            on_select="rerun",
            selection_mode="points",
            config={"displayModeBar": False},
        )
    with pictures:
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
            change = float(np.abs(other - plain).mean())
            st.caption(f"Code {before} → {code}: a pixel changes by {change:.3f} on average.")
    st.caption(
        "Click a square to select its position. The box swaps its code. Similar codes have similar "
        "colours, and the number is the code."
    )


def selected_square(event: object, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return row and column of the selected square of a chart; the middle one if none is."""
    selected = selected_points(event, shape[0] * shape[1])
    return divmod(selected[0], shape[1]) if selected else (shape[0] // 2, shape[1] // 2)


def _show_usage(explorer: "Explorer") -> None:
    """Show how many codes are used and how evenly, and the cost of an image in bits."""
    from vae.analysis.codebook import code_counts
    from vae.charts.codebook import usage_bars

    try:
        found = _measure(explorer)
    except DataError as error:
        show_error(error)
        return
    show_metrics(
        [
            ("Perplexity", f"{found.perplexity:.1f}", f"of {found.codes} codes"),
            ("Dead codes", f"{found.dead}", f"of {found.codes}, in {found.images} test images"),
        ]
    )
    show_metrics(
        [
            ("Rate", f"{found.bits_uniform:.0f} bits", "per image, under the uniform prior"),
            (
                "By position",
                f"{found.bits_by_place:.0f} bits",
                "per image, under fitted frequencies",
            ),
        ]
    )
    grids = explorer.code_grids(explorer.atlas.mean)
    show_figure(usage_bars(code_counts(grids, found.codes).tolist()), key="usage")
    st.caption(
        f"Distortion {found.distortion:.1f} nats; ELBO {found.elbo_uniform:.1f} nats, and "
        f"{found.elbo_by_place:.1f} under the frequencies by position. "
        f"`vae codebook {command_path(explorer.run)}` prints these numbers."
    )


@st.cache_data(max_entries=20, show_spinner=False, hash_funcs=BY_RUN)
def _measure(explorer: "Explorer") -> "Codebook":
    from vae.analysis.codebook import measure_codebook

    return measure_codebook(explorer)
