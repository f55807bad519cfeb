"""Everything that lends its memory: layouts that arrays of numpy never have, too."""

from __future__ import annotations

import array
import ctypes

import numpy as np
import pytest

import kith
from kith.annoy import AnnoyIndex

_testbuffer = pytest.importorskip("_testbuffer", reason="this Python comes without its tests")

ROWS = np.random.default_rng(3).integers(-100, 100, (40, 12)).astype("f4")


def filled(kind, values):
    """An array of ctypes, whose buffers have no strides."""
    made = (kind * values.shape[1] * values.shape[0])()
    for row, to in zip(values.tolist(), made, strict=True):
        for i, value in enumerate(row):
            to[i] = int(value) if kind not in FLOATS else value
    return made


FLOATS = (ctypes.c_float, ctypes.c_double, ctypes.c_float.__ctype_be__)
# One vector, where that is no row of many.
ALONE = {
    "memoryview": lambda x: memoryview(x),
    "cast memoryview": lambda x: memoryview(x.tobytes()).cast("f"),
}
LAYOUTS = {
    "plain": lambda x: x,
    "ctypes float": lambda x: filled(ctypes.c_float, x),
    "ctypes double": lambda x: filled(ctypes.c_double, x),
    "ctypes byte": lambda x: filled(ctypes.c_byte, x),
    "ctypes short": lambda x: filled(ctypes.c_short, x),
    "ctypes int": lambda x: filled(ctypes.c_int, x),
    "ctypes long": lambda x: filled(ctypes.c_long, x),
    "ctypes big-endian": lambda x: filled(ctypes.c_float.__ctype_be__, x),
    "big-endian float32": lambda x: x.astype(">f4"),
    "big-endian float64": lambda x: x.astype(">f8"),
    "big-endian float16": lambda x: x.astype(">f2"),
    "big-endian int64": lambda x: x.astype(">i8"),
    "big-endian int8": lambda x: x.astype(">i1"),
    "indirect": lambda x: indirect(x, "f"),
    "indirect big-endian": lambda x: indirect(x, ">f"),
    "indirect double": lambda x: indirect(x, "d"),
    "memoryview": lambda x: memoryview(x),
    "cast memoryview": lambda x: memoryview(x.tobytes()).cast("f", x.shape),
    "read-only": lambda x: np.frombuffer(x.tobytes(), "f4").reshape(x.shape),
    "unaligned": lambda x: np.frombuffer(b"?" + x.tobytes(), "f4", offset=1).reshape(x.shape),
    "reversed rows": lambda x: x[::-1].copy()[::-1],
    "reversed columns": lambda x: x[:, ::-1].copy()[:, ::-1],
    "every other column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "fortran": np.asfortranarray,
}


def indirect(x, form):
    """Rows that are pointers to rows."""
    made = _testbuffer.ndarray(
        x.ravel().tolist(), shape=list(x.shape), format=form, flags=_testbuffer.ND_PIL
    )
    assert memoryview(made).suboffsets
    return made


