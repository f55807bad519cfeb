// Bayesian personalised ranking by stochastic gradients, in blocks that do not touch each other.
//
// An epoch deals users and items to kBlocks groups each, at random. In its s-th round, task b
// trains with the pairs of users of group b and items of group (b + s) mod kBlocks, and takes the
// items that they are to be before from the same group: no two tasks of a round read or write the
// same vector, so that the result is that of one thread (Gemulla et al., KDD 2011).
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/rng.h"
#include "learn/factors.h"

namespace kith::learn {
namespace {

constexpr size_t kBlocks = 8;
constexpr int kTries = 16;  // to find an item that the user did nothing with

struct Pair {
  uint32_t user;
  uint32_t item;
};

struct Loss {
  double sum = 0;
  uint64_t count = 0;
};

class Trainer {
 public:
  Trainer(const Interactions& interactions, const FactorizeOptions& options, linalg::Matrix* users,
          linalg::Matrix* items)
      : interactions_(interactions), options_(options), users_(*users), items_(*items) {}

  Status Epoch(uint32_t epoch, ThreadPool& pool, double* mean_loss) {
    Deal(epoch);
    Loss total;
    for (size_t round = 0; round < kBlocks; ++round) {
      std::vector<Loss> losses(kBlocks);
      KITH_RETURN_IF_ERROR(pool.For(
          kBlocks, [&](size_t b, int) { losses[b] = Train(b, (b + round) % kBlocks, epoch); }));
      for (const Loss& loss : losses) {
        total.sum += loss.sum;
        total.count += loss.count;
      }
    }
    *mean_loss = total.count == 0 ? 0 : total.sum / static_cast<double>(total.count);
    return Status::Ok();
  }

 private:
  // Deals users and items to groups, and pairs to blocks of both.
  void Deal(uint32_t epoch) {
    Rng rng(options_.seed, uint64_t{epoch} << 8);
    std::vector<uint8_t> user_group(users_.rows);
    std::vector<uint8_t> item_group(items_.rows);
    for (uint8_t& group : user_group) group = static_cast<uint8_t>(rng.Below(kBlocks));
    for (auto& items : group_items_) items.clear();
    for (size_t item = 0; item < items_.rows; ++item) {
      item_group[item] = static_cast<uint8_t>(rng.Below(kBlocks));
      group_items_[item_group[item]].push_back(static_cast<uint32_t>(item));
    }
    for (auto& pairs : blocks_) pairs.clear();
    for (size_t user = 0; user < users_.rows; ++user) {
      for (const uint32_t item : interactions_.ItemsOf(user)) {
        blocks_[user_group[user] * kBlocks + item_group[item]].push_back(
            {static_cast<uint32_t>(user), item});
      }
    }
  }

  Loss Train(size_t users, size_t items, uint32_t epoch) {
    Rng rng(options_.seed, (uint64_t{epoch} << 8) + 1 + users * kBlocks + items);
    std::vector<Pair>& pairs = blocks_[users * kBlocks + items];
    const std::vector<uint32_t>& others = group_items_[items];
    rng.Shuffle(&pairs);
    Loss loss;
    for (const Pair& pair : pairs) {
      const std::span<const uint32_t> seen = interactions_.ItemsOf(pair.user);
      for (int tries = 0; tries < kTries; ++tries) {
        const uint32_t other = others[rng.Below(static_cast<uint32_t>(others.size()))];
        if (std::binary_search(seen.begin(), seen.end(), other)) continue;
        loss.sum += Step(users_.row(pair.user), items_.row(pair.item), items_.row(other));
        ++loss.count;
        break;
      }
    }
    return loss;
  }

  // One step for: the user likes `item` more than `other`. The last factor of users stays 1.
  double Step(float* user, float* item, float* other) const {
    const size_t factors = options_.factors;
    float score = item[factors] - other[factors];
    for (size_t f = 0; f < factors; ++f) score += user[f] * (item[f] - other[f]);
    const double wrong = 1 / (1 + std::exp(static_cast<double>(score)));
    const auto pull = static_cast<float>(options_.learning_rate * wrong);
    const auto shrink = static_cast<float>(options_.learning_rate * options_.regularization);
    for (size_t f = 0; f < factors; ++f) {
      const float u = user[f];
      user[f] += pull * (item[f] - other[f]) - shrink * u;
      item[f] += pull * u - shrink * item[f];
      other[f] -= pull * u + shrink * other[f];
    }
    item[factors] += pull - shrink * item[factors];
    other[factors] -= pull + shrink * other[factors];
    return -std::log1p(-wrong);
  }

  const Interactions& interactions_;
  const FactorizeOptions& options_;
  linalg::Matrix& users_;
  linalg::Matrix& items_;
  std::vector<uint32_t> group_items_[kBlocks];
  std::vector<Pair> blocks_[kBlocks * kBlocks];
};

}  // namespace

Result<Factors> FactorizeBpr(const Interactions& interactions, const FactorizeOptions& options,
                             ThreadPool& pool) {
  const size_t dim = options.factors + size_t{1};
  const double deviation = 0.1 / std::sqrt(static_cast<double>(options.factors));
  KITH_ASSIGN_OR_RETURN(linalg::Matrix users,
                        RandomRows(interactions.num_users(), dim, deviation, options.seed, 0));
  KITH_ASSIGN_OR_RETURN(linalg::Matrix items,
                        RandomRows(interactions.num_items(), dim, deviation, options.seed, 1));
  for (size_t i = 0; i < users.rows; ++i) users.row(i)[options.factors] = 1;
  for (size_t i = 0; i < items.rows; ++i) items.row(i)[options.factors] = 0;
  Trainer trainer(interactions, options, &users, &items);
  Factors out;
  for (uint32_t i = 1; i <= options.iterations; ++i) {
    KITH_RETURN_IF_ERROR(pool.Report(options.progress, "factorize", i - 1, options.iterations));
    double loss = 0;
    KITH_RETURN_IF_ERROR(trainer.Epoch(i, pool, &loss));
    out.losses.push_back(loss);
    if (!std::isfinite(loss)) return Diverged(options);
    if (options.on_iteration) options.on_iteration(i, loss);
  }
  KITH_RETURN_IF_ERROR(
      pool.Report(options.progress, "factorize", options.iterations, options.iterations));
  out.dim = dim;
  out.users = Dense(users);
  out.items = Dense(items);
  return out;
}

}  // namespace kith::learn
