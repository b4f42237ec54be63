"""Frozen dataclasses that are stored as JSON: the dataclass is the schema."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from vae.errors import ConfigError


class Record:
    """A base for frozen dataclasses: to and from plain JSON values, refusing what is unknown."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from JSON values; ConfigError where a field is missing or a key unknown."""
        if not isinstance(values, Mapping):
            raise ConfigError(f"{cls.__name__}: expected an object, found {values!r:.60}")
        names = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        for key in sorted(set(values) - names):
            raise ConfigError(f"{cls.__name__}: unknown key {key!r}; known: {sorted(names)}")
        for key in sorted(names - set(values)):
            raise ConfigError(f"{cls.__name__}: key {key!r} is missing")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, nested records included."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]
