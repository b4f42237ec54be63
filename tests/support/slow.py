"""Cases of a parametrized test of which a few run always and the others with `pytest -m slow`."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow_except(cases: Iterable[Any], fast: Collection[Any]) -> list[Any]:
    """Mark all cases as slow, except those in `fast`; raise ValueError if one of these is none."""
    cases = list(cases)
    if missing := [case for case in fast if case not in cases]:
        raise ValueError(f"{missing} are no cases of this test")
    return [case if case in fast else pytest.param(case, marks=pytest.mark.slow) for case in cases]
