// What comparing every row finds, to compare with what looks at fewer.
#ifndef KITH_TESTS_SCAN_PLAIN_SCAN_H_
#define KITH_TESTS_SCAN_PLAIN_SCAN_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>

#include "kith/filter.h"
#include "scan/exact.h"
#include "search/hits.h"
#include "search/request.h"
#include "search/stored_vectors.h"

namespace kith::testing {

// Searches with queries so few at a time that `pays`, a rule by which something else than a plain
// scan is taken, never says so. Adds to `stats`.
inline search::Hits PlainScan(const search::StoredVectors& vectors, const search::Request& request,
                              bool (*pays)(const search::StoredVectors&, const search::Request&),
                              SearchStats* stats) {
  search::Hits all;
  constexpr size_t kFew = 100;
  for (size_t begin = 0; begin < request.queries.rows; begin += kFew) {
    search::Request part = request;
    part.queries.data = request.queries.row(begin);
    part.queries.rows = std::min(kFew, request.queries.rows - begin);
    const QueriesFrom filter(*request.filter, begin);
    part.filter = &filter;
    EXPECT_FALSE(pays(vectors, part));
    search::Hits found;
    EXPECT_TRUE(scan::ExactSearch(vectors, {}, part, &found, stats).ok());
    for (size_t q = 0; q < found.num_queries(); ++q) {
      const auto of = found.of(q);
      all.found.insert(all.found.end(), of.begin(), of.end());
      all.offsets.push_back(all.found.size());
    }
  }
  return all;
}

inline void ExpectSame(const search::Hits& a, const search::Hits& b) {
  ASSERT_EQ(a.offsets, b.offsets);
  for (size_t i = 0; i < a.found.size(); ++i) {
    ASSERT_EQ(a.found[i].row, b.found[i].row) << i;
    ASSERT_EQ(a.found[i].distance, b.found[i].distance) << i;
  }
}

}  // namespace kith::testing

#endif  // KITH_TESTS_SCAN_PLAIN_SCAN_H_
