// A tour of the C++ interface: vectors in, nearest neighbours out, from one file.
#include <cstdio>
#include <random>
#include <vector>

#include "kith/kith.h"

int main() {
  constexpr size_t kRows = 10000;
  constexpr size_t kDim = 32;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> vectors(kRows * kDim);
  for (float& x : vectors) x = normal(random);

  // Build once: the file holds the vectors and every way into them.
  kith::BuildOptions options;
  options.metric = kith::Metric::kAngular;
  const kith::Status built =
      kith::BuildIndex(kith::ViewOf(vectors.data(), kRows, kDim), "quickstart.kith", options);

  // Open it anywhere, any number of times: it is mapped, not read.
  const auto index = kith::OpenIndex("quickstart.kith");
  if (!built.ok() || !index.ok()) {
    std::fprintf(stderr, "quickstart: %s\n",
                 (built.ok() ? index.status() : built).message().c_str());
    return 1;
  }

  // Ask for the ten nearest of the first three vectors.
  kith::SearchResult found;
  const kith::Status searched =
      (*index)->Search(kith::ViewOf(vectors.data(), 3, kDim), {.k = 10}, &found);
  if (!searched.ok()) {
    std::fprintf(stderr, "quickstart: %s\n", searched.message().c_str());
    return 1;
  }
  for (size_t query = 0; query < found.num_queries; ++query) {
    std::printf("vector %zu:", query);
    for (size_t i = query * found.k; i < (query + 1) * found.k; ++i) {
      std::printf(" %lld (%.3f)", static_cast<long long>(found.ids[i]), found.distances[i]);
    }
    std::printf("\n");
  }
  return 0;
}
