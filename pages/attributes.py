"""Attributes: adds a direction between two groups of images to any image, and tests it."""

import streamlit as st

from pages.state.models import open_gallery
from pages.ui.image_picker import note_missing, offer_start_images
from pages.ui.layout import handle_errors, open_page
from pages.ui.markdown import error_text
from pages.ui.model_picker import pick_explorer
from pages.views.attributes.direction import show_direction
from pages.views.attributes.groups import choose_attribute
from vae.core.errors import DataError

open_page(
    "Attributes",
    "Two groups of images have a direction between them. **Drag** the slider to add it to an "
    "image, and see whether it does more than chance.",
)

explorer = pick_explorer()
with handle_errors():
    gallery = open_gallery(explorer)
    attribute = choose_attribute(explorer, gallery)
    try:
        show_direction(explorer, gallery, attribute)
    except DataError as error:
        st.info(f"No direction can be found here: {error_text(error)}.", icon=":material/info:")
    offer_start_images(explorer, "Start from another test image", key="attribute-start")
    if not gallery.are_real:
        note_missing(explorer, gallery)
        st.caption("Attributes are measured on those reconstructions, which also form the groups.")

with st.expander("What is measured, and against what?"):
    from vae.metrics.morphology import ATTRIBUTES

    formulas = "\n".join(f"- **{each.title}**: {each.formula}" for each in ATTRIBUTES.values())
    st.markdown(
        "The two groups are one of three pairs: the quarters of the test images at both ends of an "
        "attribute; a class and all others; or the images inside a loop that you draw on the map "
        "and those outside it. The direction is the difference of the groups' mean codes (Larsen "
        "et al. 2016; White 2016). Attributes are computed from the pixels, where *I* is the ink "
        f"of a pixel:\n\n{formulas}\n\n"
        "**Is it certain?** The bootstrap resamples the images of both groups and compares the "
        "directions. **Are the groups different?** Their means are compared with those of random "
        "groups of the same images. **Does it have an effect?** One half of the images gives the "
        "direction. Then 30 images of the other half are moved by −1 to +1 times its length, "
        "decoded and measured again. The same is done along 99 random directions of that length. "
        "For a class or your own group, the measured quantity is the *likeness*. It is 0 at the "
        "mean image of the others and 1 at the mean image of the group, in pixels. Both means are "
        "of the half that the direction does not use. With few dimensions, many random directions "
        "do as well, so chance is harder to beat."
    )
