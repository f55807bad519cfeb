// kith search.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/strings.h"
#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

std::vector<int64_t> Ids(const json& answer) {
  std::vector<int64_t> ids;
  for (const json& neighbor : answer["neighbors"]) ids.push_back(neighbor["id"]);
  return ids;
}

std::string Numbers(const Matrix& m, size_t row) {
  std::ostringstream text;
  text.precision(9);
  for (size_t j = 0; j < m.dim; ++j) text << (j > 0 ? "," : "") << m.row(row)[j];
  return text.str();
}

class SearchTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    words_ = Path("words.kith");
    Ok({"build", WriteSmallWords(), "-o", words_});
    points_ = Path("points.kith");
    Ok({"build", WriteFvecs("points.fvecs", base_), "-o", points_, "--metric", "euclidean",
        "--index", "forest"});
  }

  const Matrix base_ = RandomFloats(800, 12, 5);
  const Matrix queries_ = RandomFloats(40, 12, 6);
  std::string words_;
  std::string points_;
};

TEST_F(SearchTest, ExactAnswersAreThoseOfAPlainLoop) {
  const std::string queries = WriteFvecs("q.fvecs", queries_);
  const auto euclidean =
      OkJsonLines({"search", points_, "--queries", queries, "--exact", "--json"});
  Ok({"build", Path("points.fvecs"), "-o", Path("angular.kith")});
  const auto angular = OkJsonLines(
      {"search", Path("angular.kith"), "--queries", queries, "--exact", "-k", "7", "--json"});
  ASSERT_EQ(euclidean.size(), queries_.rows);
  ASSERT_EQ(angular.size(), queries_.rows);
  for (size_t q = 0; q < queries_.rows; ++q) {
    EXPECT_EQ(euclidean[q]["query"], q);
    EXPECT_EQ(euclidean[q]["index"], "exact");
    EXPECT_EQ(Ids(euclidean[q]), Nearest(Distance::kEuclidean, base_, queries_.row(q), 10));
    EXPECT_EQ(Ids(angular[q]), Nearest(Distance::kCosine, base_, queries_.row(q), 7));
  }
  const json& first = euclidean[0]["neighbors"][0];
  double squares = 0;
  for (size_t j = 0; j < base_.dim; ++j) {
    squares += std::pow(base_.row(first["id"])[j] - queries_.row(0)[j], 2);
  }
  EXPECT_NEAR(first["distance"].get<double>(), std::sqrt(squares), 1e-5);
}

TEST_F(SearchTest, AForestThatSeesAllIsExact) {
  const std::string queries = WriteFvecs("q.fvecs", queries_);
  const auto exact = OkJsonLines({"search", points_, "--queries", queries, "--exact", "--json"});
  const auto forest =
      OkJsonLines({"search", points_, "--queries", queries, "--effort", "1000000", "--json"});
  ASSERT_EQ(exact.size(), forest.size());
  for (size_t q = 0; q < exact.size(); ++q) {
    EXPECT_EQ(forest[q]["index"], "forest");
    EXPECT_EQ(exact[q]["neighbors"], forest[q]["neighbors"]);
  }
}

TEST_F(SearchTest, EveryIndexAnswers) {
  const std::string queries = WriteFvecs("q.fvecs", queries_);
  Ok({"build", Path("points.fvecs"), "-o", Path("both.kith"), "--metric", "euclidean", "--index",
      "graph,forest"});
  const auto search = [&](const std::vector<std::string>& more) {
    std::vector<std::string> args{"search", Path("both.kith"), "--queries", queries, "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return OkJsonLines(args);
  };
  const auto exact = search({"--exact"});
  ASSERT_EQ(exact.size(), queries_.rows);
  EXPECT_EQ(search({"--index", "exact"}), exact);
  EXPECT_EQ(search({}), exact) << "as fast as the graph for so few vectors";
  EXPECT_EQ(search({"--effort", "20"})[0]["index"], "graph") << "the best there is";
  const auto usual = search({"--index", "graph"});
  EXPECT_EQ(usual[0]["index"], "graph");
  EXPECT_EQ(search({"--index", "graph", "--huge"}), usual);
  EXPECT_EQ(search({"--index", "graph", "--effort", "64"}), usual) << "the default for k = 10";
  EXPECT_EQ(search({"--index", "forest"})[0]["index"], "forest");
  // A beam as wide as the graph, like a forest all of whose vectors are compared, finds all.
  for (const char* index : {"graph", "forest"}) {
    const auto all = search({"--index", index, "--effort", "1000000"});
    for (size_t q = 0; q < exact.size(); ++q) {
      EXPECT_EQ(all[q]["neighbors"], exact[q]["neighbors"]) << index << ", query " << q;
    }
  }
  const std::string table = Ok({"search", Path("both.kith"), "--id", "3", "--index", "graph"});
  EXPECT_NE(table.find("(graph: "), std::string::npos) << table;
  EXPECT_NE(table.find("codes)"), std::string::npos) << table;
}

// Where nodes carry their vector rounded, what is found is compared with the vectors themselves.
TEST_F(SearchTest, AGraphLeavesOutWhatIsNoNumber) {
  Ok({"build", WriteFvecs("wide.fvecs", RandomFloats(300, 200, 5)), "-o", Path("wide.kith"),
      "--index", "graph", "--layout", "packed"});
  const json info = OkJson({"info", Path("wide.kith"), "--json"});
  std::string bytes = ReadFile(Path("wide.kith"));
  ASSERT_EQ(info["sections"][0]["name"], "vectors");
  const size_t begin = info["sections"][0]["offset"];
  const size_t size = info["sections"][0]["bytes"];
  std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(begin), size / 2, '\xFF');
  WriteFile(Path("damaged.kith"), bytes);
  const std::string queries = WriteFvecs("q.fvecs", RandomFloats(10, 200, 6));
  size_t found = 0;
  for (const json& answer : OkJsonLines({"search", Path("damaged.kith"), "--queries", queries, "-k",
                                         "50", "--index", "graph", "--json"})) {
    EXPECT_EQ(answer["index"], "graph");
    for (const json& neighbor : answer["neighbors"]) {
      EXPECT_TRUE(neighbor["distance"].is_number()) << neighbor;
      ++found;
    }
  }
  EXPECT_GT(found, 0u);
  EXPECT_LT(found, 500u);
}

