"""Sprites have the right edges and symmetries, and a name chooses among them."""

import math

import numpy as np
import pytest
import torch

from tests.support.slow import slow_except
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import DataError
from vae.data.registry import (
    class_names,
    dataset_names,
    dataset_title,
    load_dataset,
    load_test_split,
)
from vae.data.sprites import FULL_SIZES, SpriteGrid, read_sprite_set
from vae.explorer.gallery import read_test_images
from vae.runs.run_folder import run_name

SMALL = "sprites:shape=3,scale=2,orientation=4,x=3,y=3"


def is_inside(shape: str, u: float, v: float) -> bool:
    """Return whether a point is inside an upright shape of scale 1, in units from its centre."""
    if shape == "square":
        return abs(u) <= 9.6 and abs(v) <= 9.6
    if shape == "ellipse":
        return (u / 12.8) ** 2 + (v / 7.2) ** 2 <= 1
    if any(math.dist((u, v), (centre, -4.54)) <= 4.73 for centre in (-4.81, 4.81)):
        return True
    fallen = (v + 4.54) / (7.93 + 4.54)
    return 0 <= fallen <= 1 and abs(u) <= 9.53 * (1 - fallen**1.83)


def draw_by_points(grid: SpriteGrid, levels: np.ndarray, samples: int) -> np.ndarray:
    """Return one image; each pixel is the fraction of its samples² points that are inside."""
    shape, scale, angle, x, y = (
        getattr(grid, name)[level] for name, level in zip(grid.names, levels, strict=True)
    )
    places = [(k + 0.5) * 64 / (grid.side * samples) - 0.5 for k in range(grid.side * samples)]
    points = np.zeros((len(places), len(places)))
    for row, down in enumerate(places):
        for column, across in enumerate(places):
            offset = complex(across - 15.5 - 32 * x, down - 15.5 - 32 * y)
            turned = offset * complex(math.cos(angle), math.sin(angle)) / scale
            points[row, column] = abs(turned) < 15 and is_inside(shape, turned.real, turned.imag)
    return points.reshape(grid.side, samples, grid.side, samples).mean(axis=(1, 3))


def random_levels(grid: SpriteGrid, count: int) -> np.ndarray:
    """Return random levels, with `count` of each shape."""
    levels = grid.factors_of(grid.sample(3 * count, seed=5))
    levels[:, 0] = np.arange(3 * count) % 3
    return levels


def all_orientations(shape: int, scale: int, side: int = 64, edges: str = "smooth") -> np.ndarray:
    """Return a shape in all orientations, at a position that is not symmetric to the pixels."""
    levels = np.array([[shape, scale, k, 13, 20] for k in range(40)])
    return SpriteGrid(side=side, edges=edges).render(levels)


# Images


@pytest.mark.parametrize("side", [32, 64])
def test_binary_images_equal_those_of_a_formula_for_points(side):
    grid = SpriteGrid(side=side, edges="binary")
    levels = random_levels(grid, 8)
    images = grid.render(levels)
    assert images.shape == (24, 1, side, side)
    assert set(np.unique(images)) == {0, 255}
    for image, chosen in zip(images[:, 0], levels, strict=True):
        np.testing.assert_array_equal(image / 255, draw_by_points(grid, chosen, samples=1))


@pytest.mark.parametrize("side", slow_except([32, 64], [32]))
def test_smooth_images_are_close_to_the_covered_part_of_each_pixel(side):
    grid = SpriteGrid(side=side)
    levels = random_levels(grid, 2)
    for image, chosen in zip(grid.render(levels)[:, 0] / 255, levels, strict=True):
        covered = draw_by_points(grid, chosen, samples=16)
        assert np.abs(image - covered).max() < 0.1
        on_the_edge = (covered > 0) & (covered < 1)
        assert np.sqrt(np.mean((image - covered)[on_the_edge] ** 2)) < 0.03


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("edges", ["smooth", "binary"])
def test_images_have_the_areas_of_the_shapes(side, edges):
    """The lobes' lower halves lie in the body except for 0.01 of their area."""
    body = 2 * 9.53 * (7.93 + 4.54) * (1 - 1 / 2.83)
    areas = 19.2**2, math.pi * 12.8 * 7.2, math.pi * 4.73**2 + body
    grid = SpriteGrid(side=side, edges=edges)
    chosen = grid.factors_of(grid.sample(1000, seed=1))
    for shape, area in enumerate(areas):
        for scale, factor in enumerate(grid.scale):
            chosen[:, :2] = shape, scale
            painted = grid.render(chosen).mean(dtype=np.float64) / 255 * 64**2
            assert painted == pytest.approx(area * factor**2, rel=0.01)


