#include <gtest/gtest.h>

#include "base/rng.h"
#include "base/strings.h"
#include "data/data_test_util.h"
#include "data/growing_buffer.h"

namespace kith {
namespace {

TEST(Gzip, EveryFormatReadsTheSamePacked) {
  for (const Golden& golden : GoldenFiles()) {
    const Result<Dataset> plain = ReadBytesAs(golden.format, golden.contents);
    const Result<Dataset> packed = ReadBytesAs(golden.format, Gzip(golden.contents));
    ASSERT_TRUE(packed.ok()) << golden.format << ": " << packed.status().message();
    EXPECT_EQ(Rows(packed->vectors), Rows(plain->vectors)) << golden.format;
    EXPECT_EQ(Keys(*packed), Keys(*plain)) << golden.format;
  }
}

TEST(Gzip, ContentIsFoundInsideThePacking) {
  for (const Golden& golden : GoldenFiles()) {
    const Result<Dataset> set = ReadBytes("a." + golden.format + ".gz", Gzip(golden.contents));
    ASSERT_TRUE(set.ok()) << golden.format << ": " << set.status().message();
    EXPECT_EQ(set->format, golden.format);
  }
}

TEST(Gzip, SeveralMembersAndPadding) {
  const std::string packed = Gzip("a 1 2\nb") + Gzip(" 3 4\n") + std::string(10, '\0');
  ExpectSet(ReadBytes("a.txt.gz", packed), "glove", DataType::kF32, {{1, 2}, {3, 4}}, {"a", "b"});
}

TEST(Gzip, EveryTruncationIsRefused) {
  const std::string packed = Gzip(GoldenFiles()[0].contents);
  for (size_t size = 2; size < packed.size(); ++size) {
    ExpectError(ReadBytesAs("fvecs", packed.substr(0, size), "a.gz"), StatusCode::kInvalidArgument,
                {"a.gz: byte", "truncated"});
  }
}

TEST(Gzip, DamageIsRefused) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += StrCat("w", i, " 0.5 1\n");
  const std::string packed = Gzip(text);
  std::string bad = packed;
  bad[packed.size() - 5] ^= 1;  // of the checksum
  ExpectError(ReadBytes("a.gz", bad), StatusCode::kInvalidArgument, {"a.gz: byte", "damaged"});
  ExpectError(ReadBytes("a.gz", packed + "junk"), StatusCode::kInvalidArgument,
              {"a.gz: byte " + std::to_string(packed.size()), "got 4 more bytes"});
}

TEST(Gzip, BombsAreRefused) {
  const std::string zeros(100 << 20, '\0');
  ExpectError(ReadBytesAs("u8bin", Gzip(zeros), "a.gz"), StatusCode::kOutOfMemory,
              {"a.gz", "256 times", "gunzip"});
}

TEST(GrowingBuffer, KeepsItsBytesAndRefusesTooMany) {
  data::GrowingBuffer buffer("a.txt");
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(static_cast<size_t>(i), static_cast<char>(i));
    const Result<std::byte*> out = buffer.Extend(piece.size());
    ASSERT_TRUE(out.ok());
    std::copy(piece.begin(), piece.end(), reinterpret_cast<char*>(*out));
    expected += piece;
  }
  for (size_t too_many : {SIZE_MAX, SIZE_MAX / 2, size_t{1} << 50}) {
    ExpectError(buffer.Extend(too_many), StatusCode::kOutOfMemory, {"a.txt", "memory"});
  }
  ASSERT_EQ(buffer.size(), expected.size());
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(buffer.data()), buffer.size()),
            expected);
}

TEST(Gzip, StreamsLongFiles) {
  Rng rng(1);
  std::string text;
  size_t rows = 0;
  for (; text.size() < (3u << 20); ++rows) {
    text += StrCat("w", rows);
    for (int i = 0; i < 50; ++i) text += StrCat(" ", rng.Uniform() - 0.5);
    text += "\n";
  }
  const Result<Dataset> plain = ReadBytes("a.txt", text);
  const Result<Dataset> packed = ReadBytes("a.txt.gz", Gzip(text));
  ASSERT_TRUE(plain.ok() && packed.ok());
  ASSERT_EQ(plain->vectors.rows, rows);
  EXPECT_EQ(Rows(packed->vectors), Rows(plain->vectors));
  EXPECT_EQ(Keys(*packed), Keys(*plain));
}

}  // namespace
}  // namespace kith
