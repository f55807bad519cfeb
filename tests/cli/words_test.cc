// kith words, from the command line to what is printed.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/harness.h"
#include "data/fasttext_file.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

std::vector<std::string> Keys(const json& answer) {
  std::vector<std::string> keys;
  for (const json& neighbour : answer["neighbors"]) keys.push_back(neighbour["key"]);
  return keys;
}

class WordsCliTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    words_ = WriteSmallWords();
  }
  // Runs it with "words FILE" before the arguments.
  std::vector<std::string> Words(std::vector<std::string> args) const {
    args.insert(args.begin(), {"words", words_});
    return args;
  }

  std::string words_;  // 100 of them: "river", "Chinese", w2 ... w99
};

TEST_F(WordsCliTest, AnswersArgumentsLinesAndBoth) {
  const json one = OkJson(Words({"chinese", "river", "--json", "-n", "5"}));
  EXPECT_EQ(one["query"], "chinese river");
  EXPECT_EQ(one["neighbors"].size(), 5u);
  EXPECT_EQ(one["words"][0]["key"], "Chinese");
  EXPECT_EQ(one["unknown"], json::array());
  const std::vector<std::string> keys = Keys(one);
  EXPECT_EQ(std::count(keys.begin(), keys.end(), "river"), 0);
  // It was made beside the words, and nothing else was.
  EXPECT_EQ(FilesInDirectory().size(), 2u);
  EXPECT_EQ(Keys(OkJson(Words({"chinese river", "--json", "-n", "5", "--exact"}))), keys);
  const auto lines =
      OkJsonLines(Words({"--json", "-n", "5"}), "chinese river\n\nw2 - w3\r\n2*w5 w6");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["neighbors"], one["neighbors"]);
  EXPECT_EQ(lines[1]["words"][1]["weight"], -1);
  EXPECT_EQ(lines[2]["words"][0]["weight"], 2);
  const std::string table = Ok(Words({"chinese river", "-n", "2"}));
  EXPECT_EQ(table.rfind("Chinese + river\n", 0), 0u) << table;
  const auto tsv = SplitLines(Ok(Words({"--format", "tsv", "-n", "2"}), "chinese river\nw7\n"));
  ASSERT_EQ(tsv.size(), 5u);
  EXPECT_EQ(tsv[0], "query\trank\tword\tcosine");
  EXPECT_EQ(tsv[1].rfind("chinese river\t1\t" + keys[0] + "\t", 0), 0u) << tsv[1];
}

TEST_F(WordsCliTest, WhatIsNotThereIsNamedAndTheRestAnswered) {
  Ok(Words({"river"}));
  const Outcome some = Run(Words({"rivr w2 --json"}));
  const Outcome rest = Run(Words({"rivr", "w2", "-n", "3"}));
  EXPECT_EQ(rest.exit_code, 0);
  EXPECT_EQ(rest.err, "kith: warning: no word 'rivr'; did you mean 'river'?\n");
  EXPECT_EQ(rest.out.rfind("w2\n", 0), 0u) << rest.out;
  Fails(1, Words({"rivr"}), {"no word 'rivr'", "did you mean 'river'?"});
  const Outcome lines = Run(Words({"--json", "-n", "1"}), "rivr\nriver\nriver - river\nw2 rivr\n");
  EXPECT_EQ(lines.exit_code, 1);
  EXPECT_EQ(lines.err, "kith: 2 of 4 queries could not be answered\n");
  const auto out = SplitLines(lines.out);
  ASSERT_EQ(out.size(), 4u) << lines.out << lines.err;
  EXPECT_NE(json::parse(out[0])["error"].get<std::string>().find("no word"), std::string::npos);
  EXPECT_EQ(json::parse(out[0])["unknown"][0]["nearest"][0], "river");
  EXPECT_EQ(json::parse(out[1])["neighbors"].size(), 1u);
  EXPECT_NE(json::parse(out[2])["error"].get<std::string>().find("zero"), std::string::npos);
  EXPECT_EQ(json::parse(out[3])["unknown"][0]["word"], "rivr");
}

