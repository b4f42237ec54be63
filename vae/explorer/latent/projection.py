"""Planes through latent space, which give 2D views of codes.

Example:
    plane = pca_plane(codes)
    points = plane.project(codes)
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vae.core.errors import ConfigError

PRINCIPAL = "principal component"


@dataclass(frozen=True)
class LatentPlane:
    """The plane z(x, y) = origin + x * basis[0] + y * basis[1], with an orthonormal basis."""

    origin: Float[np.ndarray, "latent"]
    basis: Float[np.ndarray, "2 latent"]
    labels: tuple[str, str]
    """The names of the two axes."""

    kept_variance: float
    """The share of the codes' variance that lies in the plane, 0 to 1."""

    @property
    def symbols(self) -> tuple[str, str]:
        """The short names of the axes, shown next to a value."""
        across, up = (label.replace(PRINCIPAL, "PC") for label in self.labels)
        return across, up

    def project(self, codes: Float[np.ndarray, "n latent"]) -> Float[np.ndarray, "n 2"]:
        """Returns the orthogonal projection of each code onto the plane."""
        return (codes - self.origin) @ self.basis.T

    def lift(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n latent"]:
        """Returns the codes at these points of the plane."""
        return self.origin + points @ self.basis


def pair_plane(
    codes: Float[np.ndarray, "n latent"],
    first: int,
    second: int,
    through: Float[np.ndarray, "latent"] | None = None,
) -> LatentPlane:
    """Returns the plane of two latent dimensions; the others keep `through`'s values (or 0)."""
    latent = codes.shape[1]
    if not (0 <= first < latent and 0 <= second < latent and first != second):
        raise ConfigError(
            f"a plane needs two different dimensions from 0 to {latent - 1}, "
            f"not {first} and {second}"
        )
    origin = np.zeros(latent) if through is None else np.array(through, dtype=np.float64)
    origin[[first, second]] = 0
    variances = codes.var(axis=0)
    return LatentPlane(
        origin,
        np.eye(latent)[[first, second]],
        (f"z{first + 1}", f"z{second + 1}"),
        _share(variances[[first, second]].sum(), variances.sum()),
    )


def pca_plane(codes: Float[np.ndarray, "n latent"]) -> LatentPlane:
    """Returns the plane of the codes' two principal components, through their mean."""
    if codes.shape[1] < 2:
        raise ConfigError("a plane needs at least two latent dimensions; this model has one")
    origin = codes.mean(axis=0)
    values, vectors = np.linalg.eigh(_covariance(codes))
    basis = vectors[:, ::-1][:, :2].T
    signs = np.sign(basis[np.arange(2), np.abs(basis).argmax(axis=1)])
    return LatentPlane(
        origin.astype(np.float64),
        basis * signs[:, None],
        (f"{PRINCIPAL} 1", f"{PRINCIPAL} 2"),
        _share(values[-2:].sum(), values.sum()),
    )


def direction_plane(
    codes: Float[np.ndarray, "n latent"], vector: Float[np.ndarray, "latent"]
) -> LatentPlane:
    """Returns the plane of a direction and of the largest variance orthogonal to it.

    It passes through the codes' mean. The direction is the horizontal axis, at its full length.
    """
    if codes.shape[1] < 2:
        raise ConfigError("a plane needs at least two latent dimensions; this model has one")
    length = np.linalg.norm(vector)
    if length == 0:
        raise ConfigError("a direction of no length spans no plane")
    along = vector.astype(np.float64) / length
    origin = codes.mean(axis=0, dtype=np.float64)
    centred = codes - origin
    rest = centred - np.outer(centred @ along, along)
    widest = _at_right_angles(along, np.linalg.eigh(_covariance(rest))[1][:, -1])
    basis = np.stack([along, widest])
    kept = _share((centred @ basis.T).var(axis=0).sum(), centred.var(axis=0).sum())
    return LatentPlane(origin, basis, ("along the direction", "widest at right angles"), kept)


def overview_plane(codes: Float[np.ndarray, "n latent"]) -> LatentPlane:
    """Returns the plane of both dimensions of a 2D space, else the principal plane."""
    return pair_plane(codes, 0, 1) if codes.shape[1] == 2 else pca_plane(codes)


def _covariance(codes: Float[np.ndarray, "n latent"]) -> Float[np.ndarray, "latent latent"]:
    """Returns the covariance of codes; all zeros for a single code."""
    centred = codes - codes.mean(axis=0, dtype=np.float64)
    return centred.T @ centred / max(1, len(codes) - 1)


def _share(kept: float, whole: float) -> float:
    """Returns kept / whole; 1 where all codes are equal."""
    return float(kept / whole) if whole > 0 else 1.0


def _at_right_angles(
    along: Float[np.ndarray, "latent"], vector: Float[np.ndarray, "latent"]
) -> Float[np.ndarray, "latent"]:
    """Returns a unit vector orthogonal to `along`, from `vector` if possible, else any.

    Where the codes vary along the direction alone, only rounding error remains of `vector`.
    """
    rest = vector - (vector @ along) * along
    if np.linalg.norm(rest) < 1e-6:
        axis = np.eye(len(along))[np.abs(along).argmin()]
        rest = axis - (axis @ along) * along
    return rest / np.linalg.norm(rest)
