#!/usr/bin/env python3
"""Tests of check_layers.py: each rule is broken once and must be reported."""
import tempfile
import unittest
from pathlib import Path

import check_layers


class CheckLayersTest(unittest.TestCase):
    def faults(self, files, cxx=None):
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            found, _ = check_layers.check(root, cxx)
        return [f"{path}:{line}: {message}" for path, line, message in found]

    def assert_fault(self, files, expected, cxx=None):
        found = self.faults(files, cxx)
        self.assertEqual(len(found), 1, found)
        self.assertIn(expected, found[0])

    def test_a_sound_tree_has_no_faults(self):
        self.assertEqual(self.faults({
            "include/kith/a.h": "#include <vector>\n",
            "src/base/b.h": '#include "kith/a.h"\n',
            "src/simd/k.cc": '#include "base/b.h"\n#include "hwy/highway.h"\n#include "simd/k.cc"\n',
            "apps/common/c.h": '#include "base/b.h"\n#include <nlohmann/json.hpp>\n',
            "apps/cli/main.cc": '#include "common/c.h"\n#include <kith/a.h>\n#include <CLI/CLI.hpp>\n',
            "python/src/p.cc": '#include "kith/a.h"\n#include "q.h"\n',
            "python/src/q.h": "\n",
            "tests/base/b_test.cc": '#include "base/b.h"\n#include <gtest/gtest.h>\n',
        }), [])

    def test_upward_include(self):
        self.assert_fault({"src/base/b.h": '#include "data/d.h"\n', "src/data/d.h": "\n"},
                          "src/base/b.h:1: includes src/data/d.h, a higher floor")

    def test_sibling_include(self):
        self.assert_fault({"src/storage/s.cc": '\n#include "simd/k.h"\n', "src/simd/k.h": "\n"},
                          "src/storage/s.cc:2: includes src/simd/k.h, a sibling")

    def test_front_ends_are_clients(self):
        for path, allowed in [("apps/cli/main.cc", "include/kith and apps/common"),
                              ("python/src/p.cc", "include/kith")]:
            self.assert_fault({path: '#include "base/b.h"\n', "src/base/b.h": "\n"},
                              f"includes src/base/b.h; {path.rsplit('/', 1)[0]} is a client of "
                              f"{allowed} only")
        self.assert_fault({"python/src/p.cc": '#include "common/c.h"\n', "apps/common/c.h": "\n"},
                          "is a client of include/kith only")

    def test_words_have_their_places(self):
        lore = "bool F(Metric m) { return m == Metric::kDot; }\n"
        self.assert_fault({"src/graph/g.cc": "namespace kith::graph {\n" + lore + "}\n"},
                          "src/graph/g.cc:2: names a metric by name")
        self.assert_fault({"src/plan/p.cc": "namespace kith::plan {\nauto k = IndexKind::kForest;\n}\n"},
                          "src/plan/p.cc:2: names a path that is not exact by name")
        self.assert_fault({"src/index/i.cc": "namespace kith::index {\nauto& t = graph::Type();\n}\n"},
                          "names a folder of a path; only src/paths/registry.cc may")
        self.assert_fault({"apps/cli/build.cc": "void F() { AddInfoCommand(nullptr); }\n"},
                          "names a command's declaration")
        self.assertEqual(self.faults({
            "src/search/metric_traits.cc": "namespace kith::search {\n" + lore + "}\n",
            "src/search/s.h": "namespace kith::search {\n  Metric metric = Metric::kAngular;\n"
                              "// Metric::kDot is only spoken of.\n}\n",
            "src/index/i.cc": "namespace kith::index {\nauto k = IndexKind::kExact;\n}\n",
            "apps/cli/info.cc": "void AddInfoCommand(CLI::App* app) {}\n",
        }), [])

    def test_folders_have_their_namespaces(self):
        self.assert_fault({"src/graph/g.cc": "namespace kith::forest {\n}\n"},
                          "has no namespace kith::graph, but kith::forest")
        self.assertEqual(self.faults({
            "src/graph/g.cc": "namespace kith::graph {\nnamespace {\n}\n}\n",
            "src/base/b.h": "namespace kith {\ninline namespace base {\n}\n}\n",
            "src/index/open.cc": "namespace kith {\n}\n",
        }), [])

    def test_cycle(self):
        self.assert_fault({"src/data/a.h": '#include "data/b.h"\n',
                           "src/data/b.h": '#include "data/c.h"\n',
                           "src/data/c.h": '#include "data/a.h"\n'}, "include cycle")

    def test_confined_libraries(self):
        for name, path in [("hwy/highway.h", "src/index/i.cc"), ("hdf5.h", "src/data/npy.cc"),
                           ("zlib.h", "src/data/idx.cc"), ("CLI/CLI.hpp", "src/base/b.cc"),
                           ("CLI/CLI.hpp", "apps/common/c.cc"),
                           ("nlohmann/json.hpp", "src/eval/e.cc"), ("gtest/gtest.h", "src/base/b.h")]:
            self.assert_fault({path: f"#include <{name}>\n"}, f"{name} may only be included in")

    def test_public_header_needs_only_the_standard_library(self):
        self.assert_fault({"include/kith/a.h": "#include <sys/mman.h>\n"}, "standard library only")

    def test_unknown_include(self):
        self.assert_fault({"src/base/b.cc": '#include "base/gone.h"\n'}, "no file of the project")

    def test_header_that_does_not_compile_alone(self):
        self.assert_fault({"include/kith/a.h": "std::string name();\n"},
                          "does not compile alone", cxx="c++")

    def test_long_file(self):
        self.assert_fault({"src/base/b.cc": "\n" * 501}, "501 lines; at most 500")
        self.assert_fault({"tests/base/b_test.cc": "\n" * 601}, "601 lines; at most 600")

    def test_long_function(self):
        body = "  Call({1, 2}, [] { return '}'; });  // {\n" * 80
        self.assert_fault({"src/base/b.cc": f"namespace kith {{\n\nint F(int a,\n      int b) {{\n{body}}}\n}}\n"},
                          "src/base/b.cc:3: a function of 83 lines")

    def test_functions_are_found_wherever_they_are(self):
        text = ("namespace a {\n"                                     # 1
                "struct S {\n"                                        # 2
                "  int x = 0;\n"                                      # 3
                "  S(int y, int z) : x{y}, w(z) {\n"                  # 4
                "  }\n"                                               # 5
                "  bool operator==(const S& o) const noexcept {\n"    # 6
                "    if (x) { return true; }\n"                       # 7
                "  }\n"                                               # 8
                "};\n"                                                # 9
                "const int kTable[] = {1, 2};\n"                      # 10
                "template <class T>\n"                                # 11
                "auto G(T t = {}) -> std::vector<T> {\n"              # 12
                "}\n"                                                 # 13
                'const auto f = [](int i) { return "\\"{"; };\n'      # 14
                "TEST(Suite, Name) { EXPECT_TRUE(true); }\n"          # 15
                "}  // namespace a\n")
        found = check_layers.functions(text)
        for expected in [(4, 5), (6, 8), (15, 15)]:
            self.assertIn(expected, found)
        self.assertTrue(any(last == 13 for _, last in found), found)


if __name__ == "__main__":
    unittest.main()
