// Queries made of words, and what words are to each other, against plain loops in double precision.
#include "kith/words.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/spelling.h"
#include "index/index_checks.h"
#include "learn/expect_error.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::TempDir;
using testing::WriteFile;

// Words with vectors of small whole numbers or of random ones.
class WordsTest : public ::testing::Test {
 protected:
  void Build(std::vector<std::string> words, size_t dim, Metric metric = Metric::kAngular) {
    words_ = std::move(words);
    dim_ = dim;
    rows_.resize(words_.size());
    testing::Matrix matrix(DataType::kF32, words_.size(), dim);
    StringList keys;
    Rng rng(11);
    for (size_t i = 0; i < words_.size(); ++i) {
      keys.Add(words_[i]);
      for (size_t c = 0; c < dim; ++c) {
        const auto x = static_cast<float>(rng.Normal());
        rows_[i].push_back(x);
        matrix.Set(i, c, x);
      }
    }
    BuildOptions options;
    options.metric = metric;
    options.keys = &keys;
    index_ = testing::BuildAndOpen(dir_.File("x.kith"), matrix, options);
    ASSERT_NE(index_, nullptr);
  }

  double Cosine(size_t a, size_t b) const {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (size_t c = 0; c < dim_; ++c) {
      dot += static_cast<double>(rows_[a][c]) * rows_[b][c];
      aa += static_cast<double>(rows_[a][c]) * rows_[a][c];
      bb += static_cast<double>(rows_[b][c]) * rows_[b][c];
    }
    return dot / std::sqrt(aa * bb);
  }

  double Length2(uint64_t row) const {
    double squares = 0;
    for (const float x : rows_[row]) squares += static_cast<double>(x) * x;
    return squares;
  }

  // "2*king -man ?kign(king,kin)"
  std::string Read(const std::string& text) const {
    const auto query = ParseWords(*index_, text);
    if (!query.ok()) return query.status().message();
    std::string out;
    for (const QueryTerm& term : query->terms) {
      out += out.empty() ? "" : " ";
      if (term.weight != 1) out += std::to_string(term.weight).substr(0, 4) + "*";
      out += index_->Key(term.row);
    }
    for (const UnknownWord& unknown : query->unknown) {
      out += " ?" + unknown.word;
      for (const std::string& key : unknown.nearest) out += "," + key;
    }
    return out;
  }

  TempDir dir_;
  std::vector<std::string> words_;
  std::vector<std::vector<float>> rows_;
  size_t dim_ = 0;
  std::unique_ptr<Index> index_;
};

TEST_F(WordsTest, QueriesMeanWhatTheySay) {
  Build({"king", "man", "woman", "new", "york", "New_York", "-1", "state-owned", "iPhone", "USA",
         "Paris", "los angeles", "2*x", "kin", ":)", "new_york_times", "times"},
        3);
  const std::map<std::string, std::string> meanings = {
      {"king", "king"},
      {"king man", "king man"},
      {"  king\t man ", "king man"},
      {"+king -man +woman", "king -1.0*man woman"},
      {"king - man + woman", "king -1.0*man woman"},
      {"- man", "-1.0*man"},
      {"2*king -0.5*man", "2.00*king -0.5*man"},
      {"- 3*man", "-3.0*man"},
      {"-2*king", "-2.0*king"},
      {"king*2", " ?king*2,king"},
      {"2*x", "2*x"},
      {"-1", "-1"},
      {"king -1", "king -1"},
      {"king --1", "king -1.0*-1"},
      {"new york", "New_York"},
      {"new york king", "New_York king"},
      {"king new york", "king New_York"},
      {"new york times", "new_york_times"},
      {"+new +york", "new york"},
      {"new +york", "new york"},
      {"king - new york", "king -1.0*New_York"},
      {"-new york", "-1.0*New_York"},
      {"state owned", "state-owned"},
      {"los angeles", "los angeles"},
      {"king los angeles", "king los angeles"},
      {"KING", "king"},
      {"paris", "Paris"},
      {"usa", "USA"},
      {"iphone", "iPhone"},
      {":)", ":)"},
      {"kign", " ?kign,king,kin"},
      {"kign woman", "woman ?kign,king,kin"},
      {"king xyzzyxyzzy", "king ?xyzzyxyzzy"},
      {"king -", "king ?-,-1"},
  };
  for (const auto& [text, meaning] : meanings) EXPECT_EQ(Read(text), meaning) << text;
  EXPECT_NE(Read(" \t").find("empty"), std::string::npos);
}

