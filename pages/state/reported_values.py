"""Checks the values that a browser reports, because any program can send anything."""

LIMIT = 1e4
"""The largest coordinate of a code; people reach about a hundredth of it by hand."""


def is_number(value: object) -> bool:
    """Return whether it is a number within LIMIT; NaN, which Python's JSON accepts, is not."""
    return type(value) in (int, float) and abs(value) <= LIMIT  # type: ignore[arg-type]


def is_code(value: object, length: int) -> bool:
    """Return whether it is a list of `length` numbers."""
    return isinstance(value, list) and len(value) == length and all(map(is_number, value))


def is_pin(value: object, length: int) -> bool:
    """Return whether it is a position on the map of a model with `length` latent dimensions."""
    return isinstance(value, dict) and is_code(value.get("z"), length)
