"""Searches codes near a point of latent space, measures outlyingness, and finds paths along codes.

Functions import scipy themselves, because the import takes a fifth of a second.

Example:
    neighbours = Neighbours(codes, active=[0, 1])
    nearest = neighbours.nearest(z, k=5)
    ranks = neighbours.outlyingness(z)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Integer

GRAPH_NEIGHBOURS = 10
"""Number of edges from each code to its nearest other codes."""

MAX_GRAPH_CODES = 20_000
"""Largest number of codes in the graph; of more codes an evenly strided subset is used."""

MAX_EXACT_SPACINGS = 10_000
SAMPLED_SPACINGS = 4_000
"""Number of evenly strided codes that stand for more than `MAX_EXACT_SPACINGS` codes. A rank then
has a standard error of 0.8 % at the median."""

MAX_TREE_DIMENSIONS = 10
"""In more dimensions a k-d tree visits nearly every code; all distances are then faster."""

BLOCK = 4_000_000
"""Number of distances held in memory at once."""


def _built_once(build: Callable[[Any], Any]) -> property:
    """A property that one thread computes at its first use while the others wait."""
    name = f"{build.__name__}_built"

    def read(self: Any) -> Any:
        if name not in self.__dict__:
            with self._lock:
                if name not in self.__dict__:
                    self.__dict__[name] = build(self)
        return self.__dict__[name]

    return property(read)


class Neighbours:
    """The codes of a data set, searched by Euclidean distance over the active dimensions.

    Inactive dimensions do not count, because the decoder ignores them. Where none is active, all
    count. The object never changes and threads can share it; costly parts are built once, at their
    first use. Queries are any codes (m, latent), not only those of the data set.
    """

    def __init__(self, codes: Float[np.ndarray, "n latent"], active: Sequence[int]) -> None:
        assert len(codes), "no codes"
        self.codes = codes
        self.active = np.array(active or range(codes.shape[1]))
        self._points = self._active_part(codes)
        self._lock = RLock()

    def distance(self, z: Float[np.ndarray, "m latent"]) -> Float[np.ndarray, "m"]:
        """Returns the distance from each query to its nearest code."""
        return self._search.nearest(self._active_part(z), 1)[0][:, 0]

    def nearest(self, z: Float[np.ndarray, "m latent"], k: int) -> Int[np.ndarray, "m k"]:
        """Returns the indices of the k codes nearest to each query (all if there are fewer)."""
        return self._search.nearest(self._active_part(z), k)[1]

    def outlyingness(self, z: Float[np.ndarray, "m latent"]) -> Float[np.ndarray, "m"]:
        """Returns the rank of each query's distance among the codes' own nearest distances.

        It is the share of codes that are nearer to another code than the query is to any code: 0
        on a code, 0.5 at the median distance, 1 further off than every code. Ranks compare between
        models; distances do not. With a single code it is 1 everywhere off that code.
        """
        spacings = self._spacings
        return np.searchsorted(spacings, self.distance(z), side="left") / len(spacings)

    def spacing_quantiles(self) -> Float[np.ndarray, "101"]:
        """Returns the 0, 1, … 100 % quantiles of the codes' distances to the nearest other code.

        The interpolated rank of a distance among them is its `outlyingness` to 0.01. They are exact
        up to `MAX_EXACT_SPACINGS` codes; beyond, `SAMPLED_SPACINGS` codes are compared with all.
        """
        return np.quantile(self._spacings, np.linspace(0, 1, 101))

    def waypoints(
        self, start: Float[np.ndarray, "latent"], end: Float[np.ndarray, "latent"]
    ) -> Int[np.ndarray, "waypoints"]:
        """Returns the codes on the path along the data; codes equal to an end are left out.

        It is the cheapest path in the graph that joins each code to its 10 nearest, as in Isomap
        (Tenenbaum et al. 2000; the graph's shortest paths converge to geodesics, Bernstein et al.
        2000). The ends join the graph like codes. An edge costs its squared length, so many short
        hops cost less than a long one. By Pythagoras, a detour over a code in the ball with the hop
        as diameter never costs more than the hop. Such power-weighted paths prefer dense regions
        and converge too (Groisman et al. 2022, the Fermat distance; Little et al. 2022). The
        shortest links join parts of the graph that have no connection. Of more than
        `MAX_GRAPH_CODES` codes, an evenly strided subset forms the graph.
        """
        first, last = self._active_part(np.stack([start, end]))
        nodes = self._graph.between(first, last)
        points = self._points[self._nodes[nodes]]
        on_an_end = (points == first).all(axis=1) | (points == last).all(axis=1)
        return self._nodes[nodes[~on_an_end]]

    def _active_part(self, z: np.ndarray) -> np.ndarray:
        return z[:, self.active].astype(np.float64)

    @_built_once
    def _search(self) -> "_Search":
        return _Search(self._points)

    @_built_once
    def _spacings(self) -> np.ndarray:
        """The distances of codes to their nearest other code, ascending."""
        points = self._points
        if len(points) == 1:
            return np.zeros(1)
        if len(points) > MAX_EXACT_SPACINGS:
            points = points[_strided(len(points), SAMPLED_SPACINGS)]
        # The nearest point is the code itself.
        return np.sort(self._search.nearest(points, 2)[0][:, 1])

    @_built_once
    def _nodes(self) -> np.ndarray:
        """The distinct codes: copies would have only each other as neighbours."""
        kept = _strided(len(self._points), MAX_GRAPH_CODES)
        return kept[np.sort(np.unique(self._points[kept], axis=0, return_index=True)[1])]

    @_built_once
    def _graph(self) -> "_Graph":
        return _Graph(self._points[self._nodes])


class _Search:
    """Nearest-point search: a k-d tree in few dimensions, all distances in many."""

    def __init__(self, points: Float[np.ndarray, "n active"]) -> None:
        from scipy.spatial import KDTree

        self.points = points
        few = points.shape[1] <= MAX_TREE_DIMENSIONS
        self.tree = KDTree(points, leafsize=32) if few else None

    def nearest(
        self, queries: Float[np.ndarray, "m active"], k: int
    ) -> tuple[Float[np.ndarray, "m k"], Int[np.ndarray, "m k"]]:
        """Returns distances and indices of the k points nearest to each query, nearest first."""
        k = min(k, len(self.points))
        if self.tree is not None:
            return self.tree.query(queries, k=range(1, k + 1))
        distances = np.empty((len(queries), k))
        indices = np.empty((len(queries), k), dtype=np.int64)
        for block in _blocks(len(queries), len(self.points)):
            distances[block], indices[block] = self._nearest_of_all(queries[block], k)
        return distances, indices

    def _nearest_of_all(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        squared = _squared_distances(queries, self.points)
        indices = np.argpartition(squared, k - 1, axis=1)[:, :k]
        # The expanded square loses small distances to rounding, so compute them again.
        distances = np.linalg.norm(self.points[indices] - queries[:, None], axis=2)
        order = np.argsort(distances, axis=1, kind="stable")
        return np.take_along_axis(distances, order, 1), np.take_along_axis(indices, order, 1)


@dataclass(frozen=True)
class _Edges:
    """Undirected edges, each from a row to a column."""

    rows: Integer[np.ndarray, "edges"]
    columns: Integer[np.ndarray, "edges"]
    costs: Float[np.ndarray, "edges"]

    def __add__(self, other: "_Edges") -> "_Edges":
        return _Edges(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.columns, other.columns]),
            np.concatenate([self.costs, other.costs]),
        )

    def matrix(self, nodes: int) -> Any:
        """Returns the sparse cost matrix; it keeps edges of cost 0."""
        from scipy.sparse import csr_array

        points = self.rows.astype(np.int32), self.columns.astype(np.int32)
        return csr_array((self.costs, points), shape=(nodes, nodes))


class _Graph:
    """The connected nearest-neighbour graph of distinct points."""

    def __init__(self, points: Float[np.ndarray, "n active"]) -> None:
        self.search = _Search(points)
        distances, nodes = self.search.nearest(points, GRAPH_NEIGHBOURS + 1)
        # The nearest point is the point itself.
        self.edges = _connected(points, _edges(np.arange(len(points)), distances, nodes, skip=1))

    def between(
        self, start: Float[np.ndarray, "active"], end: Float[np.ndarray, "active"]
    ) -> Int[np.ndarray, "waypoints"]:
        """Returns the nodes on the cheapest path from one point to another."""
        from scipy.sparse.csgraph import dijkstra

        count = len(self.search.points)
        edges = self.edges + self._to_ends(start, end)
        _, before = dijkstra(
            edges.matrix(count + 2), directed=False, indices=count, return_predecessors=True
        )
        path = [int(before[count + 1])]
        while path[-1] != count:
            path.append(int(before[path[-1]]))
        return np.array(path[-2::-1], dtype=np.int64)

    def _to_ends(self, start: np.ndarray, end: np.ndarray) -> _Edges:
        """Adds the ends as the last two nodes; near ends are also joined to each other."""
        count = len(self.search.points)
        distances, nodes = self.search.nearest(np.stack([start, end]), GRAPH_NEIGHBOURS)
        edges = _edges(np.array([count, count + 1]), distances, nodes)
        apart = np.linalg.norm(start - end)
        if apart > distances[:, -1].max():
            return edges
        return edges + _Edges(np.array([count]), np.array([count + 1]), np.array([apart**2]))


def _edges(rows: np.ndarray, distances: np.ndarray, nodes: np.ndarray, skip: int = 0) -> _Edges:
    distances, nodes = distances[:, skip:], nodes[:, skip:]
    return _Edges(rows.repeat(nodes.shape[1]), nodes.ravel(), distances.ravel() ** 2)


def _connected(points: np.ndarray, edges: _Edges) -> _Edges:
    """Adds the shortest links between unconnected parts (Borůvka 1926)."""
    from scipy.sparse.csgraph import connected_components

    while True:
        count, parts = connected_components(edges.matrix(len(points)), directed=False)
        if count == 1:
            return edges
        edges += _links(points, parts)


def _links(points: np.ndarray, parts: np.ndarray) -> _Edges:
    """Returns the shortest link from each part, except the largest, to any other part."""
    rows = np.flatnonzero(parts != np.bincount(parts).argmax())
    columns = np.empty_like(rows)
    for block in _blocks(len(rows), len(points)):
        squared = _squared_distances(points[rows[block]], points)
        squared[parts[rows[block], None] == parts] = np.inf
        columns[block] = squared.argmin(axis=1)
    costs = np.square(points[rows] - points[columns]).sum(axis=1)
    order = np.lexsort((costs, parts[rows]))
    shortest = order[np.unique(parts[rows[order]], return_index=True)[1]]
    return _Edges(rows[shortest], columns[shortest], costs[shortest])


def _squared_distances(queries: np.ndarray, points: np.ndarray) -> np.ndarray:
    squares = np.square(queries).sum(axis=1)[:, None] + np.square(points).sum(axis=1)
    return squares - 2 * queries @ points.T


def _blocks(queries: int, points: int) -> Iterator[slice]:
    step = max(1, BLOCK // points)
    return (slice(start, start + step) for start in range(0, queries, step))


def _strided(count: int, at_most: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(count, at_most)).round().astype(np.int64)
