"""kith.annoy.AnnoyIndex: building, saving, loading, and what is refused when."""

import copy
import os
import pathlib
import pickle
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest

from kith.annoy import AnnoyFileError, AnnoyIndex

ROWS = np.random.default_rng(21).normal(size=(200, 5)).astype(np.float32)


def items(metric="euclidean"):
    index = AnnoyIndex(5, metric)
    for i, row in enumerate(ROWS):
        index.add_item(i, row)
    return index


def built(metric="euclidean"):
    index = items(metric)
    index.build(5)
    return index


def answers(index):
    return [index.get_nns_by_item(i, 10, include_distances=True) for i in range(0, 200, 20)]


class TestStates:
    def test_build_twice(self):
        with pytest.raises(Exception, match=r"^You can't build a built index$"):
            built().build(5)

    def test_unbuild_and_build_again(self):
        index = built()
        before = answers(index)
        index.unbuild()
        assert index.get_n_trees() == 0
        assert index.get_nns_by_item(0, 10) == []
        index.add_item(200, [9, 9, 9, 9, 9])
        index.build(5)
        assert index.get_nns_by_item(200, 1) == [200]
        index.unbuild()
        index.unbuild()
        assert len(before) == len(answers(built()))

    def test_adding_to_a_built_index_is_refused(self):
        index = built()
        with pytest.raises(RuntimeError):
            index.add_item(200, [0] * 5)
        with pytest.raises(RuntimeError):
            index.add_items(ROWS)
        assert index.get_n_items() == 200

    def test_a_loaded_index_does_not_change(self, tmp_path):
        index = built()
        index.save(str(tmp_path / "x.ann"))
        with pytest.raises(Exception, match=r"^You can't add an item to a loaded index$"):
            index.add_item(0, [0] * 5)
        with pytest.raises(Exception, match=r"^You can't build a loaded index$"):
            index.build(5)
        with pytest.raises(Exception, match=r"^You can't unbuild a loaded index$"):
            index.unbuild()

    def test_after_unload_it_can_be_filled_and_built(self):
        index = built()
        index.unload()
        assert (index.get_n_items(), index.get_n_trees()) == (0, 0)
        index.unload()
        index.add_item(3, [1, 2, 3, 4, 5])
        assert index.build(2) is True
        assert index.get_nns_by_item(3, 1) == [3]

    @pytest.mark.parametrize("trees", [-2, -100])
    def test_fewer_trees_than_none(self, trees):
        with pytest.raises(ValueError):
            items().build(trees)

    @pytest.mark.parametrize("jobs", [-5, -1, 0, 1, 2, 64])
    def test_any_number_of_jobs(self, jobs):
        index = items()
        index.build(4, n_jobs=jobs)
        assert index.get_n_trees() == 4


