"""Every reported score has a complete glossary entry, read from its docstring."""

import dataclasses

import pytest

from vae.metrics.classification import LabelScores
from vae.metrics.disentanglement import Scores
from vae.metrics.glossary import ENTRIES, GLOSSARY

ABOUT = {"factor_vae_by_seed", "beta_vae_by_seed", "sampling_seeds", "estimator", "rows"}
ABOUT |= {"test_rows", "label_entropy", "commonest_label", "labelled_rows"}
"""Fields that describe how scores were computed and are not scores themselves."""

LONGEST = 30
"""The words of the longest sentence that a page may show."""


def test_every_score_has_an_entry_and_every_entry_a_score():
    fields = {f.name for kind in (Scores, LabelScores) for f in dataclasses.fields(kind)}
    assert GLOSSARY.keys() == fields - ABOUT
    assert len(ENTRIES) == len(GLOSSARY) == len({entry.title for entry in ENTRIES})


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_is_complete_and_its_sentences_are_short(entry):
    texts = entry.meaning, entry.range, entry.estimator, entry.trap, entry.source
    for text in texts:
        assert text.endswith((".", "?"))
        assert text[0].isupper() or not text[0].isalpha()
        assert "  " not in text
        assert "\n" not in text
    assert len(entry.title) <= 35
    assert all(len(sentence.split()) <= LONGEST for text in texts for sentence in text.split(". "))
    assert "(19" in entry.source or "(20" in entry.source


def test_texts_are_those_of_the_docstrings():
    assert GLOSSARY["mig"].range == "In [0, 1]; it is 1 where each factor has exactly one latent."
    assert "never read it alone" in GLOSSARY["factor_vae"].trap.lower()
    assert GLOSSARY["modularity"].meaning.endswith("about one factor only?")
    assert GLOSSARY["gaussian_tc"].higher_is_better is False
    assert "linear" in GLOSSARY["gaussian_tc"].title
