// kith factorize and kith recommend, from the command line to the answers.
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "cli/harness.h"
#include "learn/taste.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

class FactorizeCliTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    const Interactions all = kith::testing::MadeOfTastes(300, 240, 12, 1);
    std::string text = "user\titem\tplays\n";
    for (size_t u = 0; u < all.num_users(); ++u) {
      for (size_t i = 0; i < all.ItemsOf(u).size(); ++i) {
        text += std::string(all.users[u]) + "\t" + std::string(all.items[all.ItemsOf(u)[i]]) +
                "\t" + std::to_string(static_cast<int>(all.WeightsOf(u)[i])) + "\n";
      }
    }
    plays_ = Path("plays.tsv");
    WriteFile(plays_, text);
  }
  std::string plays_;
};

TEST_F(FactorizeCliTest, WritesAFolderThatRecommends) {
  const std::string folder = Path("model");
  const std::string text =
      Ok({"factorize", plays_, "-o", folder, "--factors", "12", "--iterations", "5"});
  EXPECT_NE(text.find("300 users, "), std::string::npos) << text;
  EXPECT_NE(text.find("iteration 5  loss 0."), std::string::npos) << text;
  EXPECT_NE(text.find("users.kith and items.kith of 12 dimensions"), std::string::npos) << text;

  const json user = OkJson({"recommend", folder, "--user", "u7", "-k", "4", "--explain", "--json"});
  EXPECT_EQ(user["user"], "u7");
  ASSERT_EQ(user["items"].size(), 4u);
  const std::string plays = ReadFile(plays_);
  for (const json& each : user["items"]) {
    const std::string item = each["item"];
    EXPECT_EQ(plays.find("u7\t" + item + "\t"), std::string::npos) << "heard already";
    ASSERT_EQ(each["because"].size(), 3u);
    const std::string because = each["because"][0]["item"];
    EXPECT_NE(plays.find("u7\t" + because + "\t"), std::string::npos) << "never heard";
  }
  const std::vector<json> like =
      OkJsonLines({"recommend", folder, "--like", "i0", "i5", "-k", "3", "--json"});
  ASSERT_EQ(like.size(), 2u);
  EXPECT_EQ(like[1]["like"], "i5");
  EXPECT_EQ(like[1]["items"].size(), 3u);
  const std::string table = Ok({"recommend", folder, "--heard", "i0", "i12", "-k", "3"});
  EXPECT_NE(table.find("a new user"), std::string::npos) << table;
  EXPECT_EQ(table.find(" i12 "), std::string::npos) << table;

  const std::string all = Ok({"recommend", folder, "--all", "-o", Path("all.tsv"), "-k", "4"});
  EXPECT_NE(all.find("4 items for each of 300 users"), std::string::npos) << all;
  const std::vector<std::string> lines = SplitLines(ReadFile(Path("all.tsv")));
  ASSERT_EQ(lines.size(), 1u + 300 * 4);
  EXPECT_EQ(lines[0], "user\trank\titem\tscore");
  EXPECT_EQ(lines[29].substr(0, 5), "u7\t1\t");
  EXPECT_NE(lines[29].find("\t" + user["items"][0]["item"].get<std::string>() + "\t"),
            std::string::npos);
  Ok({"recommend", folder, "--all", "-o", Path("all.npy"), "-k", "4", "--recall", "0.9"});
  EXPECT_TRUE(std::filesystem::exists(Path("all.distances.npy")));
}

TEST_F(FactorizeCliTest, ThreadsChangeNoByte) {
  for (const char* algorithm : {"als", "bpr"}) {
    for (const char* threads : {"1", "3"}) {
      Ok({"factorize", plays_, "-o", Path(threads), "--algorithm", algorithm, "--iterations", "3",
          "--factors", "8", "--threads", threads});
    }
    for (const char* name : {"/users.kith", "/items.kith", "/history.mtx", "/model.tsv"}) {
      EXPECT_EQ(ReadFile(Path("1") + name), ReadFile(Path("3") + name)) << algorithm << name;
    }
  }
}

TEST_F(FactorizeCliTest, EvaluatesBesideWhatNeedsNoVectors) {
  const json found =
      OkJson({"factorize", plays_, "--evaluate", "leave:3", "--factors", "12", "--json"});
  EXPECT_EQ(found["held_out"], 900);
  ASSERT_EQ(found["scores"].size(), 3u);
  EXPECT_EQ(found["scores"][0]["by"], "als");
  EXPECT_EQ(found["scores"][2]["by"], "popular");
  EXPECT_GT(found["scores"][0]["ndcg"], found["scores"][2]["ndcg"]);
  const std::string text = Ok({"factorize", plays_, "--evaluate", "random", "-k", "5"});
  EXPECT_NE(text.find("NDCG@5"), std::string::npos) << text;
  EXPECT_NE(text.find("item cosine"), std::string::npos) << text;
}

