"""The figures of a machine, and the table of them."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One figure."""

    what: str
    where: str
    """The device, and how many threads."""

    value: float
    unit: str
    ratio: float | None = None
    than: str = ""
    """What the ratio is against."""


@dataclass
class Speeds:
    """All figures of a machine."""

    machine: str
    rows: list[Row] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)
    """The figures that are watched, by name: those of one thread, of `_all_cores`, of `_cuda`."""

    def markdown(self) -> str:
        """As the README has it."""
        lines = [self.machine, "", "| what | on | figure | ratio |", "|---|---|---|---|"]
        lines += [
            f"| {row.what} | {row.where} | {_figure(row.value)} {row.unit} | {_ratio(row)} |"
            for row in self.rows
        ]
        return "\n".join(lines)


def _figure(value: float) -> str:
    """Three significant digits, which is more than any of them deserves."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def _ratio(row: Row) -> str:
    return "" if row.ratio is None else f"{row.ratio:.2f} x {row.than}"
