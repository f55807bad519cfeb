// kith build.
#include <algorithm>
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using BuildTest = CliTest;
using nlohmann::json;

TEST_F(BuildTest, SaysWhatWasBuiltAndWhy) {
  const std::string out = Ok({"build", WriteSmallWords(), "-o", Path("w.kith")});
  for (const char* words :
       {"100 vectors of 8 dimensions, with keys", "angular (usual for", "--metric chooses another",
        "bytes a vector", "exact (a graph would not beat it here)"}) {
    EXPECT_NE(out.find(words), std::string::npos) << words << " in\n" << out;
  }
  EXPECT_EQ(FilesInDirectory(), (std::vector<std::string>{"w.kith", "words.vec"}));
}

TEST_F(BuildTest, JsonHasTheSummary) {
  const json built = OkJson({"build", WriteSmallWords(), "-o", Path("w.kith"), "--index", "forest",
                             "--trees", "3", "--leaf", "20", "--json"});
  EXPECT_EQ(built["vectors"], 100);
  EXPECT_EQ(built["dim"], 8);
  EXPECT_EQ(built["dtype"], "f32");
  EXPECT_EQ(built["metric"], "angular");
  EXPECT_EQ(built["index"], json({"exact", "forest"}));
  EXPECT_EQ(built["graph"], nullptr);
  EXPECT_EQ(built["trees"], 3);
  EXPECT_EQ(built["leaf"], 20);
  EXPECT_EQ(built["keys"], true);
  EXPECT_EQ(built["ids"], false);
  EXPECT_GT(built["build_s"], 0);
  EXPECT_EQ(built["bytes"], ReadFile(Path("w.kith")).size());
  EXPECT_DOUBLE_EQ(built["bytes_per_vector"], built["bytes"].get<double>() / 100);
}

