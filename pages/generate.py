"""Generate: shows samples of a model, measures them, and tests whether a better prior helps."""

import streamlit as st

from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.views.generate.measures import find_classifier, gather, show_measures
from pages.views.generate.samples import show_samples

open_page(
    "Generate",
    "Draw codes and decode them. The codes come from the **prior** that the model was trained "
    "with, or from a **mixture** fitted to the codes of images.",
)

explorer = pick_explorer()
with handle_errors():
    classifier = find_classifier(explorer)
    inputs = gather(explorer, with_images=classifier is not None)
    source, temperature = show_samples(explorer, inputs)
    if classifier is not None:
        show_measures(explorer, classifier, inputs, source, temperature)

with st.expander("What do these numbers say?"):
    st.markdown(
        r"""
- **Why another prior?** Training asks the aggregate posterior, which holds the codes of all images,
  $q(z)=\frac1N\sum_n q(z|x_n)$, to look like the standard normal distribution. It never quite does.
  Where $p(z)$ is high and $q(z)$ is low, the decoder was never trained. A Gaussian mixture with
  full covariances is fitted to draws from $q(z)$ of training images (Ghosh et al. 2020). On
  held-out images, $\mathbb{E}[\log p_\text{mixture}(z)-\log p(z)]$ is its gain in ELBO. An
  autoencoder has no prior at all. Its standard normal is only a place to look, so the mixture is
  its only way to generate.
- **Precision** is the share of generated images that lie where reference images do. **Recall** is
  the share of reference images that lie where generated ones do. An image lies there if it is
  within a ball that reaches to the third nearest neighbour, in the features of our own classifier
  (Kynkäänniemi et al. 2019).
- **Fréchet** is $|m_1-m_2|^2+\mathrm{tr}(C_1+C_2-2(C_1C_2)^{1/2})$ between normal distributions
  fitted to those features, as in Heusel et al. 2017. It is no FID: other features, or another
  number of images, give another number. Lower is better.
- **Recognised**: the classifier gives one class a probability of at least 0.9.
- Real test images show the best values that can be expected. Reconstructions can have a higher
  precision, because they are smoother than real images and nearer to their mean.
"""
    )
