"""Frozen dataclasses that are stored as JSON: the dataclass is the schema.

Example:
    >>> @dataclass(frozen=True)
    ... class Point(Record):
    ...     x: float
    >>> Point.from_dict({"x": 1.5}).to_dict()
    {'x': 1.5}
    >>> Point.from_dict({"y": 1})
    Traceback (most recent call last):
    vae.core.errors.ConfigError: Point: unknown key 'y'; known: ['x']
"""

import dataclasses
import sys
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from vae.core.errors import ConfigError


class Record:
    """Base of frozen dataclasses that convert to and from plain JSON values."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build a record, with its nested records, from JSON values.

        Raises ConfigError for a missing field, an unknown key or a value of the wrong type.
        Numbers must be finite, and an integer may stand for a float.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(f"{cls.__name__}: expected an object, found {values!r:.60}")
        names = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        for key in sorted(set(values) - names):
            raise ConfigError(f"{cls.__name__}: unknown key {key!r:.60}; known: {sorted(names)}")
        for key in sorted(names - set(values)):
            raise ConfigError(f"{cls.__name__}: key {key!r} is missing")
        hints = _hints(cls)  # type: ignore[arg-type]
        built = {key: _built(value, hints[key]) for key, value in values.items()}
        for key, value in built.items():
            if not _fits(value, hint := hints[key]):
                kind = hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
                raise ConfigError(f"{cls.__name__}: {key} is {value!r:.60}, expected {kind}")
        return cls(**built)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, with those of nested records."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]


@cache
def _hints(cls: type) -> dict[str, Any]:
    """Return the type of each field."""
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _built(value: Any, hint: Any) -> Any:
    """Build the nested records of a JSON value, and turn its lists into tuples."""
    if hint is Any:
        return value
    origin, parts = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and issubclass(hint, Record):
        return hint.from_dict(value)
    if origin in (Union, UnionType):
        return None if value is None else _built(value, parts[0])
    if isinstance(value, list):
        return tuple(_built(item, parts[0]) if origin is tuple else item for item in value)
    if origin is dict and isinstance(value, Mapping):
        return {key: _built(item, parts[1]) for key, item in value.items()}
    return value


def _fits(value: object, hint: Any) -> bool:
    """Return whether a value, built from JSON, has the type of a field's annotation."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return isinstance(value, str) and value in parts
    if origin is tuple:
        return isinstance(value, list | tuple) and _all_fit(value, parts)
    if origin is dict:
        return isinstance(value, Mapping) and all(_fits(v, parts[1]) for v in value.values())
    if hint in (int, float):
        return is_number(value, hint)
    return hint is Any or not isinstance(hint, type) or isinstance(value, hint)


def _all_fit(values: list[Any] | tuple[Any, ...], parts: tuple[Any, ...]) -> bool:
    if parts[-1] is Ellipsis:
        return all(_fits(value, parts[0]) for value in values)
    return len(values) == len(parts) and all(map(_fits, values, parts))


def is_number(value: object, kind: type = float) -> bool:
    """Tell whether a value is a finite number; `kind` int admits integers only.

    JSON integers have any number of digits, so that even an integer can exceed a float's range.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int | kind) and abs(value) <= sys.float_info.max
