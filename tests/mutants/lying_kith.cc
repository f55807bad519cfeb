// .kith files whose checksums are right and whose contents are not: whatever readers follow, count
// with or compute from is changed, most of it where it hurts.
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "graph/layout.h"
#include "index/victims.h"
#include "mutants/kith_parts.h"
#include "mutants/mutant.h"
#include "temp_dir.h"
#include "trees/rp_tree.h"

namespace kith::mutants {
namespace {

std::vector<Parts> BuildAll(const std::vector<testing::Victim>& victims) {
  std::vector<Parts> parts;
  const testing::TempDir dir;
  for (const testing::Victim& victim : victims) {
    parts.push_back(TakeApart(testing::MakeVictim(victim, dir.File("x.kith"))));
  }
  return parts;
}

const std::vector<Parts>& Victims() {
  static const std::vector<Parts> all = BuildAll(testing::Victims());
  return all;
}

// In which what grows as the square of something shows.
const std::vector<Parts>& LargeVictims() {
  static const std::vector<Parts> all =
      BuildAll({{"forest", Metric::kEuclidean, DataType::kU8, 20000, 4, true, true, true},
                {.name = "compact",
                 .metric = Metric::kManhattan,
                 .dtype = DataType::kU8,
                 .rows = 8000,
                 .dim = 4,
                 .ids = true,
                 .graph = GraphLayout::kCompact,
                 .copies = 3000},
                {.name = "packed",
                 .metric = Metric::kAngular,
                 .dtype = DataType::kF32,
                 .rows = 5000,
                 .dim = 8,
                 .graph = GraphLayout::kPacked,
                 .copies = 2000}});
  return all;
}

const Parts& AnyVictim(Rng* rng) {
  const std::vector<Parts>& all = Chance(rng, 50) ? LargeVictims() : Victims();
  return all[rng->Below(static_cast<uint32_t>(all.size()))];
}

Part* AnyPart(Parts* file, Rng* rng) {
  return &file->parts[rng->Below(static_cast<uint32_t>(file->parts.size()))];
}

// ---- Any section.

void FlipBytes(Parts* file, Rng* rng) {
  Part* part = AnyPart(file, rng);
  for (uint32_t i = 0; i < 1 + rng->Below(8) && !part->bytes.empty(); ++i) {
    char& byte = part->bytes[rng->Below(static_cast<uint32_t>(part->bytes.size()))];
    byte = static_cast<char>(Chance(rng, 2) ? byte ^ (1 << rng->Below(8)) : rng->Next());
  }
}

void SetWords(Parts* file, Rng* rng) {
  Part* part = AnyPart(file, rng);
  if (part->bytes.size() < 8) return;
  const auto words = static_cast<uint32_t>(part->count<uint32_t>());
  const uint32_t run = Chance(rng, 3) ? words : Chance(rng, 2) ? 1 + rng->Below(64) : 1;
  const uint32_t begin = rng->Below(words);
  const uint32_t step = Chance(rng, 2) ? 1 : 1 + rng->Below(20);
  const bool floats = Chance(rng, 2);
  const bool same = Chance(rng, 2);
  auto number = static_cast<uint32_t>(Telling(rng, file->header.num_vectors));
  float real = TellingFloat(rng);
  for (uint32_t i = 0; i < run; i += step) {
    if (floats) {
      part->Set<float>(begin + i, real);
    } else {
      part->Set<uint32_t>(begin + i, number);
    }
    if (same) continue;
    number = static_cast<uint32_t>(Telling(rng, file->header.num_vectors));
    real = TellingFloat(rng);
  }
  if (Chance(rng, 4)) part->Set<uint64_t>(rng->Below(words / 2), Telling(rng, words));
  if (Chance(rng, 4)) {
    part->Set<uint16_t>(rng->Below(words * 2), static_cast<uint16_t>(Telling(rng, words)));
  }
}

void MoveBytes(Parts* file, Rng* rng) {
  Part* part = AnyPart(file, rng);
  const size_t size = part->bytes.size();
  if (size < 2) return;
  const size_t from = rng->Below(static_cast<uint32_t>(size));
  const size_t to = rng->Below(static_cast<uint32_t>(size));
  const size_t count = std::min(size - std::max(from, to), size_t{1} << rng->Below(14));
  std::memmove(part->bytes.data() + to, part->bytes.data() + from, count);
}

void Resize(Parts* file, Rng* rng) {
  Part* part = AnyPart(file, rng);
  const size_t unit = part->entry.row_bytes != 0 ? part->entry.row_bytes : size_t{4};
  const size_t units = part->bytes.size() / unit;
  constexpr size_t kMost = size_t{1} << 18;
  const size_t wanted = std::min<size_t>(Telling(rng, units) * unit, kMost / unit * unit);
  const std::string old = part->bytes;
  part->bytes.resize(wanted);
  for (size_t at = old.size(); !old.empty() && at < wanted; ++at) {
    part->bytes[at] = old[at % old.size()];
  }
}

void FromAnother(Parts* file, Rng* rng) {
  const Parts& other = Victims()[rng->Below(static_cast<uint32_t>(Victims().size()))];
  const Part& theirs = other.parts[rng->Below(static_cast<uint32_t>(other.parts.size()))];
  Part* own = file->Find(theirs.name());
  if (own == nullptr) {
    if (file->parts.size() < storage::kMaxSections) file->parts.push_back(theirs);
  } else if (Chance(rng, 2)) {
    const size_t count = std::min(own->bytes.size(), theirs.bytes.size());
    std::copy_n(theirs.bytes.begin(), count, own->bytes.begin());
  } else {
    *own = theirs;
  }
}

void ChangeTable(Parts* file, Rng* rng) {
  Part* part = AnyPart(file, rng);
  Part* other = AnyPart(file, rng);
  switch (rng->Below(6)) {
    case 0:
      if (file->parts.size() > 1)
        file->parts.erase(file->parts.begin() + (part - file->parts.data()));
      return;
    case 1: std::swap(part->bytes, other->bytes); return;
    case 2: std::swap(part->entry, other->entry); return;
    case 3: part->entry.version = static_cast<uint32_t>(Telling(rng, 2)); return;
    case 4: part->entry.flags = rng->Below(3); return;
    default:
      part->entry.row_bytes = static_cast<uint32_t>(Telling(rng, part->bytes.size()));
      return;
  }
}

void ChangeHeader(Parts* file, Rng* rng) {
  storage::FileHeader& header = file->header;
  switch (rng->Below(6)) {
    case 0: header.num_vectors = Telling(rng, header.num_vectors); return;
    case 1: header.dim = static_cast<uint32_t>(Telling(rng, header.dim)); return;
    case 2: header.metric = static_cast<uint16_t>(rng->Below(6)); return;
    case 3: header.dtype = static_cast<uint16_t>(rng->Below(7)); return;
    case 4: header.format_version = rng->Below(4); return;
    default: header.reserved[rng->Below(20)] = static_cast<uint8_t>(rng->Below(2)); return;
  }
}

// Of every section that has something for each vector, as many as n vectors need.
void ChangeCount(Parts* file, Rng* rng) {
  // What another change has made of it may be anything.
  const uint64_t old = std::clamp<uint64_t>(file->header.num_vectors, 1, 20000);
  const uint64_t n = 1 + rng->Below(Chance(rng, 3) ? 5000 : static_cast<uint32_t>(2 * old));
  for (Part& part : file->parts) {
    if (part.name() == "meta" || part.name() == "calibration" || part.name() == "query_efforts" ||
        part.bytes.empty()) {
      continue;
    }
    if (part.bytes.size() % old != 0) continue;
    const std::string unit = part.bytes;
    part.bytes.resize(unit.size() / old * n);
    for (size_t at = unit.size(); at < part.bytes.size(); ++at) {
      part.bytes[at] = unit[at % unit.size()];
    }
  }
  for (const char* name : {"key_table", "id_table"}) {
    Part* part = file->Find(name);
    if (part == nullptr) continue;
    size_t slots = 2;
    while (slots < n + n / 2 + 1) slots *= 2;
    part->bytes.resize(slots * 4 + 8);
    for (size_t i = 0; i < slots; ++i) {
      part->Set<uint32_t>(i, static_cast<uint32_t>(Chance(rng, 3) ? ~uint64_t{0} : i % n));
    }
  }
  file->header.num_vectors = n;
}

// ---- Sections that are known.

// Fills an array of u32 by one of many rules.
void Fill(Part* part, uint64_t n, Rng* rng) {
  if (part == nullptr || n == 0) return;
  const auto one = static_cast<uint32_t>(rng->Next() % n);
  const uint32_t rule = rng->Below(6);
  for (size_t i = 0; i < part->count<uint32_t>(); ++i) {
    const uint32_t values[] = {one,
                               static_cast<uint32_t>(i % n),
                               static_cast<uint32_t>((n - 1) - i % n),
                               static_cast<uint32_t>(rng->Next() % n),
                               ~uint32_t{0},
                               i % 2 == 0 ? 0 : static_cast<uint32_t>(n)};
    part->Set<uint32_t>(i, values[rule]);
  }
}

void LieInForest(Parts* file, Rng* rng) {
  Part* header = file->Find("forest");
  Part* nodes = file->Find("nodes");
  Part* leaves = file->Find("leaves");
  Part* roots = file->Find("roots");
  if (header == nullptr || nodes == nullptr || leaves == nullptr || roots == nullptr) return;
  const size_t stride = std::max<size_t>(nodes->entry.row_bytes, 32);
  const size_t count = nodes->bytes.size() / stride;
  const uint64_t units = std::max<size_t>(1, leaves->bytes.size() / 8);
  const auto leaf = [&] { return trees::kLeafBit | static_cast<uint32_t>(rng->Next() % units); };
  switch (rng->Below(7)) {
    case 0:
      header->Set<uint32_t>(rng->Below(16), static_cast<uint32_t>(Telling(rng, count)));
      return;
    case 1: {  // many trees that are one
      const uint32_t trees = 1 + rng->Below(20000);
      header->Set<uint32_t>(0, trees);
      header->Set<uint64_t>(3, file->header.num_vectors * trees);
      const uint32_t root = Chance(rng, 2) ? leaf() : roots->Get<uint32_t>(0);
      roots->bytes.resize(trees * sizeof(uint32_t));
      for (uint32_t i = 0; i < trees; ++i) roots->Set<uint32_t>(i, root);
      return;
    }
    case 2: {  // children everywhere
      const uint32_t same = leaf();
      const uint32_t rule = rng->Below(5);
      for (size_t i = 0; i < count; ++i) {
        for (size_t side = 0; side < 2; ++side) {
          const auto next = static_cast<uint32_t>(std::min(i + 1 + side, count - 1));
          const uint32_t rules[] = {same, leaf(), next, side == 0 ? same : next,
                                    static_cast<uint32_t>(rng->Next())};
          nodes->SetAt<uint32_t>(i * stride + 8 + side * 4, rules[rule]);
        }
      }
      return;
    }
    case 3:  // planes
      for (size_t i = 0; i < count; ++i) {
        nodes->SetAt<float>(i * stride, TellingFloat(rng));
        if (Chance(rng, 2)) nodes->SetAt<float>(i * stride + 4, TellingFloat(rng));
      }
      return;
    case 4:  // leaves that are one, as large as they may be, many times
      leaves->bytes.resize(std::max<size_t>(leaves->bytes.size(), size_t{1} << rng->Below(18)));
      leaves->bytes.resize(leaves->bytes.size() / 8 * 8);
      for (size_t at = 0; at + 8 <= leaves->bytes.size(); at += 8) {
        leaves->SetAt<uint32_t>(at, static_cast<uint32_t>(rng->Below(3)));
        leaves->SetAt<uint16_t>(at + 4, static_cast<uint16_t>(Telling(rng, 65535)));
        leaves->SetAt<uint16_t>(at + 6,
                                static_cast<uint16_t>(Chance(rng, 2) ? 0 : Telling(rng, 9)));
      }
      return;
    case 5: Fill(roots, count, rng); return;
    default: Fill(leaves, file->header.num_vectors, rng); return;
  }
}

void LieInGraph(Parts* file, Rng* rng) {
  Part* header = file->Find("graph");
  Part* entries = file->Find("graph_entries");
  if (header == nullptr || entries == nullptr) return;
  graph::Header h{};
  if (header->bytes.size() < sizeof(h)) return;
  std::memcpy(&h, header->bytes.data(), sizeof(h));
  const uint64_t n = std::clamp<uint32_t>(h.num_nodes, 1, 20000);
  Part* copies = file->Find("graph_copies");
  Part* nodes = file->Find("graph_nodes");
  switch (rng->Below(7)) {
    case 0: header->Set<uint32_t>(rng->Below(16), static_cast<uint32_t>(Telling(rng, n))); return;
    case 1: {  // all nodes are entries, or one of them many times
      entries->bytes.resize(std::min<uint64_t>(n, 100000) * sizeof(uint32_t));
      header->Set<uint32_t>(4, static_cast<uint32_t>(entries->count<uint32_t>()));
      Fill(entries, n, rng);
      return;
    }
    case 2: Fill(file->Find("graph_links"), n, rng); return;
    case 3:
      Fill(copies, file->header.num_vectors - std::min(n, file->header.num_vectors) + 1, rng);
      return;
    case 4:  // links of packed nodes, which come before their end
      if (nodes == nullptr) return;
      for (size_t i = 0; i < n; ++i) {
        const size_t stride = nodes->entry.row_bytes;
        for (size_t j = 0; j < h.degree && j < 64; ++j) {
          nodes->SetAt<uint32_t>(i * stride + stride - 4 * (j + 1) - rng->Below(16) / 4 * 4,
                                 static_cast<uint32_t>(Telling(rng, n)));
        }
      }
      return;
    case 5:
      if (nodes != nullptr) {
        for (size_t i = 0; i < nodes->count<uint16_t>(); i += 1 + rng->Below(30)) {
          const uint16_t halves[] = {0x7F80, 0xFF80, 0x7FC0, 0x7F7F, 0, 0x8000};
          nodes->Set<uint16_t>(i, OneOf(halves, rng));
        }
      }
      return;
    default:
      for (const char* name : {"graph_mean", "graph_rotation", "inverse_norms"}) {
        Part* part = file->Find(name);
        if (part == nullptr) continue;
        for (size_t i = 0; i < part->count<float>(); ++i) part->Set<float>(i, TellingFloat(rng));
      }
      return;
  }
}

void LieInLookup(Parts* file, Rng* rng) {
  const uint64_t n = std::clamp<uint64_t>(file->header.num_vectors, 1, 20000);
  switch (rng->Below(5)) {
    case 0: Fill(file->Find(Chance(rng, 2) ? "key_table" : "id_table"), n, rng); return;
    case 1:
      if (Part* ends = file->Find("key_ends")) {
        for (size_t i = 0; i < n; i += 1 + rng->Below(3)) {
          const uint64_t size =
              file->Find("keys") != nullptr ? file->Find("keys")->bytes.size() : 0;
          ends->Set<uint64_t>(i, Telling(rng, size));
        }
      }
      return;
    case 2:
      if (Part* ids = file->Find("ids")) {
        for (size_t i = 0; i < n; ++i) ids->Set<uint64_t>(i, Telling(rng, n));
      }
      return;
    case 3: Fill(file->Find("rows"), n, rng); return;
    default: Fill(file->Find("slots"), n, rng); return;
  }
}

void LieInCalibration(Parts* file, Rng* rng) {
  Part* part = file->Find("calibration");
  if (part == nullptr || part->bytes.size() < 40) return;
  switch (rng->Below(3)) {
    case 0: part->Set<uint32_t>(rng->Below(12), static_cast<uint32_t>(Telling(rng, 1024))); return;
    default: {
      const uint32_t curves = std::min<uint32_t>(part->Get<uint32_t>(2), 64);
      const float scale = TellingFloat(rng);
      const size_t begin = 32 + curves * 16;
      for (size_t at = begin; at + 24 <= part->bytes.size(); at += 24) {
        float effort;
        std::memcpy(&effort, part->bytes.data() + at, sizeof(effort));
        part->SetAt<float>(at, effort * scale);
      }
      return;
    }
  }
}

// Counts and efforts of what belongs to the calibration as it is.
void LieInNeeds(Parts* file, Rng* rng) {
  Part* part = file->Find("query_efforts");
  if (part == nullptr || part->bytes.size() < 48) return;
  const auto words = static_cast<uint32_t>(part->bytes.size() / 4);
  if (Chance(rng, 3)) {
    part->Set<uint32_t>(4 + rng->Below(8), static_cast<uint32_t>(Telling(rng, 64)));
  } else {
    const float scale = TellingFloat(rng);
    for (uint32_t at = rng->Below(words); at < words; at += 1 + rng->Below(8)) {
      part->Set<float>(at, part->Get<float>(at) * scale);
    }
  }
}

void LieInMeta(Parts* file, Rng* rng) {
  Part* part = file->Find("meta");
  if (part == nullptr) return;
  switch (rng->Below(4)) {
    case 0: {
      const size_t depth = Chance(rng, 2) ? 1000 : 100000;
      part->bytes =
          std::string(rng->Below(static_cast<uint32_t>(depth)), Chance(rng, 2) ? '[' : '{');
      if (Chance(rng, 2)) part->bytes = "{\"a\":" + part->bytes;
      return;
    }
    case 1:
      part->bytes = "{\"seed\": 1e999, \"x\": " + std::string(rng->Below(500), '[') + "1}";
      return;
    case 2: part->bytes = std::string(rng->Below(200000), '"'); return;
    default: part->bytes = "{\"k\": \"\\u0000\\ud800\xFF\x1B[2J\"}"; return;
  }
}

// ---- What checksums cover, changed after they were made right.

void ChangeFirstPage(std::string* file, Rng* rng) {
  const size_t sections = 1 + rng->Below(12);
  for (uint32_t i = 0; i < 1 + rng->Below(3); ++i) {
    const size_t at = sections * 64 + 4 * rng->Below(16);
    const auto value = static_cast<uint32_t>(Chance(rng, 2) ? Telling(rng, file->size())
                                                            : rng->Below(64) * storage::kPageBytes);
    std::memcpy(file->data() + at, &value, sizeof(value));
  }
  testing::SealContainer(file);
}

std::string Make(uint64_t seed) {
  Rng rng(seed, 1);
  Parts file = AnyVictim(&rng);
  using Mutator = void (*)(Parts*, Rng*);
  constexpr Mutator kMutators[] = {
      FlipBytes,        SetWords,     SetWords,    MoveBytes,   Resize,      FromAnother,
      ChangeTable,      ChangeHeader, ChangeCount, LieInForest, LieInForest, LieInForest,
      LieInGraph,       LieInGraph,   LieInGraph,  LieInLookup, LieInLookup, LieInMeta,
      LieInCalibration, LieInNeeds,   FlipBytes};
  const uint32_t changes = 1 + rng.Below(Chance(&rng, 2) ? 1 : 5);
  for (uint32_t i = 0; i < changes; ++i) OneOf(kMutators, &rng)(&file, &rng);
  std::string bytes = PutTogether(file);
  if (Chance(&rng, 12)) ChangeFirstPage(&bytes, &rng);
  if (Chance(&rng, 100)) bytes.resize(storage::kPageBytes + rng.Below(5000));
  return bytes;
}

}  // namespace

Kind LyingKith() { return {"lying", "resealed .kith files that lie", Make, UseKith}; }

}  // namespace kith::mutants
