// The main job on real vectors. Needs KITH_DATA, the directory of the project's data sets.
#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

class RealDataTest : public RealDataCliTest {
 protected:
  // Graph and forest reach this recall while they compare less than everything.
  void ExpectRecall(const std::string& queries, double recall) {
    for (const auto& [index, efforts] : {std::pair{"graph", "32,64,128"},  //
                                         std::pair{"forest", "500,2000,8000"}}) {
      SCOPED_TRACE(index);
      const auto points =
          OkJsonLines({"eval", Path("x.kith"), "--queries", queries, "--rows", "100", "--index",
                       std::string("exact,") + index, "--effort", efforts, "--json"});
      ASSERT_EQ(points.size(), 4u);
      EXPECT_DOUBLE_EQ(points[0]["recall"], 1) << "exact";
      double best = 0;
      for (size_t i = 1; i < points.size(); ++i) {
        EXPECT_EQ(points[i]["index"], index);
        best = std::max(best, points[i]["recall"].get<double>());
        EXPECT_LT(points[i]["distances"], points[0]["distances"].get<double>() / 10);
      }
      EXPECT_GE(best, recall);
    }
  }
};

TEST_F(RealDataTest, Words) {
  const std::string words = data_ + "/words/words-en-100d.bin";
  const json built =
      OkJson({"build", words, "-o", Path("x.kith"), "--index", "graph,forest", "--json"});
  EXPECT_EQ(built["vectors"], 108904);
  EXPECT_EQ(built["metric"], "angular");
  std::set<std::string> near;
  const json answer = OkJson({"search", Path("x.kith"), "--key", "chinese river", "--json"});
  for (const json& neighbor : answer["neighbors"]) near.insert(neighbor["key"]);
  EXPECT_TRUE(near.count("yangtze") == 1) << answer;
  EXPECT_TRUE(near.count("chinese") == 0 && near.count("river") == 0) << answer;
  ExpectRecall(words, 0.95);
}

TEST_F(RealDataTest, Digits) {
  const std::string digits = data_ + "/mnist/train-images-idx3-ubyte.gz";
  const json built =
      OkJson({"build", digits, "-o", Path("x.kith"), "--keys",
              data_ + "/mnist/train-labels-idx1-ubyte.gz", "--index", "graph,forest", "--json"});
  EXPECT_EQ(built["vectors"], 60000);
  EXPECT_EQ(built["dim"], 784);
  EXPECT_EQ(built["dtype"], "u8");
  EXPECT_EQ(built["metric"], "euclidean");
  ExpectRecall(data_ + "/mnist/t10k-images-idx3-ubyte.gz", 0.95);
}

TEST_F(RealDataTest, Descriptors) {
  const json built = OkJson({"build", data_ + "/descriptors/base.u8bin", "-o", Path("x.kith"),
                             "--index", "graph,forest", "--json"});
  EXPECT_EQ(built["vectors"], 400224);
  EXPECT_EQ(built["dtype"], "u8");
  ExpectRecall(data_ + "/descriptors/queries.u8bin", 0.95);
}

}  // namespace
}  // namespace kith::cli_test