TEST_F(SearchTest, BatchEqualsOneByOne) {
  const auto batch = OkJsonLines({"search", points_, "--queries", WriteFvecs("q.fvecs", queries_),
                                  "--threads", "2", "--json"});
  ASSERT_EQ(batch.size(), queries_.rows);
  for (size_t q = 0; q < 10; ++q) {
    const json one = OkJson({"search", points_, "--vector", Numbers(queries_, q), "--json"});
    EXPECT_EQ(one["neighbors"], batch[q]["neighbors"]) << "query " << q;
  }
}

TEST_F(SearchTest, PermutedRowsPermuteIds) {
  Matrix shuffled = base_;
  const auto place = [&](size_t i) { return (i * 37 + 11) % base_.rows; };
  for (size_t i = 0; i < base_.rows; ++i) {
    std::copy_n(base_.row(i), base_.dim, &shuffled.values[place(i) * base_.dim]);
  }
  Ok({"build", WriteFvecs("s.fvecs", shuffled), "-o", Path("s.kith"), "--metric", "euclidean"});
  const std::string queries = WriteFvecs("q.fvecs", queries_);
  const auto before = OkJsonLines({"search", points_, "--queries", queries, "--exact", "--json"});
  const auto after =
      OkJsonLines({"search", Path("s.kith"), "--queries", queries, "--exact", "--json"});
  ASSERT_EQ(before.size(), queries_.rows);
  ASSERT_EQ(after.size(), queries_.rows);
  for (size_t q = 0; q < queries_.rows; ++q) {
    std::vector<int64_t> expected = Ids(before[q]);
    for (int64_t& id : expected) id = static_cast<int64_t>(place(static_cast<size_t>(id)));
    EXPECT_EQ(Ids(after[q]), expected);
  }
}

TEST_F(SearchTest, KeysAndIdsLeaveThemselvesOut) {
  const Matrix words = SmallWords();
  std::vector<int64_t> expected = Nearest(Distance::kCosine, words, words.row(0), 6);
  ASSERT_EQ(expected[0], 0);
  expected.erase(expected.begin());
  const json by_key = OkJson({"search", words_, "--key", "river", "-k", "5", "--exact", "--json"});
  const json by_id = OkJson({"search", words_, "--id", "0", "-k", "5", "--exact", "--json"});
  EXPECT_EQ(by_key["query"], "river");
  EXPECT_EQ(by_id["query"], 0);
  EXPECT_EQ(Ids(by_key), expected);
  EXPECT_EQ(Ids(by_id), expected);
  EXPECT_EQ(by_key["neighbors"][0]["rank"], 1);
  EXPECT_EQ(by_key["neighbors"][0]["key"], expected[0] == 1 ? "Chinese" : StrCat("w", expected[0]));
}

