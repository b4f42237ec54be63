"""Measures the seconds to draw ten thousand sprites: `python -m tests.benchmarks.sprites`."""

import time
from typing import get_args

from vae.data.sprites import SIDES, Edges, SpriteGrid

COUNT = 10_000


def seconds(grid: SpriteGrid) -> float:
    """Return the seconds to draw images from the whole grid once."""
    factors = grid.factors_of(grid.sample(COUNT, seed=0))
    start = time.perf_counter()
    grid.render(factors)
    return time.perf_counter() - start


def main() -> None:
    """Print the median and the range of five drawings of each kind."""
    for side in SIDES:
        for edges in get_args(Edges):
            times = sorted(seconds(SpriteGrid(side=side, edges=edges)) for _ in range(5))
            print(
                f"{COUNT:,} images of {side} pixels, {edges:6} edges: "
                f"{times[2]:.2f} s ({times[0]:.2f} to {times[-1]:.2f})"
            )


if __name__ == "__main__":
    main()
