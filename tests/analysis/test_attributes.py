"""Planted directions of attributes are found, and random groups are no better than chance."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from vae.__main__ import main
from vae.analysis.attributes import (
    BASES,
    RANDOM,
    STEPS,
    Groups,
    attribute_groups,
    attribute_values,
    find_direction,
    groups_by_class,
    groups_by_selection,
    groups_by_value,
    likeness,
    measure_attribute,
    measure_effect,
    permutation_p,
)
from vae.charts.attributes import effect_curves, groups_map, lasso_map
from vae.core.errors import DataError
from vae.explorer import Explorer
from vae.explorer.gallery import ReadImages, open_gallery
from vae.explorer.latent.projection import direction_plane
from vae.metrics.morphology import ATTRIBUTES, amount

LATENT, COUNT = 8, 600
BRIGHTNESS = ATTRIBUTES["ink"]


class Planted:
    """A decoder whose brightness is the sigmoid of one direction of the code."""

    def __init__(self, seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        self.along = generator.standard_normal(LATENT)
        self.along /= np.linalg.norm(self.along)
        mean = generator.standard_normal((COUNT, LATENT)).astype(np.float32)
        self.atlas = SimpleNamespace(mean=mean, label=np.arange(COUNT) % 10)
        self.labels, self.class_names = self.atlas.label, tuple("0123456789")

    def decode(self, codes, labels=None):
        bright = 1 / (1 + np.exp(-np.asarray(codes) @ self.along))
        return np.broadcast_to(bright[:, None, None, None], (len(bright), 6, 6, 1)).astype("f4")

    def images(self, rows):
        return self.decode(self.atlas.mean[rows])


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted()


@pytest.fixture(scope="module")
def trained(tmp_path_factory, train_into) -> Explorer:
    path = tmp_path_factory.mktemp("attributes") / "six"
    return Explorer.open(train_into(path, 6, epochs=60, batch_size=32, learning_rate=3e-3))


@pytest.fixture(scope="module")
def gallery(trained, digits):
    pixels, labels = digits.test.images.numpy(), digits.test.labels.numpy()
    return open_gallery(trained, ReadImages(pixels.transpose(0, 2, 3, 1), labels))


def random_groups(count: int, seed: int) -> Groups:
    order = np.random.default_rng(seed).permutation(count)
    return Groups("Random", order[: count // 2], order[count // 2 :], "some", "others")


def test_a_planted_direction_is_found_and_changes_its_attribute(planted):
    groups = groups_by_value(BRIGHTNESS, attribute_values(planted, BRIGHTNESS))
    found = measure_attribute(planted, planted, groups, BRIGHTNESS)
    vector = found.direction.vector
    assert vector @ planted.along / np.linalg.norm(vector) > 0.98
    # The means of the outer quarters of a normal variable: 1.27 standard deviations either side.
    assert found.direction.length == pytest.approx(2.54, abs=0.2)
    assert found.doubts == ()
    assert found.effect.p == 1 / (1 + RANDOM)
    assert found.direction.apart_p == 1 / 200
    low, high = found.direction.cosine_interval
    assert 0.95 < low < found.direction.cosine < high <= 1


def test_the_curve_is_the_attribute_of_decoded_images(planted):
    groups = groups_by_value(BRIGHTNESS, attribute_values(planted, BRIGHTNESS))
    effect = measure_effect(planted, planted, groups, BRIGHTNESS, seed=0)
    # Half of the images decide on the direction, so it is theirs up to sampling.
    vector = find_direction(planted.atlas.mean, groups, 0).vector
    starts = planted.atlas.mean[np.concatenate([groups.high, groups.low])]
    wanted = [amount(planted.decode(starts + t * vector)).mean() for t in STEPS]
    assert effect.curve == pytest.approx(wanted, abs=12)
    assert effect.curve[-1] - effect.curve[0] > 50
    assert (len(effect.random_curves), len(effect.random)) == (RANDOM, RANDOM)
    assert np.mean(effect.random) == pytest.approx(0, abs=0.15)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_groups_are_no_better_than_chance(planted, seed):
    found = measure_attribute(planted, planted, random_groups(COUNT, seed), BRIGHTNESS)
    assert found.doubts
    assert found.direction.cosine < 0.8
    assert found.direction.chance_cosine == pytest.approx(0.5, abs=0.1)


def test_random_groups_pass_as_often_as_the_p_value_allows(planted):
    codes = planted.atlas.mean[:80]
    apart = [find_direction(codes, random_groups(80, seed), seed).apart_p for seed in range(60)]
    assert np.mean(np.array(apart) <= 0.05) < 0.15
    assert np.mean(apart) == pytest.approx(0.5, abs=0.12)


def test_a_direction_that_the_decoder_ignores_is_doubted(planted):
    """The groups differ in a dimension that the decoder ignores."""
    aside = np.cross(planted.along[:3], [1.0, 2.0, 3.0])
    aside = np.concatenate([aside / np.linalg.norm(aside), np.zeros(LATENT - 3)])
    assert abs(aside @ planted.along) < 1e-9
    values = (planted.atlas.mean @ aside).astype(np.float64)
    found = measure_attribute(planted, planted, groups_by_value(BRIGHTNESS, values), BRIGHTNESS)
    assert found.direction.apart_p < 0.05
    assert found.effect.p > 0.05
    assert "random directions" in " ".join(found.doubts)


def test_the_bootstrap_varies_as_much_as_new_samples_do():
    generator = np.random.default_rng(3)
    shift = np.array([0.6, 0, 0, 0])

    def directions(count: int) -> np.ndarray:
        draws = generator.standard_normal((2, count, 4))
        return draws[0].mean(axis=0) + shift - draws[1].mean(axis=0)

    codes = generator.standard_normal((120, 4)).astype(np.float32)
    codes[:60] += shift.astype(np.float32)
    groups = Groups("Shifted", np.arange(60), np.arange(60, 120), "on", "off")
    found = find_direction(codes, groups, seed=0)
    pairs = [(directions(60), directions(60)) for _ in range(400)]
    real = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairs]
    assert found.cosine == pytest.approx(np.mean(real), abs=0.12)


def test_likeness_is_0_at_one_mean_image_and_1_at_the_other(gallery):
    groups = groups_by_class(gallery.labels, 3, "3")
    measure = likeness(gallery, groups.high, groups.low)
    means = [gallery.images(rows).mean(axis=0) for rows in (groups.low, groups.high)]
    assert measure(np.stack(means)) == pytest.approx([0, 1], abs=1e-4)
    scores = measure(gallery.images(np.arange(360)))
    assert scores[groups.high].mean() > scores[groups.low].mean() + 0.9


def test_a_trained_model_follows_attributes_and_classes_but_no_random_group(trained, gallery):
    for name in ("height", "slant", "class:6"):
        groups, attribute = attribute_groups(gallery, name)
        found = measure_attribute(trained, gallery, groups, attribute)
        assert found.doubts == (), name
        assert found.effect.curve[-1] > found.effect.curve[0]
        assert found == measure_attribute(trained, gallery, groups, attribute)
    assert measure_attribute(trained, gallery, random_groups(360, 5)).doubts
    # Digits are scaled to the same brightness: there is nothing to find.
    assert measure_attribute(trained, gallery, *attribute_groups(gallery, "ink")).doubts


def test_groups_are_the_quarters_at_both_ends(planted):
    values = np.arange(400.0)[::-1].copy()
    values[:8] = np.nan
    groups = groups_by_value(BRIGHTNESS, values)
    assert sorted(groups.low) == list(range(302, 400))
    assert sorted(groups.high) == list(range(8, 106))
    with pytest.raises(DataError, match="do not differ"):
        groups_by_value(BRIGHTNESS, np.ones(100))
    with pytest.raises(DataError, match="too small"):
        groups_by_value(BRIGHTNESS, np.arange(39.0))


def test_a_selected_group_is_compared_with_the_other_images_offered():
    among = np.arange(0, 100, 2)
    groups = groups_by_selection(among, np.arange(0, 40, 2))
    assert list(groups.low) == list(range(40, 100, 2))
    with pytest.raises(DataError, match="group of 3 images"):
        groups_by_selection(among, np.array([0, 2, 4]))


def test_unknown_names_of_attributes_are_refused(gallery):
    for name in ("smile", "class:99", "3"):
        with pytest.raises(DataError, match="thickness, slant"):
            attribute_groups(gallery, name)


def test_a_p_value_counts_the_value_itself():
    assert permutation_p(3.0, np.array([1.0, 2.0, 3.0])) == 0.5
    assert permutation_p(9.0, np.zeros(99)) == 0.01
    assert BASES * len(STEPS) >= 100


def test_the_plane_of_a_direction_shows_it_in_full_length():
    codes = np.random.default_rng(0).standard_normal((500, 5)) * [1, 1, 4, 1, 1]
    vector = np.array([3.0, 0, 0, 4.0, 0])
    plane = direction_plane(codes, vector)
    start, end = plane.project(np.stack([np.zeros(5), vector]))
    assert end - start == pytest.approx([5, 0])
    assert plane.basis @ plane.basis.T == pytest.approx(np.eye(2))
    assert abs(plane.basis[1][2]) > 0.9


def test_the_map_shows_both_groups_the_rest_and_the_arrow():
    points, axes = np.arange(20.0).reshape(10, 2), ("z1", "z2")
    groups = {"thin": np.array([0, 1]), "thick": np.array([8, 9])}
    figure = groups_map(points, groups, np.array([[0.0, 1.0], [5.0, 6.0]]), axes)
    assert [trace.name for trace in figure.data] == ["neither", "thin", "thick"]
    assert [len(trace.x) for trace in figure.data] == [6, 2, 2]
    arrow = figure.layout.annotations[-1]
    assert (arrow.ax, arrow.ay, arrow.x, arrow.y) == (0, 1, 5, 6)


def test_points_to_lasso_are_in_the_order_of_the_rows():
    points = np.random.default_rng(0).standard_normal((5, 2))
    labels = np.array([1, -1, 0, 1, 0])
    (trace,) = lasso_map(points, labels, ("a", "b"), ("z1", "z2")).data
    assert list(trace.x) == points[:, 0].tolist()
    assert list(trace.text) == ["b", "no class", "a", "b", "a"]


def test_the_chart_shows_the_effect_and_random_directions(planted):
    groups = groups_by_value(BRIGHTNESS, attribute_values(planted, BRIGHTNESS))
    effect = measure_effect(planted, planted, groups, BRIGHTNESS, seed=0)
    figure = effect_curves(effect.steps, effect.curve, effect.random_curves, "Ink", effect.unit)
    *random, own = figure.data
    assert list(own.y) == list(effect.curve)
    assert [list(trace.y) for trace in random] == [list(c) for c in effect.random_curves[:40]]


def test_the_command_prints_what_the_study_finds(trained, gallery, capsys):
    options = ["--attribute", "ink", "--attribute", "class:0", "--threads", "1", "--json"]
    assert main(["attributes", str(trained.run.path), *options]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = measure_attribute(trained, gallery, *attribute_groups(gallery, "ink"))
    first = record["attributes"][0]
    assert record["images"] == "test images"
    assert first["effect"]["correlation"] == found.effect.correlation
    assert first["vector"] == pytest.approx(found.direction.vector.tolist())
    assert [each["title"] for each in record["attributes"]] == ["Ink", "Class 0"]
    assert main(["attributes", str(trained.run.path), "--attribute", "smile"]) == 2
