"""Paths and grids through latent space, as numpy arrays, and the change of pixels along them.

Example:
    codes = interpolate(start, end, np.linspace(0, 1, 9), "spherical")
"""

from statistics import NormalDist
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from vae.core.errors import ConfigError
from vae.explorer.latent.neighbours import Neighbours

PathKind = Literal["linear", "spherical", "data"]
"""The paths of `lerp`, `slerp` and `follow`, in this order."""


def interpolate(
    start: Float[np.ndarray, "latent"],
    end: Float[np.ndarray, "latent"],
    fractions: Float[np.ndarray, "steps"],
    kind: PathKind = "linear",
    neighbours: Neighbours | None = None,
) -> Float[np.ndarray, "steps latent"]:
    """Returns codes between two codes; fraction 0 is the start and 1 the end.

    Only the kind `data` needs `neighbours`.
    """
    if kind not in get_args(PathKind):
        raise ConfigError(f"path must be one of {', '.join(get_args(PathKind))}, not {kind!r}")
    if kind == "data":
        if neighbours is None:
            raise ConfigError("a path along the data needs the data's codes: give neighbours")
        return follow(start, end, fractions, neighbours)
    return lerp(start, end, fractions) if kind == "linear" else slerp(start, end, fractions)


def lerp(
    start: Float[np.ndarray, "latent"],
    end: Float[np.ndarray, "latent"],
    fractions: Float[np.ndarray, "steps"],
) -> Float[np.ndarray, "steps latent"]:
    """Returns codes on the straight line."""
    weights = fractions[:, None]
    return (1 - weights) * start + weights * end


def slerp(
    start: Float[np.ndarray, "latent"],
    end: Float[np.ndarray, "latent"],
    fractions: Float[np.ndarray, "steps"],
) -> Float[np.ndarray, "steps latent"]:
    """Returns codes on the arc around the origin, at constant angular speed.

    The radius is interpolated linearly (Shoemake 1985, after White, "Sampling Generative Networks",
    2016). Where the directions are (anti)parallel or a code is the origin, no unique arc exists and
    the straight line is returned.
    """
    radii = np.linalg.norm(start), np.linalg.norm(end)
    if min(radii) < 1e-9:
        return lerp(start, end, fractions)
    first, last = start / radii[0], end / radii[1]
    angle = np.arccos(np.clip(first @ last, -1.0, 1.0))
    if np.sin(angle) < 1e-6:
        return lerp(start, end, fractions)
    weights = fractions[:, None]
    directions = np.sin((1 - weights) * angle) * first + np.sin(weights * angle) * last
    return directions / np.sin(angle) * ((1 - weights) * radii[0] + weights * radii[1])


def follow(
    start: Float[np.ndarray, "latent"],
    end: Float[np.ndarray, "latent"],
    fractions: Float[np.ndarray, "steps"],
    neighbours: Neighbours,
) -> Float[np.ndarray, "steps latent"]:
    """Returns the path from code to code, at constant speed over the active dimensions.

    `Neighbours.waypoints` chooses the codes. The inactive dimensions follow the straight line: in
    the waypoints they are noise and would only make z jitter.
    """
    codes, active = lerp(start, end, fractions), neighbours.active
    waypoints = neighbours.codes[neighbours.waypoints(start, end)]
    codes[:, active] = along(np.stack([start, *waypoints, end])[:, active], fractions)
    return codes


def along(
    points: Float[np.ndarray, "points dims"], fractions: Float[np.ndarray, "steps"]
) -> Float[np.ndarray, "steps dims"]:
    """Returns positions on the polyline through points, at fractions of its length."""
    hops = np.linalg.norm(np.diff(points, axis=0), axis=1)
    lengths = np.concatenate([[0.0], np.cumsum(hops)])
    positions = fractions * lengths[-1]
    return np.stack([np.interp(positions, lengths, values) for values in points.T], axis=1)


def pixel_changes(frames: Float[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n-1"]:
    """Returns the mean absolute change of a pixel from each frame to the next, 0 to 1."""
    return np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))


def traverse(
    z: Float[np.ndarray, "latent"], dimension: int, values: Float[np.ndarray, "steps"]
) -> Float[np.ndarray, "steps latent"]:
    """Returns copies of one code in which one dimension takes each value."""
    if not 0 <= dimension < len(z):
        raise ConfigError(f"dimension must be from 0 to {len(z) - 1}, not {dimension}")
    codes = np.repeat(z[None], len(values), axis=0)
    codes[:, dimension] = values
    return codes


def prior_quantiles(count: int) -> Float[np.ndarray, "count"]:
    """Returns the medians of `count` equally probable slices of the standard normal prior."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((i + 0.5) / count) for i in range(count)])


def prior_grid(side: int) -> Float[np.ndarray, "cells 2"]:
    """Returns a square grid of 2D codes at the prior's quantiles, row by row from the top left.

    Decoded, it is the manifold image of Kingma and Welling 2014, figure 4.
    """
    values = prior_quantiles(side)
    x, y = np.meshgrid(values, values[::-1])
    return np.stack([x.ravel(), y.ravel()], axis=1)
