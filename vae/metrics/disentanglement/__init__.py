"""How well single latents stand for single factors of variation: published scores, in numpy.

Codes are posterior means `(n, latent)`; factors are class numbers `(n, factors)`. The scores
follow the settings of google-research/disentanglement_lib (`unsupervised_study_v1`) and agree
with it on the same arrays. Their common source of definitions is Locatello et al. (2019),
"Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations".

Each docstring ends in the paragraphs Range, Estimator, Trap and Source, which
`vae.metrics.glossary` reads. scikit-learn is imported inside the functions that need it, because
that takes over a second.
"""

from vae.metrics.disentanglement.correlation import gaussian_total_correlation
from vae.metrics.disentanglement.information import (
    BINS,
    factor_entropies,
    mig,
    modularity,
    mutual_information,
    normalised_information,
)
from vae.metrics.disentanglement.prediction import ESTIMATORS, DciScores, dci, explicitness
from vae.metrics.disentanglement.sampled import beta_vae, factor_vae
from vae.metrics.disentanglement.sap import sap_continuous, sap_discrete
from vae.metrics.disentanglement.scores import QUICK_ROWS, Scores, draw_parts, quick_score, score

__all__ = [
    "BINS",
    "ESTIMATORS",
    "QUICK_ROWS",
    "DciScores",
    "Scores",
    "beta_vae",
    "dci",
    "draw_parts",
    "explicitness",
    "factor_entropies",
    "factor_vae",
    "gaussian_total_correlation",
    "mig",
    "modularity",
    "mutual_information",
    "normalised_information",
    "quick_score",
    "sap_continuous",
    "sap_discrete",
    "score",
]