def one_of(layout, row):
    """ROWS[row] in the layout that a row of many has in it."""
    if layout in ALONE:
        return ALONE[layout](ROWS[row])
    return LAYOUTS[layout](ROWS[row : row + 1])[0]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_vectors_and_queries_of_every_layout(layout):
    given = LAYOUTS[layout](ROWS)
    index = kith.build(given, metric="euclidean")
    np.testing.assert_array_equal(index.vectors(index.ids), ROWS)
    plain = index.search(ROWS, 3)
    for got, wanted in zip(index.search(given, 3), plain, strict=True):
        np.testing.assert_array_equal(got, wanted)
    one = one_of(layout, 7)
    np.testing.assert_array_equal(index.search(one, 3)[0], plain[0][7])
    index = kith.build(ROWS, metric="euclidean", index="graph", keys=map(str, range(40)))
    assert index.search_keys(one, 1)[0][0] == "7"
    index.calibrate(given, k=[1])
    assert index.evaluate(given, 1, effort=[40])[0]["recall"] == 1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_items_of_every_layout(layout):
    if layout == "indirect big-endian":
        pytest.skip("it has neither native numbers nor a length")
    given = LAYOUTS[layout](ROWS)
    one_by_one, at_once = AnnoyIndex(12, "euclidean"), AnnoyIndex(12, "euclidean")
    for i in range(len(ROWS)):
        one_by_one.add_item(i, one_of(layout, i))
    if not layout.startswith("indirect"):
        at_once.add_items(given)
    else:  # numpy has no arrays of such
        at_once.add_items(np.array(memoryview(given).tolist()))
    for index in (one_by_one, at_once):
        for i in range(len(ROWS)):
            assert index.get_item_vector(i) == ROWS[i].tolist()
        index.build(3)
    assert one_by_one.get_nns_by_vector(one_of(layout, 7), 2)[0] == 7


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (ctypes.c_float(3), "0 axes"),
        (np.float32(3), "0 axes"),
        (_testbuffer.ndarray([1.0], shape=[], format="f"), "0 axes"),
        ((ctypes.c_float * 0)(), "one axis"),
        ((ctypes.c_float * 12 * 0)(), "empty"),
        ((ctypes.c_float * 0 * 3)(), "dimension 0"),
        (np.zeros((0, 12), "f4"), "empty"),
        (np.zeros((3, 0), "f4"), "dimension 0"),
        (memoryview(b""), "one axis"),
        (array.array("f"), "one axis"),
        ((ctypes.c_float * 12 * 2 * 2)(), "3 axes"),
        ((ctypes.py_object * 12 * 2)(*[(1,) * 12] * 2), "object"),
        ((ctypes.c_char * 12 * 2)(), "S"),
        ((ctypes.c_longdouble * 12 * 2)(), "elements that are not"),
        (np.zeros((2, 12), "c8"), "complex64"),
        (np.zeros((2, 12), "M8[s]"), "datetime64"),
        (np.zeros((2, 12), "f4,f4"), "f4"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_holds_no_vectors_is_refused(given, words):
    index = kith.build(ROWS)
    annoy = AnnoyIndex(12, "euclidean")
    with pytest.raises((ValueError, TypeError), match=words):
        kith.build(given)
    if words != "empty":
        with pytest.raises((ValueError, TypeError)):
            index.search(given)
    else:
        assert index.search(given)[0].shape == (0, 10)
    with pytest.raises((ValueError, TypeError, IndexError)):
        annoy.add_item(0, given)
    assert annoy.get_n_items() == 0


def test_bytes_of_every_layout():
    held = kith.build(ROWS).to_bytes()
    twice = np.repeat(np.frombuffer(held, "u1"), 2)
    ctype = (ctypes.c_ubyte * len(held)).from_buffer_copy(held)
    pointers = _testbuffer.ndarray(
        list(held), shape=[1, len(held)], format="B", flags=_testbuffer.ND_PIL
    )
    for given in (held, bytearray(held), memoryview(held), twice[::2], ctype, pointers):
        index = kith.from_bytes(given)
        np.testing.assert_array_equal(index.vectors(index.ids), ROWS)
    for empty in (b"", memoryview(b""), (ctypes.c_ubyte * 0)(), np.zeros((3, 0), "u1")):
        with pytest.raises(kith.CorruptFileError, match="empty"):
            kith.from_bytes(empty)
    for other in (b"abc" * 1000, ROWS):
        with pytest.raises(ValueError, match="no .kith file's; give what Index.to_bytes"):
            kith.from_bytes(other)


@pytest.mark.parametrize("kind", ["i2", "u2", "i4", "u4", "i8", "u8"])
def test_integers_are_taken_where_float32_holds_them(kind):
    # Below 2**24 all are; above those with as many zeros at their end as they are longer.
    most = min(np.iinfo(kind).max, 2**24)
    exact = [0, 1, most, *(2**b for b in range(8, 15)), 65535 if kind == "u2" else 32767]
    if np.dtype(kind).itemsize > 2:
        exact += [2**24 - 1, 2**30, (2**24 - 1) * 2**6, 3 * 2**28 if kind != "i4" else 5]
    if kind[0] == "i":
        exact += [-1, -most, max(np.iinfo(kind).min, -(2**40))]
    base = np.array([exact], kind)
    index = kith.build(base, metric="manhattan")
    assert index[0].tolist() == [float(x) for x in exact]
    assert index.search(base, 1)[1] == 0
    if np.dtype(kind).itemsize == 2:
        return
    wrong = [2**24 + 1, 2**30 + 1, np.iinfo(kind).max]
    if kind[0] == "i":
        wrong += [-(2**24) - 1, np.iinfo(kind).min + 1]
    for value in wrong:
        bad = np.zeros((3, len(exact)), kind)
        bad[1, 2] = value
        for call in (kith.build, index.search):
            with pytest.raises(ValueError, match=rf"{value} at row 1, column 2.*astype"):
                call(bad)


def test_numbers_in_lists_are_not_rounded_to_others():
    with pytest.raises(ValueError, match="16777217"):
        kith.build([[1, 16777217]])
    assert kith.build([[1.0, 0.1]])[0].tolist() == np.array([1, 0.1], "f4").tolist()
