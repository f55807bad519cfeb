// kith reduce.
#include <cmath>
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

class ReduceTest : public CliTest {
 protected:
  // Some directions have much more variance than others.
  static Matrix Uneven(size_t rows, size_t dim) {
    Matrix m = RandomFloats(rows, dim, 3);
    for (size_t i = 0; i < rows; ++i) {
      for (size_t c = 0; c < dim; ++c) {
        m.values[i * dim + c] *= 1.0f / static_cast<float>(1 + c);
      }
    }
    return m;
  }
};

TEST_F(ReduceTest, AModelReducesQueriesAsItDidTheVectors) {
  const std::string base = WriteFvecs("base.fvecs", Uneven(500, 12));
  const json made = OkJson({"reduce", base, "--dim", "5", "-o", Path("five.fvecs"), "--save",
                            Path("model.kith"), "--json"});
  EXPECT_EQ(made["vectors"], 500);
  EXPECT_EQ(made["source_dim"], 12);
  EXPECT_EQ(made["dim"], 5);
  EXPECT_EQ(made["method"], "pca");
  EXPECT_EQ(made["variances"].size(), 5u);
  EXPECT_GT(made["variance"], 0.8);
  EXPECT_FALSE(made.contains("table"));
  Ok({"reduce", base, "--model", Path("model.kith"), "-o", Path("again.fvecs")});
  EXPECT_TRUE(ReadFile(Path("again.fvecs")) == ReadFile(Path("five.fvecs")));
  // The formats that are written in blocks, and those that are not.
  for (const char* name : {"x.npy", "x.fbin", "x.csv"}) {
    Ok({"reduce", base, "--model", Path("model.kith"), "-o", Path(name), "--threads", "3"});
    Ok({"convert", Path(name), Path("back.fvecs")});
    EXPECT_TRUE(ReadFile(Path("back.fvecs")) == ReadFile(Path("five.fvecs"))) << name;
  }
  EXPECT_NE(Ok({"verify", Path("model.kith")}).find("sound"), std::string::npos);
  const json info = OkJson({"info", Path("model.kith"), "--json"});
  EXPECT_EQ(info["model"]["method"], "pca");
  EXPECT_EQ(info["model"]["source_dim"], 12);
  EXPECT_NE(Ok({"info", Path("model.kith")}).find("12 dimensions to 5"), std::string::npos);
  Fails(1, {"search", Path("model.kith"), "--queries", base}, {"model.kith", "model"});
}

TEST_F(ReduceTest, WithoutFilesItTellsTheTradeOff) {
  const std::string base = WriteFvecs("base.fvecs", Uneven(400, 16));
  const json told = OkJson({"reduce", base, "--json", "--rerank", "40"});
  ASSERT_EQ(told["table"].size(), 7u);  // 2, 3, 4, 6, 8, 12, 16
  double last = 0;
  for (const json& point : told["table"]) {
    EXPECT_GE(point["reranked"], point["recall"]);
    EXPECT_GE(point["variance"], last);
    last = point["variance"];
  }
  EXPECT_EQ(told["table"][6]["dim"], 16);
  EXPECT_GT(told["table"][6]["recall"], 0.999);  // a rotation keeps all
  EXPECT_EQ(told["queries"], 400);
  const std::string text = Ok({"reduce", base});
  EXPECT_NE(text.find("recall@10"), std::string::npos) << text;
  EXPECT_NE(text.find("of 100 re-ranked"), std::string::npos) << text;
}

TEST_F(ReduceTest, KeepsAShareOfVarianceOrNeighbours) {
  const std::string base = WriteFvecs("base.fvecs", Uneven(600, 16));
  const json variance =
      OkJson({"reduce", base, "--keep-variance", "0.8", "--save", Path("m.kith"), "--json"});
  EXPECT_GE(variance["variance"], 0.8);
  const json recall =
      OkJson({"reduce", base, "--keep-recall", "0.7", "-o", Path("x.npy"), "--json"});
  EXPECT_EQ(recall["kept"]["dim"], recall["dim"]);
  EXPECT_NEAR(recall["kept"]["recall"], 0.72, 0.1);
  EXPECT_EQ(recall["kept"]["queries"], 300);
  for (const json& point : recall["table"]) {
    EXPECT_EQ(point["recall"] >= 0.7, point["dim"] >= recall["dim"]);
  }
  const json fewer =
      OkJson({"reduce", base, "--keep-recall", "0.7", "--reranked", "-o", Path("y.npy"), "--json"});
  EXPECT_LT(fewer["dim"], recall["dim"]);
}

TEST_F(ReduceTest, KeysGoAlongWhereTheyCan) {
  const std::string words = WriteSmallWords();
  Ok({"reduce", words, "--dim", "3", "--metric", "angular", "-o", Path("w.txt"), "--format",
      "word2vec-text"});
  EXPECT_NE(ReadFile(Path("w.txt")).find("\nChinese "), std::string::npos);
  const std::string text = Ok({"reduce", words, "--dim", "3", "-o", Path("w.npy")});
  EXPECT_NE(text.find("--keys FILE"), std::string::npos) << text;
  Ok({"reduce", words, "--dim", "3", "-o", Path("w.npy"), "--keys", Path("keys.txt")});
  EXPECT_EQ(SplitLines(ReadFile(Path("keys.txt"))).size(), 100u);
}

