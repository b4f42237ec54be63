"""The figures of a machine, and their table.

Example:
    >>> speeds = Speeds("a laptop", [Row("mlp: ours", "CPU, 1 thread", 29_400, "images/s")])
    >>> print(speeds.markdown())
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One figure."""

    what: str
    """The work that was measured."""

    where: str
    """The device and the number of threads."""

    value: float
    unit: str
    ratio: float | None = None
    """The speed relative to `than`, if it is compared."""

    than: str = ""
    """The work that `ratio` compares with."""


@dataclass
class Speeds:
    """All figures of a machine."""

    machine: str
    rows: list[Row] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)
    """Figures by name, on one thread unless `_all_cores` or `_cuda` ends the name."""

    skipped: list[str] = field(default_factory=list)
    """Measurements that this machine cannot make, each with the reason."""

    def markdown(self) -> str:
        """Return the table in Markdown, followed by the skipped measurements."""
        lines = [self.machine, "", "| what | on | figure | ratio |", "|---|---|---|---|"]
        lines += [
            f"| {row.what} | {row.where} | {_figure(row.value)} {row.unit} | {_ratio(row)} |"
            for row in self.rows
        ]
        return "\n".join([*lines, *(f"\nSkipped: {each}" for each in self.skipped)])


def _figure(value: float) -> str:
    """Return a number with three significant digits."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def _ratio(row: Row) -> str:
    return "" if row.ratio is None else f"{row.ratio:.2f} x {row.than}"
