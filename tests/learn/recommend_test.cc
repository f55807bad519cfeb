// A folder of users' and items' vectors: what is recommended by it, to whom, and what is left out.
#include "kith/recommend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "base/file.h"
#include "learn/expect_error.h"
#include "learn/taste.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::ExpectError;
using testing::MadeOfTastes;
using testing::ReadFile;
using testing::TempDir;
using testing::WriteFile;

constexpr size_t kUsers = 400;
constexpr size_t kItems = 5000;

class RecommendTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir;
    all_ = new Interactions(MadeOfTastes(kUsers, kItems, 25, 7));
    options_.factorize.factors = 16;
    options_.factorize.regularization = 3;
    options_.factorize.alpha = 2;
    factors_ = new Factors(*Factorize(*all_, options_.factorize));
    const Status written = WriteModel(Folder(), *all_, *factors_, options_);
    ASSERT_TRUE(written.ok()) << written.message();
  }
  static void TearDownTestSuite() {
    delete factors_;
    delete all_;
    delete dir_;
  }
  static std::string Folder() { return dir_->File("model"); }

  static TempDir* dir_;
  static Interactions* all_;
  static Factors* factors_;
  static WriteModelOptions options_;
};

TempDir* RecommendTest::dir_ = nullptr;
Interactions* RecommendTest::all_ = nullptr;
Factors* RecommendTest::factors_ = nullptr;
WriteModelOptions RecommendTest::options_;

TEST_F(RecommendTest, TheBestItemsThatAUserDoesNotKnow) {
  const auto model = Recommender::Open(Folder());
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ((*model)->options().alpha, 2);
  EXPECT_EQ((*model)->options().regularization, 3);
  std::vector<uint64_t> everyone(kUsers);
  std::iota(everyone.begin(), everyone.end(), uint64_t{0});
  SearchParams params;
  params.k = 10;
  params.index = IndexKind::kExact;
  SearchResult all;
  ASSERT_TRUE((*model)->ForUsers(everyone, params, &all).ok());
  EXPECT_EQ(all.num_queries, kUsers);
  // Compared with few of the rows: most items are too short.
  EXPECT_LT(all.stats.distances, kUsers * kItems / 2);
  for (size_t u = 0; u < kUsers; u += 37) {
    std::vector<std::pair<double, int64_t>> scores;
    for (size_t i = 0; i < kItems; ++i) {
      const auto known = all_->ItemsOf(u);
      if (std::binary_search(known.begin(), known.end(), i)) continue;
      double dot = 0;
      for (size_t c = 0; c < 16; ++c) {
        dot += static_cast<double>(factors_->users[u * 16 + c]) * factors_->items[i * 16 + c];
      }
      scores.emplace_back(-dot, static_cast<int64_t>(i));
    }
    std::sort(scores.begin(), scores.end());
    for (size_t r = 0; r < 10; ++r) {
      EXPECT_NEAR(all.distances[u * 10 + r], scores[r].first, 1e-5);
    }
    // Alone as among others, bit for bit.
    SearchResult one;
    ASSERT_TRUE((*model)->ForUsers({&everyone[u], 1}, params, &one).ok());
    EXPECT_TRUE(std::equal(one.ids.begin(), one.ids.end(), &all.ids[u * 10]));
    EXPECT_TRUE(std::equal(one.distances.begin(), one.distances.end(), &all.distances[u * 10]));
  }
  const uint64_t beyond = kUsers;
  ExpectError((*model)->ForUsers({&beyond, 1}, params, &all), StatusCode::kInvalidArgument,
              {"no row 400", "users.kith"});
}

TEST_F(RecommendTest, NewUsersAreTreatedAsKnownOnes) {
  const auto model = *Recommender::Open(Folder());
  Interactions some;
  some.items = all_->items;
  const auto known = all_->ItemsOf(3);
  const auto weights = all_->WeightsOf(3);
  some.columns.assign(known.begin(), known.end());
  some.weights.assign(weights.begin(), weights.end());
  some.offsets.push_back(some.columns.size());
  some.users.Add("new");
  SearchParams params;
  params.k = 10;
  SearchResult fresh;
  const Status folded = model->ForNewUsers(some, params, &fresh);
  ASSERT_TRUE(folded.ok()) << folded.message();
  const uint64_t user = 3;
  SearchResult old;
  ASSERT_TRUE(model->ForUsers({&user, 1}, params, &old).ok());
  size_t shared = 0;
  for (const int64_t id : fresh.ids) {
    EXPECT_FALSE(std::binary_search(known.begin(), known.end(), static_cast<uint64_t>(id)));
    shared += static_cast<size_t>(std::count(old.ids.begin(), old.ids.end(), id));
  }
  EXPECT_GE(shared, 7u);
  const auto evidence = model->Explain(3, static_cast<uint64_t>(fresh.ids[0]));
  ASSERT_TRUE(evidence.ok()) << evidence.status().message();
  double sum = 0;
  for (const Evidence& e : *evidence) sum += e.score;
  EXPECT_NEAR(sum, -fresh.distances[0], 1e-3);
}

TEST_F(RecommendTest, SimilarItemsAreOfTheSameTaste) {
  const auto model = *Recommender::Open(Folder());
  SearchParams params;
  params.k = 5;
  size_t same = 0;
  std::vector<uint64_t> popular(testing::kTastes);
  std::iota(popular.begin(), popular.end(), uint64_t{0});
  SearchResult found;
  ASSERT_TRUE(model->Similar(popular, params, &found).ok());
  for (size_t i = 0; i < popular.size(); ++i) {
    for (size_t r = 0; r < 5; ++r) {
      const int64_t id = found.ids[i * 5 + r];
      EXPECT_NE(id, static_cast<int64_t>(i));
      same += static_cast<size_t>(id) % testing::kTastes == i ? 1 : 0;
    }
  }
  EXPECT_GE(same, 45u);  // of 60
}