TEST_F(WordsTest, WhatCannotBeAskedIsTold) {
  Build({"king", "man", "woman"}, 3);
  const auto nothing = *ParseWords(*index_, "kign xyz");
  QueryBatch batch(*index_);
  testing::ExpectError(AddWords(nothing, &batch), StatusCode::kNotFound,
                       {"no word 'kign'", "did you mean 'king'?"});
  testing::ExpectError(AddWords(*ParseWords(*index_, "king -king"), &batch),
                       StatusCode::kInvalidArgument, {"zero"});
  EXPECT_EQ(batch.size(), 0u);
  EXPECT_TRUE(AddWords(*ParseWords(*index_, "king kign"), &batch).ok());
  EXPECT_EQ(batch.size(), 1u);
  EXPECT_EQ(UnknownWordText({"a", {"b", "c", "d"}}), "no word 'a'; did you mean 'b', 'c' or 'd'?");
  EXPECT_EQ(UnknownWordText({"a", {}}), "no word 'a'");

  EXPECT_EQ(*FindWord(*index_, "Woman"), 2u);
  testing::ExpectError(FindWord(*index_, "womann").status(), StatusCode::kNotFound, {"'woman'"});
  testing::ExpectError(FindWord(*index_, "king man").status(), StatusCode::kInvalidArgument,
                       {"more than one word"});
  testing::ExpectError(FindWord(*index_, "-king").status(), StatusCode::kInvalidArgument, {});
}

TEST_F(WordsTest, NeedCosines) {
  Build({"king", "man", "woman"}, 3, Metric::kEuclidean);
  for (const Status& status :
       {ParseWords(*index_, "king").status(), CloserWords(*index_, 0, 1).status(),
        OddOneOut(*index_, std::vector<uint64_t>{0, 1, 2}).status(),
        ScoreAnalogies(*index_, "x").status()}) {
    testing::ExpectError(status, StatusCode::kInvalidArgument, {"euclidean", "angular"});
  }
}

TEST_F(WordsTest, RelationsAreThoseOfPlainLoops) {
  std::vector<std::string> words;
  for (size_t i = 0; i < 1000; ++i) words.push_back("w" + std::to_string(i));
  Build(words, 20);
  const auto query = [&](const char* text) { return *ParseWords(*index_, text); };
  EXPECT_NEAR(*WordSimilarity(*index_, query("w1"), query("w2")), Cosine(1, 2), 1e-6);
  EXPECT_NEAR(*WordSimilarity(*index_, query("w1 w2"), query("w2 w1")), 1, 1e-6);

  for (const auto& [a, b] : {std::pair{1, 2}, {7, 900}, {500, 3}}) {
    std::vector<std::pair<double, uint64_t>> expected;
    for (size_t i = 0; i < words.size(); ++i) {
      const auto row = static_cast<size_t>(a);
      if (i != row && Cosine(row, i) > Cosine(row, static_cast<size_t>(b)) + 1e-7) {
        expected.emplace_back(-Cosine(row, i), i);
      }
    }
    std::sort(expected.begin(), expected.end());
    const auto closer =
        *CloserWords(*index_, static_cast<uint64_t>(a), static_cast<uint64_t>(b), 2);
    ASSERT_EQ(closer.size(), expected.size());
    for (size_t i = 0; i < closer.size(); ++i) {
      EXPECT_NEAR(closer[i].cosine, -expected[i].first, 1e-6);
    }
  }
  testing::ExpectError(CloserWords(*index_, 1, 1).status(), StatusCode::kInvalidArgument,
                       {"the same"});

  const std::vector<uint64_t> few = {3, 14, 159, 265, 358};
  std::vector<double> mean(dim_, 0.0);
  for (const uint64_t row : few) {
    for (size_t c = 0; c < dim_; ++c) mean[c] += rows_[row][c] / std::sqrt(Length2(row));
  }
  std::vector<double> cosines;
  for (const uint64_t row : few) {
    double dot = 0;
    double squares = 0;
    for (size_t c = 0; c < dim_; ++c) {
      dot += mean[c] * rows_[row][c];
      squares += mean[c] * mean[c];
    }
    cosines.push_back(dot / std::sqrt(squares * Length2(row)));
  }
  const OddWord odd = *OddOneOut(*index_, few);
  for (size_t i = 0; i < few.size(); ++i) EXPECT_NEAR(odd.cosines[i], cosines[i], 1e-6);
  EXPECT_EQ(odd.odd, static_cast<size_t>(std::min_element(cosines.begin(), cosines.end()) -
                                         cosines.begin()));
  testing::ExpectError(OddOneOut(*index_, std::vector<uint64_t>{1, 2}).status(),
                       StatusCode::kInvalidArgument, {"at least three"});
}

