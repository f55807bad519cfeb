// Damaged and hostile .kith files: each must be refused, or harmless.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "container_image.h"
#include "storage/container.h"
#include "temp_dir.h"
#include "test_pool.h"

namespace kith {
namespace {

using testing::AsBytes;
using testing::ContainerImage;
using testing::ExpectError;
using testing::ReadFile;
using testing::TempDir;
using testing::WriteFile;

constexpr std::string_view kKnown[] = {"one", "two"};
constexpr auto kCorruption = StatusCode::kCorruption;
constexpr auto kUnsupported = StatusCode::kUnsupported;

// Two sections of 5000 and 100 bytes in a file of three pages and a bit.
class ContainerDamageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto writer = storage::ContainerWriter::Create(Path(), 3, 5, Metric::kDot, DataType::kU8);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->AddSection("one", AsBytes(std::string(5000, 'x'))).ok());
    ASSERT_TRUE((*writer)->AddSection("two", AsBytes(std::string(100, 'y'))).ok());
    ASSERT_TRUE((*writer)->Finish().ok());
    original_ = ContainerImage(ReadFile(Path()));
  }

  std::string Path() const { return dir_.File("a.kith"); }

  Status Check(std::string_view bytes) const {
    WriteFile(Path(), bytes);
    return Check();
  }

  // Of Open(), or of VerifyChecksums() if that goes well.
  Status Check() const {
    const auto reader = storage::ContainerReader::Open(Path(), kKnown);
    if (!reader.ok()) return reader.status();
    return (*reader)->VerifyChecksums({&TestPool()});
  }

  // With the bits of `mask` flipped in byte i of the original, as it lies on disk.
  Status CheckFlipped(size_t i, char mask) const {
    const char bytes[2] = {static_cast<char>(original_.bytes()[i] ^ mask), original_.bytes()[i]};
    const int fd = open(Path().c_str(), O_WRONLY | O_CLOEXEC);
    EXPECT_EQ(pwrite(fd, &bytes[0], 1, static_cast<off_t>(i)), 1);
    const Status status = Check();
    EXPECT_EQ(pwrite(fd, &bytes[1], 1, static_cast<off_t>(i)), 1);
    close(fd);
    return status;
  }

  // After `change` to header and the two entries, with right checksums.
  template <class Change>
  Status CheckSealed(Change change) const {
    ContainerImage image = original();
    storage::FileHeader header = image.header();
    storage::SectionEntry one = image.entry(0);
    storage::SectionEntry two = image.entry(1);
    change(header, one, two);
    image.SetHeader(header);
    image.SetEntry(0, one);
    image.SetEntry(1, two);
    image.Seal();
    return Check(image.bytes());
  }

  const ContainerImage& original() const { return original_; }

 private:
  TempDir dir_;
  ContainerImage original_;
};

TEST_F(ContainerDamageTest, TheOriginalIsSound) {
  EXPECT_TRUE(Check(original().bytes()).ok());
  EXPECT_TRUE(CheckSealed([](auto&, auto&, auto&) {}).ok());
}

TEST_F(ContainerDamageTest, EveryFlippedByteOfTheFirstPageIsRefused) {
  for (size_t i = 0; i < storage::kPageBytes; ++i) {
    for (const char mask : {'\x01', '\x80', '\xFF'}) {
      const Status status = CheckFlipped(i, mask);
      // The first bytes decide whether it is a .kith file at all.
      ASSERT_TRUE(status.code() == kCorruption ||
                  (i < sizeof(storage::kMagic) && status.code() == StatusCode::kInvalidArgument))
          << i << ": " << status.message();
    }
  }
}

TEST_F(ContainerDamageTest, EveryFlippedByteBehindItIsFoundByVerify) {
  for (size_t i = storage::kPageBytes; i < original().bytes().size(); ++i) {
    const Status status = CheckFlipped(i, '\x10');
    const char* place = i < storage::kPageBytes + 5000 ? "section \"one\""
                        : i < 3 * storage::kPageBytes  ? "between the sections"
                                                       : "section \"two\"";
    ASSERT_EQ(status.code(), kCorruption) << i;
    ASSERT_NE(status.message().find(place), std::string::npos) << i << ": " << status.message();
  }
}