TEST_F(WordsCliTest, FastTextAnswersOfWordsItNeverSawByTheirSubwords) {
  testing::FastTextFile file;
  file.words = {"river", "rivers", "city", "cities", "Berlin"};
  const std::string model = Path("model.bin");
  WriteFile(model, file.Bytes());
  Ok({"words", model, "river"});
  const Outcome asked = Run({"words", model, "rivr", "city", "-n", "2"});
  EXPECT_EQ(asked.exit_code, 0);
  EXPECT_EQ(
      asked.err,
      "kith: warning: no word 'rivr', so its subwords are asked for; did you mean 'river'?\n");
  EXPECT_EQ(asked.out.rfind("city + rivr\n", 0), 0u) << asked.out;
  const json answer = OkJson({"words", model, "2*rivr", "--json", "--exact", "-n", "5"});
  EXPECT_EQ(answer["subwords"][0]["word"], "rivr");
  EXPECT_EQ(answer["subwords"][0]["weight"], 2);
  EXPECT_EQ(answer["subwords"][0]["nearest"][0], "river");
  EXPECT_EQ(answer["unknown"], json::array());
  // The cosines are those of the vectors that fastText would make.
  const std::vector<double> query = file.SubwordMean("rivr");
  ASSERT_EQ(answer["neighbors"].size(), 5u);
  for (const json& neighbour : answer["neighbors"]) {
    const std::vector<double> vector = file.WordMean(neighbour["id"].get<size_t>());
    double dot = 0;
    double squares = 0;
    double own = 0;
    for (size_t i = 0; i < query.size(); ++i) {
      dot += query[i] * vector[i];
      squares += query[i] * query[i];
      own += vector[i] * vector[i];
    }
    EXPECT_NEAR(neighbour["cosine"].get<double>(), dot / std::sqrt(squares * own), 1e-6);
  }
  const Outcome similar = Run({"words", model, "--similarity", "rivr", "rivr"});
  EXPECT_EQ(similar.out, "1.000000\n");
  // Its vectors are read wherever vectors are, but for those that are quantised.
  Ok({"convert", model, Path("out.vec")});
  EXPECT_EQ(SplitLines(ReadFile(Path("out.vec")))[0], "5 3");
  Ok({"build", model, "-o", Path("b.kith")});
  file.quantised = 1;
  WriteFile(Path("model.ftz"), file.Bytes());
  Fails(1, {"words", Path("model.ftz"), "river"}, {"model.ftz: byte", "quantised"});
  WriteFile(Path("cut.bin"), ReadFile(model).substr(0, 200));
  Fails(1, {"words", Path("cut.bin"), "river"}, {"cut.bin: byte", "truncated"});
}

TEST_F(WordsCliTest, QuestionsHaveAnswers) {
  EXPECT_EQ(Ok(Words({"--similarity", "river", "river"})), "1.000000\n");
  const json closer = OkJson(Words({"--closer-than", "river", "w2", "--json", "-n", "100"}));
  EXPECT_EQ(Ok(Words({"--rank", "river", "w2"})),
            std::to_string(closer["closer"].get<size_t>() + 1) + "\n");
  const auto all = Keys(OkJson(Words({"river", "--exact", "--json", "-n", "100"})));
  for (size_t i = 0; i < closer["words"].size(); ++i) {
    EXPECT_EQ(closer["words"][i]["key"], all[i]);
  }
  EXPECT_EQ(all[closer["closer"].get<size_t>()], "w2");
  const std::string odd = Ok(Words({"--odd-one-out", "river", "w2", "w3"}));
  EXPECT_EQ(odd.find("cosine to the mean") == std::string::npos, false) << odd;
  WriteFile(Path("q.txt"), ": one\nriver w2 w3 w4\nriver w2 w3 none\n");
  const json scores = OkJson(Words({"--analogies", Path("q.txt"), "--json"}));
  EXPECT_EQ(scores["total"]["asked"], 2);
  EXPECT_EQ(scores["sections"][0]["seen"], 1);
  EXPECT_NE(Ok(Words({"--analogies", Path("q.txt")})).find("3CosMul"), std::string::npos);
}

