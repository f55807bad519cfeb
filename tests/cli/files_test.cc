// kith info and kith verify.
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using FilesTest = CliTest;
using nlohmann::json;

TEST_F(FilesTest, InfoShowsWhatTheFileHolds) {
  Ok({"build", WriteSmallWords(), "-o", Path("w.kith"), "--trees", "4"});
  const std::string out = Ok({"info", Path("w.kith")});
  for (const char* words : {"100 of 8 dimensions, f32", "angular", "forest of 4 trees",
                            "bytes a vector", "version 1", "section", "crc32c", "0x"}) {
    EXPECT_NE(out.find(words), std::string::npos) << words << " in\n" << out;
  }
  const json info = OkJson({"info", Path("w.kith"), "--json"});
  EXPECT_EQ(info["vectors"], 100);
  EXPECT_EQ(info["dim"], 8);
  EXPECT_EQ(info["metric"], "angular");
  EXPECT_EQ(info["dtype"], "f32");
  EXPECT_EQ(info["trees"], 4);
  EXPECT_EQ(info["keys"], true);
  EXPECT_EQ(info["bytes"], ReadFile(Path("w.kith")).size());
  EXPECT_TRUE(info["built_with"].is_object()) << info["built_with"];
  ASSERT_FALSE(info["sections"].empty());
  for (const json& section : info["sections"]) {
    EXPECT_EQ(section["offset"].get<uint64_t>() % 4096, 0u);
    EXPECT_LE(section["offset"].get<uint64_t>() + section["bytes"].get<uint64_t>(),
              info["bytes"].get<uint64_t>());
  }
}

TEST_F(FilesTest, VerifyAcceptsASoundFile) {
  Ok({"build", WriteSmallWords(), "-o", Path("w.kith")});
  EXPECT_NE(Ok({"verify", Path("w.kith")}).find("sound"), std::string::npos);
  const json verified = OkJson({"verify", Path("w.kith"), "--json"});
  EXPECT_EQ(verified["ok"], true);
  EXPECT_EQ(verified["bytes"], ReadFile(Path("w.kith")).size());
}

TEST_F(FilesTest, VerifyFindsAFlippedByteInEverySection) {
  Ok({"build", WriteSmallWords(), "-o", Path("w.kith")});
  const std::string sound = ReadFile(Path("w.kith"));
  const json info = OkJson({"info", Path("w.kith"), "--json"});
  ASSERT_GE(info["sections"].size(), 5u);
  for (const json& section : info["sections"]) {
    if (section["bytes"] == 0) continue;
    std::string damaged = sound;
    damaged[section["offset"].get<size_t>() + section["bytes"].get<size_t>() / 2] ^= 0x10;
    WriteFile(Path("damaged.kith"), damaged);
    Fails(1, {"verify", Path("damaged.kith")}, {"damaged.kith", section["name"]});
  }
}

TEST_F(FilesTest, DamagedHeadersAreRefusedByEveryCommand) {
  Ok({"build", WriteSmallWords(), "-o", Path("w.kith")});
  const std::string sound = ReadFile(Path("w.kith"));
  std::string flipped = sound;
  flipped[40] ^= 1;
  std::string newer = sound;
  newer[8] = 99;
  for (const std::string& content :
       {flipped, newer, sound.substr(0, sound.size() - 1), sound.substr(0, 4096),
        sound.substr(0, 64), sound.substr(0, 9), sound + "x"}) {
    WriteFile(Path("damaged.kith"), content);
    Fails(1, {"info", Path("damaged.kith")}, {"damaged.kith"});
    Fails(1, {"verify", Path("damaged.kith")}, {"damaged.kith"});
    Fails(1, {"search", Path("damaged.kith"), "--id", "0"}, {"damaged.kith"});
    Fails(1, {"convert", Path("damaged.kith"), Path("x.fvecs")}, {"damaged.kith"});
  }
}

}  // namespace
}  // namespace kith::cli_test
