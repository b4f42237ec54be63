"""The caches recognise models by their weights."""

import importlib

import pytest
import streamlit as st

from pages.state.caches import BY_DECODER, BY_RUN
from vae.explorer import Explorer


@pytest.mark.parametrize("name", sorted({*map(str, BY_RUN), *map(str, BY_DECODER)}))
def test_every_name_is_that_of_a_class_as_streamlit_spells_it(name):
    module, _, qualified_name = name.rpartition(".")
    found = getattr(importlib.import_module(module), qualified_name)
    assert f"{found.__module__}.{found.__qualname__}" == name


def calls_of(hash_funcs, *values: object) -> list[object]:
    """Return the values for which a cached function is really called."""
    calls: list[object] = []

    @st.cache_data(hash_funcs=hash_funcs, show_spinner=False)
    def cached(value: object) -> None:
        calls.append(value)

    cached.clear()
    for value in values:
        cached(value)
    return calls


@pytest.mark.parametrize("hash_funcs", [BY_RUN, BY_DECODER])
def test_two_copies_of_a_model_in_memory_share_an_entry(small_checkpoints, hash_funcs):
    first, copy = (Explorer.open(small_checkpoints / "digits-map") for _ in range(2))
    other = Explorer.open(small_checkpoints / "digits-beta-1")
    assert calls_of(hash_funcs, first, copy, other, first) == [first, other]
    assert calls_of(hash_funcs, first.run, copy.run, other.run) == [first.run, other.run]


def test_the_class_of_a_conditional_model_counts_for_its_decoder_alone(tmp_path, train_into):
    train_into(tmp_path / "conditional", 2, kind="conditional", classes=10, epochs=1)
    zero = Explorer.open(tmp_path / "conditional")
    seven = zero.at_label(7)
    assert calls_of(BY_DECODER, zero, seven) == [zero, seven]
    assert calls_of(BY_RUN, zero, seven) == [zero]
