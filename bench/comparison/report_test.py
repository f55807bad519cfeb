#!/usr/bin/env python3
"""Tests of report.py, on results made up."""
import json
import os
import tempfile
import unittest

import report
import styles


def system(name, package, speeds, size=1000, call=1.0):
    """`speeds` is {recall: qps}; one query a call takes `call` times as long."""
    def measured(factor):
        return {clock: [factor * share for share in (0.99, 1.0, 1.01)] for clock in ("wall", "cpu")}

    return {
        "name": name, "package": package, "version": "1", "bytes": size,
        "points": [{"setting": "1", "recall": recall, "batch": measured(qps),
                    "one": measured(qps / call)} for recall, qps in speeds.items()],
        "build": {"seconds": 1.0, "cpu_seconds": 1.0, "threads": 1, "peak": 1e6, "busy": False},
        "builds": [{"seconds": 1.0, "cpu_seconds": 1.0, "threads": 1, "busy": False}],
        "memory": {when: {"anon": 1e6, "file": 0} for when in ("start", "opened", "searched")},
        "cold": {"setting": "1", "runs": [{"start": 0.1, "open": 0.01, "first": 0.01}] * 3},
    }


def result(*rivals):
    ours = {0.9: 1000.0, 0.99: 100.0}
    return {
        "set": "s", "title": "made up", "metric": "euclidean", "rows": 10, "dim": 4, "dtype": "f32",
        "queries": 5, "k": 10, "sha256": {"base": "b" * 64, "queries": "c" * 64},
        "started": "2000-01-01T00:00:00+00:00", "seconds": 1.0, "reps": 3, "threads": 1,
        "recalls": [0.9, 0.99], "build_threads": 1, "busy_cores": 0.0, "clock": "wall",
        "unobtainable": {"other==1": "no wheel"}, "failed": {"third": "it ended"},
        "machine": {"cpu": "C", "family": "f", "features": [], "cores": 1, "caches": {},
                    "memory_gb": 1, "hypervisor": False, "kernel": "k", "python": "p",
                    "compiler": "c"},
        "kith": {"version": "1", "commit": "abc"},
        "systems": [system("kith", "kith", ours), system("kith, again", "kith", ours), *rivals],
    }


def line(text, title, name):
    """The row of a system in the table under a title."""
    return next(row for row in text[text.index(title):].splitlines() if row.startswith(f"| {name}"))


class ReportTest(unittest.TestCase):
    BATCH = "**One thread, all queries in one call"
    ONE = "**One thread, one query a call"

    def test_says_who_is_faster_beyond_noise_only(self):
        text = report.markdown([result(
            system("slow", "p", {0.9: 100.0}), system("even", "p", {0.9: 990.0, 0.99: 101.0}),
            system("fast", "p", {0.9: 2000.0, 0.99: 400.0}))])
        self.assertIn("· 10× | – |", line(text, self.BATCH, "slow"))
        self.assertEqual(line(text, self.BATCH, "even").count("· ="), 2)
        self.assertIn("**0.50×**", line(text, self.BATCH, "fast"))
        losses = text[text.index("Where kith loses"):]
        self.assertIn("recall 0.9: fast (2.0× as fast)", losses)
        self.assertIn("recall 0.99: fast (4.0× as fast)", losses)
        self.assertNotIn("even", losses)
        self.assertNotIn("again", text)

    def test_withholds_ratios_that_are_pythons(self):
        text = report.markdown([result(system("bound", "p", {0.9: 500.0}, call=2.0))])
        self.assertIn("†", line(text, self.ONE, "bound"))
        self.assertNotIn("†", line(text, self.BATCH, "bound"))

    def test_what_a_call_costs_is_unknown_without_a_call_for_many(self):
        lonely = system("lonely", "p", {0.9: 10.0, 0.99: 2000.0})
        for point in lonely["points"]:
            del point["batch"]
        text = report.markdown([result(lonely)])
        self.assertIn("| lonely | unknown |", line(text, self.ONE, "lonely"))
        self.assertIn("**0.05×**", line(text, self.ONE, "lonely"))
        with self.assertRaises(StopIteration):
            line(text[:text.index(self.ONE)], self.BATCH, "lonely")
        self.assertIn("One thread, one query a call, recall 0.99: lonely (20× as fast)", text)

    def test_sets_that_share_a_base_are_told_apart(self):
        other = {**result(system("slow", "p", {0.9: 1.0})), "set": "t", "title": "made up too"}
        text = report.markdown([result(), other], {"third": "no wheel of it"})
        self.assertIn("### made up\n", text)
        self.assertIn("### made up too\n", text)
        self.assertIn("- the data set third: not made: no wheel of it\n", text)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "f.json")
            report.write_figures([result(), other], path)
            with open(path) as file:
                panels = json.load(file)
        self.assertEqual([panel["title"] for panel in panels], ["made up", "made up too"])
        self.assertEqual(panels[1]["curves"]["batch"]["slow"], [[0.9, 1.0]])

    def test_names_what_was_not_measured_and_what_is_smaller(self):
        text = report.markdown([result(system("small", "p", {0.9: 1.0}, size=100))])
        self.assertIn("other==1: not obtainable here: no wheel", text)
        self.assertIn("third, made up: failed: it ended", text)
        self.assertIn("Smaller files, by: small (10×)", text)

    def test_others_on_the_machine_are_told(self):
        busy = {**result(), "busy_cores": 1.0, "clock": "cpu"}
        text = report.markdown([busy])
        self.assertIn("Others used the machine", text)
        self.assertIn("One thread, all queries in one call, processor time", text)

    def test_the_document_is_replaced_between_its_marks(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "d.md")
            with open(path, "w") as file:
                file.write(f"head\n{report.BEGIN}\nold\n{report.END}\ntail\n")
            report.write_docs(path, "new")
            report.write_docs(path, "newer")
            with open(path) as file:
                text = file.read()
        self.assertEqual(text, f"head\n{report.BEGIN}\n\nnewer\n{report.END}\ntail\n")


class StylesTest(unittest.TestCase):
    def test_builds_of_a_kind_are_one_line(self):
        lines = styles.merged({
            "FAISS IVF128,PQ128x4fs,RFlat": [[0.9, 10.0], [0.99, 4.0]],
            "FAISS IVF256,PQ128x4fs,RFlat": [[0.9, 20.0], [0.99, 1.0]],
            "FAISS RR8,IVF64,RaBitQfs,RFlat": [[0.9, 50.0]]})
        self.assertEqual(lines, {
            "FAISS IVF128,PQ128x4fs,RFlat": [(0.9, 20.0), (0.99, 4.0)],
            "FAISS RR8,IVF64,RaBitQfs,RFlat": [(0.9, 50.0)]})

    def test_builds_of_a_kind_keep_their_names_where_each_is_shown(self):
        names = ["FAISS IVF128,PQ128x4fs,RFlat", "FAISS IVF256,PQ128x4fs,RFlat", "Annoy 50 trees"]
        self.assertEqual([styles.label(name, names) for name in names], [*names[:2], "Annoy"])

    def test_a_system_without_a_style_is_named(self):
        with self.assertRaisesRegex(ValueError, "newcomer 1.0 has no style"):
            styles.place("newcomer 1.0")


if __name__ == "__main__":
    unittest.main()