TEST_F(SearchTest, SeveralKeysAreSummedAsUnitVectors) {
  const Matrix words = SmallWords();
  std::vector<float> sum(words.dim, 0);
  for (const size_t row : {0, 1}) {
    double squares = 0;
    for (size_t j = 0; j < words.dim; ++j) squares += words.row(row)[j] * words.row(row)[j];
    for (size_t j = 0; j < words.dim; ++j) {
      sum[j] += static_cast<float>(words.row(row)[j] / std::sqrt(squares));
    }
  }
  std::vector<int64_t> expected = Nearest(Distance::kCosine, words, sum.data(), 12);
  std::erase_if(expected, [](int64_t id) { return id < 2; });
  expected.resize(10);
  const json quoted = OkJson({"search", words_, "--key", "Chinese river", "--exact", "--json"});
  EXPECT_EQ(Ids(quoted), expected);
  const json repeated =
      OkJson({"search", words_, "--key", "Chinese", "--key", "river", "--exact", "--json"});
  EXPECT_EQ(quoted, repeated);
}

TEST_F(SearchTest, AKeyWithASpaceIsOneKey) {
  Matrix m = RandomFloats(3, 4, 9);
  WriteFile(Path("keys.txt"), "new\nyork\nnew york\n");
  Ok({"build", WriteFvecs("c.fvecs", m), "-o", Path("c.kith"), "--keys", Path("keys.txt")});
  EXPECT_EQ(Ids(OkJson({"search", Path("c.kith"), "--key", "new york", "--json"})).size(), 2u);
  EXPECT_EQ(Ids(OkJson({"search", Path("c.kith"), "--key", "york new", "--json"})),
            (std::vector<int64_t>{2}));
}

TEST_F(SearchTest, MoreNeighboursThanVectorsGivesAll) {
  const json all = OkJson({"search", words_, "--key", "river", "-k", "1000", "--exact", "--json"});
  const std::vector<int64_t> ids = Ids(all);
  EXPECT_EQ(ids.size(), 99u);
  EXPECT_EQ(std::set<int64_t>(ids.begin(), ids.end()).size(), 99u);
  Ok({"search", words_, "--key", "river", "-k", "9000000000000000000", "--exact", "--json"});
}

TEST_F(SearchTest, ReadsKeysFromStandardInput) {
  const auto answers =
      OkJsonLines({"search", words_, "-", "--json"}, "river\n\n  \nChinese river\r\nw7");
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0], OkJson({"search", words_, "--key", "river", "--json"}));
  EXPECT_EQ(answers[1]["query"], "Chinese river");
  EXPECT_EQ(answers[2], OkJson({"search", words_, "--key", "w7", "--json"}));
}

TEST_F(SearchTest, ReadsVectorsFromStandardInput) {
  const auto answers = OkJsonLines({"search", points_, "-", "--json", "-k", "3"},
                                   Numbers(queries_, 0) + "\n" + Numbers(queries_, 1) + "\n");
  ASSERT_EQ(answers.size(), 2u);
  const json one = OkJson({"search", points_, "--vector", Numbers(queries_, 1), "--json", "-k3"});
  EXPECT_EQ(answers[1]["neighbors"], one["neighbors"]);
  const std::string spaces = "-1 2;+3\t4 5 6 7 8 9 1e1 .5 -12";
  const std::string commas = "-1,2,3,4,5,6,7,8,9,10,0.5,-12";
  EXPECT_EQ(OkJson({"search", points_, "--vector", spaces, "--json"})["neighbors"],
            OkJson({"search", points_, "--vector", commas, "--json"})["neighbors"]);
}

TEST_F(SearchTest, TsvHasALineForEachNeighbour) {
  const auto lines =
      SplitLines(Ok({"search", words_, "--key", "river", "-k", "4", "--format", "tsv"}));
  const json same = OkJson({"search", words_, "--key", "river", "-k", "4", "--format", "json"});
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0], "query\trank\tid\tkey\tdistance");
  for (size_t i = 0; i < 4; ++i) {
    const json& neighbor = same["neighbors"][i];
    const std::string head = "river\t" + std::to_string(i + 1) + "\t" + neighbor["id"].dump() +
                             "\t" + neighbor["key"].get<std::string>() + "\t";
    ASSERT_EQ(lines[i + 1].rfind(head, 0), 0u) << lines[i + 1];
    EXPECT_EQ(std::stof(lines[i + 1].substr(head.size())), neighbor["distance"].get<float>());
  }
}

TEST_F(SearchTest, TableIsAligned) {
  const auto lines = SplitLines(Ok({"search", words_, "--key", "river", "-k", "12"}));
  ASSERT_EQ(lines.size(), 15u);
  EXPECT_EQ(lines[0], "\"river\"");
  for (const char* name : {"rank", "id", "key", "distance", "cosine"}) {
    EXPECT_NE(lines[1].find(name), std::string::npos);
  }
  for (size_t i = 2; i < 14; ++i) {
    EXPECT_EQ(lines[i].size(), lines[1].size()) << lines[i];
    std::istringstream cells(lines[i]);
    int rank = 0;
    int64_t id = 0;
    std::string key;
    double distance = 0;
    double cosine = 0;
    cells >> rank >> id >> key >> distance >> cosine;
    EXPECT_EQ(rank, static_cast<int>(i) - 1);
    EXPECT_NEAR(distance + cosine, 1, 2e-4);
  }
  EXPECT_NE(lines[14].find("distances)"), std::string::npos) << "time and cost";
  EXPECT_EQ(Ok({"search", points_, "--id", "3"}).find("cosine"), std::string::npos);
}

