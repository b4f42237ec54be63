"""Frozen dataclasses that are stored as JSON: the dataclass is the schema."""

import dataclasses
import sys
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from vae.core.errors import ConfigError


class Record:
    """A base for frozen dataclasses: to and from plain JSON values, refusing what is unknown."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from JSON values; ConfigError for a missing field, an unknown key or a wrong kind.

        Numbers have to be finite, and a whole number may stand for any.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(f"{cls.__name__}: expected an object, found {values!r:.60}")
        names = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        for key in sorted(set(values) - names):
            raise ConfigError(f"{cls.__name__}: unknown key {key!r:.60}; known: {sorted(names)}")
        for key in sorted(names - set(values)):
            raise ConfigError(f"{cls.__name__}: key {key!r} is missing")
        record = cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
        for key, hint in _hints(cls).items():  # type: ignore[arg-type]
            if not _fits(value := getattr(record, key), hint):
                kind = hint.__name__ if isinstance(hint, type) else str(hint)
                raise ConfigError(f"{cls.__name__}: {key} is {value!r:.60}, expected {kind}")
        return record

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, nested records included."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]


@cache
def _hints(cls: type) -> dict[str, Any]:
    """What each field has to be."""
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _fits(value: object, hint: Any) -> bool:
    """Whether a JSON value, or what was built of one, is what a field's annotation says."""
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
        return _is_number(value, hint)
    return hint is Any or not isinstance(hint, type) or isinstance(value, hint)


def _all_fit(values: list[Any] | tuple[Any, ...], parts: tuple[Any, ...]) -> bool:
    if parts[-1] is Ellipsis:
        return all(_fits(value, parts[0]) for value in values)
    return len(values) == len(parts) and all(map(_fits, values, parts))


def _is_number(value: object, kind: type) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int | kind) and abs(value) <= sys.float_info.max
