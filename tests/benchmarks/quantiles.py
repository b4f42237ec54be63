"""Quantiles of measured times, in the words that the benchmarks print."""

from collections.abc import Sequence


def quantile(values: Sequence[float], fraction: float) -> float:
    """Return the smallest value that at least this fraction of the values does not exceed.

    Without values, the result is NaN.
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))] if ordered else float("nan")


def describe_times(milliseconds: Sequence[float]) -> str:
    """Return the median, the 95th percentile and the largest of some times."""
    found = [quantile(milliseconds, fraction) for fraction in (0.5, 0.95, 1.0)]
    return "p50 {:.0f}, p95 {:.0f}, at most {:.0f} ms".format(*found)
