"""The schema of settings: a field's annotation declares everything that is known about a setting.

A record such as `vae.core.config.TrainConfig` annotates each field with a `Setting`. From this one
declaration follow the check of the value, the command-line option, the command line of a stored
run, the widget of the page Train and the defaults of older checkpoints. A new setting is one field.

Example:
    >>> @dataclass(frozen=True)
    ... class Optimizer(Record):
    ...     momentum: Annotated[float, Setting("Momentum of SGD.", low=0, high=1)] = 0.9
    ...     def __post_init__(self):
    ...         check_settings(self)
    >>> [setting.option for setting in settings_of(Optimizer)]
    ['--momentum']
    >>> Optimizer(momentum=2)
    Traceback (most recent call last):
    vae.core.errors.ConfigError: momentum must be a number from 0 to 1, not 2
"""

import dataclasses
import math
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from vae.core.errors import ConfigError

Built = TypeVar("Built")

REQUIRED = object()
"""Default of a setting that has none."""


@dataclass(frozen=True, eq=False)
class Setting:
    """Everything that is known about one setting, apart from its name, type and default."""

    help: str
    """One or two sentences for the command line and the page; both say "beta" for β."""

    group: str = ""
    """Heading of the option in --help; empty for an option that a command adds by itself."""

    option: str = ""
    """Name of the option; by default it follows from the field's name."""

    alias: str = ""
    """A second name of the option."""

    metavar: str | None = None
    """How --help writes the value."""

    low: float = -math.inf
    high: float = math.inf
    """Smallest and largest allowed number; whole numbers need both."""

    low_is_excluded: bool = False

    check: Callable[[str, Any], None] | None = None
    """Raises ConfigError for a value that is not allowed; it takes the name and the value."""

    derive: Callable[[Mapping[str, Any]], Any] | None = None
    """Computes the value from the other values where a person leaves it open."""

    derived: str = ""
    """How --help describes the derived value."""

    is_written: Callable[[Any], bool] | None = None
    """Tells of a record whether a command line states the setting; by default if it is changed."""

    added_in: int = 1
    """Checkpoint format version that introduced the setting; older runs had its default."""

    label: str = ""
    """Label of the page's widget; empty for a setting that pages do not offer."""

    page_help: str = ""
    """Further sentences for the page alone."""

    page_low: float | None = None
    page_high: float | None = None
    page_step: float | None = None
    """Limits and step of the page's widget, where they differ from `low`, `high` and 1."""

    titles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """How people write each choice."""

    name: str = ""
    """Name of the field; `settings_of` fills in the name, the type and the default."""

    value_type: Any = None
    default: Any = REQUIRED

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed words, or () for a setting that is not a word from a list."""
        return get_args(self.value_type) if get_origin(self.value_type) is Literal else ()

    def parse(self, text: str) -> Any:
        """Read a value from the command line; raises ConfigError for malformed text."""
        item = _item_type(self.value_type)
        try:
            if item is not None:
                return tuple(item(part) for part in text.split(","))
            return self.value_type(text)
        except ValueError:
            raise ConfigError(
                f"expected numbers such as {self.metavar}, not {text!r:.60}"
            ) from None


_KNOWN: dict[type, tuple[Setting, ...]] = {}
"""The settings of each record, because reading annotations is slow."""


def settings_of(record: type) -> tuple[Setting, ...]:
    """Return the settings that a record's fields declare, in the order of the fields."""
    if record not in _KNOWN:
        _KNOWN[record] = _read_settings(record)
    return _KNOWN[record]


def _read_settings(record: type) -> tuple[Setting, ...]:
    hints = get_type_hints(record, include_extras=True)
    return tuple(
        _named(declared, field.name, get_args(hints[field.name])[0], field.default)
        for field in dataclasses.fields(record)
        for declared in getattr(hints[field.name], "__metadata__", ())
        if isinstance(declared, Setting)
    )


def check_settings(record: Any) -> None:
    """Raise ConfigError for the first value that is out of range or of the wrong type."""
    for setting in settings_of(type(record)):
        value = getattr(record, setting.name)
        if setting.check is not None:
            setting.check(setting.name, value)
        elif setting.choices:
            check_choice(setting.name, value, setting.choices)
        elif setting.value_type is int:
            check_integer(setting.name, value, int(setting.low), int(setting.high))
        elif setting.value_type is float:
            check_number(setting.name, value, setting.low, setting.high, setting.low_is_excluded)


def from_values(record: type[Built], values: Mapping[str, Any], **fixed: Any) -> Built:
    """Build a record from chosen values, such as the options of a command.

    `fixed` values take precedence. A value that is absent gets its default; a value of None is
    derived from the others. Other keys of `values` are ignored. Raises ConfigError for values that
    are not allowed.
    """
    chosen = {s.name: values.get(s.name, s.default) for s in settings_of(record)} | fixed
    given = {name: value for name, value in chosen.items() if value is not REQUIRED}
    for setting in settings_of(record):
        if setting.derive is not None and given[setting.name] is None:
            given[setting.name] = setting.derive(given)
    return record(**given)


def command_line(record: Any, always: tuple[str, ...]) -> dict[str, str]:
    """Return the options that state a record's settings, by setting; each value is one word.

    The settings named in `always` are stated even where they have their defaults.
    """
    stated = {}
    for setting in settings_of(type(record)):
        value = getattr(record, setting.name)
        differs = setting.is_written(record) if setting.is_written else value != setting.default
        if setting.name in always or differs:
            stated[setting.name] = f"{setting.option} {format_value(value)}"
    return stated


def format_value(value: object) -> str:
    """Write a value as the command line reads it, with no more digits than it needs."""
    if isinstance(value, tuple):
        return ",".join(map(format_value, value))
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return shlex.quote(str(value))


def defaults_added_after(record: type, version: int) -> dict[str, Any]:
    """Return the defaults of the settings that a run of this checkpoint format version lacks."""
    return {s.name: s.default for s in settings_of(record) if s.added_in > version}


def newest_version(*records: type) -> int:
    """Return the checkpoint format version that introduced the newest setting."""
    return max(setting.added_in for record in records for setting in settings_of(record))


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise ConfigError for a value that is none of the choices."""
    if value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def check_integer(name: str, value: object, low: int, high: int) -> None:
    """Raise ConfigError for a value that is not a whole number in the range."""
    if not is_integer(value) or not low <= value <= high:  # type: ignore[operator]
        raise ConfigError(f"{name} must be a whole number from {low} to {high}, not {value!r}")


def check_number(
    name: str, value: object, low: float, high: float, low_is_excluded: bool = False
) -> None:
    """Raise ConfigError for a value that is not a number in the range."""
    is_number = isinstance(value, float) or is_integer(value)
    if is_number and low <= value <= high and not (low_is_excluded and value == low):  # type: ignore[operator]
        return
    bounds = f"from {low:g} to {high:g}"
    if low_is_excluded:
        bounds = f"above {low:g} and at most {high:g}"
    raise ConfigError(f"{name} must be a number {bounds}, not {value!r}")


def is_integer(value: object) -> bool:
    """Return whether a value is a whole number; bool counts as none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _named(declared: Setting, name: str, hint: Any, default: Any) -> Setting:
    default = REQUIRED if default is dataclasses.MISSING else default
    option = declared.option or f"--{name.replace('_', '-')}"
    return dataclasses.replace(declared, name=name, value_type=hint, default=default, option=option)


def _item_type(hint: Any) -> Callable[[str], Any] | None:
    """Return the type of a tuple's items, for a hint such as tuple[int, ...] | None."""
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return next((get_args(part)[0] for part in parts if get_origin(part) is tuple), None)
