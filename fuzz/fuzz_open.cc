// Opening a .kith file, and everything that may be done with one. Checksums are put right first, so
// that lies about the contents get as far as they can.
//
// An input is a whole file, or (any that does not begin as one) changes to a small file of the
// target's own: a byte that chooses it, then records of section, place (u16), length and bytes. So
// no seeds are needed.
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "kith/index.h"
#include "kith/reduce.h"
#include "matrix.h"
#include "memory_file.h"
#include "storage/format.h"
#include "storage/seal.h"

namespace kith {
namespace {

using testing::Matrix;

void Require(bool ok) {
  if (!ok) std::abort();
}

struct Kind {
  Metric metric;
  DataType dtype;
  size_t rows;
  size_t dim;
  bool forest;
  GraphLayout graph = GraphLayout::kAuto;  // kAuto: none
  bool calibrated = false;
  size_t reduced = 0;  // to so many dimensions; 0: as they are
};

// Codes, a learnt basis, dot's extra coordinate, packed bits, scan codes (with rows enough for them
// to be used); graphs packed, with copies, with rounded vectors, compact; calibrated; reduced;
// all with keys and ids.
constexpr Kind kKinds[] = {
    {Metric::kAngular, DataType::kF32, 30, 40, true},
    {Metric::kDot, DataType::kF32, 12, 130, true},
    {Metric::kEuclidean, DataType::kU8, 40, 6, true},
    {Metric::kManhattan, DataType::kF16, 20, 3, true},
    {Metric::kHamming, DataType::kBit, 25, 43, false},
    {Metric::kEuclidean, DataType::kF32, 130, 6, false},
    {Metric::kAngular, DataType::kI8, 60, 20, true, GraphLayout::kPacked},
    {Metric::kEuclidean, DataType::kBit, 70, 3, false, GraphLayout::kCompact},
    {Metric::kDot, DataType::kF32, 30, 200, false, GraphLayout::kPacked},
    {Metric::kManhattan, DataType::kF32, 40, 7, false, GraphLayout::kCompact},
    {Metric::kEuclidean, DataType::kU8, 50, 5, true, GraphLayout::kCompact, true},
    {Metric::kEuclidean, DataType::kF32, 40, 9, false, GraphLayout::kAuto, false, 4}};

std::string BuildBytes(const Kind& kind) {
  Matrix rows = Matrix::Random(kind.dtype, kind.rows, kind.dim, 1);
  const bool graph = kind.graph != GraphLayout::kAuto;
  for (size_t r = 0; r < 4 && graph; ++r) rows.CopyRow(rows, r / 2, kind.rows - 1 - r);
  StringList keys;
  std::vector<int64_t> ids;
  for (size_t r = 0; r < kind.rows; ++r) {
    keys.Add("key" + std::to_string(r));
    ids.push_back(static_cast<int64_t>(r * 3));
  }
  BuildOptions options;
  options.metric = kind.metric;
  options.dtype = kind.dtype;
  if (graph) options.paths.push_back(GraphOptions{.layout = kind.graph, .degree = 16});
  if (kind.forest) options.paths.push_back(ForestOptions{.num_trees = 2, .leaf_size = 3});
  if (options.paths.empty()) {
    ExactOptions exact;
    if (kind.dtype == DataType::kF32) exact.codes = true;
    options.paths.push_back(exact);
  }
  options.keys = &keys;
  options.ids = &ids;
  options.threads = 1;
  std::optional<Reducer> reducer;
  if (kind.reduced > 0) {
    reducer = *Reducer::Fit(rows.view(), {.dim = kind.reduced, .metric = kind.metric});
    options.reducer = &*reducer;
  }
  std::string directory = std::filesystem::temp_directory_path() / "kith-fuzz-XXXXXX";
  Require(mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/x.kith";
  Require(BuildIndex(rows.view(), path, options).ok());
  const Matrix queries = Matrix::Random(kind.dtype, 32, kind.dim, 3);
  Require(!kind.calibrated || CalibrateIndex(path, queries.view(), {.ks = {1, 5}}).ok());
  std::ifstream in(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::filesystem::remove_all(directory);
  return bytes;
}

const std::string& BytesOf(size_t kind) {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> files;
    for (const Kind& k : kKinds) files.push_back(BuildBytes(k));
    return files;
  }();
  return all[kind % all.size()];
}

// Section 0 is the header with its table, section i the i-th of the table.
void Change(const uint8_t* data, size_t size, std::string* bytes) {
  storage::FileHeader header;
  std::memcpy(&header, bytes->data(), sizeof(header));
  while (size >= 4) {
    const size_t section = data[0] % (header.section_count + 1u);
    size_t offset = 0;
    size_t room =
        sizeof(storage::FileHeader) + header.section_count * sizeof(storage::SectionEntry);
    if (section > 0) {
      storage::SectionEntry entry;
      std::memcpy(&entry, bytes->data() + section * sizeof(storage::SectionEntry), sizeof(entry));
      if (entry.offset > bytes->size() || entry.size > bytes->size() - entry.offset) return;
      offset = entry.offset;
      room = entry.size;
    }
    const size_t at = (data[1] | data[2] << 8) % (room + 1);
    const size_t count = std::min({size_t{data[3]}, size - 4, room - at});
    std::memcpy(bytes->data() + offset + at, data + 4, count);
    data += 4 + count;
    size -= 4 + count;
    std::memcpy(&header, bytes->data(), sizeof(header));
    if (header.section_count > storage::kMaxSections) return;
  }
}

void CheckedSearch(const Index& index, const Matrix& queries, const SearchParams& params) {
  SearchResult result;
  if (!index.Search(queries.view(), params, &result).ok()) return;
  const size_t k = std::min<size_t>(params.k, index.info().num_vectors);
  Require(result.k == k && result.ids.size() == 2 * k && result.distances.size() == 2 * k);
  for (size_t i = 0; i < 2 * k; ++i) {
    Require(!std::isnan(result.distances[i]));
    Require(i % k == 0 || result.distances[i - 1] <= result.distances[i]);
    if (index.info().has_ids) continue;
    Require(result.ids[i] >= kNoId &&
            result.ids[i] < static_cast<int64_t>(index.info().num_vectors));
  }
}

void SearchEveryWay(const Index& index) {
  const IndexInfo& info = index.info();
  // Large sets are as sound as small ones; time is better spent on many.
  if (info.dim > 4096 || info.num_vectors > 100000) return;
  const Matrix queries = Matrix::Random(DataType::kF32, 2, info.dim, 2);
  for (const IndexKind kind : {IndexKind::kExact, IndexKind::kGraph, IndexKind::kForest}) {
    for (const size_t k : {size_t{2}, static_cast<size_t>(info.num_vectors + 1)}) {
      // The least and the most.
      const int64_t effort = k == 2 && kind == IndexKind::kGraph ? 1 : 1 << 20;
      CheckedSearch(index, queries, {.k = k, .index = kind, .effort = effort});
      CheckedSearch(index, queries, {.k = k, .index = kind, .recall = 0.8});
    }
  }
  if (info.source_dim > 0 && info.source_dim <= 4096) {
    CheckedSearch(index, Matrix::Random(DataType::kF32, 2, info.source_dim, 2), {.k = 3});
  }
  const QueryDrift drift = index.Drift();
  Require(drift.distance >= 0 && drift.distance <= 1);
}

void LookUp(const Index& index) {
  const uint64_t n = index.info().num_vectors;
  std::vector<float> vector(index.info().dim);
  for (uint64_t row = 0; row < std::min<uint64_t>(n, 200); ++row) {
    const std::string key(index.Key(row));
    const auto by_key = index.FindKey(key);
    Require(!by_key.ok() || *by_key < n);
    const auto by_id = index.FindId(index.Id(row));
    Require(!by_id.ok() || *by_id < n);
    index.GetVector(row, vector.data());
  }
  const auto absent = index.FindKey("absent");
  Require(!absent.ok() || *absent < n);
}

void Use(const std::string& path) {
  const Status verified = VerifyIndex(path);
  if (IsReducerFile(path)) {
    const auto reducer = Reducer::Open(path);
    Require(reducer.ok() || !verified.ok());
    if (!reducer.ok() || reducer->source_dim() > 4096) return;
    std::vector<float> images(2 * reducer->dim());
    const Matrix vectors = Matrix::Random(DataType::kF32, 2, reducer->source_dim(), 2);
    (void)reducer->Transform(vectors.view(), images.data(), 1);
    return;
  }
  const auto index = OpenIndex(path);
  Require(index.ok() || !verified.ok());
  if (!index.ok()) return;
  SearchEveryWay(**index);
  LookUp(**index);
}

}  // namespace
}  // namespace kith

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static kith::testing::MemoryFile file;
  std::string bytes;
  if (size > 0 && data[0] == static_cast<uint8_t>(kith::storage::kMagic[0])) {
    bytes.assign(reinterpret_cast<const char*>(data), size);
  } else if (size > 0) {
    bytes = kith::BytesOf(data[0]);
    kith::Change(data + 1, size - 1, &bytes);
  }
  if (bytes.size() >= kith::storage::kPageBytes) kith::testing::SealContainer(&bytes);
  file.Write(bytes);
  kith::Use(file.path());
  return 0;
}
