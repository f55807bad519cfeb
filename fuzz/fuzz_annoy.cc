// Annoy's files, which have no checksums and say nothing of themselves: any bytes under every
// metric, loaded, verified and searched.
//
// An input is a byte for metric and dimension, then a whole file, or (every other byte) changes to
// a small file of the target's own: records of place (u16), length and bytes. So no seeds are
// needed.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kith/annoy.h"

namespace kith {
namespace {

constexpr size_t kDims[] = {1, 3, 8, 70};

void Require(bool ok) {
  if (!ok) std::abort();
}

std::unique_ptr<AnnoyIndex> NewIndex(Metric metric, size_t dim) {
  auto index = AnnoyIndex::Create(metric, dim);
  Require(index.ok());
  return std::move(*index);
}

std::string BuildBytes(Metric metric, size_t dim) {
  const auto index = NewIndex(metric, dim);
  Rng rng(1);
  std::vector<float> vector(dim);
  for (int64_t id = 0; id < 50; id += id == 20 ? 3 : 1) {
    for (float& x : vector) x = static_cast<float>(rng.Normal());
    Require(index->AddItem(id, vector.data()).ok());
  }
  Require(index->Build(2, 1).ok());
  std::string bytes;
  Require(index->ToBytes(&bytes).ok());
  return bytes;
}

void Change(const uint8_t* data, size_t size, std::string* bytes) {
  while (size >= 3) {
    const size_t at = (data[0] | data[1] << 8) % bytes->size();
    const size_t count = std::min({size_t{data[2]}, size - 3, bytes->size() - at});
    std::memcpy(bytes->data() + at, data + 3, count);
    data += 3 + count;
    size -= 3 + count;
  }
}

void CheckAnswer(const AnnoyIndex& index, const std::vector<int32_t>& ids,
                 const std::vector<float>& distances) {
  Require(ids.size() == distances.size());
  const bool largest_first = index.metric() == Metric::kDot;
  for (size_t i = 0; i < ids.size(); ++i) {
    Require(ids[i] >= 0 && static_cast<size_t>(ids[i]) < index.num_items());
    Require(!std::isnan(distances[i]));
    if (i == 0) continue;
    Require(largest_first ? distances[i - 1] >= distances[i] : distances[i - 1] <= distances[i]);
  }
}

void Use(const AnnoyIndex& index) {
  (void)index.Verify();
  std::vector<float> vector(index.dim(), 0.75f);
  std::vector<int32_t> ids;
  std::vector<float> distances;
  for (const int64_t search_k : {int64_t{-1}, int64_t{1}, int64_t{-2}}) {
    Require(index.SearchByVector(vector.data(), 7, search_k, &ids, &distances).ok());
    CheckAnswer(index, ids, distances);
  }
  const auto n = static_cast<int64_t>(index.num_items());
  for (int64_t id = 0; id < std::min<int64_t>(n, 50); ++id) {
    float distance;
    Require(index.GetItem(id, vector.data()).ok());
    Require(index.Distance(id, n - 1, &distance).ok());
    Require(index.SearchByItem(id, -1, 20, &ids, &distances).ok());
    CheckAnswer(index, ids, distances);
  }
  Require(!index.GetItem(n, vector.data()).ok());
}

}  // namespace
}  // namespace kith

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith;
  if (size == 0) return 0;
  const auto metric = static_cast<Metric>((data[0] >> 1) % kNumMetrics);
  const size_t dim = kDims[(data[0] >> 1) / kNumMetrics % std::size(kDims)];
  std::string bytes;
  if (data[0] % 2 == 0) {
    bytes.assign(reinterpret_cast<const char*>(data + 1), size - 1);
  } else {
    static std::string built[kNumMetrics * std::size(kDims)];
    std::string& original = built[(data[0] >> 1) % std::size(built)];
    if (original.empty()) original = BuildBytes(metric, dim);
    bytes = original;
    Change(data + 1, size - 1, &bytes);
  }
  const auto index = NewIndex(metric, dim);
  if (index->FromBytes(std::move(bytes)).ok()) Use(*index);
  return 0;
}
