// Keys and external ids of rows: sections that answer key -> row and row -> key on the mapped file,
// touching a few pages, loading nothing.
#ifndef KITH_STORAGE_LOOKUP_H_
#define KITH_STORAGE_LOOKUP_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/verification.h"
#include "kith/status.h"
#include "kith/types.h"
#include "storage/container.h"

namespace kith::storage {

// A hash table in a file: u32 row numbers in a power of two of slots. A view.
struct StoredTable {
  std::span<const uint32_t> slots;
  uint64_t seed = 0;    // of its hashes
  bool seeded = false;  // false: written by format version 1, which knew no seeds
};

// Sections "keys" (all strings, one after the other), "key_ends" (u64 each) and "key_table" (an
// open-addressing hash table of u32 row numbers, a power of two of slots, and a seed; a key shared
// by several rows is in it once, for its first row). Keys are any bytes, the empty string included.
// Cost: O(bytes of keys), 5 bytes of memory a slot, of which a row has 1.5 to 3. Keys that were
// made to collide take up to a thousand times as long, never longer. Errors: InvalidArgument (not
// one for each vector; keys that collide with every seed), OutOfMemory, those of the writer.
Status WriteKeys(ContainerWriter* writer, const StringList& keys);

// Thread-safe. The container must outlive it.
class KeyLookup {
 public:
  KeyLookup() = default;  // no keys: every search is NotFound
  // O(1): contents are checked on use. No keys at all is no error.
  // Errors: Corruption (sizes that contradict each other, a section missing), Unsupported.
  static Result<KeyLookup> Open(const ContainerReader& file);

  bool empty() const { return ends_.empty(); }
  // The first row that has the key. O(1), touching a few pages: whatever the table says, it looks
  // at 1,024 slots at most. Errors: NotFound, Corruption.
  Result<uint64_t> Find(std::string_view key) const;
  // Empty for a damaged entry. REQUIRES: row < num_vectors.
  std::string_view Key(uint64_t row) const;
  // Checks every entry by building the table anew, for `kith verify`, on one thread, since rows are
  // put in one after the other. Cost: as WriteKeys.
  // Errors: Corruption, OutOfMemory, InvalidArgument (cancelled).
  Status Verify(const Verification& check) const;

 private:
  // nullopt for a damaged entry. REQUIRES: row < num_vectors, and the file has keys.
  std::optional<std::string_view> TryKey(uint64_t row) const;
  Status BadEnd(uint64_t row) const;

  const ContainerReader* file_ = nullptr;
  std::span<const char> blob_;
  std::span<const uint64_t> ends_;
  StoredTable table_;
};

// Sections "ids" (i64 for each row) and "id_table" (as "key_table"). Cost: as WriteKeys.
// Errors: InvalidArgument (a negative id, or one given twice: names both rows; not one for each
// vector), OutOfMemory, those of the writer.
Status WriteIds(ContainerWriter* writer, const std::vector<int64_t>& ids);

// As KeyLookup.
class IdLookup {
 public:
  IdLookup() = default;  // no ids: a row's id is its number, and every search is NotFound
  static Result<IdLookup> Open(const ContainerReader& file);

  bool empty() const { return ids_.empty(); }
  Result<uint64_t> Find(int64_t id) const;
  int64_t Id(uint64_t row) const { return ids_.empty() ? static_cast<int64_t>(row) : ids_[row]; }
  Status Verify(const Verification& check) const;

 private:
  const ContainerReader* file_ = nullptr;
  std::span<const int64_t> ids_;
  StoredTable table_;
};

}  // namespace kith::storage

#endif  // KITH_STORAGE_LOOKUP_H_