class TestFiles:
    def test_save_goes_on_with_the_file(self, tmp_path):
        index = built()
        before = answers(index)
        index.save(str(tmp_path / "x.ann"))
        assert answers(index) == before
        assert index.get_n_items() == 200
        assert index.get_item_vector(7) == ROWS[7].tolist()

    @pytest.mark.parametrize("metric", ["angular", "euclidean", "manhattan", "dot", "hamming"])
    @pytest.mark.parametrize("prefault", [False, True])
    def test_load_gives_the_same(self, tmp_path, metric, prefault):
        index = built(metric)
        before = answers(index)
        index.save(str(tmp_path / "x.ann"), prefault=prefault)
        other = AnnoyIndex(5, metric)
        assert other.load(fn=str(tmp_path / "x.ann"), prefault=prefault) is True
        assert answers(other) == before
        assert other.get_n_trees() == 5
        other.save(str(tmp_path / "y.ann"))
        assert (tmp_path / "x.ann").read_bytes() == (tmp_path / "y.ann").read_bytes()

    @pytest.mark.parametrize("of", [str, os.fsencode, pathlib.Path])
    def test_any_path(self, tmp_path, of):
        path = of(str(tmp_path / "ünï.ann"))
        index = built()
        index.save(path)
        index.load(path)
        assert AnnoyIndex(5, "dot").on_disk_build(path) is True

    @pytest.mark.parametrize("path", [3.5, None, ["x"]])
    def test_not_a_path(self, path):
        index = built()
        for call in (index.save, index.load, index.on_disk_build):
            with pytest.raises(TypeError):
                call(path)

    def test_one_item_and_none(self, tmp_path):
        for rows in ([], [[1, 2]]):
            index = AnnoyIndex(2, "angular")
            for i, row in enumerate(rows):
                index.add_item(i, row)
            index.build(10)
            index.save(str(tmp_path / "few.ann"))
            other = AnnoyIndex(2, "angular")
            other.load(str(tmp_path / "few.ann"))
            assert other.get_n_items() == len(rows)
            assert other.get_nns_by_vector([1, 1], 50) == list(range(len(rows)))

    def test_save_without_build(self, tmp_path):
        message = r"^You can't save an index that hasn't been built$"
        with pytest.raises(OSError, match=message):
            items().save(str(tmp_path / "x.ann"))
        with pytest.raises(OSError):
            AnnoyIndex(3, "dot").save("")
        assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize("name", ["", "missing/x.ann", "."])
    def test_cannot_be_written(self, tmp_path, monkeypatch, name):
        monkeypatch.chdir(tmp_path)
        index = built()
        before = answers(index)
        with pytest.raises(OSError):
            index.save(name)
        with pytest.raises(OSError):
            items().on_disk_build(name)
        assert answers(index) == before

    def test_cannot_be_read(self, tmp_path):
        index = built()
        before = answers(index)
        with pytest.raises(FileNotFoundError):
            index.load(str(tmp_path / "missing.ann"))
        with pytest.raises(OSError):
            index.load(str(tmp_path))
        (tmp_path / "empty.ann").touch()
        with pytest.raises(OSError):
            index.load(str(tmp_path / "empty.ann"))
        assert answers(index) == before

    def test_of_another_metric_or_dimension(self, tmp_path):
        path = str(tmp_path / "x.ann")
        built().save(path)
        for f, metric in [(4, "euclidean"), (6, "angular"), (10, "euclidean"), (5, "angular")]:
            with pytest.raises(AnnoyFileError):
                AnnoyIndex(f, metric).load(path)

    def test_anything_else(self, tmp_path):
        path = tmp_path / "text.ann"
        path.write_bytes(b"hello world, " * 1000)
        for metric in ["angular", "euclidean", "manhattan", "dot", "hamming"]:
            with pytest.raises(OSError):
                AnnoyIndex(5, metric).load(str(path))

    def test_damaged_files_never_crash(self, tmp_path):
        path = tmp_path / "x.ann"
        built().save(path)
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        rng = np.random.default_rng(22)
        query = [0.0] * 5
        opened = 0
        for _ in range(200):
            bad = whole.copy()
            places = rng.integers(0, len(bad), 20)
            bad[places] = rng.integers(0, 256, 20)
            path.write_bytes(bad.tobytes())
            index = AnnoyIndex(5, "euclidean")
            try:
                index.load(path)
                opened += 1
                index.get_nns_by_vector(query, 10, 1000)
                index.get_nns_by_item(0, 10)
            except (AnnoyFileError, IndexError, ValueError):
                pass
        assert opened > 0

    def test_overwriting_what_another_has_loaded(self, tmp_path):
        path = str(tmp_path / "x.ann")
        first = built()
        first.save(path)
        reader = AnnoyIndex(5, "euclidean")
        reader.load(path)
        before = answers(reader)
        second = AnnoyIndex(5, "euclidean")
        second.add_item(0, [1] * 5)
        second.build(1)
        second.save(path)
        assert answers(reader) == before
        assert second.get_n_items() == 1

    def test_saved_files_have_the_usual_rights(self, tmp_path):
        old = os.umask(0o022)
        try:
            built().save(tmp_path / "x.ann")
            on_disk = AnnoyIndex(5, "euclidean")
            on_disk.on_disk_build(tmp_path / "y.ann")
            on_disk.add_items(ROWS)
            on_disk.build(2)
        finally:
            os.umask(old)
        for name in ("x.ann", "y.ann"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o644

    def test_verify(self, tmp_path):
        index = built()
        assert index.verify() is True
        index.save(tmp_path / "x.ann")
        assert index.verify() is True
        with pytest.raises(RuntimeError):
            items().verify()


class TestOnDiskBuild:
    def test_the_file_is_what_save_would_write(self, tmp_path):
        index = AnnoyIndex(5, "euclidean")
        index.on_disk_build(str(tmp_path / "disk.ann"))
        for i, row in enumerate(ROWS):
            index.add_item(i, row)
        index.build(5)
        memory = built()
        assert answers(index) == answers(memory)
        memory.save(tmp_path / "memory.ann")
        assert (tmp_path / "disk.ann").read_bytes() == (tmp_path / "memory.ann").read_bytes()

    def test_save_elsewhere_writes_there(self, tmp_path):
        index = AnnoyIndex(5, "euclidean")
        index.on_disk_build(tmp_path / "disk.ann")
        index.add_items(ROWS)
        index.build(5)
        before = answers(index)
        index.save(tmp_path / "copy.ann")
        other = AnnoyIndex(5, "euclidean")
        other.load(tmp_path / "copy.ann")
        assert answers(other) == answers(index) == before

    def test_unload_and_load(self, tmp_path):
        index = AnnoyIndex(5, "euclidean")
        index.on_disk_build(tmp_path / "disk.ann")
        index.add_items(ROWS)
        index.build(5)
        before = answers(index)
        index.unload()
        index.load(tmp_path / "disk.ann")
        assert answers(index) == before


class TestBuildStops:
    def test_progress(self):
        seen = []
        index = AnnoyIndex(16, "euclidean")
        index.add_items(np.random.default_rng(23).normal(size=(20_000, 16)))
        index.build(20, progress=lambda stage, done, total: seen.append((done, total)))
        assert index.get_n_trees() == 20
        assert all(0 <= done <= total for done, total in seen)

    @pytest.mark.parametrize("how", ["false", "raise"])
    def test_by_the_callback(self, how):
        def stop(stage, done, total):
            if how == "raise":
                raise ZeroDivisionError
            return False

        index = AnnoyIndex(32, "euclidean")
        index.add_items(np.random.default_rng(24).normal(size=(50_000, 32)))
        with pytest.raises(ZeroDivisionError if how == "raise" else RuntimeError):
            index.build(10_000, progress=stop)
        assert index.get_n_trees() == 0
        index.build(1)
        assert index.get_n_trees() == 1

    def test_by_control_c(self):
        program = (
            "import os, signal, threading, numpy as np\n"
            "from kith.annoy import AnnoyIndex\n"
            # Where the tests run in the background, the signal is ignored.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "index = AnnoyIndex(32, 'euclidean')\n"
            "index.add_items(np.random.default_rng(0).normal(size=(50_000, 32)))\n"
            "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
            "try:\n"
            "    index.build(10_000)\n"
            "except KeyboardInterrupt:\n"
            "    print('stopped', index.get_n_trees(), index.get_n_items())\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=300
        )
        assert done.stdout == "stopped 0 50000\n", done.stderr

    def test_others_run_meanwhile(self):
        index = AnnoyIndex(32, "euclidean")
        index.add_items(np.random.default_rng(25).normal(size=(20_000, 32)))
        reached = threading.Event()
        release = threading.Event()

        def hold(stage, done, total):
            reached.set()
            release.wait(60)

        builder = threading.Thread(target=index.build, args=(50,), kwargs={"progress": hold})
        builder.start()
        assert reached.wait(60)
        assert index.get_n_trees() in (0, 50)
        assert index.get_item_vector(0) != []
        release.set()
        builder.join()
        assert index.get_n_trees() == 50


class TestMore:
    def test_repr(self, tmp_path):
        index = items("angular")
        assert repr(index) == "<AnnoyIndex f=5, metric='angular', 200 items>"
        index.build(3)
        assert repr(index) == "<AnnoyIndex f=5, metric='angular', 200 items, 3 trees>"
        index.save(tmp_path / "x.ann")
        assert repr(index).endswith(f"3 trees, path={str(tmp_path / 'x.ann')!r}>")

    def test_length_and_truth(self):
        index = AnnoyIndex(2, "dot")
        assert len(index) == 0
        assert index
        index.add_item(4, [1, 1])
        assert len(index) == 5

    def test_context_manager(self):
        with items() as index:
            assert index.get_n_items() == 200
        assert index.get_n_items() == 0

    @pytest.mark.parametrize("copied", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy])
    def test_pickled_in_every_state(self, tmp_path, copied):
        unbuilt = copied(items())
        assert unbuilt.get_n_items() == 200
        unbuilt.build(5)
        assert answers(unbuilt) == answers(built())
        index = built()
        assert answers(copied(index)) == answers(index)
        index.save(tmp_path / "x.ann")
        assert len(pickle.dumps(index)) < 1000
        assert answers(copied(index)) == answers(index)
        assert copied(AnnoyIndex(3, "dot")).get_n_items() == 0

    def test_pickled_by_a_path_that_is_gone(self, tmp_path):
        index = built()
        index.save(tmp_path / "x.ann")
        pickled = pickle.dumps(index)
        (tmp_path / "x.ann").unlink()
        with pytest.raises(FileNotFoundError):
            pickle.loads(pickled)

    def test_pickled_with_holes_and_attributes(self):
        index = AnnoyIndex(2, "angular")
        index.add_item(7, [1, 2])
        index.note = "mine"
        other = pickle.loads(pickle.dumps(index))
        assert (other.get_n_items(), other.get_item_vector(7)) == (8, [1.0, 2.0])
        assert other.note == "mine"
        other.build(1)
        assert other.get_nns_by_item(0, 5) == [7]

    def test_quiet_unless_verbose(self, tmp_path, capfd):
        index = built()
        index.save(tmp_path / "x.ann")
        index.load(tmp_path / "x.ann")
        with pytest.raises(OSError):
            index.load(tmp_path / "missing")
        assert capfd.readouterr() == ("", "")
        index.unload()
        index.verbose(True)
        index.add_items(ROWS)
        index.build(2)
        index.verbose(False)
        index.unbuild()
        index.build(2)
        assert capfd.readouterr() == ("", "kith: built 2 trees of 200 items\n")
