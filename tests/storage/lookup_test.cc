#include "storage/lookup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/strings.h"
#include "container_image.h"
#include "storage/container.h"
#include "temp_dir.h"
#include "test_pool.h"

namespace kith {
namespace {

using testing::ContainerImage;
using testing::ExpectError;
using testing::ReadFile;
using testing::TempDir;
using testing::WriteFile;

constexpr std::string_view kKnown[] = {"keys", "key_ends", "key_table", "ids", "id_table"};
constexpr uint32_t kEmptySlot = 0xFFFFFFFFu;
constexpr auto kCorruption = StatusCode::kCorruption;

using Ids = std::vector<int64_t>;

StringList ListOf(const std::vector<std::string>& strings) {
  StringList list;
  for (const std::string& s : strings) list.Add(s);
  return list;
}

class LookupTest : public ::testing::Test {
 protected:
  std::string Path() const { return dir_.File("a.kith"); }

  // A file of n vectors with what `write` puts into it.
  template <class Write>
  Status WriteFileWith(uint64_t n, Write write) const {
    KITH_ASSIGN_OR_RETURN(const auto writer, storage::ContainerWriter::Create(
                                                 Path(), n, 1, Metric::kDot, DataType::kF32));
    KITH_RETURN_IF_ERROR(write(writer.get()));
    return writer->Finish();
  }
  Status WriteKeyFile(const std::vector<std::string>& keys) const {
    return WriteFileWith(keys.size(), [&](storage::ContainerWriter* w) {
      return storage::WriteKeys(w, ListOf(keys));
    });
  }
  Status WriteIdFile(const Ids& ids) const {
    return WriteFileWith(ids.size(),
                         [&](storage::ContainerWriter* w) { return storage::WriteIds(w, ids); });
  }

  void Open() {
    auto file = storage::ContainerReader::Open(Path(), kKnown);
    ASSERT_TRUE(file.ok()) << file.status().message();
    files_.push_back(*file);
  }
  storage::KeyLookup Keys() {
    Open();
    auto keys = storage::KeyLookup::Open(file());
    EXPECT_TRUE(keys.ok()) << keys.status().message();
    return *keys;
  }
  storage::IdLookup OpenIds() {
    Open();
    auto ids = storage::IdLookup::Open(file());
    EXPECT_TRUE(ids.ok()) << ids.status().message();
    return *ids;
  }

  // Puts `values` at the element `index` of a section, and makes the checksums right.
  template <class T>
  void Damage(std::string_view section, size_t index, std::initializer_list<T> values) const {
    ContainerImage image(ReadFile(Path()));
    const size_t place = image.OffsetOf(section) + index * sizeof(T);
    std::memcpy(image.bytes().data() + place, values.begin(), values.size() * sizeof(T));
    image.Seal();
    WriteFile(Path(), image.bytes());
  }

  const storage::ContainerReader& file() const { return *files_.back(); }
  // Of a table in the file opened last.
  std::vector<uint32_t> Slots(std::string_view section) const {
    const auto bytes = file().Bytes(section);
    std::vector<uint32_t> slots((bytes.size() - sizeof(uint64_t)) / sizeof(uint32_t));
    std::memcpy(slots.data(), bytes.data(), slots.size() * sizeof(uint32_t));
    return slots;
  }
  uint64_t Seed(std::string_view section) const {
    uint64_t seed = 0;
    std::memcpy(&seed, file().Bytes(section).last(sizeof(seed)).data(), sizeof(seed));
    return seed;
  }

