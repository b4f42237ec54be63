"""Files of codes with known factors are read, or refused with a reason."""

import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from tests.support.known_codes import noise, random_factors
from vae.core.errors import DataError
from vae.metrics.code_arrays import load_codes

GOOD = {"codes": noise(60), "factors": random_factors(60)}


def edited(name, row, column, value):
    array = GOOD[name].copy()
    array[row, column] = value
    return {name: array}


BAD_ARRAYS = {
    "flat codes": ({"codes": noise(60)[:, 0]}, "codes has shape (60,)"),
    "flat factors": ({"factors": random_factors(60)[:, 0]}, "factors has shape (60,)"),
    "lengths": ({"codes": noise(61)}, "codes has 61 rows and factors 60"),
    "few rows": ({"codes": noise(49), "factors": random_factors(49)}, "49 rows"),
    "no rows": ({"codes": noise(0), "factors": random_factors(0)}, "0 rows"),
    "no latents": ({"codes": noise(60, 0)}, "at least 2 latents"),
    "no factors": ({"factors": random_factors(60)[:, :0]}, "at least 2 factors"),
    "nan": (edited("codes", 3, 0, np.nan), "not finite"),
    "infinity": (edited("codes", 3, 0, np.inf), "not finite"),
    "huge codes": (edited("codes", 3, 0, 1e300), "beyond 1e+30"),
    "complex codes": ({"codes": noise(60) + 1j}, "codes holds complex128"),
    "text codes": ({"codes": np.full((60, 2), "a")}, "codes holds <U1"),
    "real factors": ({"factors": random_factors(60) + 0.5}, "factors holds float64"),
    "constant factor": (edited("factors", slice(None), 1, 7), "factor 1 has a single value"),
    "row numbers": (edited("factors", slice(None), 0, np.arange(60)), "factor 0 has 60 values"),
    "pickled": ({"codes": np.full((60, 2), None)}, "plain arrays"),
}


