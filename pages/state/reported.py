"""What instruments report, of which nothing is taken on trust: a program can send anything."""

LIMIT = 1e4
"""The largest coordinate of a code; what people reach by hand is a hundredth of it."""


def is_number(value: object) -> bool:
    """Whether it is a number within LIMIT; NaN, which Python's JSON lets through, is none."""
    return type(value) in (int, float) and abs(value) <= LIMIT  # type: ignore[arg-type]


def is_code(value: object, length: int) -> bool:
    """Whether it is a list of so many numbers."""
    return isinstance(value, list) and len(value) == length and all(map(is_number, value))


def is_pin(value: object, length: int) -> bool:
    """Whether it is a place picked on the map of codes of so many dimensions."""
    return isinstance(value, dict) and is_code(value.get("z"), length)
