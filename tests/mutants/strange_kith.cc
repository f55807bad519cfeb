// .kith files that are as docs/file_format.md says, but as unlike those that kith writes as can be:
// what verify() has nothing against, searches must not stumble over.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "graph/layout.h"
#include "kith/index.h"
#include "matrix.h"
#include "mutants/kith_parts.h"
#include "mutants/mutant.h"
#include "trees/rp_tree.h"

namespace kith::mutants {
namespace {

using testing::Matrix;

// Values that vectors may have and seldom do, not beyond what norms can be told of.
double StrangeValue(DataType dtype, Rng* rng) {
  switch (dtype) {
    case DataType::kBit: return rng->Below(2);
    case DataType::kU8: return Chance(rng, 3) ? 255 : rng->Below(256);
    case DataType::kI8: return Chance(rng, 3) ? -128 : static_cast<int>(rng->Below(256)) - 128;
    default: break;
  }
  const double values[] = {0, 0, -0.0, 1, -1, 1e-4, 3e4, -3e4, 6e-8, rng->Normal(), rng->Normal()};
  double value = OneOf(values, rng);
  if (dtype != DataType::kF16 && Chance(rng, 10)) value *= Chance(rng, 2) ? 1e10 : 1e-30;
  return value;
}

Matrix StrangeRows(DataType dtype, Rng* rng) {
  const size_t n = 1 + rng->Below(Chance(rng, 3) ? 300 : 60);
  const size_t dim = 1 + rng->Below(Chance(rng, 4) ? 250 : 30);
  Matrix rows(dtype, n, dim);
  const bool all = Chance(rng, 3);
  for (size_t r = 0; r < n; ++r) {
    const bool strange = all || Chance(rng, 4);
    for (size_t c = 0; c < dim; ++c) {
      const double usual =
          dtype == DataType::kBit ? rng->Below(2) : static_cast<int>(rng->Below(100));
      rows.Set(r, c, strange ? StrangeValue(dtype, rng) : usual);
    }
  }
  for (uint32_t i = 0; i < rng->Below(static_cast<uint32_t>(2 * n)); ++i) {
    rows.CopyRow(rows, rng->Below(static_cast<uint32_t>(n)), rng->Below(static_cast<uint32_t>(n)));
  }
  return rows;
}

// x such that Mix64(x) = y.
uint64_t Unmix(uint64_t y) {
  const auto inverse = [](uint64_t odd) {
    uint64_t x = odd;
    for (int i = 0; i < 6; ++i) x *= 2 - odd * x;
    return x;
  };
  y ^= y >> 31 ^ y >> 62;
  y *= inverse(0x94D049BB133111EBu);
  y ^= y >> 27 ^ y >> 54;
  y *= inverse(0xBF58476D1CE4E5B9u);
  y ^= y >> 30 ^ y >> 60;
  return y - 0x9E3779B97F4A7C15u;
}

// What a table of them looks like is chosen by whoever chooses them.
std::vector<int64_t> StrangeIds(size_t n, Rng* rng) {
  std::vector<int64_t> ids;
  const uint32_t rule = rng->Below(3);
  for (uint64_t i = 0; ids.size() < n; ++i) {
    const uint64_t value = rule == 0 ? i : rule == 1 ? ~uint64_t{0} / 2 - i : Unmix(i << 32);
    if (static_cast<int64_t>(value) >= 0) ids.push_back(static_cast<int64_t>(value));
  }
  return ids;
}

StringList StrangeKeys(size_t n, Rng* rng) {
  StringList keys;
  const bool colliding = Chance(rng, 3);
  for (size_t i = 0; i < n; ++i) {
    const uint64_t word = Unmix(uint64_t{i} << 32) ^ Mix64(8);
    const std::string meeting(reinterpret_cast<const char*>(&word), sizeof(word));
    const std::string texts[] = {"",           "key " + std::to_string(i),
                                 "same",       std::string(rng->Below(3000), 'x'),
                                 "\xFF\n\x1B", std::string(1, '\0') + std::to_string(i % 3)};
    keys.Add(colliding ? meeting : OneOf(texts, rng));
  }
  return keys;
}

std::string Build(Rng* rng) {
  BuildOptions options;
  const DataType types[] = {DataType::kF32, DataType::kF16, DataType::kBF16,
                            DataType::kU8,  DataType::kI8,  DataType::kBit};
  const DataType dtype = OneOf(types, rng);
  options.dtype = dtype;
  options.metric = static_cast<Metric>(rng->Below(kNumMetrics));
  const Matrix rows = StrangeRows(dtype, rng);
  const bool packed = dtype != DataType::kBit && options.metric != Metric::kManhattan &&
                      options.metric != Metric::kHamming;
  if (Chance(rng, 2)) {
    options.paths.push_back(GraphOptions{
        .layout = packed && Chance(rng, 2) ? GraphLayout::kPacked : GraphLayout::kCompact,
        .degree = 16});
  }
  if (Chance(rng, 2)) {
    options.paths.push_back(
        ForestOptions{.num_trees = 1 + rng->Below(5), .leaf_size = 1 + rng->Below(20)});
  }
  if (options.paths.empty()) {
    const bool codes = packed && dtype != DataType::kU8 && dtype != DataType::kI8;
    options.paths.push_back(ExactOptions{.codes = codes});
  }
  const StringList keys = StrangeKeys(rows.rows(), rng);
  const std::vector<int64_t> ids = StrangeIds(rows.rows(), rng);
  if (Chance(rng, 2)) options.keys = &keys;
  if (Chance(rng, 2)) options.ids = &ids;
  options.threads = 1;
  options.seed = rng->Next();
  const auto index = BuildIndexInMemory(rows.view(), options);
  if (!index.ok()) return {};  // a metric that does not suit the type, norms too large
  const auto bytes = (*index)->Bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// ---- The same in another way.

// Any links, as long as each node leads to the next.
void ChangeLinks(Parts* file, Rng* rng) {
  Part* links = file->Find("graph_links");
  if (links == nullptr) return;
  const auto n = file->Find("graph")->Get<uint32_t>(0);
  const auto degree = file->Find("graph")->Get<uint32_t>(1);
  for (uint32_t node = 0; node < n; ++node) {
    std::vector<uint32_t> others{(node + 1) % n};
    const uint32_t wanted = rng->Below(degree);
    for (uint32_t i = 0; i < wanted; ++i) others.push_back(rng->Below(n));
    std::vector<uint32_t> kept;
    for (const uint32_t other : others) {
      if (other != node && std::find(kept.begin(), kept.end(), other) == kept.end()) {
        kept.push_back(other);
      }
    }
    kept.resize(degree, graph::kNoNode);
    for (uint32_t i = 0; i < degree; ++i) links->Set<uint32_t>(node * degree + i, kept[i]);
  }
}

// All nodes are entries, in any order.
void ChangeEntries(Parts* file, Rng* rng) {
  Part* entries = file->Find("graph_entries");
  if (entries == nullptr) return;
  const auto n = file->Find("graph")->Get<uint32_t>(0);
  std::vector<uint32_t> nodes(n);
  for (uint32_t i = 0; i < n; ++i) nodes[i] = i;
  rng->Shuffle(&nodes);
  entries->bytes.assign(reinterpret_cast<const char*>(nodes.data()), nodes.size() * 4);
  file->Find("graph")->Set<uint32_t>(4, n);
}

// Planes that part nothing from nothing, and children on the other side.
void ChangePlanes(Parts* file, Rng* rng) {
  Part* nodes = file->Find("nodes");
  if (nodes == nullptr || nodes->bytes.empty()) return;
  const size_t stride = nodes->entry.row_bytes;
  const auto sketch_dim = file->Find("forest")->Get<uint32_t>(2);
  for (size_t at = 0; at < nodes->bytes.size(); at += stride) {
    const float values[] = {0, 1, -1e30f, 1e30f, 1e-40f, static_cast<float>(rng->Normal())};
    nodes->SetAt<float>(at, OneOf(values, rng));
    nodes->SetAt<float>(at + 4, OneOf(values, rng));
    for (size_t i = 0; i < sketch_dim; ++i) {
      nodes->SetAt<int8_t>(at + 16 + i, static_cast<int8_t>(rng->Next()));
    }
    if (!Chance(rng, 2)) continue;
    uint32_t children[2];
    std::memcpy(children, nodes->bytes.data() + at + 8, sizeof(children));
    nodes->SetAt<uint32_t>(at + 8, children[1]);
    nodes->SetAt<uint32_t>(at + 12, children[0]);
  }
}

// Trees as deep as can be, a leaf for each vector; or trees of one leaf, and many of them.
void ChangeTrees(Parts* file, Rng* rng) {
  Part* nodes = file->Find("nodes");
  if (nodes == nullptr) return;
  Part* header = file->Find("forest");
  const auto n = static_cast<uint32_t>(file->header.num_vectors);
  const auto sketch_dim = header->Get<uint32_t>(2);
  const size_t stride = trees::NodeBytes(sketch_dim);
  const bool deep = n > 1 && Chance(rng, 2);
  const uint32_t trees = 1 + rng->Below(deep ? 3 : 50);
  std::string leaves;
  std::vector<uint32_t> roots;
  nodes->bytes.assign(deep ? size_t{trees} * (n - 1) * stride : 0, '\0');
  nodes->entry.row_bytes = static_cast<uint32_t>(stride);
  uint32_t num_leaves = 0;
  const auto leaf = [&](uint32_t first, uint32_t count) {
    const size_t at = leaves.size();
    leaves.resize((at + 6 + 2 * (count - 1) + 7) / 8 * 8);
    const auto size = static_cast<uint16_t>(count);
    std::memcpy(leaves.data() + at, &first, 4);
    std::memcpy(leaves.data() + at + 4, &size, 2);
    for (uint32_t i = 1; i < count; ++i) leaves[at + 4 + 2 * i] = 1;
    ++num_leaves;
    return trees::kLeafBit | static_cast<uint32_t>(at / 8);
  };
  for (uint32_t tree = 0; tree < trees; ++tree) {
    if (!deep) {
      roots.push_back(leaf(0, n));
      continue;
    }
    const uint32_t first = tree * (n - 1);
    roots.push_back(first);
    for (uint32_t i = 0; i + 1 < n; ++i) {
      nodes->SetAt<uint32_t>((first + i) * stride + 8, leaf(i, 1));
      nodes->SetAt<uint32_t>((first + i) * stride + 12, i + 2 < n ? first + i + 1 : leaf(n - 1, 1));
    }
  }
  file->Find("leaves")->bytes = leaves;
  file->Find("roots")->bytes.assign(reinterpret_cast<const char*>(roots.data()), roots.size() * 4);
  header->Set<uint32_t>(0, trees);
  header->Set<uint32_t>(1, Chance(rng, 2) ? 65535 : 1);
  header->Set<uint32_t>(4, deep ? trees * (n - 1) : 0);
  header->Set<uint32_t>(5, num_leaves);
  header->Set<uint64_t>(3, uint64_t{n} * trees);
  header->Set<uint32_t>(9, rng->Below(2));
}

void AddCalibration(Parts* file, Rng* rng) {
  if (file->Find("graph") == nullptr && file->Find("forest") == nullptr) return;
  const uint32_t index = file->Find("graph") != nullptr ? 3 : 2;
  const uint32_t curves = 1 + rng->Below(4);
  std::string bytes(32 + curves * 16, '\0');
  std::string points;
  Part part;
  std::memcpy(part.entry.name, "calibration", 11);
  part.entry.version = 1;
  part.entry.flags = storage::kSectionOptional;
  const uint32_t head[] = {1 + rng->Below(2), rng->Below(5000), curves, 2};
  std::memcpy(bytes.data(), head, sizeof(head));
  for (uint32_t c = 0; c < curves; ++c) {
    const uint32_t count = 1 + rng->Below(20);
    const uint32_t entry[] = {index, 1 + rng->Below(10000), count, 0};
    std::memcpy(bytes.data() + 32 + c * 16, entry, sizeof(entry));
    double effort = Chance(rng, 2) ? 1e-30 : 1;
    for (uint32_t i = 0; i < count; ++i) {
      effort *= Chance(rng, 3) ? 1e10 : 1.5;
      const float recall = static_cast<float>(i + 1) / static_cast<float>(count);
      const float values[] = {
          static_cast<float>(std::min(effort, 1e37 * (i + 1))), recall, recall, recall, 1, 1};
      points.append(reinterpret_cast<const char*>(values), sizeof(values));
    }
  }
  const float quantiles[] = {-1e30f, 1e30f};
  bytes += points;
  bytes.append(reinterpret_cast<const char*>(quantiles), sizeof(quantiles));
  part.bytes = bytes;
  Part* old = file->Find("calibration");
  if (old != nullptr) {
    *old = part;
  } else {
    file->parts.push_back(part);
  }
}

// Bounds that bound nothing.
void LoosenCodes(Parts* file, Rng* rng) {
  Part* codes = file->Find("scan_codes");
  if (codes == nullptr) return;
  const size_t dims = (file->header.dim + 3) / 4;
  for (size_t p = 0; p < file->header.num_vectors; ++p) {
    if (!Chance(rng, 2)) continue;
    const size_t block = p / 16 * (16 * (4 * dims + 8));
    codes->SetAt<uint16_t>(block + 16 * 4 * dims + p % 16 * 8 + 6, 0x7F80);
  }
}

void AddOptional(Parts* file, Rng* rng) {
  Part part;
  std::memcpy(part.entry.name, "zz!later", 8);
  part.entry.version = static_cast<uint32_t>(rng->Next());
  part.entry.flags = storage::kSectionOptional;
  part.bytes = std::string(rng->Below(10000), '\xFF');
  file->parts.push_back(part);
}

std::string Make(uint64_t seed) {
  std::string built;
  for (uint64_t attempt = 0; built.empty(); ++attempt) {
    Rng rng(seed, 2 + attempt);
    built = Build(&rng);
  }
  Rng rng(seed, 1);
  Parts file = TakeApart(built);
  using Mutator = void (*)(Parts*, Rng*);
  constexpr Mutator kMutators[] = {ChangeLinks,    ChangeEntries, ChangePlanes, ChangeTrees,
                                   AddCalibration, LoosenCodes,   AddOptional};
  for (const Mutator mutator : kMutators) {
    if (Chance(&rng, 2)) mutator(&file, &rng);
  }
  return PutTogether(file);
}

}  // namespace

Kind StrangeKith() { return {"strange", "sound .kith files unlike any other", Make, UseKith}; }

}  // namespace kith::mutants
