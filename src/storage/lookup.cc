#include "storage/lookup.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <string>

#include "base/aligned_buffer.h"
#include "base/rng.h"
#include "base/strings.h"

namespace kith::storage {
namespace {

constexpr uint32_t kEmptySlot = std::numeric_limits<uint32_t>::max();
static_assert(kMaxRows < kEmptySlot);

constexpr uint64_t kRowsAtOnce = 4096;  // between two questions whether to go on

// The slots of a table of n rows: at most two of three are in use, so a search always ends at an
// empty one, mostly within the cache line where it began.
uint64_t NumSlots(uint64_t n) { return std::bit_ceil(std::max<uint64_t>(2, n + n / 2 + 1)); }

// Whoever knows how keys are hashed can make as many as he likes fall on the same slots, so that
// each search and each step of a build walks past all of them. So no table has a long run of used
// slots: where the keys would make one, they are hashed with a seed, which the file keeps. It is
// drawn from all keys, so that the bytes of a file still depend on nothing else, and so that keys
// which collide under it are hard to find: each of them changes it.
// Of keys that nobody has chosen so, no run is as long in any file that there can be: 2^32 rows
// have one of 310 slots.
constexpr uint64_t kLongRun = 1024;
constexpr uint64_t kNumSeeds = 16;  // that are tried: 0, and 15 drawn from the keys

constexpr uint32_t kUnseeded = 1;  // the layout of tables without a seed, which is 0
constexpr uint32_t kSeeded = 2;    // the seed follows the slots

uint64_t Hash(std::string_view key, uint64_t seed) {
  uint64_t hash = Mix64(key.size() ^ seed);
  for (; !key.empty(); key.remove_prefix(std::min<size_t>(8, key.size()))) {
    uint64_t word = 0;
    std::memcpy(&word, key.data(), std::min<size_t>(8, key.size()));
    hash = Mix64(hash ^ word);
  }
  return hash;
}

uint64_t Hash(int64_t id, uint64_t seed) { return Mix64(static_cast<uint64_t>(id) ^ seed); }

template <class T>
std::span<const std::byte> BytesOf(const T& array) {
  return std::as_bytes(std::span(array.data(), array.size()));
}

// Text for a message of one line, long keys cut.
std::string Quoted(std::string_view key) {
  constexpr size_t kMostShown = 64;
  return StrCat('"', Escaped(key.substr(0, kMostShown)), key.size() > kMostShown ? "\"..." : "\"");
}

// A hash table that is being made, or compared with one that is stored.
struct Built {
  AlignedBuffer<uint32_t> slots;
  uint64_t seed = 0;
  bool done = false;  // else there are long runs with every seed
};

bool HasLongRun(const AlignedBuffer<uint8_t>& tags) {
  const uint64_t slots = tags.size();
  uint64_t run = 0;
  // Runs may go on at the beginning.
  for (uint64_t i = 0; i < slots + std::min(slots, kLongRun); ++i) {
    run = tags[i & (slots - 1)] != 0 ? run + 1 : 0;
    if (run == kLongRun) return true;
  }
  return false;
}

// Fills a table with n rows, by ascending number, each put into the first free slot from its hash
// on, unless a row equal to it is met there first; then on_equal(first, row) decides whether to go
// on. check_stop() is asked now and then. False if there is a long run.
// tags: a byte of the hash of each slot's row, 0 for none: spares most comparisons of rows that
// differ, each of which would wait for memory.
template <class HashOf, class Equal, class OnEqual, class CheckStop>
Result<bool> FillTable(uint64_t n, HashOf hash_of, Equal equal, OnEqual on_equal,
                       CheckStop check_stop, AlignedBuffer<uint32_t>* table,
                       AlignedBuffer<uint8_t>* tags) {
  const uint64_t mask = table->size() - 1;
  std::fill_n(table->data(), table->size(), kEmptySlot);
  std::fill_n(tags->data(), tags->size(), uint8_t{0});
  for (uint64_t row = 0; row < n; ++row) {
    if (row % kRowsAtOnce == 0) KITH_RETURN_IF_ERROR(check_stop());
    const uint64_t hash = hash_of(row);
    const auto tag = static_cast<uint8_t>((hash >> 56) | 1);
    uint64_t slot = hash & mask;
    for (uint64_t met = 0; (*tags)[slot] != 0; slot = (slot + 1) & mask) {
      if ((*tags)[slot] == tag && equal((*table)[slot], row)) break;
      if (++met == kLongRun) return false;
    }
    if ((*tags)[slot] != 0) {
      KITH_RETURN_IF_ERROR(on_equal((*table)[slot], row));
      continue;
    }
    (*tags)[slot] = tag;
    (*table)[slot] = static_cast<uint32_t>(row);
  }
  return !HasLongRun(*tags);
}

// The hash table of n rows, the same for the same rows: with the first of the seeds with which it
// has no long run; of unseeded tables, there is only the first. hash_of(row, seed); the rest as
// FillTable().
template <class HashOf, class Equal, class OnEqual, class CheckStop>
Result<Built> BuildTable(uint64_t n, bool seeded, HashOf hash_of, Equal equal, OnEqual on_equal,
                         CheckStop check_stop) {
  Built built;
  KITH_ASSIGN_OR_RETURN(built.slots, AlignedBuffer<uint32_t>::Create(NumSlots(n)));
  KITH_ASSIGN_OR_RETURN(auto tags, AlignedBuffer<uint8_t>::Create(NumSlots(n)));
  uint64_t digest = 0;  // of all rows: no row alone makes it what it is
  for (uint64_t attempt = 0; attempt < (seeded ? kNumSeeds : 1); ++attempt) {
    for (uint64_t row = 0; row < n && attempt == 1; ++row) {
      if (row % kRowsAtOnce == 0) KITH_RETURN_IF_ERROR(check_stop());
      const uint64_t hash = hash_of(row, 0);
      digest ^= Mix64(Mix64(digest ^ hash) ^ std::rotl(hash, 32));
    }
    built.seed = attempt == 0 ? 0 : Mix64(digest + attempt);
    const auto hash = [&](uint64_t row) { return hash_of(row, built.seed); };
    KITH_ASSIGN_OR_RETURN(built.done,
                          FillTable(n, hash, equal, on_equal, check_stop, &built.slots, &tags));
    if (built.done) break;
  }
  return built;
}

Status WriteTable(ContainerWriter* writer, std::string_view section, const char* what,
                  const Built& built) {
  if (!built.done) {
    return Status::InvalidArgument(StrCat(
        writer->path(), ": the ", what, " were made so that a hash table of them has more ",
        "than ", kLongRun, " used slots in a row; leave out those, or build without ", what));
  }
  KITH_RETURN_IF_ERROR(writer->BeginSection(std::string(section), {.version = kSeeded}));
  KITH_RETURN_IF_ERROR(writer->Append(BytesOf(built.slots)));
  KITH_RETURN_IF_ERROR(writer->Append(std::as_bytes(std::span(&built.seed, 1))));
  return writer->EndSection();
}

// REQUIRES: the section is there. Errors: Corruption, Unsupported.
Result<StoredTable> OpenTable(const ContainerReader& file, std::string_view section, uint64_t n) {
  const uint64_t slots = NumSlots(n);
  StoredTable table;
  table.seeded = file.Find(section)->version != kUnseeded;
  const uint64_t bytes = slots * sizeof(uint32_t) + (table.seeded ? sizeof(table.seed) : 0);
  KITH_RETURN_IF_ERROR(file.CheckSize(section, bytes, 1, table.seeded ? kSeeded : kUnseeded));
  const std::byte* begin = file.Bytes(section).data();
  table.slots = {reinterpret_cast<const uint32_t*>(begin), slots};
  if (table.seeded) {
    std::memcpy(&table.seed, begin + slots * sizeof(uint32_t), sizeof(table.seed));
  }
  return table;
}

// The first row for which matches(row) is true among those in the slots from `hash` on, or kMaxRows
// if there is none. Ends on any table: after as many steps as the longest run can have.
// Errors: those of matches; Corruption.
template <class Matches>
Result<uint64_t> FindInTable(const ContainerReader& file, std::string_view section,
                             std::span<const uint32_t> table, uint64_t num_rows, uint64_t hash,
                             Matches matches) {
  const uint64_t mask = table.size() - 1;
  const uint64_t most = std::min<uint64_t>(table.size(), kLongRun);
  for (uint64_t i = 0; i < most; ++i) {
    const uint64_t slot = (hash + i) & mask;
    const uint32_t row = table[slot];
    if (row == kEmptySlot) return kMaxRows;
    if (row >= num_rows) {
      return file.Corrupt(section, StrCat("slot ", slot, " holds row ", row, " of ", num_rows));
    }
    KITH_ASSIGN_OR_RETURN(const bool found, matches(row));
    if (found) return uint64_t{row};
  }
  return file.Corrupt(section,
                      StrCat("has no empty slot among ", most, " from slot ", hash & mask));
}

// Corruption unless the stored table is the one that the rows give.
Status CompareTables(const ContainerReader& file, std::string_view section,
                     const StoredTable& stored, const Built& expected) {
  if (!expected.done) {
    return file.Corrupt(section, StrCat("has ", kLongRun, " used slots in a row"));
  }
  if (stored.seed != expected.seed) {
    return file.Corrupt(section, StrCat("seed ", stored.seed, ", expected ", expected.seed));
  }
  for (size_t slot = 0; slot < stored.slots.size(); ++slot) {
    if (stored.slots[slot] == expected.slots[slot]) continue;
    const auto text = [](uint32_t row) {
      return row == kEmptySlot ? std::string("nothing") : StrCat("row ", row);
    };
    return file.Corrupt(section, StrCat("slot ", slot, " holds ", text(stored.slots[slot]),
                                        ", expected ", text(expected.slots[slot])));
  }
  return Status::Ok();
}

Status CheckCount(const ContainerWriter& writer, uint64_t count, const char* what) {
  if (count == writer.num_vectors()) return Status::Ok();
  return Status::InvalidArgument(StrCat(writer.path(), ": ", count, " ", what, " for ",
                                        writer.num_vectors(), " vectors, expected one for each"));
}

// Corruption if the file has some sections of the group but not all.
Result<bool> HasAll(const ContainerReader& file, std::initializer_list<std::string_view> names) {
  const auto missing = std::find_if(names.begin(), names.end(), [&](std::string_view name) {
    return file.Find(name) == nullptr;
  });
  if (missing == names.end()) return true;
  for (const std::string_view name : names) {
    if (file.Find(name) != nullptr) {
      return file.Corrupt(*missing, StrCat("is missing, but \"", name, "\" is there"));
    }
  }
  return false;
}

}  // namespace

Status WriteKeys(ContainerWriter* writer, const StringList& keys) {
  KITH_RETURN_IF_ERROR(CheckCount(*writer, keys.size(), "keys"));
  KITH_RETURN_IF_ERROR(writer->BeginSection("keys"));
  for (size_t row = 0; row < keys.size(); ++row) {
    KITH_RETURN_IF_ERROR(writer->Append(BytesOf(keys[row])));
  }
  KITH_RETURN_IF_ERROR(writer->EndSection());

  KITH_RETURN_IF_ERROR(writer->BeginSection("key_ends"));
  std::array<uint64_t, 1024> ends{};
  size_t pending = 0;
  uint64_t end = 0;
  for (size_t row = 0; row < keys.size(); ++row) {
    ends[pending++] = end += keys[row].size();
    if (pending < ends.size() && row + 1 < keys.size()) continue;
    KITH_RETURN_IF_ERROR(writer->Append(std::as_bytes(std::span(ends).first(pending))));
    pending = 0;
  }
  KITH_RETURN_IF_ERROR(writer->EndSection());

  KITH_ASSIGN_OR_RETURN(
      const auto table,
      BuildTable(
          keys.size(), true, [&](uint64_t row, uint64_t seed) { return Hash(keys[row], seed); },
          [&](uint64_t a, uint64_t b) { return keys[a] == keys[b]; },
          [](uint64_t, uint64_t) { return Status::Ok(); }, [&] { return writer->CheckStop(); }));
  return WriteTable(writer, "key_table", "keys", table);
}

Result<KeyLookup> KeyLookup::Open(const ContainerReader& file) {
  KITH_ASSIGN_OR_RETURN(const bool present, HasAll(file, {"keys", "key_ends", "key_table"}));
  if (!present) return KeyLookup();
  const uint64_t n = file.header().num_vectors;
  KeyLookup lookup;
  lookup.file_ = &file;
  KITH_ASSIGN_OR_RETURN(lookup.blob_, file.Array<char>("keys", file.Find("keys")->size));
  KITH_ASSIGN_OR_RETURN(lookup.ends_, file.Array<uint64_t>("key_ends", n));
  KITH_ASSIGN_OR_RETURN(lookup.table_, OpenTable(file, "key_table", n));
  return lookup;
}

std::optional<std::string_view> KeyLookup::TryKey(uint64_t row) const {
  const uint64_t begin = row == 0 ? 0 : ends_[row - 1];
  const uint64_t end = ends_[row];
  if (begin > end || end > blob_.size()) return std::nullopt;
  return std::string_view(blob_.data(), blob_.size()).substr(begin, end - begin);
}

Status KeyLookup::BadEnd(uint64_t row) const {
  return file_->Corrupt("key_ends", StrCat("row ", row, " ends at ", ends_[row], ", expected ",
                                           row == 0 ? 0 : ends_[row - 1], " to ", blob_.size()));
}

Result<uint64_t> KeyLookup::Find(std::string_view key) const {
  if (empty()) return Status::NotFound(StrCat("key ", Quoted(key), ": the file has no keys"));
  KITH_ASSIGN_OR_RETURN(const uint64_t row, FindInTable(*file_, "key_table", table_.slots,
                                                        ends_.size(), Hash(key, table_.seed),
                                                        [&](uint64_t candidate) -> Result<bool> {
                                                          const auto other = TryKey(candidate);
                                                          if (!other) return BadEnd(candidate);
                                                          return *other == key;
                                                        }));
  if (row == kMaxRows) {
    return Status::NotFound(StrCat("key ", Quoted(key), " is not in ", file_->path()));
  }
  return row;
}

std::string_view KeyLookup::Key(uint64_t row) const {
  return empty() ? std::string_view() : TryKey(row).value_or(std::string_view());
}

Status KeyLookup::Verify(const Verification& check) const {
  if (file_ == nullptr) return Status::Ok();
  KITH_RETURN_IF_ERROR(check.pool->Report(check.progress, "keys", 0, 1));
  for (uint64_t row = 0; row < ends_.size(); ++row) {
    if (!TryKey(row)) return BadEnd(row);
  }
  const uint64_t end = ends_.empty() ? 0 : ends_.back();
  if (end != blob_.size()) {
    return file_->Corrupt("keys", StrCat(blob_.size(), " bytes, but the last key ends at ", end));
  }
  KITH_ASSIGN_OR_RETURN(const auto expected,
                        BuildTable(
                            ends_.size(), table_.seeded,
                            [&](uint64_t row, uint64_t seed) { return Hash(Key(row), seed); },
                            [&](uint64_t a, uint64_t b) { return Key(a) == Key(b); },
                            [](uint64_t, uint64_t) { return Status::Ok(); },
                            [&] { return check.pool->CheckStop(); }));
  return CompareTables(*file_, "key_table", table_, expected);
}

Status WriteIds(ContainerWriter* writer, const std::vector<int64_t>& ids) {
  KITH_RETURN_IF_ERROR(CheckCount(*writer, ids.size(), "ids"));
  const auto negative = std::find_if(ids.begin(), ids.end(), [](int64_t id) { return id < 0; });
  if (negative != ids.end()) {
    return Status::InvalidArgument(
        StrCat("row ", negative - ids.begin(), " has the id ", *negative, ", expected 0 or more"));
  }
  KITH_ASSIGN_OR_RETURN(
      const auto table,
      BuildTable(
          ids.size(), true, [&](uint64_t row, uint64_t seed) { return Hash(ids[row], seed); },
          [&](uint64_t a, uint64_t b) { return ids[a] == ids[b]; },
          [&](uint64_t first, uint64_t row) {
            return Status::InvalidArgument(StrCat("rows ", first, " and ", row,
                                                  " have the same id ", ids[row],
                                                  "; ids must be unique"));
          },
          [&] { return writer->CheckStop(); }));
  KITH_RETURN_IF_ERROR(writer->AddSection("ids", BytesOf(ids)));
  return WriteTable(writer, "id_table", "ids", table);
}

Result<IdLookup> IdLookup::Open(const ContainerReader& file) {
  KITH_ASSIGN_OR_RETURN(const bool present, HasAll(file, {"ids", "id_table"}));
  if (!present) return IdLookup();
  const uint64_t n = file.header().num_vectors;
  IdLookup lookup;
  lookup.file_ = &file;
  KITH_ASSIGN_OR_RETURN(lookup.ids_, file.Array<int64_t>("ids", n));
  KITH_ASSIGN_OR_RETURN(lookup.table_, OpenTable(file, "id_table", n));
  return lookup;
}

Result<uint64_t> IdLookup::Find(int64_t id) const {
  if (empty()) return Status::NotFound(StrCat("id ", id, ": the file has no ids"));
  KITH_ASSIGN_OR_RETURN(
      const uint64_t row,
      FindInTable(*file_, "id_table", table_.slots, ids_.size(), Hash(id, table_.seed),
                  [&](uint64_t candidate) -> Result<bool> { return ids_[candidate] == id; }));
  if (row == kMaxRows) return Status::NotFound(StrCat("id ", id, " is not in ", file_->path()));
  return row;
}

Status IdLookup::Verify(const Verification& check) const {
  if (file_ == nullptr) return Status::Ok();
  KITH_RETURN_IF_ERROR(check.pool->Report(check.progress, "ids", 0, 1));
  for (uint64_t row = 0; row < ids_.size(); ++row) {
    if (ids_[row] < 0) {
      return file_->Corrupt("ids", StrCat("row ", row, " has the id ", ids_[row]));
    }
  }
  KITH_ASSIGN_OR_RETURN(const auto expected,
                        BuildTable(
                            ids_.size(), table_.seeded,
                            [&](uint64_t row, uint64_t seed) { return Hash(ids_[row], seed); },
                            [&](uint64_t a, uint64_t b) { return ids_[a] == ids_[b]; },
                            [&](uint64_t first, uint64_t row) {
                              return file_->Corrupt("ids", StrCat("rows ", first, " and ", row,
                                                                  " have the same id ", ids_[row]));
                            },
                            [&] { return check.pool->CheckStop(); }));
  return CompareTables(*file_, "id_table", table_, expected);
}

}  // namespace kith::storage
