"""kith.annoy.AnnoyIndex: names, types, defaults, exceptions and messages."""

import array
import warnings

import numpy as np
import pytest

from kith import CorruptFileError
from kith.annoy import AnnoyFileError, AnnoyIndex

METRICS = ["angular", "euclidean", "manhattan", "dot", "hamming"]


def filled(metric="euclidean", n=30, f=4, trees=5):
    index = AnnoyIndex(f, metric)
    rng = np.random.default_rng(7)
    for i, row in enumerate(rng.normal(size=(n, f))):
        index.add_item(i, row)
    if trees:
        index.build(trees)
    return index


class TestConstruction:
    @pytest.mark.parametrize("metric", METRICS)
    def test_f_and_metric_are_told(self, metric):
        index = AnnoyIndex(7, metric)
        assert (index.f, index.metric) == (7, metric)

    def test_by_keyword(self):
        assert AnnoyIndex(f=3, metric="dot").f == 3

    def test_without_a_metric_it_is_angular_and_warns(self):
        with pytest.warns(FutureWarning, match="metric='angular'"):
            index = AnnoyIndex(3)
        assert index.metric == "angular"

    def test_with_a_metric_nothing_warns(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            AnnoyIndex(3, "angular")

    @pytest.mark.parametrize("metric", ["banana", "", "Angular", "cosine"])
    def test_unknown_metric(self, metric):
        with pytest.raises(ValueError, match=r"^No such metric$"):
            AnnoyIndex(3, metric)

    @pytest.mark.parametrize("arguments", [(), (2.5, "dot"), ("3", "dot"), (3, 4), (3, "dot", 5)])
    def test_wrong_types(self, arguments):
        with pytest.raises(TypeError):
            AnnoyIndex(*arguments)

    @pytest.mark.parametrize("f", [0, -1, 10**6])
    def test_dimension_out_of_range(self, f):
        with pytest.raises(ValueError):
            AnnoyIndex(f, "angular")

    def test_numpy_integers_are_integers(self):
        index = AnnoyIndex(np.int64(2), "euclidean")
        index.add_item(np.int32(1), [1, 2])
        assert index.get_n_items() == 2

    @pytest.mark.parametrize("name", ["f", "metric"])
    def test_what_it_is_cannot_be_changed(self, name):
        index = AnnoyIndex(2, "dot")
        with pytest.raises(AttributeError):
            setattr(index, name, 3)

    def test_subclass(self):
        class Words(AnnoyIndex):
            def __init__(self, words):
                super().__init__(2, "euclidean")
                self.words = words
                for i in range(len(words)):
                    self.add_item(i, [i, i])

            def get_nns_by_item(self, i, n):
                return [self.words[j] for j in super().get_nns_by_item(i, n)]

        index = Words(["a", "b", "c"])
        assert index.build(3) is True
        assert index.get_nns_by_item(0, 2) == ["a", "b"]


class TestReturnTypes:
    def test_what_changes_the_index_returns_true(self, tmp_path):
        index = AnnoyIndex(4, "euclidean")
        assert index.add_item(0, [1, 2, 3, 4]) is None
        assert index.set_seed(3) is None
        assert index.verbose(False) is True
        assert index.build(2) is True
        assert index.unbuild() is True
        assert index.build(n_trees=2, n_jobs=1) is True
        assert index.save(str(tmp_path / "a.ann")) is True
        assert index.load(str(tmp_path / "a.ann")) is True
        assert index.unload() is True
        assert index.on_disk_build(fn=str(tmp_path / "b.ann")) is True

    def test_numbers(self):
        index = filled()
        assert type(index.get_n_items()) is int
        assert type(index.get_n_trees()) is int
        assert (index.get_n_items(), index.get_n_trees()) == (30, 5)
        assert type(index.get_distance(0, 1)) is float
        vector = index.get_item_vector(3)
        assert type(vector) is list and {type(x) for x in vector} == {float}

    def test_neighbours_are_lists(self):
        index = filled()
        for found in (index.get_nns_by_item(3, 5), index.get_nns_by_vector([0, 0, 0, 0], 5)):
            assert type(found) is list and {type(i) for i in found} == {int}

    @pytest.mark.parametrize("include", [True, 1])
    def test_with_distances_a_tuple_of_lists(self, include):
        index = filled()
        both = index.get_nns_by_item(3, 5, -1, include)
        assert type(both) is tuple
        ids, distances = both
        assert ids == index.get_nns_by_item(3, 5)
        assert type(distances) is list and {type(d) for d in distances} == {float}
        assert index.get_nns_by_vector(index.get_item_vector(3), 5, include_distances=True) == both

    def test_keywords(self):
        index = AnnoyIndex(2, "euclidean")
        index.add_item(i=0, vector=[0, 1])
        index.build(n_trees=1)
        assert index.get_nns_by_item(i=0, n=1, search_k=10, include_distances=False) == [0]
        assert index.get_nns_by_vector(vector=[0, 1], n=1, search_k=10) == [0]

    @pytest.mark.parametrize("name", ["get_item_vector", "get_distance", "set_seed", "verbose"])
    def test_positional_only(self, name):
        with pytest.raises(TypeError):
            getattr(filled(), name)(i=0, j=0)


class TestVectors:
    VALUES = [1.0, 0.0, 3.0, 2.0]

    class Plain:
        def __init__(self, values):
            self.values = values

        def __len__(self):
            return len(self.values)

        def __getitem__(self, i):
            return self.values[i]

    @pytest.mark.parametrize(
        "make",
        [
            list,
            tuple,
            Plain,
            lambda v: bytes(int(x) for x in v),
            lambda v: memoryview(bytearray(int(x) for x in v)),
            lambda v: array.array("d", v),
            lambda v: array.array("h", [int(x) for x in v]),
            lambda v: dict(enumerate(v)),
            lambda v: [np.float32(x) for x in v],
            lambda v: [int(x) for x in v],
            lambda v: np.array(v, dtype=object),
            lambda v: np.array(v).reshape(-1, 1)[:, 0],
            lambda v: np.repeat(v, 3)[::3],
            lambda v: np.array(v)[::-1][::-1],
        ],
    )
    def test_whatever_has_a_length_and_items(self, make):
        index = AnnoyIndex(4, "euclidean")
        index.add_item(0, make(self.VALUES))
        assert index.get_item_vector(0) == self.VALUES
        index.build(1)
        assert index.get_nns_by_vector(make(self.VALUES), 1, -1, True) == ([0], [0.0])

    @pytest.mark.parametrize(
        "dtype", "f2 f4 f8 >f4 >f8 >i2 u1 u2 u4 u8 i1 i2 i4 i8 longdouble".split()
    )
    def test_arrays_of_any_number(self, dtype):
        index = AnnoyIndex(4, "euclidean")
        index.add_item(0, np.array(self.VALUES).astype(dtype))
        assert index.get_item_vector(0) == self.VALUES

    def test_negative_and_large_integers(self):
        index = AnnoyIndex(2, "euclidean")
        index.add_item(0, np.array([-3, 100], dtype=np.int8))
        index.add_item(1, np.array([2**40, 2**63], dtype=np.uint64))
        index.add_item(2, [2**40, 2**63])
        assert index.get_item_vector(0) == [-3.0, 100.0]
        assert index.get_item_vector(1) == index.get_item_vector(2) == [2.0**40, 2.0**63]

    def test_booleans(self):
        index = AnnoyIndex(3, "hamming")
        index.add_item(0, np.array([True, False, True]))
        index.add_item(1, [False, True, True])
        assert index.get_item_vector(0) == [1.0, 0.0, 1.0]
        assert index.get_distance(0, 1) == 2.0

    def test_float64_is_rounded_to_float32(self):
        index = AnnoyIndex(1, "euclidean")
        index.add_item(0, [0.1])
        assert index.get_item_vector(0) == [float(np.float32(0.1))]

    @pytest.mark.parametrize("f", [1, 255, 256, 257, 3000])
    def test_any_dimension(self, f):
        index = AnnoyIndex(f, "euclidean")
        row = np.arange(f, dtype=np.float32)
        index.add_item(0, row)
        index.add_item(1, list(row))
        assert index.get_item_vector(0) == index.get_item_vector(1) == list(row)

    @pytest.mark.parametrize("make", [list, tuple, np.array, Plain])
    @pytest.mark.parametrize("length", [0, 3, 5, 1000])
    def test_wrong_length(self, make, length):
        index = filled()
        vector = make([0.0] * length)
        message = rf"^Vector has wrong length \(expected 4, got {length}\)$"
        with pytest.raises(IndexError, match=message):
            index.get_nns_by_vector(vector, 1)
        index.unbuild()
        with pytest.raises(IndexError, match=message):
            index.add_item(0, vector)

    def test_messages_about_what_is_missing(self):
        class Nothing:
            pass

        class LengthOnly:
            def __len__(self):
                return 4

        index = AnnoyIndex(4, "euclidean")
        with pytest.raises(TypeError, match=r"^object of type 'Nothing' has no len\(\)$"):
            index.add_item(0, Nothing())
        with pytest.raises(TypeError, match=r"^'LengthOnly' object is not subscriptable$"):
            index.add_item(0, LengthOnly())
        with pytest.raises(TypeError, match=r"^must be real number, not str$"):
            index.add_item(0, ["1", "2", "3", "4"])
        with pytest.raises(TypeError, match=r"^must be real number, not str$"):
            index.add_item(0, "1234")
        assert index.get_n_items() == 0

    def test_errors_of_the_object_come_through(self):
        class Broken:
            def __len__(self):
                return 4

            def __getitem__(self, i):
                raise KeyError(i)

        class Odd:
            def __float__(self):
                raise ZeroDivisionError

        with pytest.raises(KeyError):
            AnnoyIndex(4, "dot").add_item(0, Broken())
        with pytest.raises(ZeroDivisionError):
            AnnoyIndex(1, "dot").add_item(0, [Odd()])

    def test_list_that_shrinks_while_it_is_read(self):
        values = []

        class Shrinking:
            def __float__(self):
                values.clear()
                return 1.0

        values += [Shrinking(), 2.0, 3.0, 4.0]
        with pytest.raises(IndexError):
            AnnoyIndex(4, "dot").add_item(0, values)

    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 1e300])
    @pytest.mark.parametrize("make", [list, np.array])
    def test_numbers_without_a_place(self, bad, make):
        index = filled()
        with pytest.raises(ValueError):
            index.get_nns_by_vector(make([0.0, bad, 0.0, 0.0]), 1)
        index.unbuild()
        with pytest.raises(ValueError):
            index.add_item(0, make([0.0, bad, 0.0, 0.0]))


