"""The codes around a place in latent space: the nearest, how far off it is, a way along them.

scipy is imported inside the functions that need it, because that takes a fifth of a second.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Integer

GRAPH_NEIGHBOURS = 10
"""Edges that each code has to its nearest other codes."""

MAX_GRAPH_CODES = 20_000
"""Of more codes than these, an evenly strided subset of so many makes the graph."""

MAX_EXACT_SPACINGS = 10_000
SAMPLED_SPACINGS = 4_000
"""Of more codes than `MAX_EXACT_SPACINGS`, so many, evenly strided, stand for all: a rank is then
known to 0.8 % (standard error at the median)."""

MAX_TREE_DIMENSIONS = 10
"""In more dimensions a k-d tree visits nearly every code, and computing all distances is faster."""

BLOCK = 4_000_000
"""Distances held at once."""


def _built_once(build: Callable[[Any], Any]) -> property:
    """A property that one thread builds at its first use while the others wait for it."""
    name = f"{build.__name__}_built"

    def read(self: Any) -> Any:
        if name not in self.__dict__:
            with self._lock:
                if name not in self.__dict__:
                    self.__dict__[name] = build(self)
        return self.__dict__[name]

    return property(read)


class Neighbours:
    """The codes of a data set, by their Euclidean distance over the active dimensions.

    The other dimensions do not count because the decoder ignores them; where none is active, all
    count. Never changed, and safe to share between threads: what is costly is built at its first
    use, once. Places are codes (m, latent) of any kind, not only those of the data set.
    """

    def __init__(self, codes: Float[np.ndarray, "n latent"], active: Sequence[int]) -> None:
        assert len(codes), "no codes"
        self.codes = codes
        self.active = np.array(active or range(codes.shape[1]))
        self._places = self._active_part(codes)
        self._lock = RLock()

    def distance(self, z: Float[np.ndarray, "m latent"]) -> Float[np.ndarray, "m"]:
        """From each place to its nearest code."""
        return self._search.nearest(self._active_part(z), 1)[0][:, 0]

    def nearest(self, z: Float[np.ndarray, "m latent"], k: int) -> Int[np.ndarray, "m k"]:
        """The indices of the k codes nearest to each place (all of them if they are fewer)."""
        return self._search.nearest(self._active_part(z), k)[1]

    def outlyingness(self, z: Float[np.ndarray, "m latent"]) -> Float[np.ndarray, "m"]:
        """The share of codes that lie nearer to their own nearest other code than a place to its.

        0 on a code, 0.5 as far off as the median code, 1 further than every code. Ranks compare
        between models where distances do not. Where a single code is all there is, 1 off it.
        """
        spacings = self._spacings
        return np.searchsorted(spacings, self.distance(z), side="left") / len(spacings)

    def spacing_quantiles(self) -> Float[np.ndarray, "101"]:
        """The 0, 1, … 100 % quantiles of the codes' distances to their nearest other code.

        The rank of a distance among them, interpolated, is its `outlyingness` to 0.01. Exact up to
        `MAX_EXACT_SPACINGS` codes, else of `SAMPLED_SPACINGS` codes against all.
        """
        return np.quantile(self._spacings, np.linspace(0, 1, 101))

    def stops(
        self, start: Float[np.ndarray, "latent"], end: Float[np.ndarray, "latent"]
    ) -> Int[np.ndarray, "stops"]:
        """The codes passed on the way along the data; none that lie on an end.

        It is the cheapest way in the graph in which each code has edges to its 10 nearest, as in
        Isomap (Tenenbaum et al. 2000; the graph's shortest paths converge to geodesics, Bernstein
        et al. 2000), and the ends are joined as if they were codes. An edge costs its squared
        length, so that many short hops are cheaper than a long one: by Pythagoras, a detour by
        any code in the ball that has the hop for its diameter is no dearer than the hop. Such
        power-weighted paths prefer dense regions and converge too (Groisman et al. 2022, the
        Fermat distance; Little et al. 2022). Parts of the graph without a connection are joined
        by the shortest link. Of more than `MAX_GRAPH_CODES` codes, an evenly strided subset makes
        the graph.
        """
        first, last = self._active_part(np.stack([start, end]))
        nodes = self._graph.between(first, last)
        places = self._places[self._nodes[nodes]]
        on_an_end = (places == first).all(axis=1) | (places == last).all(axis=1)
        return self._nodes[nodes[~on_an_end]]

    def _active_part(self, z: np.ndarray) -> np.ndarray:
        return z[:, self.active].astype(np.float64)

    @_built_once
    def _search(self) -> "_Search":
        return _Search(self._places)

    @_built_once
    def _spacings(self) -> np.ndarray:
        """Ascending."""
        places = self._places
        if len(places) == 1:
            return np.zeros(1)
        if len(places) > MAX_EXACT_SPACINGS:
            places = places[_strided(len(places), SAMPLED_SPACINGS)]
        # The nearest of all is the code itself.
        return np.sort(self._search.nearest(places, 2)[0][:, 1])

    @_built_once
    def _nodes(self) -> np.ndarray:
        """One code of each place: copies of one another would be all the neighbours they have."""
        kept = _strided(len(self._places), MAX_GRAPH_CODES)
        return kept[np.sort(np.unique(self._places[kept], axis=0, return_index=True)[1])]

    @_built_once
    def _graph(self) -> "_Graph":
        return _Graph(self._places[self._nodes])


class _Search:
    """The nearest of some places, by a tree in few dimensions and by all distances in many."""

    def __init__(self, places: Float[np.ndarray, "n active"]) -> None:
        from scipy.spatial import KDTree

        self.places = places
        few = places.shape[1] <= MAX_TREE_DIMENSIONS
        self.tree = KDTree(places, leafsize=32) if few else None

    def nearest(
        self, queries: Float[np.ndarray, "m active"], k: int
    ) -> tuple[Float[np.ndarray, "m k"], Int[np.ndarray, "m k"]]:
        """Distances and indices of the k places nearest to each query, nearest first."""
        k = min(k, len(self.places))
        if self.tree is not None:
            return self.tree.query(queries, k=range(1, k + 1))
        distances = np.empty((len(queries), k))
        indices = np.empty((len(queries), k), dtype=np.int64)
        for block in _blocks(len(queries), len(self.places)):
            distances[block], indices[block] = self._nearest_of_all(queries[block], k)
        return distances, indices

    def _nearest_of_all(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        squared = _squared_distances(queries, self.places)
        indices = np.argpartition(squared, k - 1, axis=1)[:, :k]
        # Anew, because the expanded square rounds small distances away.
        distances = np.linalg.norm(self.places[indices] - queries[:, None], axis=2)
        order = np.argsort(distances, axis=1, kind="stable")
        return np.take_along_axis(distances, order, 1), np.take_along_axis(indices, order, 1)


@dataclass(frozen=True)
class _Edges:
    """Undirected, each from a row to a column."""

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
        """Sparse: an edge of cost 0 is one too."""
        from scipy.sparse import csr_array

        places = self.rows.astype(np.int32), self.columns.astype(np.int32)
        return csr_array((self.costs, places), shape=(nodes, nodes))


class _Graph:
    """The nearest-neighbour graph of distinct places, all of it connected."""

    def __init__(self, places: Float[np.ndarray, "n active"]) -> None:
        self.search = _Search(places)
        distances, nodes = self.search.nearest(places, GRAPH_NEIGHBOURS + 1)
        # The nearest of all is the place itself.
        self.edges = _connected(places, _edges(np.arange(len(places)), distances, nodes, skip=1))

    def between(
        self, start: Float[np.ndarray, "active"], end: Float[np.ndarray, "active"]
    ) -> Int[np.ndarray, "stops"]:
        """The nodes on the cheapest path from one place to another."""
        from scipy.sparse.csgraph import dijkstra

        count = len(self.search.places)
        edges = self.edges + self._to_ends(start, end)
        _, before = dijkstra(
            edges.matrix(count + 2), directed=False, indices=count, return_predecessors=True
        )
        path = [int(before[count + 1])]
        while path[-1] != count:
            path.append(int(before[path[-1]]))
        return np.array(path[-2::-1], dtype=np.int64)

    def _to_ends(self, start: np.ndarray, end: np.ndarray) -> _Edges:
        """The ends as the last two nodes, joined to each other too where they are that near."""
        count = len(self.search.places)
        distances, nodes = self.search.nearest(np.stack([start, end]), GRAPH_NEIGHBOURS)
        edges = _edges(np.array([count, count + 1]), distances, nodes)
        apart = np.linalg.norm(start - end)
        if apart > distances[:, -1].max():
            return edges
        return edges + _Edges(np.array([count]), np.array([count + 1]), np.array([apart**2]))


def _edges(rows: np.ndarray, distances: np.ndarray, nodes: np.ndarray, skip: int = 0) -> _Edges:
    distances, nodes = distances[:, skip:], nodes[:, skip:]
    return _Edges(rows.repeat(nodes.shape[1]), nodes.ravel(), distances.ravel() ** 2)


def _connected(places: np.ndarray, edges: _Edges) -> _Edges:
    """With the shortest links between parts that have no connection (Borůvka 1926)."""
    from scipy.sparse.csgraph import connected_components

    while True:
        count, parts = connected_components(edges.matrix(len(places)), directed=False)
        if count == 1:
            return edges
        edges += _links(places, parts)


def _links(places: np.ndarray, parts: np.ndarray) -> _Edges:
    """The shortest link from each part but the largest to any other."""
    rows = np.flatnonzero(parts != np.bincount(parts).argmax())
    columns = np.empty_like(rows)
    for block in _blocks(len(rows), len(places)):
        squared = _squared_distances(places[rows[block]], places)
        squared[parts[rows[block], None] == parts] = np.inf
        columns[block] = squared.argmin(axis=1)
    costs = np.square(places[rows] - places[columns]).sum(axis=1)
    order = np.lexsort((costs, parts[rows]))
    shortest = order[np.unique(parts[rows[order]], return_index=True)[1]]
    return _Edges(rows[shortest], columns[shortest], costs[shortest])


def _squared_distances(queries: np.ndarray, places: np.ndarray) -> np.ndarray:
    squares = np.square(queries).sum(axis=1)[:, None] + np.square(places).sum(axis=1)
    return squares - 2 * queries @ places.T


def _blocks(queries: int, places: int) -> Iterator[slice]:
    step = max(1, BLOCK // places)
    return (slice(start, start + step) for start in range(0, queries, step))


def _strided(count: int, at_most: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(count, at_most)).round().astype(np.int64)
