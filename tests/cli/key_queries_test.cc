// Queries made of keys: that they mean in the shell what the table says they mean everywhere.
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "cli/harness.h"
#include "query_meanings.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;
using testing::QueryMeanings;

class KeyQueriesTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    Matrix rows{meanings_.rows.size(), meanings_.dim(), {}};
    std::string keys;
    for (size_t r = 0; r < rows.rows; ++r) {
      rows.values.insert(rows.values.end(), meanings_.rows[r].begin(), meanings_.rows[r].end());
      keys += meanings_.keys[r] + "\n";
    }
    WriteFile(Path("keys.txt"), keys);
    for (const char* metric : {"angular", "euclidean"}) {
      Ok({"build", WriteFvecs("rows.fvecs", rows), "-o", File(metric), "--keys", Path("keys.txt"),
          "--metric", metric});
    }
  }
  std::string File(const std::string& metric) const { return Path(metric + ".kith"); }

  // All vectors in the order of their distance to the vector meant, without those left out.
  json Expected(const std::string& metric, const QueryMeanings::Query& query) const {
    std::ostringstream numbers;
    for (const float x : metric == "angular" ? query.angular : query.vector) numbers << x << ',';
    const json all = OkJson(
        {"search", File(metric), "--vector", numbers.str(), "-k", "100", "--exact", "--json"});
    json expected = json::array();
    for (const json& neighbour : all["neighbors"]) {
      const auto id = neighbour["id"].get<uint64_t>();
      if (std::find(query.excluded.begin(), query.excluded.end(), id) == query.excluded.end()) {
        expected.push_back(neighbour);
      }
    }
    return expected;
  }

  const QueryMeanings meanings_ = testing::ReadQueryMeanings();
};

TEST_F(KeyQueriesTest, MeanWhatTheTableSays) {
  for (const char* metric : {"angular", "euclidean"}) {
    std::string lines;
    std::vector<json> answers;
    for (const QueryMeanings::Query& query : meanings_.queries) {
      SCOPED_TRACE(query.text + ", " + metric);
      answers.push_back(
          OkJson({"search", File(metric), "--key", query.text, "-k", "100", "--exact", "--json"}));
      lines += query.text + "\n";
      EXPECT_EQ(answers.back()["query"], query.text);
      const json& neighbours = answers.back()["neighbors"];
      const json expected = Expected(metric, query);
      ASSERT_EQ(neighbours.size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(neighbours[i]["distance"].get<double>(), expected[i]["distance"].get<double>(),
                    1e-5);
        const auto id = neighbours[i]["id"].get<uint64_t>();
        EXPECT_EQ(std::count(query.excluded.begin(), query.excluded.end(), id), 0) << id;
      }
    }
    // The same on standard input.
    EXPECT_EQ(OkJsonLines({"search", File(metric), "-", "-k", "100", "--exact", "--json"}, lines),
              answers);
  }
}

TEST_F(KeyQueriesTest, SeveralOptionsAreOneQuery) {
  const auto neighbours = [&](std::vector<std::string> args) {
    args.insert(args.begin(), {"search", File("angular"), "--exact", "--json"});
    return OkJson(args)["neighbors"];
  };
  EXPECT_EQ(neighbours({"--key", "king", "--key", "-man", "--key", "+woman"}),
            neighbours({"--key", "+king -man +woman"}));
  EXPECT_EQ(neighbours({"--key=-man", "--key=new york"}),
            neighbours({"--key", "new york", "--key", "-man"}));
}

TEST_F(KeyQueriesTest, SayWhatIsWrong) {
  for (const QueryMeanings::Error& error : meanings_.errors) {
    SCOPED_TRACE(error.text);
    Fails(1, {"search", File("euclidean"), "--key", error.text}, error.parts);
    if (error.kind == "empty") continue;  // lines of nothing are no queries
    const Outcome outcome = Run({"search", File("euclidean"), "-"}, "king\n" + error.text + "\n");
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_NE(outcome.out.find("\"king\""), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.err.find("line 2: "), std::string::npos) << outcome.err;
    for (const std::string& part : error.parts) {
      EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
    }
  }
}

// An id is that of one vector, whatever others share its key.
TEST_F(KeyQueriesTest, IdsLeaveOutThemselvesAlone) {
  const json answer = OkJson({"search", File("euclidean"), "--id", "8", "-k", "100", "--json"});
  EXPECT_EQ(answer["neighbors"].size(), meanings_.rows.size() - 1);
  EXPECT_EQ(answer["neighbors"][0]["key"], "twin");
}

}  // namespace
}  // namespace kith::cli_test
