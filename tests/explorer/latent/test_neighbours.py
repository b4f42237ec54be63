"""Nearest-neighbour search, outlyingness and waypoints agree with brute force."""

import threading
import time
from itertools import pairwise

import numpy as np
import pytest

import vae.explorer.latent.neighbours
from vae.explorer.latent.neighbours import GRAPH_NEIGHBOURS, Neighbours


def scattered(count: int, dims: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dims)).astype(np.float32)


def islands(count: int, each: int) -> np.ndarray:
    """Returns distant clusters along a line, with gaps of different widths."""
    centres = np.array([[10.0 * i + i**2, 0.0] for i in range(count)])
    return (scattered(count * each) * 0.3 + centres.repeat(each, axis=0)).astype(np.float32)


def neighbours_of(codes: np.ndarray) -> Neighbours:
    return Neighbours(codes, range(codes.shape[1]))


def all_distances(z: np.ndarray, codes: np.ndarray) -> np.ndarray:
    differences = z[:, None].astype(np.float64) - codes[None].astype(np.float64)
    return np.sqrt((differences**2).sum(axis=2))


def own_spacings(codes: np.ndarray) -> np.ndarray:
    distances = all_distances(codes, codes)
    np.fill_diagonal(distances, np.inf)
    return distances.min(axis=1)


@pytest.mark.parametrize("dims", [1, 2, 10, 11, 18])
def test_nearest_codes_agree_with_brute_force(dims):
    codes, places = scattered(300, dims), scattered(40, dims, seed=1)
    expected = all_distances(places, codes)
    neighbours = neighbours_of(codes)
    np.testing.assert_array_equal(neighbours.nearest(places, 7), expected.argsort(axis=1)[:, :7])
    np.testing.assert_allclose(neighbours.distance(places), expected.min(axis=1), rtol=1e-12)
    assert neighbours.distance(codes).tolist() == [0] * 300


@pytest.mark.parametrize("dims", [2, 12])
def test_no_more_codes_are_nearest_than_there_are(dims):
    codes = scattered(4, dims)
    found = neighbours_of(codes).nearest(codes[:2], 9)
    np.testing.assert_array_equal(found, all_distances(codes[:2], codes).argsort(axis=1))


def test_many_queries_are_searched_block_by_block(monkeypatch):
    codes, places = scattered(100, 12), scattered(57, 12, seed=1)
    monkeypatch.setattr(vae.explorer.latent.neighbours, "BLOCK", 1000)
    found = neighbours_of(codes).nearest(places, 3)
    np.testing.assert_array_equal(found, all_distances(places, codes).argsort(axis=1)[:, :3])


@pytest.mark.parametrize("dims", [3, 14])
def test_inactive_dimensions_do_not_count(dims):
    codes, places = scattered(200, dims), scattered(20, dims, seed=1)
    active = [d for d in range(dims) if d != 1]
    noisy = codes.copy()
    noisy[:, 1] = 100 * scattered(200, 1, seed=2)[:, 0]
    found, bare = Neighbours(noisy, active), neighbours_of(codes[:, active])
    np.testing.assert_array_equal(found.nearest(places, 5), bare.nearest(places[:, active], 5))
    np.testing.assert_array_equal(found.distance(places), bare.distance(places[:, active]))
    np.testing.assert_array_equal(found.spacing_quantiles(), bare.spacing_quantiles())
    start, end = places[:2]
    np.testing.assert_array_equal(
        found.waypoints(start, end), bare.waypoints(start[active], end[active])
    )


def test_without_an_active_dimension_all_count():
    codes, places = scattered(50, 3), scattered(5, 3, seed=1)
    found = Neighbours(codes, [])
    assert found.active.tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.distance(places), all_distances(places, codes).min(axis=1))


