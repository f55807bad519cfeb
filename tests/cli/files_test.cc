// kith info and kith verify.
#include <algorithm>
#include <string>
#include <vector>

#include "cli/harness.h"
#include "index/deep_meta.h"

namespace kith::cli_test {
namespace {

using FilesTest = CliTest;
using nlohmann::json;

TEST_F(FilesTest, InfoShowsWhatTheFileHolds) {
  Ok({"build", WriteSmallWords(), "-o", Path("w.kith"), "--index", "forest", "--trees", "4"});
  const std::string out = Ok({"info", Path("w.kith")});
  for (const char* words : {"100 of 8 dimensions, f32", "angular", "forest of 4 trees",
                            "bytes a vector", "version 2", "section", "crc32c", "0x"}) {
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

TEST_F(FilesTest, InfoShowsTheGraph) {
  const std::string vectors = WriteBvecs("v.bvecs", RandomBytes(400, 128, 3));
  Ok({"build", vectors, "-o", Path("g.kith"), "--index", "graph,forest"});
  const json info = OkJson({"info", Path("g.kith"), "--json"});
  const json& graph = info["graph"];
  const std::string bits = graph["code_bits"].dump();
  EXPECT_NE(bits, "0");
  const std::string out = Ok({"info", Path("g.kith")});
  for (const std::string& words :
       {"exact, packed graph of degree 32 with " + bits + "-bit codes, forest of",
        std::string("400 nodes (distinct vectors)"), std::string("bytes read a visit")}) {
    EXPECT_NE(out.find(words), std::string::npos) << words << " in\n" << out;
  }
  // What the graph takes is what its sections take.
  uint64_t bytes = 0;
  for (const json& section : info["sections"]) {
    if (section["name"].get<std::string>().rfind("graph", 0) == 0) {
      bytes += section["bytes"].get<uint64_t>();
    }
  }
  EXPECT_EQ(graph["bytes"], bytes);
  EXPECT_LE(graph["bytes_per_vector"], 1600);
  EXPECT_EQ(graph["visit_bytes"].get<uint64_t>() % 64, 0u) << "whole cache lines";

  Ok({"build", vectors, "-o", Path("c.kith"), "--index", "graph", "--layout", "compact"});
  EXPECT_NE(Ok({"info", Path("c.kith")}).find("128 bytes read a visit beside vectors"),
            std::string::npos);
  const json compact = OkJson({"info", Path("c.kith"), "--json"});
  EXPECT_EQ(compact["graph"]["visit_bytes"], 128);
  EXPECT_LE(compact["graph"]["bytes_per_vector"].get<double>() + 128, 350);
}

TEST_F(FilesTest, CopiesAreOneNode) {
  Matrix m = RandomFloats(60, 5, 1);
  for (size_t i = 50; i < 60; ++i) std::copy_n(m.row(3), m.dim, &m.values[i * m.dim]);
  Ok({"build", WriteFvecs("v.fvecs", m), "-o", Path("g.kith"), "--index", "graph"});
  const json info = OkJson({"info", Path("g.kith"), "--json"});
  EXPECT_EQ(info["vectors"], 60);
  EXPECT_EQ(info["graph"]["nodes"], 50);
  EXPECT_DOUBLE_EQ(info["graph"]["bytes_per_vector"], info["graph"]["bytes"].get<double>() / 60);
}

TEST_F(FilesTest, VerifyAcceptsASoundFile) {
  Ok({"build", WriteSmallWords(), "-o", Path("w.kith")});
  EXPECT_NE(Ok({"verify", Path("w.kith")}).find("sound"), std::string::npos);
  const json verified = OkJson({"verify", Path("w.kith"), "--json"});
  EXPECT_EQ(verified["ok"], true);
  EXPECT_EQ(verified["bytes"], ReadFile(Path("w.kith")).size());
}

TEST_F(FilesTest, VerifyFindsAFlippedByteInEverySection) {
  Ok({"build", WriteSmallWords(), "-o", Path("w.kith"), "--index", "graph,forest"});
  const std::string sound = ReadFile(Path("w.kith"));
  const json info = OkJson({"info", Path("w.kith"), "--json"});
  ASSERT_GE(info["sections"].size(), 12u);
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

// JSON nested 80,000 deep overflowed the stack.
TEST_F(FilesTest, InfoSurvivesADeepMeta) {
  const std::string file = Path("deep.kith");
  Ok({"build", WriteSmallWords(), "-o", file, "--index", "exact"});
  WriteFile(file, testing::WithMeta(ReadFile(file), testing::DeepMeta()));
  EXPECT_NE(Ok({"info", file}).find("unreadable"), std::string::npos);
  EXPECT_TRUE(OkJson({"info", file, "--json"})["built_with"].is_null());
  Fails(1, {"verify", file}, {"section \"meta\"", "expected at most 65536 bytes"});
}

}  // namespace
}  // namespace kith::cli_test
