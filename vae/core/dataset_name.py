"""Data sets narrowed to some of their classes, by name: `mnist:only=3+5`, `mnist:without=3`.

A model trained on these has seen nothing else, which makes it a detector of everything else.
"""

import re
from dataclasses import dataclass

from vae.core.errors import DataError

_NARROWED = re.compile(r"(?P<base>[\w-]+):(?P<mode>only|without)=(?P<labels>.*)", re.DOTALL)


@dataclass(frozen=True)
class ClassSubset:
    """Some classes of a data set, by label."""

    base: str
    """The name of the data set that holds all of them."""

    mode: str
    """only or without."""

    listed: tuple[int, ...]
    """The labels in the name, rising."""

    count: int
    """How many classes the whole data set has."""

    @property
    def labels(self) -> tuple[int, ...]:
        """Those that are left to train on, rising."""
        inside = self.mode == "only"
        return tuple(label for label in range(self.count) if (label in self.listed) is inside)

    def title(self, whole_title: str, class_names: tuple[str, ...]) -> str:
        """Such as "MNIST, only 3 and 5"."""
        names = " and ".join(class_names[label] for label in self.listed)
        return f"{whole_title}, {self.mode} {names}"


def base_name(name: str) -> str:
    """The data set that a narrowed one is part of; of any other name, that itself."""
    found = _NARROWED.fullmatch(name)
    return found["base"] if found and is_subset(name) else name


def is_subset(name: str) -> bool:
    """Whether a data set's name asks for some of its classes, well spelt or not."""
    found = _NARROWED.fullmatch(name)
    return found is not None and found["base"] not in ("sprites", "folder")


def parse_class_subset(name: str, class_names: tuple[str, ...]) -> ClassSubset:
    """The classes that a narrowed name asks for; DataError for labels that make no sense."""
    found = _NARROWED.fullmatch(name)
    assert found is not None, "ask is_subset first"
    count, texts = len(class_names), found["labels"].split("+")
    known = all(re.fullmatch(r"[0-9]{1,4}", text) and int(text) < count for text in texts)
    labels = tuple(map(int, texts)) if known else ()
    if not labels or list(labels) != sorted(set(labels)):
        raise DataError(
            f"{name:.80} should name labels from 0 to {count - 1}, rising, each once, with + "
            f"between them, such as {found['base']}:{found['mode']}=0+3"
        )
    if len(labels) == count:
        raise DataError(
            f"{name:.80} names every class of {found['base']}; name fewer, or take the whole of it"
        )
    return ClassSubset(found["base"], found["mode"], labels, count)