def test_a_smooth_square_along_the_pixels_covers_them_exactly():
    grid = SpriteGrid(orientation=(0.0,), x=(0.5,), y=(0.3,), side=64)
    image = grid.render(np.array([[0, 5, 0, 0, 0]]))[0, 0]
    assert image.sum() / 255 == pytest.approx(19.2**2, abs=0.2)
    assert (image[25, 31], image[25, 41], image[35, 31], image[35, 41]) == (255, 153, 51, 31)


def test_no_sprite_is_cut_off():
    grid = SpriteGrid(x=(0.0, 1.0), y=(0.0, 1.0), scale=(1.0,))
    images = grid.render(grid.factors_of(np.arange(len(grid)))).astype(np.int64)
    areas = images.sum(axis=(1, 2, 3)).reshape(3, -1)
    assert np.all(areas.max(axis=1) - areas.min(axis=1) < 0.02 * areas.mean(axis=1))


def test_x_is_across_and_y_is_down():
    grid = SpriteGrid(side=64)
    images = grid.render(np.array([[1, 5, 0, 0, 31], [1, 5, 0, 31, 0]]))[:, 0].astype(float)
    rows, columns = np.indices((64, 64))
    weights = images / images.sum(axis=(1, 2), keepdims=True)
    centres = [((w * columns).sum(), (w * rows).sum()) for w in weights]
    np.testing.assert_allclose(centres, [(15.5, 47.5), (47.5, 15.5)], atol=0.05)


def test_orientations_turn_anticlockwise():
    """A heart's tip points down, and after a quarter turn to the right."""
    grid = SpriteGrid(side=64, x=(0.5,), y=(0.5,))
    upright, turned = grid.render(np.array([[2, 5, 0, 0, 0], [2, 5, 10, 0, 0]]))[:, 0]
    np.testing.assert_array_equal(np.rot90(upright), turned)
    assert upright[38, 31] > 200
    assert upright[24, 31] < 50


# Symmetry


@pytest.mark.parametrize("edges", ["smooth", "binary"])
@pytest.mark.parametrize("scale", range(6))
@pytest.mark.parametrize(("shape", "distinct"), [(0, 10), (1, 20), (2, 40)])
def test_symmetry_gives_one_image_several_orientations(shape, distinct, scale, edges):
    images = all_orientations(shape, scale, edges=edges).reshape(40, -1)
    assert len(np.unique(images, axis=0)) == distinct
    np.testing.assert_array_equal(images, np.roll(images, distinct, axis=0))


@pytest.mark.parametrize(("shape", "distinct"), [(0, 10), (1, 20)])
def test_equal_orientations_are_bit_equal_at_every_position(shape, distinct):
    grid = SpriteGrid(side=64)
    levels = grid.factors_of(grid.sample(4000, seed=8))
    levels[:, 0] = shape
    turned = levels.copy()
    turned[:, 2] = (levels[:, 2] + distinct) % 40
    np.testing.assert_array_equal(grid.render(levels), grid.render(turned))


@pytest.mark.parametrize(("shape", "distinct"), [(0, 10), (1, 20), (2, 40)])
def test_smooth_edges_keep_orientations_apart_in_small_images(shape, distinct):
    images = all_orientations(shape, scale=0, side=32).reshape(40, -1)
    assert len(np.unique(images, axis=0)) == distinct


def test_a_full_turn_is_not_a_separate_level():
    angles = SpriteGrid().orientation
    assert (min(angles), max(angles)) == (0.0, pytest.approx(2 * math.pi * 39 / 40))
    assert len({round(angle, 6) for angle in angles}) == 40


# The grid


def test_a_grid_knows_its_factors_and_their_sizes():
    grid = SpriteGrid()
    assert dict(zip(grid.names, grid.sizes, strict=True)) == FULL_SIZES
    assert grid.sizes == (3, 6, 40, 32, 32)
    assert len(grid) == 737_280


def test_indices_count_the_combinations_with_the_last_factor_fastest():
    grid = SpriteGrid(scale=(1.0,), orientation=(0.0, 1.0), x=(0.5,), y=(0.0, 0.5, 1.0))
    levels = grid.factors_of(np.arange(len(grid)))
    assert levels[:4, [0, 2, 4]].tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 1, 0]]
    assert len(np.unique(levels, axis=0)) == len(grid) == 18


def test_an_image_does_not_depend_on_the_other_images_of_the_call():
    grid = SpriteGrid()
    levels = grid.factors_of(grid.sample(600, seed=2))
    together = grid.render(levels)
    alone = np.concatenate([grid.render(row[None]) for row in levels[::50]])
    np.testing.assert_array_equal(together[::50], alone)
    np.testing.assert_array_equal(together[::-1], grid.render(levels[::-1]))
    assert grid.render(levels[:0]).shape == (0, 1, 32, 32)


