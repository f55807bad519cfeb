// How well users are recommended what was held out, and two ways without factors to compare with.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>
#include <vector>

#include "base/edge.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "kith/recommend.h"
#include "learn/als.h"
#include "learn/neighbours.h"

namespace kith::learn {
namespace {

constexpr char kFewer[] = "ask for fewer items";

// The k best items of a score for each that the user did nothing with, ties by the smaller item.
// Items of score 0 or below are none.
void TakeBest(std::span<const double> scores, std::span<const uint32_t> known, size_t k,
              std::vector<uint32_t>* candidates, int64_t* out) {
  candidates->clear();
  for (size_t item = 0, next = 0; item < scores.size(); ++item) {
    if (next < known.size() && known[next] == item) {
      ++next;
    } else if (scores[item] > 0) {
      candidates->push_back(static_cast<uint32_t>(item));
    }
  }
  const size_t count = std::min(k, candidates->size());
  std::partial_sort(candidates->begin(), candidates->begin() + static_cast<ptrdiff_t>(count),
                    candidates->end(), [&](uint32_t a, uint32_t b) {
                      return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
                    });
  std::fill(out, out + k, kNoId);
  std::copy_n(candidates->begin(), count, out);
}

struct CosineScratch {
  std::vector<double> alike;  // of each user
  std::vector<uint32_t> those;
  std::vector<double> scores;  // of each item
  std::vector<uint32_t> candidates;
};

// Sums of cosines to all items of a user at once: first how much each other user has in common with
// it, by the items' lengths, and then what these users did.
void ScoreByCosine(const Trust& by_user, const Trust& by_item, std::span<const double> lengths,
                   size_t user, CosineScratch* scratch) {
  std::fill(scratch->scores.begin(), scratch->scores.end(), 0.0);
  const TrustRow own = RowOf(by_user, user);
  for (size_t i = 0; i < own.columns.size(); ++i) {
    const TrustRow users = RowOf(by_item, own.columns[i]);
    const double weight = own.extra[i] / lengths[own.columns[i]];
    for (size_t u = 0; u < users.columns.size(); ++u) {
      double& alike = scratch->alike[users.columns[u]];
      if (alike == 0) scratch->those.push_back(users.columns[u]);
      alike += weight * users.extra[u];
    }
  }
  for (const uint32_t other : scratch->those) {
    const TrustRow theirs = RowOf(by_user, other);
    for (size_t i = 0; i < theirs.columns.size(); ++i) {
      scratch->scores[theirs.columns[i]] += scratch->alike[other] * theirs.extra[i];
    }
    scratch->alike[other] = 0;
  }
  scratch->those.clear();
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] > 0) scratch->scores[i] /= lengths[i];
  }
}

}  // namespace
}  // namespace kith::learn

namespace kith {

Result<std::vector<int64_t>> RecommendPopular(const Interactions& history, size_t k, int threads) {
  return AtEdge("", learn::kFewer, [&]() -> Result<std::vector<int64_t>> {
    if (k == 0) return Status::InvalidArgument("k is 0; ask for at least one item");
    std::vector<uint64_t> counts(history.num_items());
    for (const uint32_t item : history.columns) ++counts[item];
    std::vector<uint32_t> order(history.num_items());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return counts[a] > counts[b]; });
    std::vector<int64_t> ids(history.num_users() * k, kNoId);
    ThreadPool pool(threads);
    KITH_RETURN_IF_ERROR(pool.For(history.num_users(), [&](size_t user, int) {
      const std::span<const uint32_t> known = history.ItemsOf(user);
      size_t count = 0;
      for (size_t i = 0; i < order.size() && count < k && counts[order[i]] > 0; ++i) {
        if (std::binary_search(known.begin(), known.end(), order[i])) continue;
        ids[user * k + count++] = order[i];
      }
    }));
    return ids;
  });
}

Result<std::vector<int64_t>> RecommendByCosine(const Interactions& history, WeightScale scale,
                                               size_t k, int threads, std::stop_token stop) {
  return AtEdge("", learn::kFewer, [&]() -> Result<std::vector<int64_t>> {
    if (k == 0) return Status::InvalidArgument("k is 0; ask for at least one item");
    FactorizeOptions options;
    options.alpha = 1;
    options.scale = scale;
    const learn::Trust by_user = learn::TrustOf(history, options);
    const learn::Trust by_item = learn::Transposed(by_user, history.num_items());
    std::vector<double> lengths(history.num_items());
    for (size_t item = 0; item < lengths.size(); ++item) {
      for (const float weight : learn::RowOf(by_item, item).extra) {
        lengths[item] += static_cast<double>(weight) * weight;
      }
      lengths[item] = std::sqrt(lengths[item]);
    }
    learn::CosineScratch empty;
    empty.alike.resize(history.num_users());
    empty.scores.resize(history.num_items());
    learn::PerThread<learn::CosineScratch> scratch(threads, empty);
    std::vector<int64_t> ids(history.num_users() * k, kNoId);
    ThreadPool pool(threads, std::move(stop));
    KITH_RETURN_IF_ERROR(pool.For(history.num_users(), [&](size_t user, int thread) {
      learn::CosineScratch& own = scratch.Of(thread);
      learn::ScoreByCosine(by_user, by_item, lengths, user, &own);
      learn::TakeBest(own.scores, history.ItemsOf(user), k, &own.candidates, ids.data() + user * k);
    }));
    return ids;
  });
}

Result<RankingScore> ScoreRanking(std::span<const int64_t> ids, size_t k,
                                  const Interactions& test) {
  return AtEdge("", "", [&]() -> Result<RankingScore> {
    if (k == 0) return Status::InvalidArgument("k is 0; ask for at least one item");
    if (ids.size() != test.num_users() * k) {
      return Status::InvalidArgument(StrCat("there are ", ids.size(), " ids, expected ", k,
                                            " for each of ", Plural(test.num_users(), "user")));
    }
    RankingScore score;
    std::unordered_set<int64_t> told;
    for (size_t user = 0; user < test.num_users(); ++user) {
      const std::span<const uint32_t> held_out = test.ItemsOf(user);
      const size_t most = std::min(k, held_out.size());
      if (most == 0) continue;
      ++score.num_users;
      double hits = 0;
      double gain = 0;
      double best = 0;
      double precisions = 0;
      for (size_t i = 0; i < k; ++i) {
        const double discount = 1 / std::log2(static_cast<double>(i) + 2);
        if (i < most) best += discount;
        const int64_t id = ids[user * k + i];
        if (id == kNoId) continue;
        told.insert(id);
        if (id < 0 ||
            !std::binary_search(held_out.begin(), held_out.end(), static_cast<uint64_t>(id))) {
          continue;
        }
        hits += 1;
        gain += discount;
        precisions += hits / static_cast<double>(i + 1);
      }
      score.recall += hits / static_cast<double>(most);
      score.ndcg += gain / best;
      score.map += precisions / static_cast<double>(most);
    }
    const auto n = static_cast<double>(std::max<size_t>(score.num_users, 1));
    score.recall /= n;
    score.ndcg /= n;
    score.map /= n;
    score.coverage = static_cast<double>(told.size()) /
                     static_cast<double>(std::max<size_t>(test.num_items(), 1));
    return score;
  });
}

}  // namespace kith
