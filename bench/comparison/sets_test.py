#!/usr/bin/env python3
"""Tests of the sets and the systems measured on them; NumPy is needed, no other package.

    build/rivals/bin/python bench/comparison/sets_test.py
"""
import sys
import types
import unittest
from unittest import mock

import numpy as np

import makers
import sentences
import styles
import systems
from catalogue import ALL_SETS, BASES
from data import MAKERS
from vector_files import evenly


class SetsTest(unittest.TestCase):
    def test_every_set_is_made_and_has_sizes(self):
        self.assertEqual(MAKERS.keys(), ALL_SETS.keys())
        self.assertEqual(systems.SIZES.keys(), ALL_SETS.keys() - BASES.keys())
        for name, base in BASES.items():
            self.assertEqual(ALL_SETS[name][1:], ALL_SETS[base][1:])

    def test_rivals_have_names_of_their_own_and_styles(self):
        for name, (_, metric, ending) in ALL_SETS.items():
            data = types.SimpleNamespace(
                base_name=BASES.get(name, name), metric=metric, dim=256,
                dtype=np.uint8 if ending == "u8bin" else np.float32)
            names = [system.name for system in systems.rivals(data)]
            self.assertEqual(len(set(names)), len(names))
            self.assertTrue({"faiss-cpu", "hnswlib", "zvec"} <=
                            {system.package for system in systems.rivals(data)})
            for one in names:
                styles.place(one)

    def test_settings_survive_their_text(self):
        for chain in systems.refined_chains(2):
            for setting in chain:
                self.assertEqual(systems.parse(systems.text(setting)), setting)

    def test_beams_below_what_is_ranked_anew_are_left_out(self):
        self.assertEqual(min(beam for _, beam in systems.refined_chains(2)[1]), 20)

    def test_a_set_that_can_not_be_made_says_why(self):
        with mock.patch("makers._python", lambda: sys.executable), \
                self.assertRaisesRegex(makers.NotMade, "make_texts.py ended with exit code"):
            makers.make("make_texts.py", __file__, "--no-such-option")
        with self.assertRaisesRegex(makers.NotMade, "/nowhere.gz is not there"):
            makers.make("make_texts.py", "/nowhere.gz")

    def test_lists_are_probed_up_to_all(self):
        import faiss_systems

        last = {chain[-1][1] for chain in faiss_systems.probing_chains(128)}
        self.assertEqual(last, {128})
        for sizes in systems.SIZES.values():
            chains = faiss_systems.FaissRabitq(sizes["rabitq"], 128).chains
            self.assertEqual(chains[0][-1], (2, sizes["rabitq"]))
        # As many as its tables may take.
        self.assertEqual(faiss_systems.FaissRabitq(4096, 256).chains[0][-1], (2, 1048))


class SentencesTest(unittest.TestCase):
    TEXTS = [f"sentence {i}" for i in range(50)] + ["twice", "twice"]

    def test_queries_are_not_in_the_base(self):
        base, queries = sentences.split(self.TEXTS, 5)
        self.assertEqual(len(queries), 5)
        self.assertEqual(sorted([*base, *queries]), list(range(52)))
        self.assertFalse({self.TEXTS[i] for i in base} & {self.TEXTS[i] for i in queries})
        self.assertNotEqual(list(base), sorted(base))

    def test_a_part_is_of_sentences_that_are_there_once(self):
        base, queries = sentences.split(self.TEXTS, 5, 20)
        self.assertEqual((len(base), len(queries)), (20, 5))
        self.assertEqual(len({self.TEXTS[i] for i in [*base, *queries]}), 25)
        self.assertLess(max([*base, *queries]), 50)
        np.testing.assert_array_equal(base, sentences.split(self.TEXTS, 5, 20)[0])

    def test_evenly(self):
        np.testing.assert_array_equal(evenly(9, 3), [0, 4, 8])


if __name__ == "__main__":
    unittest.main()