 private:
  TempDir dir_;
  std::vector<std::shared_ptr<const storage::ContainerReader>> files_;  // lookups point into them
};

void ExpectRow(const Result<uint64_t>& found, uint64_t row) {
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(*found, row);
}

TEST_F(LookupTest, FileWithoutKeysAndIds) {
  ASSERT_TRUE(WriteFileWith(5, [](storage::ContainerWriter*) { return Status::Ok(); }).ok());
  const storage::KeyLookup keys = Keys();
  EXPECT_TRUE(keys.empty());
  EXPECT_EQ(keys.Key(3), "");
  EXPECT_TRUE(keys.Verify({&TestPool()}).ok());
  ExpectError(keys.Find("a").status(), StatusCode::kNotFound, "the file has no keys");
  const storage::IdLookup ids = OpenIds();
  EXPECT_TRUE(ids.empty());
  EXPECT_EQ(ids.Id(3), 3);
  EXPECT_TRUE(ids.Verify({&TestPool()}).ok());
  ExpectError(ids.Find(3).status(), StatusCode::kNotFound, "the file has no ids");
}

TEST_F(LookupTest, NoRows) {
  ASSERT_TRUE(WriteFileWith(0, [](storage::ContainerWriter* w) {
                KITH_RETURN_IF_ERROR(storage::WriteKeys(w, {}));
                return storage::WriteIds(w, {});
              }).ok());
  const storage::KeyLookup keys = Keys();
  EXPECT_EQ(keys.Find("").status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(keys.Verify({&TestPool()}).ok());
  const storage::IdLookup ids = OpenIds();
  EXPECT_EQ(ids.Find(0).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(ids.Verify({&TestPool()}).ok());
}

TEST_F(LookupTest, OneKey) {
  ASSERT_TRUE(WriteKeyFile({"word"}).ok());
  const storage::KeyLookup keys = Keys();
  EXPECT_FALSE(keys.empty());
  ExpectRow(keys.Find("word"), 0);
  EXPECT_EQ(keys.Key(0), "word");
  for (const char* absent : {"", "wor", "words", "Word", "word "}) {
    EXPECT_EQ(keys.Find(absent).status().code(), StatusCode::kNotFound) << absent;
  }
  EXPECT_TRUE(keys.Verify({&TestPool()}).ok());
}

TEST_F(LookupTest, KeysOfAllKinds) {
  const std::vector<std::string> kinds = {"",
                                          "a",
                                          std::string(1, '\0'),
                                          std::string(2, '\0'),
                                          std::string(8, '\0'),
                                          std::string("a\0b", 3),
                                          "12345678",
                                          "123456789",
                                          "naïve",
                                          "чай",
                                          "two words\nand lines",
                                          "\xFF\xFE\x80",
                                          std::string(1'000'000, 'l'),
                                          std::string(1'000'001, 'l')};
  ASSERT_TRUE(WriteKeyFile(kinds).ok());
  const storage::KeyLookup keys = Keys();
  for (size_t row = 0; row < kinds.size(); ++row) {
    EXPECT_EQ(keys.Key(row), kinds[row]) << row;
    ExpectRow(keys.Find(kinds[row]), row);
  }
  EXPECT_EQ(keys.Find(std::string(3, '\0')).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(keys.Verify({&TestPool()}).ok());
}

TEST_F(LookupTest, MessagesShowKeysOnOneLine) {
  ASSERT_TRUE(WriteKeyFile({"a"}).ok());
  const storage::KeyLookup keys = Keys();
  const auto not_found = StatusCode::kNotFound;
  ExpectError(keys.Find("чай").status(), not_found, "key \"чай\" is not in " + Path());
  ExpectError(keys.Find("a\nb\"").status(), not_found, "\"a\\nb\"\"");
  ExpectError(keys.Find(std::string(1000, 'x')).status(), not_found,
              StrCat("\"", std::string(64, 'x'), "\"..."));
}

TEST_F(LookupTest, SharedKeyIsItsFirstRow) {
  ASSERT_TRUE(WriteKeyFile({"a", "b", "a", "b", "a", "c"}).ok());
  const storage::KeyLookup keys = Keys();
  ExpectRow(keys.Find("a"), 0);
  ExpectRow(keys.Find("b"), 1);
  ExpectRow(keys.Find("c"), 5);
  EXPECT_EQ(keys.Key(4), "a");
  EXPECT_TRUE(keys.Verify({&TestPool()}).ok());

  ASSERT_TRUE(WriteKeyFile(std::vector<std::string>(1000, "same")).ok());
  ExpectRow(Keys().Find("same"), 0);
}

TEST_F(LookupTest, ManyKeysAndIds) {
  constexpr size_t kRows = 100'000;
  Rng rng(1);
  std::vector<std::string> words(kRows);
  std::unordered_map<std::string, uint64_t> first;
  std::unordered_map<int64_t, uint64_t> row_of;
  Ids numbers;
  for (size_t row = 0; row < kRows; ++row) {
    words[row] = StrCat("w", rng.Below(2 * kRows));  // about a fifth are shared
    first.emplace(words[row], row);
    int64_t id = 0;
    do {
      id = static_cast<int64_t>(rng.Next() >> (row % 2 == 0 ? 1 : 44));
    } while (!row_of.emplace(id, row).second);
    numbers.push_back(id);
  }
  ASSERT_TRUE(WriteFileWith(kRows, [&](storage::ContainerWriter* w) {
                KITH_RETURN_IF_ERROR(storage::WriteKeys(w, ListOf(words)));
                return storage::WriteIds(w, numbers);
              }).ok());
  const storage::KeyLookup keys = Keys();
  for (size_t row = 0; row < kRows; ++row) {
    ASSERT_EQ(keys.Key(row), words[row]);
    ExpectRow(keys.Find(words[row]), first[words[row]]);
  }
  EXPECT_TRUE(keys.Verify({&TestPool()}).ok());
  const storage::IdLookup ids = OpenIds();
  for (size_t row = 0; row < kRows; ++row) {
    ASSERT_EQ(ids.Id(row), numbers[row]);
    ExpectRow(ids.Find(numbers[row]), row);
  }
  for (size_t i = 0; i < kRows; ++i) {
    const std::string word = StrCat("w", i * 4);
    ASSERT_EQ(keys.Find(word).ok(), first.count(word) == 1) << word;
    const auto id = static_cast<int64_t>(i * 16);
    ASSERT_EQ(ids.Find(id).ok(), row_of.count(id) == 1) << id;
  }
  EXPECT_TRUE(ids.Verify({&TestPool()}).ok());
  EXPECT_TRUE(file().VerifyChecksums({&TestPool()}).ok());
}

TEST_F(LookupTest, IdsOfAllSizes) {
  const Ids numbers = {0, std::numeric_limits<int64_t>::max(), 1, int64_t{1} << 32, 0xFFFFFFFF};
  ASSERT_TRUE(WriteIdFile(numbers).ok());
  const storage::IdLookup ids = OpenIds();
  for (size_t row = 0; row < numbers.size(); ++row) {
    EXPECT_EQ(ids.Id(row), numbers[row]);
    ExpectRow(ids.Find(numbers[row]), row);
  }
  ExpectError(ids.Find(2).status(), StatusCode::kNotFound, "id 2 is not in " + Path());
  ExpectError(ids.Find(-1).status(), StatusCode::kNotFound, "id -1 is not in " + Path());
}

TEST_F(LookupTest, WriterRefuses) {
  const auto invalid = StatusCode::kInvalidArgument;
  ExpectError(WriteIdFile({5, 7, 8, 7}), invalid, "rows 1 and 3 have the same id 7");
  ExpectError(WriteIdFile({5, -2}), invalid, "row 1 has the id -2");
  ExpectError(WriteFileWith(3,
                            [](storage::ContainerWriter* w) {
                              return storage::WriteIds(w, {1, 2});
                            }),
              invalid, "2 ids for 3 vectors");
  ExpectError(WriteFileWith(1,
                            [](storage::ContainerWriter* w) {
                              return storage::WriteKeys(w, ListOf({"a", "b"}));
                            }),
              invalid, "2 keys for 1 vectors");
}

// ---- Made to collide.

uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// x such that Mix(x) = y.
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

// Ids whose hashes, without a seed, all name the first slot.
Ids CollidingIds(size_t n) {
  Ids ids;
  for (uint64_t i = 0; ids.size() < n; ++i) {
    const auto id = static_cast<int64_t>(Unmix(i << 32));
    if (id >= 0) ids.push_back(id);
  }
  return ids;
}

std::vector<std::string> CollidingKeys(size_t n) {
  std::vector<std::string> keys;
  for (uint64_t i = 0; i < n; ++i) {
    const uint64_t word = Unmix(i << 32) ^ Mix(8);
    keys.emplace_back(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  return keys;
}

size_t LongestRun(const std::vector<uint32_t>& slots) {
  size_t longest = 0;
  size_t run = 0;
  for (size_t i = 0; i < 2 * slots.size(); ++i) {
    run = slots[i % slots.size()] == kEmptySlot ? 0 : run + 1;
    longest = std::max(longest, run);
  }
  return longest;
}

TEST_F(LookupTest, IdsMadeToCollideGetASeed) {
  const Ids numbers = CollidingIds(5000);
  ASSERT_EQ(Mix(static_cast<uint64_t>(numbers[7])) & 0xFFFF, 0u);
  ASSERT_TRUE(WriteIdFile(numbers).ok());
  const std::string first = ReadFile(Path());
  ASSERT_TRUE(WriteIdFile(numbers).ok());
  EXPECT_TRUE(ReadFile(Path()) == first);
  const storage::IdLookup ids = OpenIds();
  EXPECT_NE(Seed("id_table"), 0u);
  EXPECT_LT(LongestRun(Slots("id_table")), 1024u);
  EXPECT_TRUE(ids.Verify({&TestPool()}).ok());
  for (size_t row = 0; row < numbers.size(); ++row) ExpectRow(ids.Find(numbers[row]), row);
  EXPECT_EQ(ids.Find(1).status().code(), StatusCode::kNotFound);

  // The seed is that of these ids, and no other.
  Damage<uint64_t>("id_table", Slots("id_table").size() / 2, {Seed("id_table") + 1});
  ExpectError(OpenIds().Verify({&TestPool()}), kCorruption, "\"id_table\": seed ");
}

TEST_F(LookupTest, KeysMadeToCollideGetASeed) {
  const std::vector<std::string> words = CollidingKeys(5000);
  ASSERT_TRUE(WriteKeyFile(words).ok());
  const storage::KeyLookup keys = Keys();
  EXPECT_NE(Seed("key_table"), 0u);
  EXPECT_LT(LongestRun(Slots("key_table")), 1024u);
  EXPECT_TRUE(keys.Verify({&TestPool()}).ok());
  for (size_t row = 0; row < words.size(); ++row) ExpectRow(keys.Find(words[row]), row);
  EXPECT_EQ(keys.Find("absent").status().code(), StatusCode::kNotFound);
}

// Tables of format version 1, without a seed.
class UnseededTest : public LookupTest {
 protected:
  Status WriteUnseeded(const Ids& ids) const {
    size_t num_slots = 2;
    while (num_slots < ids.size() + ids.size() / 2 + 1) num_slots *= 2;
    std::vector<uint32_t> slots(num_slots, kEmptySlot);
    for (uint32_t row = 0; row < ids.size(); ++row) {
      uint64_t slot = Mix(static_cast<uint64_t>(ids[row])) % num_slots;
      while (slots[slot] != kEmptySlot) slot = (slot + 1) % num_slots;
      slots[slot] = row;
    }
    return WriteFileWith(ids.size(), [&](storage::ContainerWriter* w) {
      KITH_RETURN_IF_ERROR(w->AddSection("ids", std::as_bytes(std::span(ids))));
      return w->AddSection("id_table", std::as_bytes(std::span(slots)));
    });
  }
};

TEST_F(UnseededTest, OldTablesAreRead) {
  const Ids numbers = {5, 77, 3, 1000};
  ASSERT_TRUE(WriteUnseeded(numbers).ok());
  const storage::IdLookup ids = OpenIds();
  for (size_t row = 0; row < numbers.size(); ++row) ExpectRow(ids.Find(numbers[row]), row);
  EXPECT_TRUE(ids.Verify({&TestPool()}).ok());
}

TEST_F(UnseededTest, OldTablesMadeToCollideAreRefusedWhereTheyWouldCost) {
  const Ids numbers = CollidingIds(5000);
  ASSERT_TRUE(WriteUnseeded(numbers).ok());
  const storage::IdLookup ids = OpenIds();
  ExpectRow(ids.Find(numbers[1000]), 1000);
  ExpectError(ids.Find(numbers[4000]).status(), kCorruption, "no empty slot among 1024");
  ExpectError(ids.Verify({&TestPool()}), kCorruption, "1024 used slots in a row");
}

TEST_F(LookupTest, TablesOfALaterLayoutAreNotRead) {
  ASSERT_TRUE(WriteIdFile({5, 6}).ok());
  ContainerImage image(ReadFile(Path()));
  storage::SectionEntry entry = image.entry(1);
  entry.version = 3;
  image.SetEntry(1, entry);
  image.Seal();
  WriteFile(Path(), image.bytes());
  Open();
  ExpectError(storage::IdLookup::Open(file()).status(), StatusCode::kUnsupported,
              "layout version 3, expected 2");
}

// Pins the format: the slots of docs/file_format.md, worked out apart from the library.
TEST_F(LookupTest, TablesAreAsSpecified) {
  const auto mix = [](uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  };
  const uint64_t a = mix(mix(1) ^ 'a');
  const uint64_t nine = mix(mix(mix(9) ^ 0x3837363534333231u) ^ '9');
  const uint64_t empty = mix(0);
  std::vector<uint32_t> expected(8, kEmptySlot);
  uint32_t row = 0;
  for (const uint64_t hash : {a, nine, empty}) {
    uint64_t slot = hash % 8;
    while (expected[slot] != kEmptySlot) slot = (slot + 1) % 8;
    expected[slot] = row++;
  }
  ASSERT_TRUE(WriteKeyFile({"a", "123456789", ""}).ok());
  Open();
  EXPECT_EQ(Slots("key_table"), expected);
  EXPECT_EQ(Seed("key_table"), 0u);

  ASSERT_TRUE(WriteIdFile({77}).ok());
  Open();
  EXPECT_EQ(Slots("id_table").size(), 2u);
  EXPECT_EQ(Slots("id_table")[mix(77) % 2], 0u);
}

TEST_F(LookupTest, MissingSectionsAndWrongSizes) {
  const char number[8] = {};
  const auto bytes = std::as_bytes(std::span(number));
  const auto key_error = [&](auto write) {
    EXPECT_TRUE(WriteFileWith(1, write).ok());
    Open();
    return storage::KeyLookup::Open(file()).status();
  };
  ExpectError(key_error([&](storage::ContainerWriter* w) { return w->AddSection("keys", bytes); }),
              kCorruption, "\"key_ends\": is missing, but \"keys\" is there");
  ExpectError(key_error([&](storage::ContainerWriter* w) {
                KITH_RETURN_IF_ERROR(w->AddSection("keys", bytes));
                KITH_RETURN_IF_ERROR(w->AddSection("key_ends", bytes.first(7)));
                return w->AddSection("key_table", bytes);
              }),
              kCorruption, "\"key_ends\": 7 bytes");
  ExpectError(key_error([&](storage::ContainerWriter* w) {
                KITH_RETURN_IF_ERROR(w->AddSection("keys", bytes));
                KITH_RETURN_IF_ERROR(w->AddSection("key_ends", bytes));
                return w->AddSection("key_table", bytes.first(4));
              }),
              kCorruption, "\"key_table\": 4 bytes");
  EXPECT_TRUE(WriteFileWith(1, [&](storage::ContainerWriter* w) {
                return w->AddSection("ids", bytes);
              }).ok());
  Open();
  ExpectError(storage::IdLookup::Open(file()).status(), kCorruption, "\"id_table\": is missing");
}

TEST_F(LookupTest, HostileKeyTables) {
  ASSERT_TRUE(WriteKeyFile({"a", "b", "c"}).ok());  // 8 slots
  const std::string sound = ReadFile(Path());

  // Full of one row: no search may go round for ever.
  Damage<uint32_t>("key_table", 0, {1, 1, 1, 1, 1, 1, 1, 1});
  storage::KeyLookup keys = Keys();
  EXPECT_TRUE(file().VerifyChecksums({&TestPool()}).ok());
  ExpectRow(keys.Find("b"), 1);
  ExpectError(keys.Find("a").status(), kCorruption, "\"key_table\": has no empty slot among 8");
  ExpectError(keys.Verify({&TestPool()}), kCorruption, "\"key_table\": slot ");

  WriteFile(Path(), sound);
  Damage<uint32_t>("key_table", 0, {3, 3, 3, 3, 3, 3, 3, 3});
  keys = Keys();
  ExpectError(keys.Find("a").status(), kCorruption, "holds row 3 of 3");
  EXPECT_EQ(keys.Verify({&TestPool()}).code(), kCorruption);

  WriteFile(Path(), sound);
  const uint32_t e = kEmptySlot;
  Damage<uint32_t>("key_table", 0, {e, e, e, e, e, e, e, e});
  keys = Keys();
  EXPECT_EQ(keys.Find("a").status().code(), StatusCode::kNotFound);
  ExpectError(keys.Verify({&TestPool()}), kCorruption, "holds nothing, expected row");
}

TEST_F(LookupTest, HostileKeyEnds) {
  ASSERT_TRUE(WriteKeyFile({"aa", "bb", "cc"}).ok());
  const std::string sound = ReadFile(Path());
  const auto check = [&](std::initializer_list<uint64_t> ends, std::string_view message) {
    WriteFile(Path(), sound);
    Damage("key_ends", 0, ends);
    const storage::KeyLookup keys = Keys();
    for (uint64_t row = 0; row < 3; ++row) EXPECT_LE(keys.Key(row).size(), 6u);
    for (const char* key : {"aa", "bb", "cc", "dd", ""}) {
      const auto found = keys.Find(key);
      if (found.ok()) {
        EXPECT_EQ(keys.Key(*found), key);
      }
    }
    ExpectError(keys.Verify({&TestPool()}), kCorruption, message);
  };
  check({7, 7, 7}, "row 0 ends at 7, expected 0 to 6");
  check({2, 1, 6}, "row 1 ends at 1, expected 2 to 6");
  check({2, ~uint64_t{0}, 6}, "row 1 ends at 18446744073709551615");
  check({2, 4, uint64_t{1} << 63}, "row 2 ends at 9223372036854775808, expected 4 to 6");
  check({2, 4, 5}, "\"keys\": 6 bytes, but the last key ends at 5");
  check({1, 4, 6}, "\"key_table\": slot ");

  WriteFile(Path(), sound);
  Damage<uint64_t>("key_ends", 1, {1});
  const storage::KeyLookup keys = Keys();
  EXPECT_EQ(keys.Key(1), "");
  ExpectError(keys.Find("bb").status(), kCorruption, "\"key_ends\": row 1 ends at 1");
}

TEST_F(LookupTest, HostileIds) {
  ASSERT_TRUE(WriteIdFile({10, 20, 30}).ok());
  const std::string sound = ReadFile(Path());
  Damage<uint32_t>("id_table", 0, {2, 2, 2, 2, 2, 2, 2, 2});
  storage::IdLookup ids = OpenIds();
  ExpectRow(ids.Find(30), 2);
  ExpectError(ids.Find(10).status(), kCorruption, "\"id_table\": has no empty slot among 8");
  ExpectError(ids.Verify({&TestPool()}), kCorruption, "\"id_table\": slot ");

  const auto verify_error = [&](int64_t third) {
    WriteFile(Path(), sound);
    Damage<int64_t>("ids", 2, {third});
    return OpenIds().Verify({&TestPool()});
  };
  ExpectError(verify_error(-5), kCorruption, "\"ids\": row 2 has the id -5");
  ExpectError(verify_error(10), kCorruption, "\"ids\": rows 0 and 2 have the same id 10");
  EXPECT_EQ(verify_error(1234).code(), kCorruption);
  EXPECT_TRUE(verify_error(30).ok());
}

// Every byte of small sections, changed: searches find rows that have the key, or nothing, or an
// error; and what Verify() lets pass is another sound file.
TEST_F(LookupTest, EveryFlippedByteWithRightChecksums) {
  const std::vector<std::string> words = {"a", "bb", "ccc", "dd", "e"};
  ASSERT_TRUE(WriteKeyFile(words).ok());
  const ContainerImage image(ReadFile(Path()));
  int unseen = 0;
  for (const std::string_view section : {"keys", "key_ends", "key_table"}) {
    const size_t begin = image.OffsetOf(section);
    const size_t size = section == "keys" ? 9 : section == "key_ends" ? 40 : 32;
    for (size_t i = begin; i < begin + size; ++i) {
      ContainerImage damaged = image;
      damaged.bytes()[i] ^= 0x01;
      damaged.Seal();
      WriteFile(Path(), damaged.bytes());
      const storage::KeyLookup keys = Keys();
      for (const std::string& word : words) {
        const auto found = keys.Find(word);
        if (found.ok()) {
          EXPECT_EQ(keys.Key(*found), word);
        }
      }
      if (keys.Verify({&TestPool()}).ok()) {
        EXPECT_NE(section, "key_table") << i - begin;
        for (size_t row = 0; row < words.size(); ++row) ExpectRow(keys.Find(keys.Key(row)), row);
        ++unseen;
      }
    }
  }
  // Another key in the slot of the one it replaces can't be told; there is one in eight of these.
  EXPECT_LT(unseen, 10);
}

}  // namespace
}  // namespace kith
