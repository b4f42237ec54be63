"""Data sets are split as documented, and absent or damaged ones are refused."""

import gc
import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.unreadable import unreadable
from vae.core.errors import DataError
from vae.data.registry import class_names, data_dir, dataset_names, dataset_title, load_dataset
from vae.data.splits import Dataset
from vae.data.uploads import to_square

PROJECT = Path(__file__).resolve().parents[2]


def rows(*splits) -> list[bytes]:
    """Return each image with its label as bytes, which can be compared and counted."""
    return [
        image.numpy().tobytes() + bytes([int(label) % 256])
        for split in splits
        for image, label in zip(split.images, split.labels, strict=True)
    ]


def assert_one_line(error: pytest.ExceptionInfo) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


def fill(folder: Path, count: int, mode: str = "L", size: tuple[int, int] = (12, 12)) -> None:
    """Save `count` pictures of one colour; the n-th has the brightness 10 n."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        colour = 10 * n if len(mode) == 1 else (10 * n, 100, 200, 255)[: len(mode)]
        Image.new(mode, size, colour).save(folder / f"{n:03}.png")


# Digits


def test_digits_are_split_into_three_parts_without_loss(digits):
    from sklearn.datasets import load_digits

    bundled = load_digits()
    pixels = np.rint(bundled.images * 255 / 16).astype(np.uint8)
    expected = sorted(p.tobytes() + bytes([t]) for p, t in zip(pixels, bundled.target, strict=True))
    assert sorted(rows(digits.train, digits.validation, digits.test)) == expected
    assert (len(digits.train), len(digits.validation), len(digits.test)) == (1366, 71, 360)
    assert digits.image_shape == (1, 8, 8)
    assert digits.class_names == tuple("0123456789")
    assert set(digits.test.labels.tolist()) == set(range(10))


def test_splits_do_not_depend_on_torch_s_random_state(digits):
    torch.manual_seed(99)
    again = load_dataset("digits")
    for name in ("train", "validation", "test"):
        first, second = getattr(digits, name), getattr(again, name)
        assert torch.equal(first.images, second.images)
        assert torch.equal(first.labels, second.labels)


def test_the_validation_split_is_taken_from_the_training_images(digits):
    none = load_dataset("digits", validation_fraction=0.0)
    half = load_dataset("digits", validation_fraction=0.5)
    assert (len(none.train), len(none.validation)) == (1437, 0)
    assert (len(half.train), len(half.validation)) == (719, 718)
    assert torch.equal(half.test.images, digits.test.images)
    assert sorted(rows(half.train, half.validation)) == sorted(rows(none.train))


def test_a_batch_holds_the_chosen_images_as_numbers_from_0_to_1(digits):
    batch = digits.train.batch(torch.tensor([5, 0]))
    assert batch.dtype == torch.float32
    torch.testing.assert_close(batch[0], digits.train.images[5].float() / 255)
    torch.testing.assert_close(batch[1], digits.train.images[0].float() / 255)
    assert digits.train.images.dtype == torch.uint8
    assert digits.train.images.max() == 255


def test_pixels_are_all_images_with_channels_last(digits):
    pixels = digits.test.pixels()
    assert (pixels.shape, pixels.dtype) == ((360, 8, 8, 1), np.float32)
    assert np.array_equal(pixels[7, 2, 5], digits.test.images[7, :, 2, 5].numpy() / np.float32(255))


def test_the_head_of_a_split_keeps_images_and_labels_together(digits):
    head = digits.test.head(7)
    assert rows(head) == rows(digits.test)[:7]


# Names


@pytest.mark.parametrize("name", ["mnst", "Digits", "folder", "/data"])
def test_an_unknown_name_is_refused_with_a_list_of_the_known_names(name):
    with pytest.raises(DataError, match="digits, mnist, fashion-mnist, kmnist, cifar10") as caught:
        load_dataset(name)
    assert "folder:PATH" in assert_one_line(caught)


@pytest.mark.parametrize("name", ["folder:", "folder:  "])
def test_a_folder_needs_a_path(name):
    with pytest.raises(DataError, match="needs a path"):
        load_dataset(name)


def test_titles_and_classes_need_no_data():
    assert {"digits", "mnist", "fashion-mnist", "kmnist", "cifar10"} <= set(dataset_names())
    assert dataset_title("fashion-mnist") == "Fashion-MNIST"
    assert dataset_title("folder:/home/me/cats") == "cats"
    assert class_names("kmnist")[0] == "o"
    assert class_names("folder:/home/me/cats") == ()
    for name in ("digits", "mnist", "fashion-mnist", "kmnist", "cifar10"):
        assert len(set(class_names(name))) == 10


def test_images_of_another_shape_than_the_model_s_are_refused():
    with pytest.raises(DataError, match=r"\(1, 8, 8\), but \(1, 28, 28\)"):
        load_dataset("digits", image_shape=(1, 28, 28))


def test_the_data_folder_is_the_argument_or_the_variable_or_a_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path / "variable"))
    assert data_dir(tmp_path / "argument") == tmp_path / "argument"
    assert data_dir() == tmp_path / "variable"
    monkeypatch.setenv("LATENT_DATA_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert data_dir().is_absolute()
    assert PROJECT not in data_dir().parents


# Folders of images


def test_a_folder_of_grey_images_stays_grey(tmp_path):
    fill(tmp_path, 25)
    found = load_dataset(f"folder:{tmp_path}", folder_side=16)
    assert found.image_shape == (1, 16, 16)
    assert found.class_names == ()
    assert len(found.test) > 0
    everything = torch.cat([found.train.images, found.validation.images, found.test.images])
    assert sorted(everything[:, 0, 8, 8].tolist()) == [10 * n for n in range(25)]
    assert (found.test.labels == -1).all()


def test_one_colour_image_makes_the_whole_folder_colour(tmp_path):
    fill(tmp_path, 20)
    Image.new("RGB", (30, 20), (200, 100, 50)).save(tmp_path / "colour.jpg", quality=100)
    found = load_dataset(f"folder:{tmp_path}", validation_fraction=0.0)
    assert found.image_shape == (3, 32, 32)
    everything = torch.cat([found.train.images, found.test.images])
    colours = [tuple(image[:, 16, 16].tolist()) for image in everything]
    assert (50, 50, 50) in colours
    assert any(abs(r - 200) + abs(g - 100) + abs(b - 50) < 9 for r, g, b in colours)


def test_a_model_s_shape_decides_the_size_and_the_colours(tmp_path):
    fill(tmp_path, 20, "RGB")
    found = load_dataset(f"folder:{tmp_path}", image_shape=(1, 8, 8), folder_side=64)
    assert found.image_shape == (1, 8, 8)


def test_sub_folders_are_classes(tmp_path):
    fill(tmp_path / "dogs", 12)
    fill(tmp_path / "cats" / "deeper", 14)
    fill(tmp_path, 2)
    found = load_dataset(f"folder:{tmp_path}", validation_fraction=0.0)
    assert found.class_names == ("cats", "dogs")
    labels = torch.cat([found.train.labels, found.test.labels]).tolist()
    assert (labels.count(0), labels.count(1), labels.count(-1)) == (14, 12, 2)


def test_train_and_test_folders_are_the_splits(tmp_path):
    for part, count in (("train", 12), ("test", 5)):
        fill(tmp_path / part / "b", count)
        fill(tmp_path / part / "a", 3)
    found = load_dataset(f"folder:{tmp_path}", validation_fraction=0.2)
    assert found.class_names == ("a", "b")
    assert (len(found.train), len(found.validation), len(found.test)) == (12, 3, 8)
    assert sorted(found.test.labels.tolist()) == [0] * 3 + [1] * 5
    brightness = found.test.images[found.test.labels == 1][:, 0, 0, 0]
    assert sorted(brightness.tolist()) == [0, 10, 20, 30, 40]


def test_a_folder_is_always_split_in_the_same_way(tmp_path):
    fill(tmp_path, 25)
    first, second = (load_dataset(f"folder:{tmp_path}") for _ in range(2))
    assert rows(first.test) == rows(second.test)
    assert rows(first.train) == rows(second.train)


def folder_with(tmp_path: Path, picture: Image.Image, **options) -> Dataset:
    """Return a data set of black training pictures, with `picture` alone in the test split."""
    fill(tmp_path / "train", 1)
    for n in range(20):
        Image.new("L", (4, 4)).save(tmp_path / "train" / f"black-{n}.png")
    (tmp_path / "test").mkdir()
    picture.save(tmp_path / "test" / "picture.png", **options)
    return load_dataset(f"folder:{tmp_path}", folder_side=8)


def test_pictures_are_rotated_by_the_camera_s_orientation(tmp_path):
    """A white left half moves to the top (EXIF orientation 6)."""
    picture = Image.new("RGB", (16, 16))
    picture.paste("white", (0, 0, 8, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    image = folder_with(tmp_path, picture, exif=exif).test.images[0]
    assert image[:, :3].min() > 200
    assert image[:, 5:].max() < 55


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_become_black(tmp_path, mode):
    if mode == "P":
        picture = Image.new("P", (8, 8), 0)
        picture.putpalette([255, 255, 255, 255, 0, 0])
        picture.info["transparency"] = 0
        picture.paste(1, (0, 0, 8, 4))
    else:
        picture = Image.new(mode, (8, 8), (255, 0) if mode == "LA" else (255, 255, 255, 0))
        picture.paste((255, 255) if mode == "LA" else (255, 0, 0, 255), (0, 0, 8, 4))
    image = folder_with(tmp_path, picture).test.images[0]
    assert image[:, 5:].max() < 30
    assert image[0, :3].min() > 220


def test_sixteen_bit_greys_keep_their_range(tmp_path):
    deep = Image.fromarray(np.full((8, 8), 32896, dtype=np.uint16))
    image = folder_with(tmp_path, deep).test.images[0]
    assert image.shape == (1, 8, 8)
    assert (image == 128).all()


def test_long_pictures_are_cropped_in_the_middle(tmp_path):
    picture = Image.new("L", (48, 16), 255)
    picture.paste(100, (16, 0, 32, 16))
    image = folder_with(tmp_path, picture).test.images[0].int()
    assert ((image - 100).abs() < 15).all()


def test_files_that_are_not_images_are_skipped(tmp_path):
    fill(tmp_path, 20)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "Thumbs.db").write_bytes(b"\0")
    found = load_dataset(f"folder:{tmp_path}", validation_fraction=0)
    assert len(found.train) + len(found.test) == 20


def test_images_keep_their_split_when_others_are_added(tmp_path):
    fill(tmp_path, 25)
    before = load_dataset(f"folder:{tmp_path}", folder_side=16).test.images[:, 0, 8, 8].tolist()
    Image.new("L", (30, 20), 255).save(tmp_path / "another.png")
    after = load_dataset(f"folder:{tmp_path}", folder_side=16).test.images[:, 0, 8, 8].tolist()
    assert [value for value in after if value != 255] == before


def test_images_beside_the_folders_train_and_test_are_refused(tmp_path):
    for split in ("train", "test"):
        fill(tmp_path / split, 20)
    Image.new("L", (30, 20), 255).save(tmp_path / "cover.png")
    with pytest.raises(DataError, match=r"also cover\.png") as caught:
        load_dataset(f"folder:{tmp_path}")
    assert_one_line(caught)


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_numbers_without_a_known_range_are_stretched_to_grey(dtype):
    values = np.linspace(5, 100_000, 64).reshape(8, 8).astype(dtype)
    square = to_square(Image.fromarray(values), 8, 1)
    assert (square.min(), square.max()) == (0, 255)


def test_a_folder_with_too_few_images_is_refused(tmp_path):
    fill(tmp_path, 19)
    with pytest.raises(DataError, match="holds 19 images, but at least 20") as caught:
        load_dataset(f"folder:{tmp_path}")
    assert_one_line(caught)


def test_an_absent_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no folder") as caught:
        load_dataset(f"folder:{tmp_path / 'nothing'}")
    assert_one_line(caught)


@pytest.mark.parametrize("kind", ["text", "empty", "cut short"])
def test_an_image_that_cannot_be_read_is_named(tmp_path, kind):
    fill(tmp_path, 20, "RGB", (64, 64))
    file = tmp_path / "013.png"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file)
    whole = file.read_bytes()
    file.write_bytes({"text": b"hello", "empty": b"", "cut short": whole[: len(whole) // 2]}[kind])
    with pytest.raises(DataError, match=r"013\.png cannot be read as an image") as caught:
        load_dataset(f"folder:{tmp_path}")
    assert_one_line(caught)
    # The collection reports a file that was left open in this test and not in a later one.
    del caught
    gc.collect()


# Data sets of torchvision


@pytest.fixture
def offline(monkeypatch) -> list[str]:
    """Make every download fail; return the list of the addresses that were tried."""
    from urllib.error import URLError

    tried: list[str] = []

    def urlopen(request, *arguments, **options):
        tried.append(request.full_url)
        raise URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return tried


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist", "cifar10"])
def test_a_failed_download_is_reported_in_one_sentence(tmp_path, offline, capfd, name):
    with pytest.raises(DataError, match="--data-dir or LATENT_DATA_DIR") as caught:
        load_dataset(name, tmp_path)
    message = assert_one_line(caught)
    assert str(tmp_path) in message
    assert "connect to the internet" in message
    assert offline
    assert capfd.readouterr() == ("", "")


def test_nothing_is_downloaded_without_permission(tmp_path, offline):
    with pytest.raises(DataError, match="is not in"):
        load_dataset("mnist", tmp_path, download=False)
    assert offline == []
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_is_a_file_is_refused_in_one_line(tmp_path, offline):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError) as caught:
        load_dataset("mnist", tmp_path / "file")
    assert_one_line(caught)


def test_cifar10_is_read_from_folders_of_pictures(tmp_path, offline):
    """CIFAR-10 is also distributed as folders of pictures."""
    classes = "airplane automobile bird cat deer dog frog horse ship truck".split()
    random = np.random.default_rng(0)
    drawn = {}
    for split, count in (("train", 3), ("test", 2)):
        for label, name in enumerate(classes):
            folder = tmp_path / "cifar10" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}.png")
                drawn[split, label, i] = pixels
    found = load_dataset("cifar10", tmp_path, validation_fraction=0)
    assert (len(found.train), len(found.test), found.image_shape) == (30, 20, (3, 32, 32))
    assert list(found.class_names) == classes
    for split, count in (("train", 3), ("test", 2)):
        images, labels = getattr(found, split).images, getattr(found, split).labels
        pixels = images.permute(0, 2, 3, 1).numpy()
        for label in range(10):
            mine = [drawn[split, label, i] for i in range(count)]
            for image in pixels[labels.numpy() == label]:
                assert any(np.array_equal(image, other) for other in mine)
        assert sorted(labels.tolist()) == [i // count for i in range(len(images))]
    assert found.test.labels.tolist() != sorted(found.test.labels.tolist())
    assert offline == []
    (tmp_path / "cifar10" / "train" / "cat").rename(tmp_path / "cifar10" / "train" / "lynx")
    with pytest.raises(DataError, match="should have the classes airplane") as caught:
        load_dataset("cifar10", tmp_path)
    assert_one_line(caught)


def small_mnist(folder: Path, side: int = 28) -> Path:
    """Write MNIST's four files with 40 and 10 images, as torchvision stores them."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part, count in (("train", 40), ("t10k", 10)):
        pixels = random.integers(0, 256, (count, side, side), dtype=np.uint8)
        head = b"".join(n.to_bytes(4, "big") for n in (2051, count, side, side))
        (raw / f"{part}-images-idx3-ubyte").write_bytes(head + pixels.tobytes())
        head = b"".join(n.to_bytes(4, "big") for n in (2049, count))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(head + bytes(n % 10 for n in range(count)))
    return raw


