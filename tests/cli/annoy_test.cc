// Annoy's files, converted and built from.
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using AnnoyTest = CliTest;
using nlohmann::json;

std::string Golden(const std::string& name) {
  return std::string(KITH_GOLDEN_DIR) + "/annoy/" + name + ".ann";
}

TEST_F(AnnoyTest, BecomesAKithFileOfTheSameVectors) {
  Ok({"convert", Golden("euclidean"), Path("e.kith"), "--metric", "euclidean", "--dim", "8"});
  json info = OkJson({"info", Path("e.kith"), "--json"});
  EXPECT_EQ(info["vectors"], 60);
  EXPECT_EQ(info["dim"], 8);
  EXPECT_EQ(info["metric"], "euclidean");
  EXPECT_EQ(info["ids"], false);
  Ok({"convert", Golden("euclidean"), Path("e.npy"), "--metric", "euclidean", "--dim", "8"});
  Ok({"convert", Path("e.kith"), Path("again.npy")});
  EXPECT_TRUE(ReadFile(Path("again.npy")) == ReadFile(Path("e.npy")));
  Ok({"convert", Golden("hamming"), Path("h.kith"), "--metric", "hamming", "--dim", "70"});
  info = OkJson({"info", Path("h.kith"), "--json"});
  EXPECT_EQ(info["dtype"], "bit");
  EXPECT_EQ(info["dim"], 70);
}

TEST_F(AnnoyTest, HolesAreLeftOutAndIdsKept) {
  for (const char* command : {"convert", "build"}) {
    std::vector<std::string> args = {command, Golden("holes")};
    if (args[0] == "build") args.push_back("-o");
    args.insert(args.end(), {Path("h.kith"), "--metric", "angular", "--dim", "8"});
    Ok(args);
    const json info = OkJson({"info", Path("h.kith"), "--json"});
    EXPECT_EQ(info["vectors"], 30);
    EXPECT_EQ(info["ids"], true);
    // The item's own id is every third from 2.
    Ok({"search", Path("h.kith"), "--id", "5", "-k", "1"});
    Fails(1, {"search", Path("h.kith"), "--id", "4", "-k", "1"}, {"4"});
  }
}

TEST_F(AnnoyTest, AsksForWhatTheFileDoesNotSay) {
  Fails(1, {"convert", Golden("angular"), Path("x.kith")},
        {"--metric and --dim", "--metric angular --dim 8"});
  Fails(1, {"convert", Golden("angular"), Path("x.kith"), "--dim", "8"},
        {"--metric and --dim", "--metric angular --dim 8"});
  Fails(1, {"convert", Golden("manhattan"), Path("x.kith")},
        {"--metric euclidean --dim 8", "--metric manhattan --dim 8"});
  Fails(1, {"build", Golden("dot"), "-o", Path("x.kith"), "--metric", "dot", "--dim", "9"},
        {"dot.ann", "not an Annoy index of metric dot and dimension 9"});
  // The dimension can be found out.
  Ok({"convert", Golden("dot"), Path("x.kith"), "--metric", "dot"});
  EXPECT_EQ(OkJson({"info", Path("x.kith"), "--json"})["dim"], 8);
  Fails(2, {"convert", Path("x.kith"), Path("y.npy"), "--dim", "8"}, {"--dim"});
  Fails(1, {"convert", Path("none.ann"), Path("y.npy"), "--metric", "dot"}, {"none.ann"});
}

}  // namespace
}  // namespace kith::cli_test