@pytest.mark.parametrize("dims", [2, 12])
def test_outlyingness_is_the_share_of_codes_with_nearer_neighbours(dims):
    codes, places = scattered(400, dims), 1.3 * scattered(60, dims, seed=1)
    distances = all_distances(places, codes).min(axis=1)
    expected = (own_spacings(codes)[None] < distances[:, None]).mean(axis=1)
    found = neighbours_of(codes).outlyingness(places)
    np.testing.assert_array_equal(found, expected)
    assert len(np.unique(found)) > 20


def test_outlyingness_at_its_landmarks():
    codes = scattered(401)
    spacings = own_spacings(codes)
    neighbours = neighbours_of(codes)
    assert neighbours.outlyingness(codes).tolist() == [0] * 401
    assert neighbours.outlyingness(np.full((1, 2), 99.0)).tolist() == [1]
    rightmost = codes[codes[:, 0].argmax()].astype(np.float64)
    off = np.array([[rightmost[0] + np.median(spacings), rightmost[1]]])
    assert neighbours.outlyingness(off)[0] == pytest.approx(0.5, abs=1.5 / 401)


@pytest.mark.parametrize("count", [120, 3000])
def test_a_rank_among_the_quantiles_is_the_outlyingness(count):
    neighbours = neighbours_of(scattered(count))
    places = 1.5 * scattered(500, seed=1)
    quantiles = neighbours.spacing_quantiles()
    looked_up = np.interp(neighbours.distance(places), quantiles, np.linspace(0, 1, 101))
    np.testing.assert_allclose(looked_up, neighbours.outlyingness(places), atol=0.01 + 1 / count)


def test_quantiles_agree_with_brute_force():
    codes = scattered(250, 3)
    expected = np.percentile(own_spacings(codes), np.arange(101))
    np.testing.assert_allclose(neighbours_of(codes).spacing_quantiles(), expected, rtol=1e-12)


def test_a_sample_of_many_codes_gives_the_quantiles(monkeypatch):
    codes = scattered(3000)
    exact = own_spacings(codes)
    monkeypatch.setattr(vae.explorer.latent.neighbours, "MAX_EXACT_SPACINGS", 2999)
    monkeypatch.setattr(vae.explorer.latent.neighbours, "SAMPLED_SPACINGS", 1000)
    found = neighbours_of(codes).spacing_quantiles()
    assert (found != np.percentile(exact, np.arange(101))).any()
    ranks = (exact[None] < found[10:91, None]).mean(axis=1)
    np.testing.assert_allclose(ranks, np.linspace(0.1, 0.9, 81), atol=0.05)


@pytest.mark.parametrize("dims", [2, 12])
def test_copies_of_a_code_are_no_distance_apart(dims):
    codes = np.repeat(scattered(30, dims), 3, axis=0)
    neighbours = neighbours_of(codes)
    assert neighbours.spacing_quantiles().tolist() == [0] * 101
    assert neighbours.outlyingness(codes).tolist() == [0] * 90
    assert neighbours.outlyingness(codes + 1e-3).tolist() == [1] * 90


def test_every_other_point_is_outside_a_single_code():
    neighbours = neighbours_of(np.array([[1.0, 2.0]]))
    assert neighbours.outlyingness(np.array([[1.0, 2.0], [1.0, 2.1]])).tolist() == [0, 1]
    assert neighbours.spacing_quantiles().tolist() == [0] * 101


def kept_edges(codes: np.ndarray) -> np.ndarray:
    """Returns squared edge lengths of the nearest-neighbour graph with joined parts (Kruskal)."""
    distances = all_distances(codes, codes)
    n = len(codes)
    kept = np.zeros((n, n), dtype=bool)
    for i, row in enumerate(distances):
        kept[i, row.argsort()[: GRAPH_NEIGHBOURS + 1]] = True
    kept |= kept.T
    part = np.arange(n)
    for i, j in np.argwhere(kept):
        part[part == part[i]] = part[j]
    for i, j in zip(*np.unravel_index(distances.argsort(axis=None), (n, n)), strict=True):
        if part[i] != part[j]:
            kept[i, j] = kept[j, i] = True
            part[part == part[i]] = part[j]
    return np.where(kept, distances**2, np.inf)


