"""Published disentanglement scores in numpy: do single latents represent single factors?

Codes are posterior means `(n, latent)`; factors are class numbers `(n, factors)`. The
scores follow the settings of google-research/disentanglement_lib (`unsupervised_study_v1`) and
agree with it on the same arrays. Their common definitions are in Locatello et al. (2019),
"Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations".

Each docstring ends in the paragraphs Range, Estimator, Trap and Source, which
`vae.metrics.glossary` reads. Functions import scikit-learn themselves, because that takes
over a second.

Example:
    from vae.metrics.disentanglement import mig, score

    gap = mig(codes, factors)
    scores = score(codes, factors)
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
from vae.metrics.disentanglement.scores import QUICK_ROWS, Scores, quick_score, sample_parts, score

__all__ = [
    "BINS",
    "ESTIMATORS",
    "QUICK_ROWS",
    "DciScores",
    "Scores",
    "beta_vae",
    "dci",
    "explicitness",
    "factor_entropies",
    "factor_vae",
    "gaussian_total_correlation",
    "mig",
    "modularity",
    "mutual_information",
    "normalised_information",
    "quick_score",
    "sample_parts",
    "sap_continuous",
    "sap_discrete",
    "score",
]
