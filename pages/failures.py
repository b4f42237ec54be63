"""Failures: shows small runs that go wrong, how the detector describes them, and their cure."""

import streamlit as st

from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_in_link
from pages.views.failures.ood import show_ood
from pages.views.failures.prepared import show_prepared

# The choice of images from elsewhere; older links hold this word.
OOD = "strangers"

open_page(
    "Failures",
    "Choose what goes **wrong**. The page shows the symptom, the report of the detector, and the "
    "**cure** beside it.",
)


def choose_failure() -> str:
    """Choose the name of a prepared failure, or OOD; the choice stands in the link."""
    from vae.analysis.failure_modes.prepared import FAILURES

    titles = {name: failure.title for name, failure in FAILURES.items()}
    titles[OOD] = "Images from elsewhere"
    return choose_in_link(
        "Failure",
        list(titles),
        name="failure",
        key="failure-choice",
        format_func=titles.__getitem__,
        label_visibility="collapsed",
    )


explorer = pick_explorer()
with handle_errors():
    failure = choose_failure()
    if failure == OOD:
        show_ood(explorer)
    else:
        show_prepared(failure)

with st.expander("How does the detector know?"):
    st.markdown(
        """
`vae train`, the page Train and `vae diagnose CHECKPOINT` use the same detector. Each symptom is one
number and one threshold. The thresholds raise no false alarm for any model that ships.

- **Collapse**: no latent dimension has a posterior mean that varies by more than 0.01 over the test
  images (Burda et al. 2016). It is no failure if only some dimensions are unused, but it is worth
  knowing.
- **Too little KL**: a normal distribution with the moments of all codes together is more than a
  nat from the prior. The codes themselves are further away still.
- **Explosion**: the loss of an epoch is more than twice that of a decoder that always paints grey,
  or more than half above the best earlier loss. **Divergence**: the loss is no longer finite.
- **Clamped log-variances**: more than 5 % of them are at the limit.
- **Over-fitting**: a test image costs a tenth more than a training image.
"""
    )
