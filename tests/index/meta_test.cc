// What the section "meta" may hold: whoever parses it must not be led into the depths.
#include "index/meta.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "index/deep_meta.h"
#include "index/victims.h"
#include "memory_file.h"
#include "storage/seal.h"
#include "temp_dir.h"

namespace kith {
namespace {

std::string Nested(size_t depth) {
  return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
}

TEST(Meta, WhatIsJsonIsTaken) {
  for (const std::string text :
       {"{}", " { } ", R"({"kith": "0.1.0", "seed": 42})", R"({"a":[],"b":[1,-2.5e+3,0.1,0]})",
        R"({"a":{"b":[true,false,null,"x"]},"":"\"\\\/\b\f\n\r\t\u00e9"})",
        R"({"a":"\ud83d\ude00","b":1e-999})", "{\"\u00e9\U0001F600\":1}",
        "{\"a\"\t:\n[ 1 , 2 ]\r}"}) {
    EXPECT_TRUE(index::CheckMeta(text).ok()) << text << ": " << index::CheckMeta(text).message();
  }
  EXPECT_TRUE(index::CheckMeta(Nested(index::kMaxMetaDepth)).ok());
}

TEST(Meta, WhatIsNotIsRefused) {
  for (const std::string text : {"",
                                 " ",
                                 "[]",
                                 "1",
                                 "\"a\"",
                                 "{",
                                 "}",
                                 "{]",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{\"a\":1,}",
                                 "{,}",
                                 "{\"a\":[1,]}",
                                 "{\"a\":[1 2]}",
                                 "{\"a\":1 \"b\":2}",
                                 "{a:1}",
                                 "{\"a\":01}",
                                 "{\"a\":.5}",
                                 "{\"a\":1.}",
                                 "{\"a\":1e}",
                                 "{\"a\":+1}",
                                 "{\"a\":nan}",
                                 "{\"a\":1e999}",
                                 "{\"a\":-1e400}",
                                 "{\"a\":\"\\ud800\"}",
                                 "{\"a\":\"\\ud800\\u0041\"}",
                                 "{\"a\":\"\\udc00\"}",
                                 "{\"a\":\"\\u12",
                                 "{\"a\":\"\n\"}",
                                 "{\"a\":\"\\x\"}",
                                 "{\"a\":\"\\u12g4\"}",
                                 "{\"a\":\"",
                                 "{\"a\":\"\\",
                                 "{} {}",
                                 "{}x",
                                 "{\"a\":[}]",
                                 "{\"\x80\":1}",
                                 "{\"\xC0\x80\":1}",
                                 "{\"\xED\xA0\x80\":1}",
                                 "{\"\xF4\x90\x80\x80\":1}",
                                 "{\"\xE2\x82\":1}"}) {
    EXPECT_EQ(index::CheckMeta(text).code(), StatusCode::kCorruption) << text;
  }
  EXPECT_NE(index::CheckMeta(Nested(index::kMaxMetaDepth + 1)).message().find("8 levels"),
            std::string::npos);
  EXPECT_FALSE(index::CheckMeta(Nested(1'000'000)).ok());
  const std::string most = "{\"a\":\"" + std::string(index::kMaxMetaBytes - 8, 'x') + "\"}";
  EXPECT_TRUE(index::CheckMeta(most).ok());
  EXPECT_NE(index::CheckMeta(most + " ").message().find("65536 bytes"), std::string::npos);
}

// `kith info` ran out of stack at this, and `verify` called it sound.
TEST(Meta, ADeepOneIsIgnoredAndVerifyRefusesIt) {
  for (const testing::Victim& victim : {testing::Victims()[0], testing::Victims()[9]}) {
    const testing::TempDir dir;
    const std::string good = testing::MakeVictim(victim, dir.File("a.kith"));
    testing::MemoryFile file;
    file.Write(good);
    ASSERT_TRUE(VerifyIndex(file.path()).ok());
    EXPECT_FALSE((*OpenIndex(file.path()))->info().built_with.empty());
    file.Write(testing::WithMeta(good, testing::DeepMeta()));
    const auto index = OpenIndex(file.path());
    ASSERT_TRUE(index.ok()) << index.status().message();
    EXPECT_EQ((*index)->info().built_with, "");
    const Status verified = VerifyIndex(file.path());
    EXPECT_EQ(verified.code(), StatusCode::kCorruption);
    EXPECT_NE(verified.message().find("section \"meta\": expected at most"), std::string::npos)
        << verified.message();
    file.Write(testing::WithMeta(good, Nested(9)));
    EXPECT_NE(VerifyIndex(file.path()).message().find("8 levels"), std::string::npos);
    file.Write(testing::WithMeta(good, Nested(8)));
    EXPECT_TRUE(VerifyIndex(file.path()).ok());
  }
}

// What is kept of how vectors were made comes back as it was, also of a file that is calibrated
// anew.
TEST(Origin, IsKeptAsItWasGiven) {
  const std::vector<float> values(64, 1.0f);
  BuildOptions options;
  const auto build = [&] { return BuildIndexInMemory(ViewOf(values.data(), 16, 4), options); };
  EXPECT_EQ((*build())->info().origin, "");
  options.origin = "by hand\nand \u00e9 \t";
  const auto index = build();
  ASSERT_TRUE(index.ok()) << index.status().message();
  EXPECT_EQ((*index)->info().origin, options.origin);
  EXPECT_TRUE(VerifyIndex(**index).ok());
  const testing::TempDir dir;
  ASSERT_TRUE(SaveIndex(**index, dir.File("a.kith")).ok());
  EXPECT_EQ((*OpenIndex(dir.File("a.kith")))->info().origin, options.origin);
  options.origin = "\xC0\x80";
  EXPECT_EQ(build().status().code(), StatusCode::kInvalidArgument);
  options.origin.assign(index::kMaxMetaBytes + 1, 'x');
  EXPECT_NE(build().status().message().find("65536 bytes"), std::string::npos);
  options.origin.pop_back();
  EXPECT_TRUE(build().ok());
}

TEST(Origin, WhatIsNoTextIsIgnoredAndVerifyRefusesIt) {
  const std::vector<float> values(64, 1.0f);
  BuildOptions options;
  options.origin = "plain text";
  const testing::TempDir dir;
  ASSERT_TRUE(BuildIndex(ViewOf(values.data(), 16, 4), dir.File("a.kith"), options).ok());
  std::string bytes = testing::ReadFile(dir.File("a.kith"));
  bytes[bytes.find("plain text")] = '\x80';
  testing::SealContainer(&bytes);
  testing::MemoryFile file;
  file.Write(bytes);
  const auto index = OpenIndex(file.path());
  ASSERT_TRUE(index.ok()) << index.status().message();
  EXPECT_EQ((*index)->info().origin, "");
  EXPECT_NE(VerifyIndex(file.path()).message().find("section \"origin\": expected UTF-8"),
            std::string::npos);
}

}  // namespace
}  // namespace kith
