// kith embed and kith search --image, from the command line to what they print.
#include <filesystem>
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

const std::string kData = KITH_PICTURES_DATA;
const std::string kNet = kData + "/net.onnx";

class EmbedCliTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
#ifndef KITH_HAVE_PICTURES
    Fails(1, {"embed", kData + "/shapes", "-o", Path("a.kith"), "--model", kNet},
          {"kith_pictures.so", "apt-get install"});
    GTEST_SKIP() << "built without OpenCV: no pictures are embedded";
#endif
  }
};

TEST_F(EmbedCliTest, FromPicturesToAnswers) {
  const std::string file = Path("p.kith");
  const json summary = OkJson({"embed", kData + "/shapes", kData + "/kinds", "-o", file, "--model",
                               kNet, "--labels", Path("labels.txt"), "--json"});
  EXPECT_EQ(summary["pictures"], 23);
  EXPECT_EQ(summary["skipped"], 0);
  EXPECT_EQ(summary["labels"], 2);
  EXPECT_EQ(summary["dim"], 5);
  const std::vector<std::string> labels = SplitLines(ReadFile(Path("labels.txt")));
  ASSERT_EQ(labels.size(), 23u);
  EXPECT_EQ(labels[0], "square");
  EXPECT_EQ(labels[22], "kinds");
  Ok({"verify", file});
  EXPECT_EQ(OkJson({"info", file, "--json"})["origin"], summary["origin"]);
  // The network is not beside it, until it is.
  const std::string query = kData + "/kinds/grey.png";
  Fails(1, {"search", file, "--image", query}, {"net.onnx", "--model"});
  const std::vector<json> told =
      OkJsonLines({"search", file, "--image", query, "--model", kNet, "-k", "2", "--json"});
  std::filesystem::copy_file(kNet, Path("net.onnx"));
  const std::vector<json> found =
      OkJsonLines({"search", file, "--image", query, "--image",
                   kData + "/shapes/square/turned7.png", "-k", "2", "--json"});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0]["neighbors"], told[0]["neighbors"]);
  EXPECT_EQ(found[0]["query"], query);
  EXPECT_EQ(found[0]["neighbors"][0]["key"], query);
  EXPECT_LT(found[0]["neighbors"][0]["distance"], 1e-6);
  EXPECT_LT(found[1]["neighbors"][1]["distance"], 1e-6);  // the same in another position
}

TEST_F(EmbedCliTest, VectorsAloneAndTheSameBytesOnAnyThreads) {
  Ok({"embed", kData + "/all.zip", "-o", Path("a.npy"), "--model", kNet, "--keys", Path("keys")});
  EXPECT_EQ(OkJson({"build", Path("a.npy"), "-o", Path("a.kith"), "--keys", Path("keys"),
                    "--json"})["vectors"],
            2);
  const std::string key = kData + "/all.zip/a/plain.png";
  EXPECT_NE(Ok({"search", Path("a.kith"), "--key", key}).find("b/turned6.jpg"), std::string::npos);
  for (const char* const threads : {"1", "3"}) {
    Ok({"embed", kData + "/shapes", "-o", Path(std::string(threads) + ".kith"), "--model", kNet,
        "--threads", threads});
  }
  EXPECT_EQ(ReadFile(Path("1.kith")), ReadFile(Path("3.kith")));
}

TEST_F(EmbedCliTest, LayersAreListedAndChosen) {
  const std::string text = Ok({"embed", "--model", kNet, "--list-layers"});
  std::string pooled;
  for (const std::string& line : SplitLines(text)) {
    if (line.find("Pooling") != std::string::npos) pooled = line.substr(2, line.find(' ', 2) - 2);
  }
  ASSERT_FALSE(pooled.empty()) << text;
  EXPECT_NE(text.find("taken"), std::string::npos) << text;
  const json summary =
      OkJson({"embed", kData + "/all.zip", "-o", Path("a.kith"), "--model", kNet, "--layer", pooled,
              "--size", "20", "--crop", "0.9", "--mean", "1,2,3", "--std", "4,5,6", "--json"});
  EXPECT_EQ(summary["dim"], 8);
  const std::string origin = summary["origin"];
  EXPECT_NE(origin.find("size 20\ncrop 0.9\nmean 1 2 3\nstd 4 5 6\n"), std::string::npos) << origin;
}

TEST_F(EmbedCliTest, BrokenPicturesAreNamedAndSkippedOrTheEnd) {
  const std::string out = Path("a.kith");
  const Outcome outcome =
      Run({"embed", kData + "/broken", kData + "/all.tar", "-o", out, "--model", kNet});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find("cut.jpg: damaged JPEG"), std::string::npos) << outcome.err;
  EXPECT_EQ(SplitLines(outcome.err).size(), 6u) << outcome.err;
  EXPECT_NE(outcome.out.find("3 pictures of 3 folders"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("6 skipped"), std::string::npos) << outcome.out;
  const std::string strict = Path("b.kith");
  Fails(1, {"embed", kData + "/broken", "-o", strict, "--model", kNet, "--strict"}, {"cut.jpg"});
  EXPECT_FALSE(std::filesystem::exists(strict));
}

TEST_F(EmbedCliTest, BadUseIsAnsweredInOneLine) {
  const std::string out = Path("a.kith");
  const std::string shapes = kData + "/shapes";
  Fails(2, {"embed", shapes, "-o", out}, {"--model"});
  Fails(2, {"embed", shapes, "--model", kNet}, {"--output"});
  Fails(2, {"embed", "-o", out, "--model", kNet}, {"PICTURES"});
  Fails(2, {"embed", shapes, "-o", out, "--model", kNet, "--mean", "1,2"}, {"--mean"});
  Fails(2, {"embed", shapes, "-o", out, "--model", kNet, "--crop", "2"}, {"--crop"});
  Fails(2, {"embed", shapes, "-o", Path("a.npy"), "--metric", "dot", "--model", kNet},
        {"--metric"});
  Fails(1, {"embed", Path("none"), "-o", out, "--model", kNet}, {"none"});
  Fails(1, {"embed", shapes, "-o", out, "--model", Path("none.onnx")}, {"none.onnx"});
  Fails(1, {"embed", shapes, "-o", out, "--model", kNet, "--layer", "x"}, {"no layer 'x'"});
  Fails(1, {"embed", shapes, "-o", Path("no/such.kith"), "--model", kNet}, {"no/such"});
  const std::string words = WriteSmallWords();
  Ok({"build", words, "-o", out});
  Fails(1, {"search", out, "--image", kNet}, {"a.kith", "kith embed"});
  Fails(2, {"search", out, "--key", "river", "--model", kNet}, {"--image"});
  Fails(2, {"search", out, "--key", "river", "--image", kNet}, {"one of"});
}

}  // namespace
}  // namespace kith::cli_test
