"""What codes know: tests how well codes, pixels and PCA predict the class of an image."""

import streamlit as st

from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.views.representation.latent_sizes import read_family, show_family
from pages.views.representation.scores import show_model

open_page(
    "What codes know",
    "How well does the **code** of an image predict its class, compared with its **pixels** and "
    "with the same number of **PCA** components?",
)

explorer = pick_explorer()
with handle_errors():
    family = read_family()
    # The family shows at once, and the scores of the chosen model take a moment.
    above = st.container()
    if family is None:
        st.info(
            "No models of several latent sizes have been measured here. `vae latent-sizes --out "
            "checkpoints/latent-sizes.json` trains and measures them.",
            icon=":material/info:",
        )
    else:
        show_family(explorer, family)
    with above:
        show_model(explorer, family)

with st.expander("What is measured?"):
    st.markdown(
        "**5 nearest neighbours** vote by Euclidean distance in the plain features (Cover and Hart "
        "1967). The **linear probe** is multinomial logistic regression on standardised features. "
        "Its penalty is chosen on a fifth of the fitted images (Alain and Bengio 2016). "
        "**k-means** finds a cluster for each class without labels. The **adjusted Rand index** "
        r"$\mathrm{ARI}=\frac{R-\mathbb{E}R}{\max R-\mathbb{E}R}$ "
        "counts the pairs of images on which clusters and classes agree, minus the agreement by "
        "chance (Hubert and Arabie 1985). "
        r"$\mathrm{NMI}=\frac{2\,I(C;Y)}{H(C)+H(Y)}$ "
        "is the shared information.\n\n"
        "A larger code holds more information: the rate rises and the distortion falls. From some "
        "size on, further dimensions stay unused, so the number of active units levels off. "
        "Nearest neighbours gain from every informative dimension. A code of two dimensions must "
        "bend the classes around each other, and a linear probe cannot follow the bends."
    )