TEST_F(WordsTest, AnalogiesAreScoredAsPlainLoopsDo) {
  std::vector<std::string> words;
  for (size_t i = 0; i < 700; ++i) {
    // Some differ in case alone, of which the first is asked for.
    words.push_back(i % 50 == 49 ? "W" + std::to_string(i - 1) : "w" + std::to_string(i));
  }
  Build(words, 10);
  const auto upper = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), UpperAscii);
    return text;
  };
  // What the plain loop answers is asked for in half of the questions.
  Rng rng(5);
  std::string text;
  std::vector<AnalogySection> expected = {{.name = "first one"}, {.name = "gram2"}};
  for (const uint64_t vocabulary : {uint64_t{0}, uint64_t{300}}) {
    const size_t n = vocabulary > 0 ? vocabulary : words.size();
    text = ": first one\r\n";
    for (AnalogySection& section : expected) section = {.name = section.name};
    for (int q = 0; q < 120; ++q) {
      if (q == 60) text += "\n:gram2 \n";
      AnalogySection& section = expected[q < 60 ? 0 : 1];
      std::vector<size_t> rows;
      while (rows.size() < 4) {
        const size_t row = rng.Below(words.size());
        if (row % 50 != 49) rows.push_back(row);
      }
      std::pair<double, size_t> add{-10, 0};
      std::pair<double, size_t> mul{-10, 0};
      for (size_t d = 0; d < n; ++d) {
        if (d == rows[0] || d == rows[1] || d == rows[2]) continue;
        const double a = Cosine(d, rows[0]);
        const double b = Cosine(d, rows[1]);
        const double c = Cosine(d, rows[2]);
        const double ratio = (1 + b) / 2 * ((1 + c) / 2) / ((1 + a) / 2 + 0.001);
        if (b - a + c > add.first) add = {b - a + c, d};
        if (ratio > mul.first) mul = {ratio, d};
      }
      std::string answer = words[rows[3]];
      if (q % 4 == 0) answer = words[add.second];
      if (q % 4 == 1) answer = words[mul.second];
      if (q % 7 == 0) answer = upper(answer);
      const std::string fourth = q % 11 == 10 ? "absent" : answer;
      text += words[rows[0]] + " " + upper(words[rows[1]]) + "\t" + words[rows[2]] + " " + fourth;
      text += q % 2 == 0 ? "\n" : "\r\n";
      ++section.asked;
      const auto there = [&](const std::string& word) {
        return std::any_of(words.begin(), words.begin() + static_cast<ptrdiff_t>(n),
                           [&](const std::string& w) { return upper(w) == upper(word); });
      };
      if (!there(words[rows[0]]) || !there(words[rows[1]]) || !there(words[rows[2]]) ||
          !there(fourth)) {
        continue;
      }
      ++section.seen;
      section.right_add += upper(fourth) == upper(words[add.second]) ? 1 : 0;
      section.right_mul += upper(fourth) == upper(words[mul.second]) ? 1 : 0;
    }
    WriteFile(dir_.File("questions.txt"), text);
    for (const int threads : {1, 3}) {
      const auto scores = ScoreAnalogies(*index_, dir_.File("questions.txt"),
                                         {.vocabulary = vocabulary, .threads = threads});
      ASSERT_TRUE(scores.ok()) << scores.status().message();
      ASSERT_EQ(scores->size(), expected.size());
      for (size_t s = 0; s < expected.size(); ++s) {
        const AnalogySection& got = (*scores)[s];
        EXPECT_EQ(got.name, expected[s].name);
        EXPECT_EQ(got.asked, expected[s].asked);
        EXPECT_EQ(got.seen, expected[s].seen);
        EXPECT_EQ(got.right_add, expected[s].right_add);
        EXPECT_EQ(got.right_mul, expected[s].right_mul);
        EXPECT_GT(got.right_add + got.right_mul, 0u);
      }
    }
  }
}

TEST_F(WordsTest, FilesOfQuestionsAreChecked) {
  Build({"king", "man", "woman"}, 3);
  const auto score = [&](const std::string& text) {
    WriteFile(dir_.File("q.txt"), text);
    return ScoreAnalogies(*index_, dir_.File("q.txt")).status();
  };
  testing::ExpectError(score(""), StatusCode::kInvalidArgument, {"q.txt", "no questions"});
  testing::ExpectError(score(": a\n"), StatusCode::kInvalidArgument, {"no questions"});
  testing::ExpectError(score(": a\nking man woman\n"), StatusCode::kInvalidArgument,
                       {"line 2", "3 words", "four words"});
  testing::ExpectError(score(": a\nking man woman queen king\n"), StatusCode::kInvalidArgument,
                       {"line 2", "more than four"});
  testing::ExpectError(score(":\nking man woman queen\n"), StatusCode::kInvalidArgument,
                       {"line 1", "without a name"});
  testing::ExpectError(ScoreAnalogies(*index_, dir_.File("none")).status(), StatusCode::kNotFound,
                       {"none"});
  // Nothing of it is there, and a file without sections.
  WriteFile(dir_.File("q.txt"), "a b c d\nking man woman king\n");
  const auto scores = *ScoreAnalogies(*index_, dir_.File("q.txt"));
  ASSERT_EQ(scores.size(), 1u);
  EXPECT_EQ(scores[0].asked, 2u);
  EXPECT_EQ(scores[0].seen, 1u);
  EXPECT_EQ(scores[0].right_add, 0u);
  std::stop_source stop;
  stop.request_stop();
  testing::ExpectError(
      ScoreAnalogies(*index_, dir_.File("q.txt"), {.stop = stop.get_token()}).status(),
      StatusCode::kInvalidArgument, {"cancelled"});
}

}  // namespace
}  // namespace kith