def complaint(path):
    with pytest.raises(DataError) as caught:
        load_codes(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("arrays", "expected"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_bad_arrays_are_refused(tmp_path, arrays, expected):
    np.savez(tmp_path / "codes.npz", **(GOOD | arrays))
    assert expected in complaint(tmp_path / "codes.npz")


def test_bad_files_are_refused(tmp_path):
    assert "No such file" in complaint(tmp_path / "absent.npz")
    assert "directory" in complaint(tmp_path)
    for name, content in {"empty": b"", "text": b"codes", "zip": b"PK\x03\x04 cut short"}.items():
        (tmp_path / name).write_bytes(content)
        assert "expected an .npz" in complaint(tmp_path / name)


def test_bad_archives_are_refused(tmp_path):
    np.save(tmp_path / "one.npy", noise(60))
    assert "holds one array" in complaint(tmp_path / "one.npy")
    np.savez(tmp_path / "half.npz", codes=noise(60))
    assert "'codes' and 'factors'" in complaint(tmp_path / "half.npz")
    np.savez(tmp_path / "whole.npz", **GOOD)
    damaged = bytearray((tmp_path / "whole.npz").read_bytes())
    damaged[300:310] = b"\xff" * 10
    (tmp_path / "damaged.npz").write_bytes(damaged)
    assert "expected an .npz" in complaint(tmp_path / "damaged.npz")


def test_load_codes_widens_what_it_reads(tmp_path):
    narrow = {"codes": noise(60).astype(np.float32), "factors": random_factors(60).astype("u1")}
    np.savez_compressed(tmp_path / "codes.npz", **narrow)
    known = load_codes(tmp_path / "codes.npz")
    assert (known.codes.dtype, known.factors.dtype) == (np.float64, np.int64)
    np.testing.assert_array_equal(known.codes, narrow["codes"])
    np.testing.assert_array_equal(known.factors, narrow["factors"])
    assert known.test is None


# A test part of its own

TEST = {"test_codes": noise(70, seed=2), "test_factors": random_factors(70, seed=3)}


def test_a_test_part_is_read_too(tmp_path):
    np.savez(tmp_path / "codes.npz", **GOOD, **TEST)
    codes, factors = load_codes(tmp_path / "codes.npz").test
    np.testing.assert_array_equal(codes, TEST["test_codes"])
    np.testing.assert_array_equal(factors, TEST["test_factors"])


BAD_TESTS = {
    "latents": ({"test_codes": noise(70, 3)}, "test_codes has 3 latents and codes 4"),
    "factors": ({"test_factors": random_factors(70, (5, 6))}, "test_factors has 2 factors and"),
    "lengths": ({"test_codes": noise(71)}, "in the test part, codes has 71 rows and factors 70"),
    "nan": ({"test_codes": np.full((70, 4), np.nan)}, "in the test part, codes holds values that"),
}


@pytest.mark.parametrize(("arrays", "expected"), BAD_TESTS.values(), ids=BAD_TESTS)
def test_bad_test_parts_are_refused(tmp_path, arrays, expected):
    np.savez(tmp_path / "codes.npz", **(GOOD | TEST | arrays))
    assert expected in complaint(tmp_path / "codes.npz")


@pytest.mark.parametrize("name", TEST)
def test_half_a_test_part_is_refused(tmp_path, name):
    np.savez(tmp_path / "codes.npz", **GOOD, **{name: TEST[name]})
    assert "both of 'test_codes' and 'test_factors'" in complaint(tmp_path / "codes.npz")


def test_a_sample_keeps_rows_together_and_repeats_itself(tmp_path):
    rows, more = np.arange(200), np.arange(60, 140)
    np.savez(
        tmp_path / "codes.npz",
        codes=np.stack([rows, rows], axis=1),
        factors=np.stack([rows // 8, rows % 3], axis=1),
        test_codes=np.stack([more, more], axis=1),
        test_factors=np.stack([more // 8, more % 3], axis=1),
    )
    known = load_codes(tmp_path / "codes.npz")
    some, again, other = known.sample(90, 0), known.sample(90, 0), known.sample(90, 1)
    for codes, factors in ((some.codes, some.factors), some.test):
        np.testing.assert_array_equal(codes[:, 0] // 8, factors[:, 0])
        np.testing.assert_array_equal(codes[:, 0] % 3, factors[:, 1])
    assert (len(some.codes), len(some.test[0])) == (90, 80)
    np.testing.assert_array_equal(some.codes, again.codes)
    assert len(np.unique(some.codes[:, 0])) == 90
    assert (some.codes != other.codes).any()


# Archives that lie about themselves


HEAD = "{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}"


def member(shape, dtype="<f8", body=b"", head=HEAD):
    """Returns an array as a file holds it: its header and any bytes after it."""
    text = head.format(dtype=dtype, shape=shape).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def archive(path, packing=zipfile.ZIP_DEFLATED, **members):
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


LIES = {
    "a petabyte": (member((2**40, 128)), "at most 1,024 are read"),
    "more than all memory": (member((2**62, 2**62)), "at most 1,024 are read"),
    "rows that are not there": (member((60, 2), body=b"\0" * 8), "expected an .npz"),
    "more behind than it says": (member((60, 2), body=b"\0" * 9600), "expected an .npz"),
    "less than none": (member((-60, 2)), "expected an .npz"),
    "objects": (member((60, 2), "|O", b"\x80\x04."), "expected an .npz"),
    "records": (member((60,), [("a", "<f8"), ("b", "<f8")], b"\0" * 960), "expected an .npz"),
    "a header of calls": (member((60, 2), head="__import__('os').abort()"), "expected an .npz"),
    "a deep header": (member((60, 2), head="[" * 9000), "expected an .npz"),
    "no header": (b"", "expected an .npz"),
}


@pytest.mark.parametrize(("content", "expected"), LIES.values(), ids=LIES)
@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_an_array_with_a_wrong_header_is_refused(tmp_path, packing, content, expected):
    good = member((60, 2), "<i8", np.zeros((60, 2), "<i8").tobytes())
    assert expected in complaint(archive(tmp_path / "a.npz", packing, codes=content, factors=good))


def test_a_bomb_is_not_unpacked(tmp_path):
    """Its header states too large a size: no array is created and nothing more is read."""
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("codes.npy", "w") as opened:
            opened.write(member((2**21, 65)))
            for _ in range(16):
                opened.write(b"\0" * 2**20)
        file.writestr("factors.npy", member((60, 2), "<i1", b"\0" * 120))
    tracemalloc.start()
    assert "MB" in complaint(tmp_path / "bomb.npz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 2**20


def test_members_with_paths_are_not_written_and_not_taken(tmp_path):
    path = archive(tmp_path / "a.npz", **{"../codes": b"x", "/factors": b"x", "codes/codes": b"x"})
    assert "'codes' and 'factors'" in complaint(path)
    assert [file.name for file in tmp_path.rglob("*")] == ["a.npz"]
    assert not (tmp_path.parent / "codes.npy").exists()