TEST_F(FactorizeCliTest, BadUseIsAnsweredInOneLine) {
  const std::string folder = Path("model");
  Fails(2, {"factorize", plays_}, {"--output or --evaluate"});
  Fails(2, {"factorize", plays_, "-o", folder, "--factors", "0"}, {"at least 1"});
  Fails(2, {"factorize", plays_, "-o", folder, "--factors", "5000"}, {"4096"});
  Fails(2, {"factorize", plays_, "-o", folder, "--alpha", "-1"}, {"at least 0"});
  Fails(2, {"factorize", plays_, "-o", folder, "--algorithm", "svd"}, {"bpr"});
  Fails(2, {"factorize", plays_, "--evaluate", "half"}, {"leave:COUNT"});
  Fails(2, {"factorize", plays_, "--evaluate", "random:2"}, {"random:SHARE"});
  Fails(1, {"factorize", plays_, "--evaluate", "latest:2"}, {"no times"});
  Fails(1, {"factorize", Path("none.tsv"), "-o", folder}, {"none.tsv"});
  WriteFile(Path("bad.tsv"), "u\ti\t1\nu\n");
  Fails(1, {"factorize", Path("bad.tsv"), "-o", folder}, {"bad.tsv", "line 2"});
  EXPECT_FALSE(std::filesystem::exists(folder)) << "what failed left a folder";
  Fails(1, {"recommend", folder, "--user", "u1"}, {"model: is not a folder of kith factorize"});
  Fails(2, {"factorize", "-", "-o", folder}, {"standard input", "./-"});
  // Said before any work: the file of pairs is not even there.
  Fails(1, {"factorize", Path("none.tsv"), "-o", plays_}, {"plays.tsv is a file"});
  Ok({"factorize", plays_, "-o", folder, "--factors", "4", "--algorithm", "bpr", "--iterations",
      "2"});
  Fails(2, {"recommend", folder}, {"--user"});
  Fails(2, {"recommend", folder, "--all"}, {"--output"});
  Fails(2, {"recommend", folder, "--user", "u1", "-o", Path("x")}, {"--all"});
  Fails(2, {"recommend", folder, "--like", "i1", "--explain"}, {"--user"});
  Fails(1, {"recommend", folder, "--user", "u1x"}, {"no user 'u1x'", "did you mean"});
  Fails(1, {"recommend", folder, "--user", "u1", "--explain"}, {"bpr", "als"});
  Fails(1, {"recommend", folder, "--heard", "i1"}, {"bpr", "als"});
}

TEST_F(FactorizeCliTest, SaysWhatItTookForAHeaderAndThatVectorsAreEmpty) {
  const std::string folder = Path("model");
  EXPECT_NE(Ok({"factorize", plays_, "-o", folder, "--iterations", "2"})
                .find("(line 1 taken as a header)"),
            std::string::npos);
  std::string text;
  for (int i = 0; i < 24; ++i) {
    text += "u" + std::to_string(i % 12) + " i" + std::to_string((i * 5 + i / 12) % 12) + "\n";
  }
  WriteFile(Path("few"), text);
  const Outcome few = Run({"factorize", Path("few"), "-o", folder});
  EXPECT_EQ(few.exit_code, 0);
  EXPECT_EQ(few.out.find("header"), std::string::npos) << few.out;
  EXPECT_NE(few.err.find("lower --regularization, which is 10"), std::string::npos) << few.err;
  EXPECT_EQ(Run({"factorize", Path("few"), "-o", folder, "--regularization", "0.1"}).err, "");
}

TEST_F(FactorizeCliTest, CtrlCLeavesTheOldModelOrTheNewOne) {
  const std::string folder = Path("model");
  const std::vector<std::string> command{"factorize", plays_, "-o", folder, "--factors", "48"};
  const auto with_seed = [&](const char* seed) {
    std::vector<std::string> args = command;
    args.insert(args.end(), {"--seed", seed});
    return args;
  };
  const auto contents = [&] {
    std::vector<std::string> all;
    for (const char* name : {"/users.kith", "/items.kith", "/history.mtx", "/model.tsv"}) {
      all.push_back(ReadFile(folder + name));
    }
    return all;
  };
  Ok(with_seed("2"));
  const std::vector<std::string> newer = contents();
  const auto start = std::chrono::steady_clock::now();
  Ok(with_seed("1"));
  const auto whole = std::chrono::steady_clock::now() - start;
  const std::vector<std::string> older = contents();
  ASSERT_NE(older[0], newer[0]);
  int stopped = 0;
  for (int i = 0; i < 16; ++i) {
    Process process = Process::Start(with_seed("2"));
    // More of them near the end, where the files are written.
    std::this_thread::sleep_for(whole * (i < 4 ? 0.2 * i : 0.7 + 0.03 * (i - 4)));
    process.Signal(SIGINT);
    stopped += process.Wait().exit_code == 128 + SIGINT;
    const std::vector<std::string> now = contents();
    EXPECT_TRUE(now == older || now == newer) << "a mixture, after run " << i;
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) files += entry.exists();
    EXPECT_EQ(files, 4u) << i;
    if (now != older) Ok(with_seed("1"));
  }
  EXPECT_GT(stopped, 3) << "hardly a run was stopped: this tested nothing";
}

class RealListeningTest : public RealDataCliTest {};

// The figures that are promised of the real play counts.
TEST_F(RealListeningTest, AlsBeatsItemCosinesAndPopularity) {
  const std::string plays = data_ + "/listening/user_artists.dat";
  const json found = OkJson({"factorize", plays, "--evaluate", "leave:5", "--json"});
  EXPECT_GT(found["scores"][0]["ndcg"], 0.205);
  EXPECT_GT(found["scores"][0]["ndcg"], 1.05 * found["scores"][1]["ndcg"].get<double>());
  EXPECT_GT(found["scores"][0]["ndcg"], 3 * found["scores"][2]["ndcg"].get<double>());
  Ok({"factorize", plays, "--names", data_ + "/listening/artists.dat", "-o", Path("m")});
  const json like = OkJson({"recommend", Path("m"), "--like", "Madonna", "-k", "3", "--json"});
  EXPECT_EQ(like["items"][0]["item"], "Kylie Minogue");
}

}  // namespace
}  // namespace kith::cli_test