TEST_F(BuildTest, ChoosesTheUsualMetricAndTheSmallestType) {
  const auto build = [&](const std::string& vectors, std::vector<std::string> more = {}) {
    std::vector<std::string> args{"build", vectors, "-o", Path("x.kith"), "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return OkJson(args);
  };
  const json floats = build(WriteFvecs("f.fvecs", RandomFloats(50, 6, 1)));
  EXPECT_EQ(floats["metric"], "angular");
  EXPECT_EQ(floats["dtype"], "f32");
  const std::string bytes_path = WriteBvecs("b.bvecs", RandomBytes(50, 6, 1));
  const json bytes = build(bytes_path);
  EXPECT_EQ(bytes["metric"], "euclidean");
  EXPECT_EQ(bytes["dtype"], "u8");
  const json bytes_in_floats =
      build(WriteFvecs("i.fvecs", RandomBytes(50, 6, 1)), {"--metric", "euclidean"});
  EXPECT_EQ(bytes_in_floats["dtype"], "u8");
  EXPECT_EQ(bytes_in_floats["metric_reason"], "as asked");
  const json wide = build(bytes_path, {"--dtype", "f32", "--metric", "manhattan"});
  EXPECT_EQ(wide["dtype"], "f32");
  EXPECT_EQ(wide["metric"], "manhattan");

  std::string header = "{'descr': '|b1', 'fortran_order': False, 'shape': (4, 8), }";
  header.resize(117, ' ');
  header += '\n';
  WriteFile(Path("bits.npy"), std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header +
                                  std::string("\0\1\0\1\0\1\0\1", 8) +
                                  std::string("\1\1\0\1\0\1\0\1", 8) + std::string(16, '\0'));
  const json bits = build(Path("bits.npy"));
  EXPECT_EQ(bits["metric"], "hamming");
  EXPECT_EQ(bits["dtype"], "bit");
}

TEST_F(BuildTest, AnyNumberOfThreadsGivesTheSameBytes) {
  const std::string vectors = WriteFvecs("v.fvecs", RandomFloats(5000, 16, 3));
  for (const char* threads : {"1", "2", "5"}) {
    Ok({"build", vectors, "-o", Path(std::string(threads) + ".kith"), "--threads", threads,
        "--index", "graph,forest", "--trees", "6"});
  }
  const std::string one = ReadFile(Path("1.kith"));
  EXPECT_TRUE(one == ReadFile(Path("2.kith")));
  EXPECT_TRUE(one == ReadFile(Path("5.kith")));
  Ok({"build", vectors, "-o", Path("seed.kith"), "--index", "graph,forest", "--trees", "6",
      "--seed", "7"});
  EXPECT_FALSE(one == ReadFile(Path("seed.kith"))) << "the seed must matter";
}

TEST_F(BuildTest, TakesKeysIdsAndTheFirstRows) {
  const std::string vectors = WriteFvecs("v.fvecs", RandomFloats(5, 4, 3));
  WriteFile(Path("keys.txt"), "a\nb b\nc\nd\n\xC3\xA9\n");
  WriteFile(Path("ids.txt"), "50\n40\r\n30\n20\n10\n");
  const json built = OkJson({"build", vectors, "-o", Path("v.kith"), "--keys", Path("keys.txt"),
                             "--ids", Path("ids.txt"), "--index", "exact", "--json"});
  EXPECT_EQ(built["keys"], true);
  EXPECT_EQ(built["ids"], true);
  EXPECT_EQ(built["index"], json({"exact"}));
  const json found = OkJson({"search", Path("v.kith"), "--id", "40", "-k", "9", "--json"});
  EXPECT_EQ(found["query"], 40);
  EXPECT_EQ(found["neighbors"].size(), 4u);
  for (const json& neighbor : found["neighbors"]) {
    const size_t row = 5 - neighbor["id"].get<size_t>() / 10;
    EXPECT_EQ(neighbor["key"], (std::vector<std::string>{"a", "b b", "c", "d", "\xC3\xA9"}[row]));
  }
  EXPECT_EQ(OkJson({"build", vectors, "-o", Path("v.kith"), "--rows", "3", "--ids", Path("ids.txt"),
                    "--json"})["vectors"],
            3);
}

TEST_F(BuildTest, ScanCodesAreThereIfAskedForOrIfTheyPay) {
  const std::string small = WriteFvecs("s.fvecs", RandomFloats(200, 32, 3));
  const std::string large = WriteFvecs("l.fvecs", RandomFloats(5000, 64, 3));
  const auto has_codes = [&](const std::string& vectors, const std::string& choice) {
    const json built = OkJson({"build", vectors, "-o", Path("v.kith"), "--index", "exact",
                               "--scan-codes", choice, "--json"});
    const json info = OkJson({"info", Path("v.kith"), "--json"});
    EXPECT_EQ(info["scan_codes"], built["scan_codes"]);
    return built["scan_codes"].get<bool>();
  };
  EXPECT_TRUE(has_codes(large, "auto"));
  EXPECT_FALSE(has_codes(large, "off"));
  EXPECT_FALSE(has_codes(small, "auto"));
  EXPECT_TRUE(has_codes(small, "on"));
  EXPECT_NE(Ok({"info", Path("v.kith")}).find("over 8-bit codes"), std::string::npos);
  Ok({"verify", Path("v.kith")});
  Fails(2, {"build", small, "-o", Path("v.kith"), "--scan-codes", "on"}, {"--index exact"});
}

TEST_F(BuildTest, GraphsAreBuiltWhereTheyBeatExactSearch) {
  const auto access = [&](const std::string& vectors, const std::vector<std::string>& more = {}) {
    std::vector<std::string> args{"build", vectors, "-o", Path("x.kith"), "--json"};
    args.insert(args.end(), more.begin(), more.end());
    const json built = OkJson(args);
    const json info = OkJson({"info", Path("x.kith"), "--json"});
    EXPECT_EQ(info["index"], built["index"]);
    EXPECT_EQ(info["graph"], built["graph"]);
    Ok({"verify", Path("x.kith")});
    return built["index"];
  };
  const std::string small = WriteFvecs("s.fvecs", RandomFloats(1000, 16, 3));
  const std::string large = WriteFvecs("l.fvecs", RandomFloats(9000, 32, 3));
  EXPECT_EQ(access(small), json({"exact"}));
  EXPECT_EQ(access(large), json({"exact", "graph"}));
  EXPECT_EQ(access(large, {"--index", "auto"}), json({"exact", "graph"}));
  EXPECT_EQ(access(large, {"--index", "exact"}), json({"exact"}));
  EXPECT_EQ(access(small, {"--index", "graph"}), json({"exact", "graph"}));
  EXPECT_EQ(access(small, {"--index", "FOREST"}), json({"exact", "forest"}));
  EXPECT_EQ(access(small, {"--index", "forest,graph"}), json({"exact", "graph", "forest"}));
}

TEST_F(BuildTest, GraphsAreAsAskedFor) {
  const std::string vectors = WriteFvecs("v.fvecs", RandomFloats(1000, 24, 3));
  const auto graph = [&](const std::vector<std::string>& more) {
    std::vector<std::string> args{"build",   vectors, "-o",    Path("x.kith"),
                                  "--index", "graph", "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return OkJson(args)["graph"];
  };
  const json usual = graph({});
  EXPECT_EQ(usual["layout"], "packed");
  EXPECT_EQ(usual["degree"], 32);
  EXPECT_EQ(usual["nodes"], 1000);
  EXPECT_DOUBLE_EQ(usual["bytes_per_vector"], usual["bytes"].get<double>() / 1000);
  EXPECT_GE(usual["bytes"], 1000 * usual["visit_bytes"].get<uint64_t>());

  const json asked = graph({"--degree", "48", "--edge-bits", "8", "--beam", "20"});
  EXPECT_EQ(asked["degree"], 48);
  EXPECT_EQ(asked["code_bits"], 8);
  EXPECT_GT(asked["bytes"], usual["bytes"]);

  const json compact = graph({"--layout", "compact", "--degree", "16"});
  EXPECT_EQ(compact["layout"], "compact");
  EXPECT_EQ(compact["code_bits"], 0);
  EXPECT_EQ(compact["visit_bytes"], 64);
  EXPECT_EQ(graph({"--metric", "manhattan"})["layout"], "compact");
  // A beam of another width finds other edges.
  const std::string before = ReadFile(Path("x.kith"));
  graph({"--metric", "manhattan", "--beam", "11"});
  EXPECT_FALSE(before == ReadFile(Path("x.kith")));
}

// Gaussians of eight dimensions in a space of more: easy to search, so that any graph beats exact
// search.
Matrix FewDirections(size_t rows, size_t dim) {
  constexpr size_t kDirections = 8;
  const Matrix places = RandomFloats(rows, kDirections, 3);
  const Matrix directions = RandomFloats(kDirections, dim, 4);
  Matrix m{rows, dim, std::vector<float>(rows * dim)};
  for (size_t r = 0; r < rows; ++r) {
    for (size_t j = 0; j < kDirections; ++j) {
      const float place = places.row(r)[j];
      for (size_t c = 0; c < dim; ++c) m.values[r * dim + c] += place * directions.row(j)[c];
    }
  }
  return m;
}

TEST_F(BuildTest, MemoryBoundsTheGraph) {
  const std::string vectors = WriteFvecs("v.fvecs", FewDirections(20000, 64));
  const auto layout = [&](const std::string& memory) {
    return OkJson(
        {"build", vectors, "-o", Path("x.kith"), "--memory", memory, "--json"})["graph"]["layout"];
  };
  EXPECT_EQ(layout("4G"), "packed");
  EXPECT_EQ(layout("50000K"), "compact");
  EXPECT_EQ(layout("50M"), "compact");
  EXPECT_EQ(layout("12M"), nullptr);
  Fails(1, {"build", vectors, "-o", Path("y.kith"), "--memory", "1000"},
        {"exact search only", "bytes of memory", "1000 are allowed", "allow that many"});
  Fails(1, {"build", vectors, "-o", Path("y.kith"), "--memory", "1000", "--index", "graph"},
        {"compact graph", "bytes of memory", "1000 are allowed", "allow more"});
  Fails(1,
        {"build", vectors, "-o", Path("y.kith"), "--memory", "50M", "--index", "graph", "--layout",
         "packed"},
        {"packed graph", "allow more"});
}

TEST_F(BuildTest, ReplacesAnExistingFile) {
  WriteFile(Path("w.kith"), "something else");
  Ok({"build", WriteSmallWords(), "-o", Path("w.kith")});
  Ok({"verify", Path("w.kith")});
}

TEST_F(BuildTest, RebuildsAKithFileInPlace) {
  Ok({"build", WriteSmallWords(), "-o", Path("w.kith"), "--index", "exact"});
  const json before = OkJson({"search", Path("w.kith"), "--key", "river", "--json"});
  const json built =
      OkJson({"build", Path("w.kith"), "-o", Path("w.kith"), "--index", "forest", "--json"});
  EXPECT_EQ(built["index"], json({"exact", "forest"}));
  EXPECT_EQ(built["keys"], true);
  EXPECT_EQ(built["metric"], "angular");
  EXPECT_EQ(built["metric_reason"], "as the file says");
  const json after = OkJson({"search", Path("w.kith"), "--key", "river", "--exact", "--json"});
  EXPECT_EQ(before["neighbors"], after["neighbors"]);
}

}  // namespace
}  // namespace kith::cli_test
