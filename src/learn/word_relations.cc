// What words are to each other: how similar, which one is odd, which are closer.
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/strings.h"
#include "base/thread_pool.h"
#include "kith/words.h"
#include "learn/cosines.h"
#include "learn/words.h"

namespace kith::learn {
namespace {

// REQUIRES: neither is zero.
template <class A, class B>
double Cosine(const A* a, const B* b, size_t dim) {
  double dot = 0;
  double squares_a = 0;
  double squares_b = 0;
  for (size_t i = 0; i < dim; ++i) {
    dot += static_cast<double>(a[i]) * b[i];
    squares_a += static_cast<double>(a[i]) * a[i];
    squares_b += static_cast<double>(b[i]) * b[i];
  }
  return squares_a > 0 && squares_b > 0 ? dot / std::sqrt(squares_a * squares_b) : 0;
}

Result<OddWord> FindOdd(const Index& index, std::span<const uint64_t> rows) {
  KITH_RETURN_IF_ERROR(CheckWords(index));
  if (rows.size() < 3) {
    return Status::InvalidArgument(
        StrCat("of ", Plural(rows.size(), "word"), " none is odd; give at least three"));
  }
  KITH_ASSIGN_OR_RETURN(const linalg::Matrix units, UnitVectors(index, rows));
  std::vector<double> mean(units.cols, 0.0);
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t c = 0; c < units.cols; ++c) mean[c] += units.row(i)[c];
  }
  OddWord found;
  for (size_t i = 0; i < rows.size(); ++i) {
    found.cosines.push_back(Cosine(units.row(i), mean.data(), units.cols));
    if (found.cosines[i] < found.cosines[found.odd]) found.odd = i;
  }
  return found;
}

Result<std::vector<WordCosine>> FindCloser(const Index& index, uint64_t row, uint64_t other,
                                           ThreadPool& pool) {
  KITH_RETURN_IF_ERROR(CheckWords(index));
  if (row == other) {
    return Status::InvalidArgument("both words are the same; give two that differ");
  }
  KITH_ASSIGN_OR_RETURN(const linalg::Matrix query, UnitVectors(index, std::span(&row, 1)));
  const uint64_t n = index.info().num_vectors;
  // The bound comes of the same kernel as what is compared with it.
  std::vector<float> cosines(n);
  KITH_RETURN_IF_ERROR(ForCosines(index, query, n, pool, {}, [&](const CosineBlock& block) {
    std::copy_n(block.values, block.end - block.begin,
                cosines.begin() + static_cast<ptrdiff_t>(block.begin));
    return Status::Ok();
  }));
  const float bound = cosines[other];
  std::vector<WordCosine> closer;
  for (uint64_t i = 0; i < n; ++i) {
    if (cosines[i] > bound && i != row) closer.push_back({i, cosines[i]});
  }
  std::sort(closer.begin(), closer.end(), [](const WordCosine& a, const WordCosine& b) {
    return a.cosine > b.cosine || (a.cosine == b.cosine && a.row < b.row);
  });
  return closer;
}

}  // namespace
}  // namespace kith::learn

namespace kith {

Result<double> WordSimilarity(const Index& index, const WordQuery& a, const WordQuery& b) {
  return CatchAll([&]() -> Result<double> {
    KITH_RETURN_IF_ERROR(learn::CheckWords(index));
    QueryBatch batch(index);
    KITH_RETURN_IF_ERROR(AddWords(a, &batch));
    KITH_RETURN_IF_ERROR(AddWords(b, &batch));
    const MatrixView sums = batch.vectors();
    return learn::Cosine(reinterpret_cast<const float*>(sums.row(0)),
                         reinterpret_cast<const float*>(sums.row(1)), sums.dim);
  });
}

Result<OddWord> OddOneOut(const Index& index, std::span<const uint64_t> rows) {
  return CatchAll([&] { return learn::FindOdd(index, rows); });
}

Result<std::vector<WordCosine>> CloserWords(const Index& index, uint64_t row, uint64_t other,
                                            int threads, const std::stop_token& stop) {
  return CatchAll([&] {
    ThreadPool pool(threads, stop);
    return learn::FindCloser(index, row, other, pool);
  });
}

}  // namespace kith