TEST_F(WordsCliTest, BadUseIsAnsweredInOneLine) {
  Fails(1, {"words", Path("none.bin"), "river"}, {"none.bin"});
  Fails(1, {"words", WriteFvecs("x.fvecs", SmallWords()), "river"}, {"no words", "x.fvecs"});
  WriteFile(Path("cut.bin"), ReadFile(words_).substr(0, 300));
  Fails(1, {"words", Path("cut.bin"), "river"}, {"cut.bin", "expected 100 words"});
  EXPECT_EQ(FilesInDirectory().size(), 3u);
  Fails(1, Words({}), {"no queries"});
  Fails(1, Words({"--odd-one-out", "river", "w2"}), {"at least three"});
  Fails(1, Words({"--rank", "river", "river"}), {"the same"});
  Fails(1, Words({"--rank", "river", "rivr"}), {"no word 'rivr'", "'river'"});
  Fails(1, Words({"--analogies", Path("none.txt")}), {"none.txt"});
  Fails(2, Words({"--analogies", "x", "river"}), {"one question at a time"});
  Fails(2, Words({"river", "--exact", "--recall", "0.9"}), {"leave --recall out"});
  Fails(2, Words({"river", "--vocabulary", "5"}), {"--analogies"});
  Fails(2, Words({"river", "-n", "0"}), {"at least 1"});
  Fails(2, Words({"river", "-man"}), {"-man"});
  Fails(2, Words({"--rank", "a", "b", "--format", "tsv"}), {"nearest words"});
}

TEST_F(WordsCliTest, PrintsAsWord2vecDoes) {
  const std::string out =
      Ok(Words({"--format", "word2vec", "--exact"}), "Chinese river\nchinese\nEXIT\nw2\n");
  const auto lines = SplitLines(out);
  ASSERT_EQ(lines.size(), 51u) << out;
  EXPECT_EQ(lines[0], "Enter word or sentence (EXIT to break): ");
  EXPECT_EQ(lines[1], "Word: Chinese  Position in vocabulary: 1");
  EXPECT_EQ(lines[3], "Word: river  Position in vocabulary: 0");
  EXPECT_EQ(lines[5], std::string(46, ' ') + "Word       Cosine distance");
  EXPECT_EQ(lines[6], std::string(72, '-'));
  EXPECT_EQ(lines[7].size(), 50u + 2 + 8) << lines[7];
  EXPECT_EQ(lines[48], "Word: chinese  Position in vocabulary: -1");
  EXPECT_EQ(lines[49], "Out of dictionary word!");
}

// What somebody at a terminal sees.
class WordsPromptTest : public WordsCliTest {
 protected:
  static constexpr const char* kEnd = "\x04";  // Ctrl-D

  static bool CollectsLines(int terminal) {
    termios modes{};
    return tcgetattr(terminal, &modes) == 0 && (modes.c_lflag & ICANON) != 0;
  }

