"""Map: every test image as a point of latent space, with the decoded image under the pointer."""

import streamlit as st

from pages.shared import latent
from pages.shared.frame import calm_errors, open_page
from pages.shared.live import live_map
from pages.shared.models import mount_codes, mount_decoder, pick_explorer

open_page(
    "Map",
    "Each point is a test image, placed where the encoder puts it. **Move the pointer** to decode "
    "the place under it; **click** to pin that place for all pages.",
)


def choose_plane(explorer):
    """Two latent dimensions as they are; for more, the principal plane or any pair."""
    from vae.projection import pair_plane, pca_plane

    codes = explorer.atlas.mean
    if explorer.latent_dim == 2:
        return pair_plane(codes, 0, 1)
    order = explorer.dimensions_by_rate()
    views = ["Principal plane", "Two dimensions"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = st.segmented_control("View", views, default=views[0], required=True)
        if view == views[0]:
            plane = pca_plane(codes)
        else:
            first = st.selectbox("Across", order, format_func=_dimension_name, width=110)
            others = [dimension for dimension in order if dimension != first]
            second = st.selectbox("Up", others, format_func=_dimension_name, width=110)
            plane = pair_plane(codes, first, second, through=latent.position(explorer))
        st.caption(
            f"{plane.kept_variance:.0%} of the codes' variance lies in this plane; "
            f"the other {1 - plane.kept_variance:.0%} is projected away."
        )
    return plane


def _dimension_name(dimension: int) -> str:
    return f"z{dimension + 1}"


def show_map(explorer, plane) -> None:
    """The map; a click moves the shared latent position."""
    from vae.charts import CLASS_COLOURS

    live_map(
        f"map-{explorer.run.identity[:16]}",
        mount_codes(explorer),
        mount_decoder(explorer),
        {
            "origin": plane.origin.tolist(),
            "basis": plane.basis.tolist(),
            "labels": list(plane.labels),
        },
        z=latent.position(explorer).tolist(),
        colors=CLASS_COLOURS,
        size=520,
        on_pin=lambda pin: latent.move_to(explorer, pin["z"]),
    )


explorer = pick_explorer()
with calm_errors():
    if explorer.latent_dim == 1:
        st.info("This model has one latent dimension: there is no plane. Open Decode instead.")
        st.stop()
    show_map(explorer, choose_plane(explorer))

with st.expander("What am I seeing?"):
    st.markdown(
        "The encoder gives each image a Gaussian posterior $q(z|x)$; the map shows its mean. "
        "**Manifold** decodes a grid of places, **ellipses** draw one standard deviation of some "
        "posteriors, **prior** the radii of 1, 2 and 3 standard deviations of $p(z)$, where the "
        "decoder was trained to be asked. Points keep their class's colour on every page. "
        "Far from all points the decoder invents: trust the picture where the data is near "
        "(Kingma and Welling 2014)."
    )
