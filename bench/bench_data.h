// Base vectors and queries of the benchmarks that compare on real data.
#ifndef KITH_BENCH_BENCH_DATA_H_
#define KITH_BENCH_BENCH_DATA_H_

#include <cstddef>
#include <string>
#include <vector>

#include "bench_util.h"
#include "kith/dataset.h"

namespace kith::bench {

struct Split {
  MatrixView base;
  MatrixView queries;
  Dataset query_file;               // owns `queries`, or
  std::vector<std::byte> kept;      // own `base` and
  std::vector<std::byte> held_out;  // `queries`
};

// The queries of `path`, at most `count`; if it is "-", as many vectors, evenly spread, are taken
// out of the base to be the queries.
inline Split SplitQueries(const Dataset& base, const std::string& path, size_t count) {
  Split split;
  const MatrixView& m = base.vectors;
  if (path != "-") {
    ReadOptions options{.part = DatasetPart::kQueries};
    options.max_rows = count;
    split.query_file = Check(ReadDataset(path, options));
    split.base = m;
    split.queries = split.query_file.vectors;
    return split;
  }
  const size_t every = m.rows / count;
  const size_t row_bytes = RowBytes(m.dtype, m.dim);
  for (size_t i = 0; i < m.rows; ++i) {
    std::vector<std::byte>& to = i % every == every - 1 ? split.held_out : split.kept;
    to.insert(to.end(), m.row(i), m.row(i) + row_bytes);
  }
  const auto view = [&](const std::vector<std::byte>& rows) {
    return MatrixView{rows.data(), rows.size() / row_bytes, m.dim, row_bytes, m.dtype};
  };
  split.base = view(split.kept);
  split.queries = view(split.held_out);
  return split;
}

}  // namespace kith::bench

#endif  // KITH_BENCH_BENCH_DATA_H_