TEST_F(RecommendTest, SameBytesOnAnyThreads) {
  for (const int threads : {1, 3}) {
    WriteModelOptions options = options_;
    options.threads = threads;
    const std::string folder = dir_->File("t" + std::to_string(threads));
    ASSERT_TRUE(WriteModel(folder, *all_, *factors_, options).ok());
    for (const char* name : {"users.kith", "items.kith", "history.mtx", "model.tsv"}) {
      EXPECT_EQ(ReadFile(folder + "/" + name), ReadFile(Folder() + "/" + name)) << name;
    }
  }
}

TEST_F(RecommendTest, FoldersThatAreNoneAreRefused) {
  ExpectError(Recommender::Open(dir_->File("none")).status(), StatusCode::kNotFound,
              {"none: is not a folder of kith factorize", "there is none"});
  ExpectError(Recommender::Open(dir_->path()).status(), StatusCode::kNotFound,
              {"is not a folder of kith factorize", "no model.tsv"});
  const std::string folder = dir_->File("broken");
  const auto fresh = [&] {
    std::filesystem::remove_all(folder);
    std::filesystem::copy(Folder(), folder);
  };
  fresh();
  WriteFile(folder + "/model.tsv", "algorithm\tals\nfactors\tmany\n");
  ExpectError(Recommender::Open(folder).status(), StatusCode::kCorruption,
              {"model.tsv: line 2", "factors"});
  fresh();
  WriteFile(folder + "/model.tsv", "algorithm\tals\nfactors\t8\n");
  ExpectError(Recommender::Open(folder).status(), StatusCode::kCorruption,
              {"not of one factorization"});
  fresh();
  WriteFile(folder + "/history.mtx",
            "%%MatrixMarket matrix coordinate real general\n3 2 1\n1 1 1\n");
  ExpectError(Recommender::Open(folder).status(), StatusCode::kCorruption,
              {"not of one factorization"});
  fresh();
  const std::string items = ReadFile(folder + "/items.kith");
  WriteFile(folder + "/items.kith", items.substr(0, items.size() / 2));
  EXPECT_FALSE(Recommender::Open(folder).ok());
  WriteFile(dir_->File("file"), "");
  ExpectError(Recommender::Open(dir_->File("file")).status(), StatusCode::kNotFound,
              {"file: is not a folder of kith factorize", "it is a file"});
  for (const char* name : {"file", "file/deeper"}) {
    ExpectError(WriteModel(dir_->File(name), *all_, *factors_, options_),
                StatusCode::kInvalidArgument, {"file is a file", "give the name of a folder"});
    ExpectError(CheckModelFolder(dir_->File(name)), StatusCode::kInvalidArgument,
                {"file is a file"});
  }
  EXPECT_TRUE(CheckModelFolder(dir_->File("new/one/")).ok());
  EXPECT_FALSE(std::filesystem::exists(dir_->File("new"))) << "only asked";
}

// Every step of writing fails once, as on a full disk.
TEST_F(RecommendTest, WhatEndsItEarlyLeavesTheOldModel) {
  const Interactions few = MadeOfTastes(40, 30, 5, 1);
  WriteModelOptions options = options_;
  const Factors old_factors = *Factorize(few, options.factorize);
  options.factorize.seed = 1;
  const Factors new_factors = *Factorize(few, options.factorize);
  const std::string folder = dir_->File("twice");
  const std::string absent = dir_->File("absent/deeper");
  const auto contents = [&] {
    std::string all;
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) files += entry.exists();
    EXPECT_EQ(files, 4u) << "and nothing beside";
    for (const char* name : {"users.kith", "items.kith", "history.mtx", "model.tsv"}) {
      all += ReadFile(folder + "/" + name);
    }
    return all;
  };
  ASSERT_TRUE(WriteModel(folder, few, old_factors, options_).ok());
  const std::string before = contents();
  int failures = 0;
  for (;; ++failures) {
    FailWriteForTesting(failures);
    const bool written = WriteModel(folder, few, new_factors, options).ok();
    FailWriteForTesting(-1);
    if (written) break;
    FailWriteForTesting(failures);
    EXPECT_FALSE(WriteModel(absent, few, new_factors, options).ok());
    FailWriteForTesting(-1);
    // Of the four names that are given last, some may have been given.
    if (contents() != before) break;
    EXPECT_FALSE(std::filesystem::exists(dir_->File("absent"))) << failures;
  }
  EXPECT_GT(failures, 8) << "before the second of the names was given";
  ASSERT_TRUE(WriteModel(folder, few, new_factors, options).ok());
  EXPECT_NE(contents(), before);
  std::filesystem::remove_all(dir_->File("absent"));
  // Stopped by the user, whenever that is asked for.
  int stops = 0;
  for (;; ++stops) {
    int left = stops;
    options.progress = [&](std::string_view, uint64_t, uint64_t) { return left-- > 0; };
    if (WriteModel(absent, few, new_factors, options).ok()) break;
    EXPECT_FALSE(std::filesystem::exists(dir_->File("absent"))) << stops;
  }
  EXPECT_GE(stops, 2);
}

}  // namespace
}  // namespace kith