def test_torchvision_s_files_are_read_without_a_network(tmp_path, offline):
    small_mnist(tmp_path)
    found = load_dataset("mnist", tmp_path)
    assert (len(found.train), len(found.validation), len(found.test)) == (38, 2, 10)
    assert found.image_shape == (1, 28, 28)
    assert found.test.labels.tolist() == list(range(10))
    assert offline == []


def test_files_with_images_of_another_size_are_refused(tmp_path):
    small_mnist(tmp_path, side=20)
    with pytest.raises(DataError, match=r"\(1, 28, 28\), but the files hold \(1, 20, 20\)"):
        load_dataset("mnist", tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:1000],
        lambda content: b"<html>not found</html>" * 20,
        gzip.compress,
    ],
    ids=["empty", "cut short", "a web page", "still compressed"],
)
def test_damaged_files_are_refused(tmp_path, offline, damage):
    file = small_mnist(tmp_path) / "train-images-idx3-ubyte"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DataError, match="cannot be read") as caught:
        load_dataset("mnist", tmp_path)
    assert_one_line(caught)


def test_mnist_has_all_images(mnist_dir):
    found = load_dataset("mnist", mnist_dir, download=False)
    assert (len(found.train), len(found.validation), len(found.test)) == (57_000, 3_000, 10_000)
    assert found.image_shape == (1, 28, 28)
    assert found.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    mean = float(torch.cat([found.train.images, found.validation.images]).float().mean())
    assert mean / 255 == pytest.approx(0.1307, abs=1e-4)


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path):
    inside, outside = tmp_path / "images", tmp_path / "outside"
    fill(inside / "class", 21)
    fill(outside, 25)
    (inside / "class" / "file.png").symlink_to(outside / "000.png")
    (inside / "class" / "loop.png").symlink_to(inside / "class" / "loop.png")
    (inside / "class" / "gone.png").symlink_to(tmp_path / "nothing.png")
    (inside / "class" / "device.png").symlink_to("/dev/zero")
    (inside / "around").symlink_to(inside)
    (inside / "away").symlink_to(outside)
    found = load_dataset(f"folder:{inside}", validation_fraction=0)
    assert len(found.train) + len(found.test) == 22
    assert found.class_names == ("class",)


@pytest.mark.parametrize("name", ["", "class", "class/003.png"])
def test_an_unreadable_file_or_folder_is_named(tmp_path, name):
    fill(tmp_path / "images" / "class", 21)
    closed = tmp_path / "images" / name
    with unreadable(closed), pytest.raises(DataError) as error:
        load_dataset(f"folder:{tmp_path / 'images'}")
    assert f"{closed} cannot be opened (Permission denied)" in assert_one_line(error)


def test_a_folder_with_too_many_files_is_refused(tmp_path, monkeypatch):
    fill(tmp_path / "a", 21)
    fill(tmp_path / "b", 21)
    monkeypatch.setattr("vae.data.folder.MAX_ENTRIES", 30)
    with pytest.raises(DataError) as error:
        load_dataset(f"folder:{tmp_path}")
    assert "holds more than 30 files and folders" in assert_one_line(error)
