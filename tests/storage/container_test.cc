#include "storage/container.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "container_image.h"
#include "temp_dir.h"
#include "test_pool.h"

namespace kith {
namespace {

using testing::AsBytes;
using testing::ExpectError;
using testing::ReadFile;
using testing::TempDir;

constexpr std::string_view kKnown[] = {"one", "two", "sixteen.letters!", "empty"};

std::unique_ptr<storage::ContainerWriter> MakeWriter(const std::string& path) {
  auto writer = storage::ContainerWriter::Create(path, 3, 5, Metric::kDot, DataType::kU8);
  EXPECT_TRUE(writer.ok()) << writer.status().message();
  return std::move(writer).value();
}

std::string Text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::shared_ptr<const storage::ContainerReader> MustOpen(const std::string& path) {
  auto reader = storage::ContainerReader::Open(path, kKnown);
  EXPECT_TRUE(reader.ok()) << reader.status().message();
  return reader.ok() ? *reader : nullptr;
}

TEST(ContainerTest, RoundTrip) {
  const TempDir dir;
  const std::string path = dir.File("a.kith");
  const std::string two(10'000, 'x');
  auto writer = MakeWriter(path);
  EXPECT_EQ(writer->num_vectors(), 3u);
  EXPECT_EQ(writer->path(), path);
  ASSERT_TRUE(writer->AddSection("one", AsBytes("abcdef"), {.row_bytes = 2}).ok());
  ASSERT_TRUE(writer->BeginSection("two", {.version = 7, .flags = storage::kSectionOptional}).ok());
  for (size_t i = 0; i < two.size(); i += 100) {
    ASSERT_TRUE(writer->Append(AsBytes(std::string_view(two).substr(i, 100))).ok());
  }
  ASSERT_TRUE(writer->EndSection().ok());
  ASSERT_TRUE(writer->AddSection("sixteen.letters!", AsBytes("!")).ok());
  ASSERT_TRUE(writer->AddSection("empty", {}).ok());
  EXPECT_NE(access(path.c_str(), F_OK), 0) << "visible before it is finished";
  ASSERT_TRUE(writer->Finish().ok());

  const auto reader = MustOpen(path);
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->path(), path);
  EXPECT_EQ(reader->header().num_vectors, 3u);
  EXPECT_EQ(reader->header().dim, 5u);
  EXPECT_EQ(reader->header().metric, static_cast<uint16_t>(Metric::kDot));
  EXPECT_EQ(reader->header().dtype, static_cast<uint16_t>(DataType::kU8));
  EXPECT_EQ(reader->header().file_size, reader->file().bytes().size());
  ASSERT_EQ(reader->sections().size(), 4u);
  uint64_t offset = storage::kPageBytes;
  for (const storage::SectionEntry& entry : reader->sections()) {
    EXPECT_EQ(entry.offset, offset) << storage::SectionName(entry);
    offset = RoundUp(entry.offset + entry.size, storage::kPageBytes);
  }
  EXPECT_EQ(Text(reader->Bytes("one")), "abcdef");
  EXPECT_EQ(Text(reader->Bytes("two")), two);
  EXPECT_EQ(Text(reader->Bytes("sixteen.letters!")), "!");
  EXPECT_NE(reader->Find("empty"), nullptr);
  EXPECT_TRUE(reader->Bytes("empty").empty());
  EXPECT_EQ(reader->Find("none"), nullptr);
  EXPECT_TRUE(reader->Bytes("none").empty());
  EXPECT_EQ(reader->Find("one")->row_bytes, 2u);
  EXPECT_EQ(reader->Find("two")->version, 7u);
  EXPECT_EQ(reader->Find("two")->flags, uint32_t{storage::kSectionOptional});
  EXPECT_TRUE(reader->VerifyChecksums({&TestPool()}).ok());
}

TEST(ContainerTest, NoSections) {
  const TempDir dir;
  ASSERT_TRUE(MakeWriter(dir.File("a"))->Finish().ok());
  const auto reader = MustOpen(dir.File("a"));
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->file().bytes().size(), storage::kPageBytes);
  EXPECT_TRUE(reader->sections().empty());
  EXPECT_TRUE(reader->VerifyChecksums({&TestPool()}).ok());
}

TEST(ContainerTest, AsManySectionsAsTheTableHolds) {
  const TempDir dir;
  auto writer = MakeWriter(dir.File("a"));
  std::vector<std::string> names;
  for (size_t i = 0; i < storage::kMaxSections; ++i) names.push_back(StrCat("s", i));
  for (const std::string& name : names) ASSERT_TRUE(writer->AddSection(name, AsBytes(name)).ok());
  ASSERT_TRUE(writer->Finish().ok());
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto reader = storage::ContainerReader::Open(dir.File("a"), known);
  ASSERT_TRUE(reader.ok()) << reader.status().message();
  for (const std::string& name : names) EXPECT_EQ(Text((*reader)->Bytes(name)), name);
  EXPECT_TRUE((*reader)->VerifyChecksums({&TestPool()}).ok());
}

TEST(ContainerTest, SameContentGivesTheSameBytes) {
  const TempDir dir;
  const std::string content(100'000, 'y');
  for (const size_t piece : {1u, 333u, 100'000u}) {
    auto writer = MakeWriter(dir.File(std::to_string(piece)));
    ASSERT_TRUE(writer->BeginSection("one").ok());
    for (size_t i = 0; i < content.size(); i += piece) {
      ASSERT_TRUE(writer->Append(AsBytes(std::string_view(content).substr(i, piece))).ok());
    }
    ASSERT_TRUE(writer->EndSection().ok());
    ASSERT_TRUE(writer->Finish().ok());
    EXPECT_EQ(ReadFile(dir.File(std::to_string(piece))), ReadFile(dir.File("1")));
  }
}

TEST(ContainerTest, ArraysCheckSizeAndVersion) {
  const TempDir dir;
  auto writer = MakeWriter(dir.File("a"));
  const uint32_t numbers[3] = {1, 2, 3};
  ASSERT_TRUE(writer->AddSection("one", std::as_bytes(std::span(numbers))).ok());
  ASSERT_TRUE(writer->AddSection("two", AsBytes("xy"), {.version = 2}).ok());
  ASSERT_TRUE(writer->AddSection("empty", {}).ok());
  ASSERT_TRUE(writer->Finish().ok());
  const auto reader = MustOpen(dir.File("a"));
  ASSERT_NE(reader, nullptr);
  const auto array = reader->Array<uint32_t>("one", 3);
  ASSERT_TRUE(array.ok());
  EXPECT_EQ((*array)[2], 3u);
  EXPECT_TRUE(reader->Array<uint64_t>("empty", 0).ok());
  EXPECT_TRUE(reader->Array<char>("two", 2, 2).ok());
  const auto corrupt = StatusCode::kCorruption;
  ExpectError(reader->Array<uint32_t>("one", 2).status(), corrupt, "expected 2 elements of 4");
  ExpectError(reader->Array<uint64_t>("one", 1).status(), corrupt, "12 bytes at offset 4096");
  ExpectError(reader->Array<uint32_t>("one", (uint64_t{1} << 62) + 3).status(), corrupt, "one");
  ExpectError(reader->Array<uint32_t>("none", 0).status(), corrupt, "\"none\": is missing");
  ExpectError(reader->Array<char>("two", 2).status(), StatusCode::kUnsupported, "newer kith");
  ExpectError(reader->Array<char>("two", 2, 3).status(), StatusCode::kUnsupported, "anew");
}

TEST(ContainerTest, UnknownSections) {
  const TempDir dir;
  auto writer = MakeWriter(dir.File("a"));
  ASSERT_TRUE(writer->AddSection("hint", AsBytes("x"), {.flags = storage::kSectionOptional}).ok());
  ASSERT_TRUE(writer->AddSection("one", AsBytes("y")).ok());
  ASSERT_TRUE(writer->Finish().ok());
  const auto reader = MustOpen(dir.File("a"));
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(Text(reader->Bytes("one")), "y");
  EXPECT_TRUE(reader->VerifyChecksums({&TestPool()}).ok());
  ExpectError(storage::ContainerReader::Open(dir.File("a"), {}).status(), StatusCode::kUnsupported,
              "section \"one\": is unknown and not optional; it was written by a newer kith");
}

TEST(ContainerTest, WriterRefusesWhatTheFormatCannotHold) {
  const TempDir dir;
  const auto error = [&](uint64_t n, size_t dim) {
    return storage::ContainerWriter::Create(dir.File("a"), n, dim, Metric::kDot, DataType::kF32)
        .status();
  };
  ExpectError(error(1, 0), StatusCode::kInvalidArgument, "dimension 0");
  ExpectError(error(1, kMaxDim + 1), StatusCode::kInvalidArgument, "dimension 65537");
  ExpectError(error(kMaxRows + 1, 1), StatusCode::kInvalidArgument, "vectors");
  EXPECT_TRUE(error(kMaxRows, kMaxDim).ok());
  EXPECT_EQ(dir.NumFiles(), 0u);
}

// Each mistake in the use of the writer is an error that stays, and no file appears.
TEST(ContainerTest, WriterRefusesMisuse) {
  const TempDir dir;
  const auto expect_misuse = [&](auto use, std::string_view part) {
    auto writer = MakeWriter(dir.File("a"));
    ExpectError(use(*writer), StatusCode::kInternal, part);
    EXPECT_EQ(writer->Finish().code(), StatusCode::kInternal);
    writer.reset();
    EXPECT_EQ(dir.NumFiles(), 0u);
  };
  using W = storage::ContainerWriter&;
  expect_misuse([](W w) { return w.AddSection("", {}); }, "name");
  expect_misuse([](W w) { return w.AddSection("a b", {}); }, "name");
  expect_misuse([](W w) { return w.AddSection(std::string_view("a\0b", 3), {}); }, "name");
  expect_misuse([](W w) { return w.AddSection(std::string_view("a\0", 2), {}); }, "name");
  expect_misuse([](W w) { return w.AddSection("seventeen.letters", {}); }, "too long");
  expect_misuse([](W w) { return w.Append({}); }, "outside");
  expect_misuse([](W w) { return w.EndSection(); }, "ends before");
  expect_misuse([](W w) { return w.AddSection("one", AsBytes("abc"), {.row_bytes = 2}); }, "rows");
  expect_misuse(
      [](W w) {
        EXPECT_TRUE(w.BeginSection("one").ok());
        return w.BeginSection("two");
      },
      "inside");
  expect_misuse(
      [](W w) {
        EXPECT_TRUE(w.BeginSection("one").ok());
        return w.Finish();
      },
      "unfinished");
  expect_misuse(
      [](W w) {
        EXPECT_TRUE(w.AddSection("one", {}).ok());
        return w.AddSection("one", {});
      },
      "twice");
  expect_misuse(
      [](W w) {
        for (size_t i = 0; i < storage::kMaxSections; ++i) {
          EXPECT_TRUE(w.AddSection(std::to_string(i), {}).ok());
        }
        return w.AddSection("one", {});
      },
      "one more");
}

TEST(ContainerTest, FullDiskLeavesTheOldFile) {
  const TempDir dir;
  const std::string path = dir.File("a");
  ASSERT_TRUE(MakeWriter(path)->Finish().ok());
  const std::string old = ReadFile(path);
  const std::string content(1'000'000, 'z');
  int failures = 0;
  for (;; ++failures) {
    FailWriteForTesting(failures);
    auto writer = MakeWriter(path);
    Status status = writer->AddSection("one", AsBytes(content));
    if (status.ok()) status = writer->Finish();
    FailWriteForTesting(-1);
    if (status.ok()) break;
    ExpectError(status, StatusCode::kIoError, "disk is full");
    EXPECT_EQ(writer->Finish().message(), status.message());
    ASSERT_EQ(ReadFile(path), old);
  }
  EXPECT_GE(failures, 4);
  EXPECT_TRUE(MustOpen(path)->VerifyChecksums({&TestPool()}).ok());
  EXPECT_EQ(dir.NumFiles(), 1u);
}

TEST(ContainerTest, ReplacedFileStaysValidForItsReaders) {
  const TempDir dir;
  const std::string path = dir.File("a");
  const auto write = [&](std::string_view content) {
    auto writer = MakeWriter(path);
    return writer->AddSection("one", AsBytes(content)).ok() && writer->Finish().ok();
  };
  ASSERT_TRUE(write("old"));
  const auto old = MustOpen(path);
  ASSERT_TRUE(write("new"));
  EXPECT_EQ(Text(old->Bytes("one")), "old");
  EXPECT_TRUE(old->VerifyChecksums({&TestPool()}).ok());
  EXPECT_EQ(Text(MustOpen(path)->Bytes("one")), "new");
}

}  // namespace
}  // namespace kith