  // Types into the command at a terminal and returns all that appeared.
  static std::string Type(const std::vector<std::string>& args, const std::string& home,
                          const std::vector<std::string>& typed) {
    int terminal = -1;
    const pid_t pid = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (pid == 0) {
      setenv("TERM", "xterm", 1);
      setenv("HOME", home.c_str(), 1);
      unsetenv("XDG_STATE_HOME");
      std::string tool = KITH_TOOL;
      std::vector<char*> argv{tool.data()};
      for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.data()));
      argv.push_back(nullptr);
      execv(tool.c_str(), argv.data());
      _exit(127);
    }
    std::string seen;
    size_t answered = 0;  // of what was seen
    size_t next = 0;
    bool ended = false;
    char buffer[4096];
    // A program that waits for ever is a failure that shows what it printed.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (std::chrono::steady_clock::now() < deadline) {
      pollfd ready{terminal, POLLIN, 0};
      if (poll(&ready, 1, 20) > 0) {
        const ssize_t size = read(terminal, buffer, sizeof(buffer));
        if (size <= 0) {
          ended = true;
          break;
        }
        seen.append(buffer, static_cast<size_t>(size));
      }
      const size_t at = seen.rfind("> ");
      if (next == typed.size() || at == std::string::npos || at < answered) continue;
      // The end of input is lost if it comes while the terminal collects lines, as it does
      // between two prompts; a line editor has it hand on every key.
      if (typed[next] == kEnd && CollectsLines(terminal)) continue;
      EXPECT_EQ(write(terminal, typed[next].data(), typed[next].size()),
                static_cast<ssize_t>(typed[next].size()));
      ++next;
      answered = at + 2;
    }
    EXPECT_TRUE(ended) << "it waits, having printed " << seen;
    if (!ended) kill(pid, SIGKILL);
    int status = 0;
    waitpid(pid, &status, 0);
    close(terminal);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << seen;
    return seen;
  }
};

TEST_F(WordsPromptTest, AsksUntilTheEnd) {
  Ok(Words({"river"}));
  const std::string home = Path("home");
  const std::string seen = Type({"words", words_, "-n", "2"}, home,
                                {"river\n", ":help\n", "rivr\n", ":similarity river river\n",
                                 ":n 3\n", ":nonsense\n", ":rank river\n", ":quit\n"});
  EXPECT_NE(seen.find("100 words of 8 dimensions"), std::string::npos) << seen;
  EXPECT_NE(seen.find("cosine"), std::string::npos) << seen;
  EXPECT_NE(seen.find("king - man + woman"), std::string::npos) << seen;
  EXPECT_NE(seen.find("did you mean 'river'?"), std::string::npos) << seen;
  EXPECT_NE(seen.find("1.000000"), std::string::npos) << seen;
  EXPECT_NE(seen.find(":help lists them"), std::string::npos) << seen;
  EXPECT_NE(seen.find("write it as :rank A B"), std::string::npos) << seen;
  if (seen.find("Tab completes") == std::string::npos) GTEST_SKIP() << "there is no libedit here";
  // What was begun is completed, and what was typed is kept for the next time.
  const std::string again = Type({"words", words_, "-n", "2"}, home, {"riv\t\n", kEnd});
  EXPECT_NE(again.find("river"), std::string::npos) << again;
  EXPECT_NE(again.find("cosine"), std::string::npos) << again;
  const std::string kept = ReadFile(home + "/.local/state/kith/words_history");
  EXPECT_NE(kept.find("similarity"), std::string::npos) << kept;
}

// On real vectors: what is listed is what a plain loop over all words finds.
class RealWordsTest : public RealDataCliTest {
 protected:
  void SetUp() override {
    RealDataCliTest::SetUp();
    if (IsSkipped()) return;
    std::ifstream in(data_ + "/words/words-en-100d.bin", std::ios::binary);
    in >> rows_ >> dim_;
    in.get();
    vectors_.resize(rows_ * dim_);
    for (size_t i = 0; i < rows_; ++i) {
      std::string word;
      std::getline(in, word, ' ');
      word.erase(0, word.find_first_not_of('\n'));
      words_.push_back(word);
      in.read(reinterpret_cast<char*>(&vectors_[i * dim_]),
              static_cast<std::streamsize>(dim_ * sizeof(float)));
      double squares = 0;
      for (size_t c = 0; c < dim_; ++c) squares += std::pow(vectors_[i * dim_ + c], 2);
      for (size_t c = 0; c < dim_; ++c) {
        vectors_[i * dim_ + c] = static_cast<float>(vectors_[i * dim_ + c] / std::sqrt(squares));
      }
    }
    ASSERT_TRUE(in);
  }