TEST_F(ContainerDamageTest, EveryTruncationIsRefused) {
  for (size_t size = original().bytes().size(); size-- > 0;) {
    ASSERT_EQ(truncate(Path().c_str(), static_cast<off_t>(size)), 0);
    const Status status = Check();
    ASSERT_EQ(status.code(), kCorruption) << size << ": " << status.message();
    ASSERT_NE(status.message().find(size == 0 ? "empty" : "truncated"), std::string::npos)
        << size << ": " << status.message();
  }
  ExpectError(Check(original().bytes().substr(0, 9000)), kCorruption,
              "truncated: 9000 bytes, expected 12388");
  ExpectError(Check(original().bytes() + "x"), kCorruption,
              "too long: 12389 bytes, expected 12388");
}

TEST_F(ContainerDamageTest, ZeroedPagesAreFound) {
  const std::string bytes = original().bytes();
  for (size_t page = 0; page < bytes.size(); page += storage::kPageBytes) {
    std::string damaged = bytes;
    const size_t size = std::min(storage::kPageBytes, bytes.size() - page);
    damaged.replace(page, size, size, '\0');
    EXPECT_FALSE(Check(damaged).ok()) << page;
  }
}

TEST_F(ContainerDamageTest, OtherFiles) {
  const auto other = StatusCode::kInvalidArgument;
  ExpectError(Check("\x93NUMPY\x01"), other, "is not a .kith file");
  ExpectError(Check(std::string(10'000, '\0')), other, "is not a .kith file");
  ExpectError(Check("x"), other, "is not a .kith file");
  ExpectError(Check(""), kCorruption, "is empty");
  ExpectError(Check("\x89KITH\r\n"), kCorruption, "truncated: 7 bytes");
  ExpectError(storage::ContainerReader::Open("/", {}).status(), other, "directory");
  ExpectError(storage::ContainerReader::Open(Path() + ".none", {}).status(), StatusCode::kNotFound,
              "no such file");
}

TEST_F(ContainerDamageTest, TransfersInTextMode) {
  const std::string bytes = original().bytes();
  const std::string rest = bytes.substr(sizeof(storage::kMagic));
  for (const std::string_view magic :
       {"\x89KITH\n\x1a", "\x89KITH\r\r\n\x1a", "\x89KITH\r\n", "\x09KITH\r\n\x1a",
        "\xC2\x89KITH\r\n\x1a", "\xEF\xBF\xBDKITH\r\n\x1a", "\x89KITH\n\n\x1a"}) {
    ExpectError(Check(std::string(magic) + rest), kCorruption, "text mode");
  }
}

TEST_F(ContainerDamageTest, Versions) {
  ExpectError(CheckSealed([](auto& header, auto&, auto&) { header.format_version = 3; }),
              kUnsupported, "format version 3, expected at most 2; it was written by a newer kith");
  ExpectError(CheckSealed([](auto& header, auto&, auto&) { header.format_version = 0; }),
              kUnsupported, "format version 0 is no longer read");
}

TEST_F(ContainerDamageTest, HostileHeaders) {
  const auto check = [&](auto change) {
    return CheckSealed([&](storage::FileHeader& header, storage::SectionEntry&,
                           storage::SectionEntry&) { change(header); });
  };
  using H = storage::FileHeader&;
  ExpectError(check([](H h) { h.dim = 0; }), kCorruption, "dimension 0, expected 1 to 65536");
  ExpectError(check([](H h) { h.dim = kMaxDim + 1; }), kCorruption, "dimension 65537");
  ExpectError(check([](H h) { h.metric = kNumMetrics; }), kUnsupported, "metric 5");
  ExpectError(check([](H h) { h.dtype = kNumDataTypes; }), kUnsupported, "type of element 6");
  ExpectError(check([](H h) { h.num_vectors = kMaxRows + 1; }), kCorruption, "number of vectors");
  ExpectError(check([](H h) { h.num_vectors = ~uint64_t{0}; }), kCorruption, "number of vectors");
  ExpectError(check([](H h) { h.section_count = 64; }), kCorruption, "number of sections 64");
  ExpectError(check([](H h) { h.section_count = ~0u; }), kCorruption, "number of sections");
  ExpectError(check([](H h) { h.section_count = 3; }), kCorruption, "table entry 2: its name");
  ExpectError(check([](H h) { h.section_count = 1; }), kUnsupported, "bytes 128 to 4095 are used");
  ExpectError(check([](H h) { h.reserved[19] = 1; }), kUnsupported, "reserved bytes 44 to 63");
  ExpectError(check([](H h) { h.file_size += 1; }), kCorruption, "truncated");
  ExpectError(check([](H h) { h.file_size = ~uint64_t{0}; }), kCorruption, "truncated");
  ExpectError(check([](H h) { h.file_size = 0; }), kCorruption, "too long");
}

TEST_F(ContainerDamageTest, HostileSectionTables) {
  const auto check = [&](auto change) {
    return CheckSealed([&](storage::FileHeader&, storage::SectionEntry& one,
                           storage::SectionEntry& two) { change(one, two); });
  };
  using E = storage::SectionEntry&;
  ExpectError(check([](E, E two) { two.offset = 8192; }), kCorruption,
              "\"two\": offset 8192, expected at least 9096");
  ExpectError(check([](E one, E two) { two.offset = one.offset; }), kCorruption, "at least 9096");
  ExpectError(check([](E one, E two) { std::swap(one.offset, two.offset); }), kCorruption,
              "\"one\": 5000 bytes at offset 12288 go past the end of the file at 12388");
  ExpectError(check([](E one, E) { one.offset = 0; }), kCorruption, "expected at least 4096");
  ExpectError(check([](E one, E) { one.offset = 4097; }), kCorruption, "no multiple of 4096");
  ExpectError(check([](E, E two) { two.offset = 16384; }), kCorruption, "past the end");
  ExpectError(check([](E, E two) { two.offset = ~uint64_t{0} - 4095; }), kCorruption,
              "past the end");
  ExpectError(check([](E, E two) { two.size += 1; }), kCorruption, "101 bytes at offset 12288");
  ExpectError(check([](E, E two) { two.size = ~uint64_t{0}; }), kCorruption, "past the end");
  ExpectError(check([](E, E two) { two.size = ~uint64_t{0} - 12287; }), kCorruption,
              "past the end");
  ExpectError(check([](E one, E) { one.size = 8193; }), kCorruption, "\"two\": offset 12288");
  ExpectError(check([](E, E two) { two.row_bytes = 7; }), kCorruption, "row of 7 bytes");
  ExpectError(check([](E one, E two) { std::copy_n(one.name, 16, two.name); }), kCorruption,
              "twice");
  ExpectError(check([](E one, E) { std::fill_n(one.name, 16, '\0'); }), kCorruption, "entry 0");
  ExpectError(check([](E, E two) { two.name[1] = '\n'; }), kCorruption, "entry 1: its name");
  ExpectError(check([](E, E two) { two.name[1] = '\xFF'; }), kCorruption, "entry 1: its name");
  ExpectError(check([](E, E two) { two.name[10] = 'x'; }), kCorruption, "entry 1: its name");
  ExpectError(check([](E, E two) { std::fill_n(two.name, 16, 'x'); }), kUnsupported,
              "section \"xxxxxxxxxxxxxxxx\": is unknown");
  ExpectError(check([](E, E two) { two.flags = 2; }), kUnsupported, "flags 0x00000002");
  ExpectError(check([](E, E two) { two.reserved[0] = 1; }), kUnsupported, "reserved bytes");
  // Gaps and empty sections are no fault.
  EXPECT_TRUE(check([](E, E two) { two.flags = storage::kSectionOptional; }).ok());
  EXPECT_TRUE(check([](E one, E) { one.row_bytes = 50; }).ok());
  ExpectError(check([](E one, E) { one.size = 0; }), kCorruption, "bytes 4096 to 12287 between");
  ExpectError(check([](E, E two) { two.size = 1; }), kCorruption, "bytes 12289 to 12387 between");
}

}  // namespace
}  // namespace kith