TEST_F(SearchTest, ArraysHoldTheSameAnswers) {
  const std::string queries = WriteFvecs("q.fvecs", queries_);
  EXPECT_EQ(Ok({"search", points_, "--queries", queries, "-k", "3", "--exact", "--format", "npy",
                "-o", Path("a.npy")}),
            "");
  const std::string ids = ReadFile(Path("a.npy"));
  const std::string distances = ReadFile(Path("a.distances.npy"));
  ASSERT_GE(ids.size(), 40 * 3 * sizeof(int64_t));
  const auto lines =
      OkJsonLines({"search", points_, "--queries", queries, "-k", "3", "--exact", "--json"});
  ASSERT_EQ(lines.size(), 40u);
  for (size_t q = 0; q < 40; ++q) {
    for (size_t j = 0; j < 3; ++j) {
      const size_t places_left = 120 - (3 * q + j);
      int64_t id = 0;
      float distance = 0;
      std::memcpy(&id, ids.data() + ids.size() - 8 * places_left, 8);
      std::memcpy(&distance, distances.data() + distances.size() - 4 * places_left, 4);
      EXPECT_EQ(id, lines[q]["neighbors"][j]["id"]);
      EXPECT_EQ(distance, lines[q]["neighbors"][j]["distance"].get<float>());
    }
  }
}

TEST_F(SearchTest, AKithFileHoldsQueriesToo) {
  Ok({"build", WriteFvecs("q.fvecs", queries_), "-o", Path("q.kith"), "--metric", "euclidean"});
  EXPECT_EQ(OkJsonLines({"search", points_, "--queries", Path("q.kith"), "--json"}),
            OkJsonLines({"search", points_, "--queries", Path("q.fvecs"), "--json"}));
}

TEST_F(SearchTest, KeysThatAreNotTextAreHarmless) {
  Matrix m = RandomFloats(3, 4, 9);
  WriteFile(Path("keys.txt"), "a\n\xFF\xFE\nx\\y\n");
  Ok({"build", WriteFvecs("c.fvecs", m), "-o", Path("c.kith"), "--keys", Path("keys.txt")});
  EXPECT_EQ(Ids(OkJson({"search", Path("c.kith"), "--key", "a", "--json"})).size(), 2u);
  const std::string tsv = Ok({"search", Path("c.kith"), "--key", "a", "--format", "tsv"});
  EXPECT_NE(tsv.find("x\\\\y"), std::string::npos) << tsv;
}

// Keys come from files of strangers, and what is shown at a terminal must not command it.
TEST_F(SearchTest, ControlCharactersOfKeysAreEscapedForPeople) {
  const std::string escape = "a\x1b]0;title\x07";
  const std::string c1 = "b\u009b31m";
  const std::string bytes = "c\x9b";
  WriteFile(Path("keys"), escape + "\n" + c1 + "\n" + bytes + "\nd\n");
  const std::string file = Path("strange.kith");
  Ok({"build", WriteFvecs("strange.fvecs", RandomFloats(4, 3, 1)), "-o", file, "--keys",
      Path("keys")});
  for (const char* format : {"table", "tsv"}) {
    const std::string out = Ok({"search", file, "--id", "3", "-k", "3", "--format", format});
    for (const char* shown : {"a\\x1b]0;title\\x07", "b\\xc2\\x9b31m", "c\\x9b"}) {
      EXPECT_NE(out.find(shown), std::string::npos) << format << ": " << shown;
    }
    EXPECT_EQ(out.find_first_of("\x1b\x07\x9b"), std::string::npos) << format;
  }
  // Of queries from a file, which have keys too.
  const std::string asked = Ok({"search", file, "--queries", file, "-k", "1"});
  EXPECT_EQ(asked.find_first_of("\x1b\x07\x9b"), std::string::npos);
  // JSON has the key itself.
  const json answer = OkJson({"search", file, "--id", "3", "-k", "3", "--json"});
  bool exact = false;
  for (const json& neighbor : answer["neighbors"]) exact |= neighbor["key"] == escape;
  EXPECT_TRUE(exact);
  // Errors name files and keys.
  const Outcome outcome = Run({"info", Path("\x1b[2J")});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("\\x1b[2J"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace kith::cli_test