def test_a_sample_follows_from_its_seed_and_repeats_no_image():
    grid = SpriteGrid()
    first = grid.sample(5000, seed=3)
    np.testing.assert_array_equal(first, grid.sample(5000, seed=3))
    np.testing.assert_array_equal(first[:100], grid.sample(100, seed=3))
    assert not np.array_equal(first, grid.sample(5000, seed=4))
    assert len(set(first.tolist())) == 5000
    small = SpriteGrid(x=(0.5,), y=(0.5,), scale=(1.0,))
    assert sorted(small.sample(120, seed=0)) == list(range(120))
    with pytest.raises(DataError, match="121 sprites were asked for, but the grid has 120"):
        small.sample(121, seed=0)


@pytest.mark.parametrize(
    ("factor", "levels"),
    [
        ("shape", ("circle",)),
        ("scale", (0.0,)),
        ("scale", (1.1,)),
        ("orientation", (math.inf,)),
        ("x", (-0.1,)),
        ("y", (math.nan,)),
        ("y", ()),
        ("side", 48),
        ("edges", "rough"),
    ],
)
def test_levels_that_cannot_be_drawn_are_refused(factor, levels):
    with pytest.raises(DataError, match=f"sprites: {factor} is"):
        SpriteGrid(**{factor: levels})


@pytest.mark.parametrize("stray", [-1, 6])
def test_a_level_outside_the_grid_is_refused(stray):
    with pytest.raises(DataError, match=rf"scale is 'level {stray}', .* 0 to 5"):
        SpriteGrid().render(np.array([[0, 0, 0, 0, 0], [0, stray, 0, 0, 0]]))


# Names


def test_plain_sprites_are_the_full_grid():
    plain = read_sprite_set("sprites")
    assert plain.grid == SpriteGrid()
    assert [len(part) for part in plain.split()] == [50_000, 10_000]


def test_options_choose_evenly_spaced_levels():
    grid = read_sprite_set("sprites:shape=2,scale=3,orientation=4,x=5,y=2").grid
    assert grid.shape == ("square", "ellipse")
    assert grid.scale == (0.5, 0.75, 1.0)
    assert grid.orientation == pytest.approx((0, math.pi / 2, math.pi, 3 * math.pi / 2))
    assert grid.x == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert grid.y == (0.0, 1.0)


def test_a_factor_of_one_level_is_large_upright_or_in_the_middle():
    grid = read_sprite_set("sprites:scale=1,orientation=1,x=1").grid
    assert (grid.scale, grid.orientation, grid.x) == ((1.0,), (0.0,), (0.5,))


def test_other_options_leave_the_grid_whole():
    chosen = read_sprite_set("sprites:side=64,edges=binary,count=20000")
    assert chosen.grid == SpriteGrid(side=64, edges="binary")
    assert [len(part) for part in chosen.split()] == [20_000, 10_000]


def test_the_order_of_options_does_not_matter():
    one, other = "sprites:x=16,orientation=1, y=16", "sprites:orientation=1,y=16,x=16"
    assert read_sprite_set(one) == read_sprite_set(other)
    assert dataset_title(one) == dataset_title(other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "'' is no option of sprites"),
        ("x=3,", "'' is no option"),
        ("x", "'x' is no option of sprites; write OPTION=VALUE"),
        ("size=64", "'size=64' is no option .* edges, count"),
        ("x=3,x=4", "x is given twice"),
        ("x=0", "x is '0', but it must be a whole number from 1 to 32"),
        ("y=33", "y is '33'"),
        ("shape=4", "shape is '4', .* 1 to 3"),
        ("scale=7", "scale is '7', .* 1 to 6"),
        ("orientation=41", "orientation is '41', .* 1 to 40"),
        ("orientation=1.5", r"orientation is '1\.5'"),
        ("x=-1", "x is '-1'"),
        ("x=", "x is ''"),
        ("x=²", "x is '²'"),
        ("x=" + "9" * 5000, "x is '999"),
        ("side=48", "side is '48', but it must be 32 or 64"),
        ("edges=soft", "edges is 'soft', but it must be smooth or binary"),
        ("count=0", "count is '0', .* 1 to 737280"),
        ("scale=1,orientation=1,x=2,y=3", "has 18 images, but at least 20"),
    ],
    ids=lambda value: f"{value:.20}",
)
def test_a_malformed_option_is_named(options, message):
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(f"sprites:{options}")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert class_names(f"sprites:{options}") == ()
    assert isinstance(dataset_title(f"sprites:{options}"), str)
    assert read_test_images(f"sprites:{options}", (1, 32, 32)) is None


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("sprites", "Sprites"),
        ("sprites:x=32,side=32", "Sprites"),
        ("sprites:orientation=1,x=16,y=16", "Sprites, 16 x, 16 y, no orientation"),
        ("sprites:shape=1", "Sprites, squares"),
        (
            "sprites:shape=2,edges=binary,side=64,count=20000",
            "Sprites, squares and ellipses, 64 pixels, binary edges, 20,000 images",
        ),
    ],
)
def test_titles_name_the_differences_from_plain_sprites(name, title):
    assert dataset_title(name) == title


