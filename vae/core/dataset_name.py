"""Names of data sets that keep some of their classes: `mnist:only=3+5`, `mnist:without=3`.

A model of such a subset has never seen the other classes, so it can detect them as anomalies.

Example:
    >>> digits = tuple("0123456789")
    >>> parse_class_subset("mnist:without=3", digits).labels
    (0, 1, 2, 4, 5, 6, 7, 8, 9)
    >>> base_name("mnist:without=3")
    'mnist'
"""

import re
from dataclasses import dataclass

from vae.core.errors import DataError

_SUBSET = re.compile(r"(?P<base>[\w-]+):(?P<mode>only|without)=(?P<labels>.*)", re.DOTALL)


@dataclass(frozen=True)
class ClassSubset:
    """The classes that a subset keeps, and the data set that it is part of."""

    base: str
    """The name of the whole data set."""

    mode: str
    """The word `only` if the listed classes are kept, `without` if they are left out."""

    listed: tuple[int, ...]
    """The labels in the name, in rising order."""

    count: int
    """The number of classes of the whole data set."""

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels of the kept classes, in rising order."""
        inside = self.mode == "only"
        return tuple(label for label in range(self.count) if (label in self.listed) is inside)

    def title(self, whole_title: str, class_names: tuple[str, ...]) -> str:
        """Return a title such as "MNIST, only 3 and 5"."""
        names = " and ".join(class_names[label] for label in self.listed)
        return f"{whole_title}, {self.mode} {names}"


def base_name(name: str) -> str:
    """Return the name of the data set that a subset is part of; return other names unchanged."""
    found = _SUBSET.fullmatch(name)
    return found["base"] if found and is_subset(name) else name


def is_subset(name: str) -> bool:
    """Return whether a name asks for some classes; their labels may still be invalid."""
    found = _SUBSET.fullmatch(name)
    return found is not None and found["base"] not in ("sprites", "folder")


def parse_class_subset(name: str, class_names: tuple[str, ...]) -> ClassSubset:
    """Return the classes that a subset's name asks for; raise DataError for invalid labels."""
    found = _SUBSET.fullmatch(name)
    assert found is not None, "ask is_subset first"
    count, texts = len(class_names), found["labels"].split("+")
    known = all(re.fullmatch(r"[0-9]{1,4}", text) and int(text) < count for text in texts)
    labels = tuple(map(int, texts)) if known else ()
    if not labels or list(labels) != sorted(set(labels)):
        raise DataError(
            f"{name:.80} must name labels from 0 to {count - 1}, in rising order, each once, with "
            f"+ between them, such as {found['base']}:{found['mode']}=0+3"
        )
    if len(labels) == count:
        raise DataError(
            f"{name:.80} names every class of {found['base']}; name fewer classes, or use "
            f"{found['base']}"
        )
    return ClassSubset(found["base"], found["mode"], labels, count)
