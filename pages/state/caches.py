"""Tells Streamlit's caches how to recognise a model: by the hash of its weights.

Pages pass `hash_funcs=BY_RUN` or `hash_funcs=BY_DECODER` to `st.cache_data` and
`st.cache_resource`. Streamlit compares the names of classes, so this module imports none of them.
That matters because the classes import torch, and a page must show its title before torch is
loaded.

    @st.cache_data(max_entries=20, show_spinner=False, hash_funcs=BY_RUN)
    def _samples(explorer: "Explorer", seed: int) -> np.ndarray:
        return explorer.sample(8, seed)
"""

from collections.abc import Callable
from typing import Any

HashFuncs = dict[str | type, Callable[[Any], Any]]


def _weights(owner: Any) -> str:
    """Return the sha256 of the weights of an Explorer or an EvalClassifier."""
    return str(owner.run.identity)


def _comparison(comparison: Any) -> list[str]:
    runs = (*comparison.runs, *comparison.multi_rate)
    return [run.name + run.identity for run in runs]


BY_RUN: HashFuncs = {
    "vae.explorer.explorer.Explorer": _weights,
    "vae.explorer.gallery.Gallery": lambda gallery: (_weights(gallery.explorer), gallery.are_real),
    "vae.analysis.eval_classifier.EvalClassifier": _weights,
    "vae.runs.run.Run": lambda run: (str(run.path), run.identity),
    "vae.runs.comparison.Comparison": _comparison,
}
"""Recognises a model by its weights; the class at which a conditional model is seen is ignored."""

BY_DECODER: HashFuncs = BY_RUN | {
    "vae.explorer.explorer.Explorer": lambda explorer: explorer.decoder_identity,
    "vae.explorer.gallery.Gallery": lambda gallery: (
        gallery.explorer.decoder_identity,
        gallery.are_real,
    ),
}
"""Recognises a model by its weights and the class at which a conditional model is seen."""
