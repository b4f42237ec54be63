"""The type checker that the tests put under every function of `vae` that has arrays."""

from collections.abc import Callable
from typing import Any, get_args

from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray

_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function: Callable) -> Callable:
    """beartype on the parameters that are arrays of an annotated shape, and on none else.

    Plain types are mypy's work. Checked here they would hide what `vae` itself says about a value
    of the wrong type, such as one in an edited run.json.
    """
    # jaxtyping hands over a stand-in of its own, so that this changes nothing in vae.
    hints = function.__annotations__.items()
    function.__annotations__ = {name: hint for name, hint in hints if _has_array(hint)}
    return _beartype(function)


def _has_array(hint: Any) -> bool:
    is_array = isinstance(hint, type) and issubclass(hint, AbstractArray)
    return is_array or any(_has_array(part) for part in get_args(hint))