  // The ten nearest to the sum of some rows, which are left out.
  std::vector<std::pair<double, std::string>> Scan(const std::vector<size_t>& rows) const {
    std::vector<double> sum(dim_, 0.0);
    double squares = 0;
    for (const size_t row : rows) {
      for (size_t c = 0; c < dim_; ++c) sum[c] += vectors_[row * dim_ + c];
    }
    for (const double x : sum) squares += x * x;
    std::vector<std::pair<double, size_t>> all;
    for (size_t i = 0; i < rows_; ++i) {
      if (std::find(rows.begin(), rows.end(), i) != rows.end()) continue;
      double dot = 0;
      for (size_t c = 0; c < dim_; ++c) dot += sum[c] * vectors_[i * dim_ + c];
      all.emplace_back(-dot / std::sqrt(squares), i);
    }
    std::partial_sort(all.begin(), all.begin() + 10, all.end());
    std::vector<std::pair<double, std::string>> best;
    for (size_t i = 0; i < 10; ++i) best.emplace_back(-all[i].first, words_[all[i].second]);
    return best;
  }

  size_t rows_ = 0;
  size_t dim_ = 0;
  std::vector<std::string> words_;
  std::vector<float> vectors_;
};

// Analogies too, of the same file, which takes long to make.
TEST_F(RealWordsTest, ListsAndAnalogiesAreThoseOfTheScan) {
  const std::string file = data_ + "/words/words-en-100d.bin";
  const std::string index = Path("words.kith");
  // Pairs of words of all frequencies, and single ones.
  std::string lines;
  std::vector<std::vector<size_t>> rows;
  for (size_t i = 0; i < 200; ++i) {
    rows.push_back({1 + i * 37 % 5000});
    if (i % 2 == 0) rows.back().push_back(1 + i * i * 101 % (rows_ - 1));
    for (const size_t row : rows.back()) lines += "+" + words_[row] + " ";
    lines += "\n";
  }
  const auto exact = OkJsonLines({"words", file, "-o", index, "--exact", "--json"}, lines);
  const auto usual = OkJsonLines({"words", file, "-o", index, "--json"}, lines);
  ASSERT_EQ(exact.size(), rows.size());
  ASSERT_EQ(usual.size(), rows.size());
  size_t found = 0;
  size_t whole = 0;
  for (size_t q = 0; q < rows.size(); ++q) {
    const auto expected = Scan(rows[q]);
    const auto keys = Keys(exact[q]);
    std::set<std::string> true_keys;
    for (size_t i = 0; i < 10; ++i) {
      EXPECT_NEAR(exact[q]["neighbors"][i]["cosine"].get<double>(), expected[i].first, 1e-5);
      EXPECT_EQ(keys[i], expected[i].second) << exact[q]["query"];
      true_keys.insert(expected[i].second);
    }
    size_t here = 0;
    for (const std::string& key : Keys(usual[q])) here += true_keys.count(key);
    found += here;
    whole += here == 10 ? 1 : 0;
  }
  const double recall = static_cast<double>(found) / static_cast<double>(10 * rows.size());
  std::printf("recall %.4f, the same list %zu of %zu times\n", recall, whole, rows.size());
  EXPECT_GE(recall, 0.985);
  EXPECT_GE(whole, rows.size() * 9 / 10);

  const json scores = OkJson({"words", data_ + "/words/words-en-100d.bin", "-o", Path("words.kith"),
                              "--analogies", data_ + "/words/questions-words.txt", "--json"});
  EXPECT_EQ(scores["sections"].size(), 14u);
  EXPECT_EQ(scores["total"]["asked"], 19544);
  EXPECT_EQ(scores["total"]["seen"], 18901);
  // gensim's evaluate_word_analogies() answers 10,155 of the same file rightly; ties and rounding
  // may decide a few.
  EXPECT_NEAR(scores["total"]["right_add"].get<double>(), 10155, 3);
  EXPECT_EQ(scores["sections"][0]["seen"], 506);
}

}  // namespace
}  // namespace kith::cli_test