def joined(edges: np.ndarray, codes: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Returns the graph with the two ends as its last nodes."""
    n, to_codes = len(codes), all_distances(ends, codes)
    costs = np.full((n + 2, n + 2), np.inf)
    costs[:n, :n] = edges
    furthest = 0.0
    for end, row in enumerate(to_codes, start=n):
        near = row.argsort()[:GRAPH_NEIGHBOURS]
        costs[end, near] = costs[near, end] = row[near] ** 2
        furthest = max(furthest, row[near].max())
    apart = np.linalg.norm(ends[0] - ends[1])
    if apart <= furthest:
        costs[n, n + 1] = costs[n + 1, n] = apart**2
    return costs


def cheapest(costs: np.ndarray) -> float:
    """Returns the cheapest path from the second last to the last node (Floyd and Warshall)."""
    ways = costs.copy()
    np.fill_diagonal(ways, 0)
    for k in range(len(ways)):
        ways = np.minimum(ways, ways[:, k, None] + ways[None, k])
    return ways[-2, -1]


def cost_of(costs: np.ndarray, stops: np.ndarray) -> float:
    n = len(costs) - 2
    path = [n, *stops, n + 1]
    return costs[path[:-1], path[1:]].sum()


def squared_hops(ends: np.ndarray, stops: np.ndarray) -> float:
    return (np.diff(np.stack([ends[0], *stops, ends[1]]), axis=0) ** 2).sum()


@pytest.mark.parametrize(
    "codes",
    [
        scattered(60),
        scattered(60, 12),
        islands(3, 20),
        islands(5, 12),
        islands(4, 4),
        islands(6, 1),
    ],
    ids="blob many-dimensional three-islands five-islands small-islands dots".split(),
)
def test_waypoints_lie_on_the_cheapest_path(codes):
    neighbours, edges = neighbours_of(codes), kept_edges(codes)
    random = np.random.default_rng(3)
    passed = 0
    for _ in range(8):
        near = codes[random.integers(len(codes), size=2)].astype(np.float64)
        ends = near + 0.3 * random.normal(size=near.shape)
        costs = joined(edges, codes, ends)
        stops = neighbours.waypoints(*ends)
        assert cost_of(costs, stops) == pytest.approx(cheapest(costs), rel=1e-9)
        passed += len(stops)
    assert passed > 8


def test_ends_on_codes_are_not_waypoints():
    codes = scattered(60)
    neighbours, edges = neighbours_of(codes), kept_edges(codes)
    for first, last in [(0, 1), (5, 40), (17, 3)]:
        ends = codes[[first, last]].astype(np.float64)
        stops = neighbours.waypoints(*ends)
        assert not {first, last} & set(stops.tolist())
        assert squared_hops(ends, codes[stops]) == pytest.approx(
            cheapest(joined(edges, codes, ends))
        )


def test_the_path_back_is_the_reversed_path():
    neighbours = neighbours_of(islands(3, 30))
    start, end = np.array([-1.0, 0.1]), np.array([25.0, -0.3])
    there = neighbours.waypoints(start, end)
    assert len(there) > 3
    np.testing.assert_array_equal(neighbours.waypoints(end, start), there[::-1])


def test_parts_are_joined_by_the_shortest_link():
    left = np.array([[0.0, 0.1 * i] for i in range(15)])
    right = np.array([[5.0 + 0.01 * (i - 7) ** 2, 0.1 * i] for i in range(15)])
    stops = neighbours_of(np.concatenate([left, right])).waypoints(left[0], right[0]).tolist()
    crossing = [(a, b) for a, b in pairwise(stops) if a < 15 <= b]
    assert crossing == [(7, 22)]


def test_the_tenth_neighbour_is_an_edge_and_ends_on_codes_are_left_out():
    # Ten codes in the middle of each side of a triangle: the shortest links alone would leave one
    # corner open, and at each corner only the two codes next to it have an edge across.
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.87]])
    along = np.linspace(0.35, 0.65, 10)[:, None]
    sides = [(1 - along) * corners[i] + along * corners[i - 2] for i in range(3)]
    neighbours = neighbours_of(np.concatenate(sides))
    for i in range(3):
        assert neighbours.waypoints(sides[i - 1][-1], sides[i][0]).tolist() == []


def test_copies_of_codes_change_no_path():
    codes = scattered(50)
    many = np.repeat(codes, 15, axis=0)
    start, end = np.array([-2.0, -1.0]), np.array([2.0, 1.0])
    expected = codes[neighbours_of(codes).waypoints(start, end)]
    assert len(expected) > 2
    np.testing.assert_array_equal(many[neighbours_of(many).waypoints(start, end)], expected)


@pytest.mark.parametrize("dims", [1, 2, 12])
@pytest.mark.parametrize("count", range(1, 13))
def test_few_codes_are_enough(count, dims):
    codes = scattered(count, dims)
    neighbours, edges = neighbours_of(codes), kept_edges(codes)
    ends = np.stack([np.full(dims, -3.0), np.full(dims, 3.0)])
    for pair in (ends, codes[[0, -1]].astype(np.float64), ends[[0, 0]]):
        stops = neighbours.waypoints(*pair)
        expected = cheapest(joined(edges, codes, pair))
        assert squared_hops(pair, codes[stops]) == pytest.approx(expected, abs=1e-9)
    assert 0 <= neighbours.outlyingness(ends)[0] <= 1


def test_a_path_from_a_point_to_itself_has_no_waypoints():
    codes = scattered(40)
    neighbours = neighbours_of(codes)
    for place in (codes[3].astype(np.float64), np.array([0.3, 0.4]), np.array([50.0, 0.0])):
        assert neighbours.waypoints(place, place).tolist() == []


def test_waypoints_of_too_many_codes_are_an_evenly_strided_subset(monkeypatch):
    codes = np.stack([np.arange(101.0), np.zeros(101)], axis=1)
    start, end = codes[0], codes[-1]
    assert neighbours_of(codes).waypoints(start, end).tolist() == list(range(1, 100))
    monkeypatch.setattr(vae.explorer.latent.neighbours, "MAX_GRAPH_CODES", 21)
    assert neighbours_of(codes).waypoints(start, end).tolist() == list(range(5, 100, 5))


@pytest.mark.parametrize(
    ("ask", "costly"),
    [
        (lambda n: n.distance(n.codes), (vae.explorer.latent.neighbours._Search, "__init__")),
        (lambda n: n.spacing_quantiles(), (vae.explorer.latent.neighbours._Search, "nearest")),
        (
            lambda n: n.waypoints(n.codes[0], n.codes[1]),
            (vae.explorer.latent.neighbours._Graph, "__init__"),
        ),
    ],
    ids="search spacings graph".split(),
)
def test_threads_that_ask_at_once_build_once(monkeypatch, ask, costly):
    build = getattr(*costly)
    builds = []

    def slowly(*arguments):
        builds.append(threading.get_ident())
        time.sleep(0.1)
        return build(*arguments)

    monkeypatch.setattr(*costly, slowly)
    neighbours, expected = neighbours_of(scattered(100)), ask(neighbours_of(scattered(100)))
    builds.clear()
    answers, gate = [], threading.Barrier(2)

    def answer():
        gate.wait()
        answers.append(ask(neighbours))

    threads = [threading.Thread(target=answer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1
    assert len(answers) == 2
    for found in answers:
        np.testing.assert_array_equal(found, expected)


def test_asking_changes_nothing():
    codes, z = scattered(60), scattered(5, seed=1)
    before = codes.copy(), z.copy()
    neighbours = neighbours_of(codes)
    first = neighbours.waypoints(z[0], z[1])
    neighbours.outlyingness(z)
    neighbours.nearest(z, 3)
    neighbours.waypoints(z[2], z[3])
    np.testing.assert_array_equal(neighbours.waypoints(z[0], z[1]), first)
    np.testing.assert_array_equal(codes, before[0])
    np.testing.assert_array_equal(z, before[1])