def test_the_shape_is_the_class():
    assert "sprites" in dataset_names()
    assert class_names("sprites") == ("square", "ellipse", "heart")
    assert class_names("sprites:shape=2") == ("square", "ellipse")


def test_a_run_of_sprites_has_a_readable_folder_name():
    train = TrainConfig("sprites:orientation=1,x=16")
    assert (
        run_name(train, ModelConfig((1, 32, 32), 10, "conv"))
        == "sprites-orientation-1-x-16-conv-10-beta-1-seed-0"
    )
    options = ",".join(f"{name}={size}" for name, size in FULL_SIZES.items())
    long = f"sprites:{options},side=64,edges=binary,count=100000"
    assert (
        len(run_name(TrainConfig(long, seed=123456), ModelConfig((1, 32, 32), 128, "conv-mlp")))
        < 100
    )


# Data sets


def split_levels(dataset) -> list[list[tuple[int, ...]]]:
    splits = dataset.train, dataset.validation, dataset.test
    return [[tuple(row) for row in split.factors.tolist()] for split in splits]


def test_a_small_grid_is_split_without_loss():
    dataset = load_dataset(SMALL, validation_fraction=0.1)
    train, validation, test = split_levels(dataset)
    assert (len(train), len(validation), len(test)) == (162, 18, 36)
    assert len({*train, *validation, *test}) == 216
    assert [(f.name, f.size) for f in dataset.factors] == [
        ("shape", 3),
        ("scale", 2),
        ("orientation", 4),
        ("x", 3),
        ("y", 3),
    ]
    assert dataset.class_names == ("square", "ellipse", "heart")
    assert dataset.image_shape == (1, 32, 32)


def test_images_labels_and_factors_stay_together():
    dataset, grid = load_dataset(SMALL, validation_fraction=0.1), read_sprite_set(SMALL).grid
    head = dataset.test.to("cpu").head(5)
    assert len(head) == len(head.factors) == 5
    assert torch.equal(head.factors, dataset.test.factors[:5])
    for split in (dataset.train, dataset.validation, dataset.test, head):
        np.testing.assert_array_equal(split.images, grid.render(split.factors.numpy()))
        assert torch.equal(split.labels, split.factors[:, 0])


def test_splits_of_sprites_are_always_the_same_and_disjoint():
    name = "sprites:count=3000"
    torch.manual_seed(1)
    np.random.seed(1)
    first = split_levels(load_dataset(name))
    torch.manual_seed(2)
    np.random.seed(2)
    assert split_levels(load_dataset(name)) == first
    assert [len(part) for part in first] == [2850, 150, 10_000]
    assert len({row for part in first for row in part}) == 13_000


def test_the_test_images_do_not_depend_on_the_count():
    few, many = (read_sprite_set(f"sprites:count={count}").split() for count in (100, 2000))
    np.testing.assert_array_equal(few[1], many[1])
    np.testing.assert_array_equal(few[0], many[0][:100])
    assert len(few[0]) == 100


def test_at_most_count_images_are_for_training():
    train, test = read_sprite_set("sprites:orientation=1,x=16,y=16,count=100").split()
    assert (len(train), len(test)) == (100, 768)


def test_the_test_split_alone_draws_no_training_image(monkeypatch):
    whole = load_dataset(SMALL)
    drawn = []
    render = SpriteGrid.render

    def counted(self, factors):
        drawn.append(len(factors))
        return render(self, factors)

    monkeypatch.setattr(SpriteGrid, "render", counted)
    alone = load_test_split(SMALL, image_shape=(1, 32, 32))
    assert torch.equal(alone.images, whole.test.images)
    assert torch.equal(alone.factors, whole.test.factors)
    found = read_test_images(SMALL, (1, 32, 32), "/nowhere")
    assert found.pixels.shape == (36, 32, 32, 1)
    assert drawn == [36, 36]


def test_sprites_of_another_side_than_the_model_s_are_refused():
    assert load_dataset(f"{SMALL},side=64", image_shape=(1, 64, 64)).image_shape == (1, 64, 64)
    for load in (load_dataset, load_test_split):
        with pytest.raises(DataError, match=r"\(1, 32, 32\), but \(1, 64, 64\)"):
            load(SMALL, image_shape=(1, 64, 64))
    assert read_test_images(SMALL, (1, 64, 64)) is None


def test_other_data_sets_have_no_factors(digits):
    assert digits.factors == ()
    assert digits.train.factors is None
    assert digits.test.head(3).to("cpu").factors is None
