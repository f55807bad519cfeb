// Vectors of users and items: what they minimise, that threads change nothing, and that they
// recommend better than what needs no vectors.
#include "kith/factorize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kith/recommend.h"
#include "learn/expect_error.h"
#include "learn/taste.h"
#include "sanitized.h"

namespace kith {
namespace {

using testing::ExpectError;
using testing::MadeOfTastes;

double Dot(const float* a, const float* b, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// The loss by its definition: over all pairs of users and items.
double PlainLoss(const Interactions& all, const Factors& factors, double alpha, double lambda) {
  double loss = 0;
  double confidence = 0;
  for (size_t u = 0; u < all.num_users(); ++u) {
    std::vector<double> extra(all.num_items());
    for (size_t i = 0; i < all.ItemsOf(u).size(); ++i) {
      extra[all.ItemsOf(u)[i]] = alpha * std::log1p(all.WeightsOf(u)[i]);
    }
    const float* x = &factors.users[u * factors.dim];
    for (size_t i = 0; i < all.num_items(); ++i) {
      const double told = Dot(x, &factors.items[i * factors.dim], factors.dim);
      const double wanted = extra[i] > 0 ? 1 : 0;
      loss += (1 + extra[i]) * (wanted - told) * (wanted - told);
      confidence += 1 + extra[i];
    }
    loss += lambda * Dot(x, x, factors.dim);
  }
  for (size_t i = 0; i < all.num_items(); ++i) {
    const float* y = &factors.items[i * factors.dim];
    loss += lambda * Dot(y, y, factors.dim);
  }
  return loss / confidence;
}

// The solution of a small symmetric system by Gauss's elimination, in double precision.
std::vector<double> Solved(std::vector<std::vector<double>> a, std::vector<double> b) {
  const size_t n = b.size();
  for (size_t i = 0; i < n; ++i) {
    for (size_t r = i + 1; r < n; ++r) {
      const double times = a[r][i] / a[i][i];
      for (size_t c = i; c < n; ++c) a[r][c] -= times * a[i][c];
      b[r] -= times * b[i];
    }
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t c = i + 1; c < n; ++c) b[i] -= a[i][c] * b[c];
    b[i] /= a[i][i];
  }
  return b;
}

FactorizeOptions Small(FactorAlgorithm algorithm = FactorAlgorithm::kAls) {
  FactorizeOptions options;
  options.algorithm = algorithm;
  options.factors = 12;
  options.threads = 2;
  return options;
}

double NdcgOf(const Split& split, const Factors& factors, size_t k) {
  BuildOptions build;
  build.metric = Metric::kDot;
  build.paths = {ExactOptions{}};
  const auto items =
      BuildIndexInMemory(ViewOf(factors.items.data(), split.train.num_items(), factors.dim), build);
  SearchParams params;
  params.k = k;
  SearchResult found;
  EXPECT_TRUE(RecommendByVectors(**items,
                                 ViewOf(factors.users.data(), split.train.num_users(), factors.dim),
                                 split.train, params, &found)
                  .ok());
  return ScoreRanking(found.ids, k, split.test)->ndcg;
}

TEST(FactorizeTest, TheLossIsThatOfItsDefinitionAndFalls) {
  const Interactions all = MadeOfTastes(150, 96, 12, 1);
  FactorizeOptions options = Small();
  options.regularization = 0.7;
  options.alpha = 2;
  options.iterations = 12;
  std::vector<double> told;
  options.on_iteration = [&](uint32_t iteration, double loss) {
    EXPECT_EQ(iteration, told.size() + 1);
    told.push_back(loss);
  };
  const Result<Factors> factors = Factorize(all, options);
  ASSERT_TRUE(factors.ok()) << factors.status().message();
  EXPECT_EQ(factors->losses, told);
  ASSERT_EQ(told.size(), 12u);
  for (size_t i = 1; i < told.size(); ++i) EXPECT_LT(told[i], told[i - 1] * (1 + 1e-6));
  EXPECT_NEAR(told.back(), PlainLoss(all, *factors, 2, 0.7), 1e-5 * told.back());
}

// More columns than are gathered at a time, and dimensions of no whole registers.
TEST(FactorizeTest, FoldingInSolvesTheNormalEquations) {
  const Interactions all = MadeOfTastes(40, 1500, 700, 2);
  FactorizeOptions options = Small();
  options.factors = 21;
  options.iterations = 3;
  const Factors factors = *Factorize(all, options);
  const MatrixView items = ViewOf(factors.items.data(), all.num_items(), factors.dim);
  const std::vector<float> users = *FoldIn(items, all, options);
  const size_t d = factors.dim;
  for (const size_t u : {size_t{0}, size_t{33}}) {
    std::vector<std::vector<double>> a(d, std::vector<double>(d));
    std::vector<double> b(d);
    std::vector<double> extra(all.num_items());
    for (size_t i = 0; i < all.ItemsOf(u).size(); ++i) {
      extra[all.ItemsOf(u)[i]] = std::log1p(all.WeightsOf(u)[i]);
    }
    for (size_t i = 0; i < all.num_items(); ++i) {
      const float* y = &factors.items[i * d];
      for (size_t r = 0; r < d; ++r) {
        if (extra[i] > 0) b[r] += (1 + extra[i]) * y[r];
        for (size_t c = 0; c < d; ++c) a[r][c] += (1 + extra[i]) * y[r] * y[c];
      }
    }
    for (size_t r = 0; r < d; ++r) a[r][r] += Resolved(options).regularization;
    const std::vector<double> x = Solved(a, b);
    for (size_t c = 0; c < d; ++c) EXPECT_NEAR(users[u * d + c], x[c], 1e-3) << u << ' ' << c;
    // What explains a score is a sum that makes it.
    const auto evidence = Explain(items, all.ItemsOf(u), all.WeightsOf(u), 5, options);
    ASSERT_TRUE(evidence.ok()) << evidence.status().message();
    double sum = 0;
    for (size_t i = 0; i < evidence->size(); ++i) {
      sum += (*evidence)[i].score;
      if (i > 0) {
        EXPECT_GE((*evidence)[i - 1].score, (*evidence)[i].score);
      }
    }
    EXPECT_EQ(evidence->size(), all.ItemsOf(u).size());
    EXPECT_NEAR(sum, Dot(&users[u * d], &factors.items[5 * d], d), 1e-3);
  }
}

TEST(FactorizeTest, ThreadsChangeNothing) {
  const Interactions all = MadeOfTastes(300, 200, 15, 3);
  for (const FactorAlgorithm algorithm : {FactorAlgorithm::kAls, FactorAlgorithm::kBpr}) {
    FactorizeOptions options = Small(algorithm);
    options.iterations = 4;
    options.threads = 1;
    const Factors one = *Factorize(all, options);
    options.threads = 3;
    const Factors three = *Factorize(all, options);
    EXPECT_EQ(one.users, three.users);
    EXPECT_EQ(one.items, three.items);
    EXPECT_EQ(one.losses, three.losses);
    options.seed = 43;
    EXPECT_NE(Factorize(all, options)->users, one.users);
  }
}

TEST(FactorizeTest, BothRecommendBetterThanWithoutVectors) {
  if (kith::testing::kSanitized) GTEST_SKIP() << "what is found does not depend on sanitizers";
  const Interactions all = MadeOfTastes(1500, 1200, 12, 4);
  for (const HeldOut held_out : {HeldOut::kSome, HeldOut::kLatest, HeldOut::kRandom}) {
    SplitOptions by;
    by.held_out = held_out;
    const Split split = *SplitInteractions(all, by);
    constexpr size_t kBest = 10;
    const auto ndcg = [&](const Result<std::vector<int64_t>>& ids) {
      return ScoreRanking(*ids, kBest, split.test)->ndcg;
    };
    const double als = NdcgOf(split, *Factorize(split.train, Small()), kBest);
    const double cosine = ndcg(RecommendByCosine(split.train, WeightScale::kLog, kBest, 2));
    const double popular = ndcg(RecommendPopular(split.train, kBest, 2));
    EXPECT_GT(als, 1.05 * cosine) << static_cast<int>(held_out);
    EXPECT_GT(cosine, 1.5 * popular) << static_cast<int>(held_out);
    if (held_out != HeldOut::kSome) continue;
    FactorizeOptions options = Small(FactorAlgorithm::kBpr);
    options.iterations = 60;
    const Factors bpr = *Factorize(split.train, options);
    EXPECT_EQ(bpr.dim, options.factors + 1);
    EXPECT_LT(bpr.losses.back(), 0.8 * bpr.losses.front());
    EXPECT_GT(NdcgOf(split, bpr, kBest), 1.5 * popular);
  }
}

// A user and an item that nobody else has to do with shrink to nothing, and can be searched for.
TEST(FactorizeTest, WhatVanishesIsZero) {
  StringList users;
  StringList items;
  std::vector<uint32_t> user_rows;
  std::vector<uint32_t> item_rows;
  for (uint32_t u = 0; u < 40; ++u) {
    users.Add("u" + std::to_string(u));
    items.Add("i" + std::to_string(u));
    for (uint32_t i = 0; i < 8 && u > 0; ++i) {
      user_rows.push_back(u);
      item_rows.push_back(1 + (u * 5 + i * 3) % 39);
    }
  }
  user_rows.push_back(0);
  item_rows.push_back(0);
  const Interactions all = *MakeInteractions(users, items, user_rows, item_rows, {});
  FactorizeOptions options = Small();
  options.factors = 3;
  options.iterations = 40;
  const Factors factors = *Factorize(all, options);
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_EQ(factors.users[c], 0);
    EXPECT_EQ(factors.items[c], 0);
  }
  EXPECT_NE(factors.users[3], 0);
  EXPECT_NEAR(factors.losses.back(), PlainLoss(all, factors, 1, 10), 1e-5 * factors.losses.back());
  BuildOptions build;
  build.metric = Metric::kDot;
  const auto index = *BuildIndexInMemory(ViewOf(factors.items.data(), 40, 3), build);
  SearchResult found;
  const Status searched =
      RecommendByVectors(*index, ViewOf(factors.users.data(), 40, 3), all, {}, &found);
  EXPECT_TRUE(searched.ok()) << searched.message();
}

TEST(FactorizeTest, BadOptionsAreRefused) {
  const Interactions all = MadeOfTastes(20, 24, 5, 5);
  const auto refused = [&](const auto& change, const std::vector<std::string>& words) {
    FactorizeOptions options = Small();
    change(&options);
    ExpectError(Factorize(all, options).status(), StatusCode::kInvalidArgument, words);
  };
  refused([](auto* o) { o->factors = 0; }, {"factors is 0"});
  refused([](auto* o) { o->factors = 5000; }, {"factors is 5000", "4096"});
  refused([](auto* o) { o->alpha = -1; }, {"alpha is -1"});
  refused([](auto* o) { o->alpha = std::numeric_limits<double>::quiet_NaN(); }, {"alpha is nan"});
  refused([](auto* o) { o->regularization = std::numeric_limits<double>::infinity(); },
          {"regularization is inf"});
  refused([](auto* o) { o->cg_steps = 0; }, {"cg_steps is 0"});
  refused([](auto* o) { o->progress = [](auto, auto, auto) { return false; }; }, {"cancelled"});
  ExpectError(Factorize({}, Small()).status(), StatusCode::kInvalidArgument, {"no pairs"});
  const Factors factors = *Factorize(all, Small());
  const MatrixView items = ViewOf(factors.items.data(), all.num_items(), factors.dim);
  FactorizeOptions bpr = Small(FactorAlgorithm::kBpr);
  ExpectError(FoldIn(items, all, bpr).status(), StatusCode::kUnsupported, {"als"});
  const std::vector<uint32_t> beyond{24};
  const std::vector<float> weight{1};
  ExpectError(Explain(items, beyond, weight, 0, Small()).status(), StatusCode::kInvalidArgument,
              {"no item 24"});
  ExpectError(Explain(items, {}, weight, 0, Small()).status(), StatusCode::kInvalidArgument,
              {"0 items", "1 weights"});
}

TEST(RankingTest, ScoresAreThoseOfTheirDefinitions) {
  StringList users;
  StringList items;
  for (const char* name : {"a", "b", "c"}) users.Add(name);
  for (int i = 0; i < 10; ++i) items.Add(std::to_string(i));
  const std::vector<uint32_t> user_rows{0, 0, 0, 1};
  const std::vector<uint32_t> item_rows{1, 2, 3, 7};
  const Interactions test = *MakeInteractions(users, items, user_rows, item_rows, {});
  // User a: hits at ranks 1 and 3 of 3 held out; user b: none; user c has nothing held out.
  const std::vector<int64_t> ids{2, 5, 1, 4, 5, kNoId, 9, 9, 9};
  const RankingScore score = *ScoreRanking(ids, 3, test);
  EXPECT_EQ(score.num_users, 2u);
  EXPECT_NEAR(score.recall, (2.0 / 3 + 0) / 2, 1e-12);
  EXPECT_NEAR(score.map, (1.0 + 2.0 / 3) / 3 / 2, 1e-12);
  const double third = 1 / std::log2(4);
  EXPECT_NEAR(score.ndcg, (1 + third) / (1 + 1 / std::log2(3) + third) / 2, 1e-12);
  EXPECT_NEAR(score.coverage, 0.4, 1e-12);
  ExpectError(ScoreRanking(ids, 2, test).status(), StatusCode::kInvalidArgument, {"9 ids"});
}

TEST(RankingTest, ItemCosinesAreThoseOfPlainLoops) {
  const Interactions all = MadeOfTastes(60, 48, 8, 6);
  const size_t k = 5;
  const std::vector<int64_t> ids = *RecommendByCosine(all, WeightScale::kLinear, k, 2);
  const auto weight = [&](size_t u, size_t i) -> double {
    for (size_t p = 0; p < all.ItemsOf(u).size(); ++p) {
      if (all.ItemsOf(u)[p] == i) return all.WeightsOf(u)[p];
    }
    return 0;
  };
  std::vector<std::vector<double>> dots(48, std::vector<double>(48));
  for (size_t i = 0; i < 48; ++i) {
    for (size_t j = 0; j < 48; ++j) {
      for (size_t u = 0; u < 60; ++u) dots[i][j] += weight(u, i) * weight(u, j);
    }
  }
  for (const size_t u : {size_t{0}, size_t{31}}) {
    std::vector<std::pair<double, int64_t>> scores;
    for (size_t i = 0; i < 48; ++i) {
      if (weight(u, i) > 0 || dots[i][i] == 0) continue;
      double score = 0;
      for (const uint32_t j : all.ItemsOf(u)) {
        score += weight(u, j) * dots[i][j] / std::sqrt(dots[i][i] * dots[j][j]);
      }
      scores.emplace_back(-score, static_cast<int64_t>(i));
    }
    std::sort(scores.begin(), scores.end());
    for (size_t r = 0; r < k; ++r) EXPECT_EQ(ids[u * k + r], scores[r].second) << u << ' ' << r;
  }
}

}  // namespace
}  // namespace kith