TEST_F(ReduceTest, AnIndexReducesQueriesAndRerankingUndoesIt) {
  const Matrix base = Uneven(400, 16);
  const Matrix queries = RandomFloats(20, 16, 9);
  const std::string base_path = WriteFvecs("base.fvecs", base);
  const std::string queries_path = WriteFvecs("q.fvecs", queries);
  const std::string file = Path("r.kith");
  const json made =
      OkJson({"build", base_path, "--reduce", "4", "--metric", "euclidean", "-o", file, "--json"});
  EXPECT_EQ(made["dim"], 4);
  EXPECT_EQ(made["source_dim"], 16);
  Ok({"verify", file});
  EXPECT_NE(Ok({"info", file}).find("from 16 dimensions"), std::string::npos);
  // As the vectors reduced by a model, but for the names.
  Ok({"reduce", base_path, "--dim", "4", "--save", Path("m.kith")});
  Ok({"build", base_path, "--model", Path("m.kith"), "--metric", "euclidean", "-o",
      Path("same.kith")});
  EXPECT_TRUE(ReadFile(Path("same.kith")) == ReadFile(file));
  Ok({"reduce", queries_path, "--model", Path("m.kith"), "-o", Path("q4.fvecs")});
  EXPECT_EQ(OkJsonLines({"search", file, "--queries", queries_path, "--json"}),
            OkJsonLines({"search", file, "--queries", Path("q4.fvecs"), "--json"}));
  const auto exact = OkJsonLines({"search", file, "--queries", queries_path, "--json", "--rerank",
                                  base_path, "--candidates", "400"});
  for (size_t q = 0; q < 20; ++q) {
    const std::vector<int64_t> truth = Nearest(Distance::kEuclidean, base, queries.row(q), 10);
    for (size_t i = 0; i < 10; ++i) EXPECT_EQ(exact[q]["neighbors"][i]["id"], truth[i]);
  }
  std::string vector = "0.5";
  for (int c = 1; c < 16; ++c) vector += ",0.25";
  Ok({"search", file, "--vector", vector});
  Fails(1, {"search", file, "--vector", "1,2,3"}, {"3 values", "give 16"});
  Fails(1, {"search", file, "--queries", queries_path, "--rerank", queries_path}, {"20 originals"});
  Fails(2, {"search", file, "--vector", vector, "--rerank", base_path}, {"--queries"});
  Fails(2, {"build", base_path, "--reduce", "4", "--explain"}, {"--explain"});
  Fails(1, {"build", base_path, "--model", Path("m.kith"), "--metric", "dot", "-o", Path("x.kith")},
        {"fitted for euclidean"});
}

TEST_F(ReduceTest, SaysWhatIsWrong) {
  const std::string base = WriteFvecs("base.fvecs", RandomFloats(20, 6, 1));
  const std::string out = Path("out.npy");
  Fails(2, {"reduce", base, "--dim", "3", "--keep-variance", "0.5", "-o", out}, {"--dim"});
  Fails(2, {"reduce", base, "--keep-variance", "95", "-o", out}, {"95", "share"});
  Fails(2, {"reduce", base, "--method", "svd", "-o", out}, {"svd", "pca"});
  Fails(2, {"reduce", base, "--dim", "3", "-o", Path("x.kith")}, {"kith build"});
  Fails(1, {"reduce", base, "--dim", "7", "-o", out}, {"base.fvecs", "6 dimensions", "7"});
  Fails(1, {"build", base, "--reduce", "500", "-o", Path("x.kith")},
        {"base.fvecs: cannot reduce 6 dimensions to 500", "choose 6 or fewer"});
  Fails(1, {"reduce", base, "--dim", "2", "--metric", "manhattan", "-o", out}, {"manhattan"});
  Fails(1, {"reduce", base, "--keep-recall", "1", "-k", "20", "--rerank", "20", "-o", out}, {"20"});
  Fails(1, {"reduce", base, "--dim", "3", "-o", base}, {"base.fvecs", "another name"});
  Fails(1, {"reduce", base, "--model", base, "-o", out}, {"base.fvecs"});
  Matrix bad = RandomFloats(20, 6, 1);
  bad.values[8 * 6 + 1] = std::nanf("");
  const std::string nan = WriteFvecs("nan.fvecs", bad);
  Fails(1, {"reduce", nan, "--dim", "3", "-o", out}, {"nan.fvecs", "row 8, column 1"});
  Ok({"reduce", base, "--dim", "3", "--save", Path("m.kith")});
  Fails(1, {"reduce", nan, "--model", Path("m.kith"), "-o", out}, {"nan.fvecs", "row 8, column 1"});
  const std::string five = WriteFvecs("five.fvecs", RandomFloats(20, 5, 1));
  Fails(1, {"reduce", five, "--model", Path("m.kith"), "-o", out},
        {"five.fvecs", "5 dim", "m.kith"});
  Fails(2, {"reduce", base, "--model", Path("m.kith"), "--dim", "2", "-o", out}, {"--model"});
  for (const std::string& name : FilesInDirectory()) EXPECT_NE(name, "out.npy");
}

}  // namespace
}  // namespace kith::cli_test
