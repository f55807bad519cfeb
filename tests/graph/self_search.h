// Whether stored vectors find themselves, and whether the file says so.
#ifndef KITH_TESTS_GRAPH_SELF_SEARCH_H_
#define KITH_TESTS_GRAPH_SELF_SEARCH_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith::testing {

class SelfSearch {
 public:
  // Builds an index, verifies it, and returns the share of the first `asked` rows, which have no
  // copies, that do not find themselves at the default effort.
  double Missed(const Matrix& rows, size_t asked, const BuildOptions& options) {
    const std::string path = dir_.File("x.kith");
    const auto index = BuildAndOpen(path, rows, options);
    if (index == nullptr) return 1;
    const Status verified = VerifyIndex(path);
    EXPECT_TRUE(verified.ok()) << verified.message();
    told_ = index->info().path_of(IndexKind::kGraph)->share("self_recall");
    const Matrix own = Part(rows, 0, asked);
    const SearchResult found =
        SearchOrFail(*index, own.view(), {.k = 1, .index = IndexKind::kGraph});
    size_t missed = 0;
    for (size_t r = 0; r < asked; ++r) missed += found.ids[r] == static_cast<int64_t>(r) ? 0 : 1;
    return static_cast<double>(missed) / static_cast<double>(asked);
  }

  // What the last file says of the share of its vectors that find themselves.
  double told() const { return told_; }

 private:
  TempDir dir_;
  double told_ = -1;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_GRAPH_SELF_SEARCH_H_