class TestNumbersOfItems:
    def test_negative(self):
        with pytest.raises(IndexError, match=r"^Item index can not be negative$"):
            AnnoyIndex(1, "dot").add_item(-1, [1])

    @pytest.mark.parametrize("i", [2**31 - 1, 2**31, 2**63, 2**200, -(2**31) - 1, -(2**200)])
    def test_beyond_32_bits(self, i):
        with pytest.raises(OverflowError):
            AnnoyIndex(1, "dot").add_item(i, [1])

    @pytest.mark.parametrize("i", [1.0, "1", None, [1]])
    def test_not_an_integer(self, i):
        with pytest.raises(TypeError):
            AnnoyIndex(1, "dot").add_item(i, [1])

    @pytest.mark.parametrize("i", [-1000, -1])
    def test_negative_when_asked_for(self, i):
        index = filled()
        for call in (
            lambda: index.get_distance(0, i),
            lambda: index.get_distance(i, 0),
            lambda: index.get_item_vector(i),
            lambda: index.get_nns_by_item(i, 1),
        ):
            with pytest.raises(IndexError, match=r"^Item index can not be negative$"):
                call()

    @pytest.mark.parametrize("i", [30, 1000])
    def test_too_large_when_asked_for(self, i):
        index = filled()
        message = r"^Item index larger than the largest item index$"
        for call in (
            lambda: index.get_distance(0, i),
            lambda: index.get_distance(i, 0),
            lambda: index.get_item_vector(i),
            lambda: index.get_nns_by_item(i, 1),
        ):
            with pytest.raises(IndexError, match=message):
                call()

    def test_an_item_given_again_is_replaced(self):
        index = AnnoyIndex(2, "euclidean")
        index.add_item(0, [1, 1])
        index.add_item(0, [5, 6])
        assert (index.get_n_items(), index.get_item_vector(0)) == (1, [5.0, 6.0])

    def test_missing_arguments(self):
        index = filled(trees=0)
        for call in (index.add_item, index.build, index.save, index.load, index.get_nns_by_item):
            with pytest.raises(TypeError):
                call()


class TestErrorClass:
    def test_it_is_what_annoy_and_what_kith_raise(self):
        assert issubclass(AnnoyFileError, OSError)
        assert issubclass(AnnoyFileError, CorruptFileError)
        assert AnnoyFileError.__module__ == "kith.annoy"
