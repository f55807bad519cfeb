// Pairs in any order as a sparse matrix, and a part of it held out.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "base/edge.h"
#include "base/rng.h"
#include "base/strings.h"
#include "kith/interactions.h"

namespace kith {
namespace {

Status CheckPairs(const StringList& users, const StringList& items,
                  std::span<const uint32_t> user_rows, std::span<const uint32_t> item_rows,
                  std::span<const float> weights, std::span<const double> times) {
  const size_t n = user_rows.size();
  if (n == 0) return Status::InvalidArgument("there are no pairs of users and items; give some");
  if (item_rows.size() != n || (!weights.empty() && weights.size() != n) ||
      (!times.empty() && times.size() != n)) {
    return Status::InvalidArgument(
        StrCat("there are ", n, " users of pairs, but ", item_rows.size(), " items, ",
               weights.size(), " weights and ", times.size(), " times; give as many of each"));
  }
  for (size_t i = 0; i < n; ++i) {
    if (user_rows[i] >= users.size() || item_rows[i] >= items.size()) {
      return Status::InvalidArgument(StrCat("pair ", i, " is of user ", user_rows[i], " and item ",
                                            item_rows[i], ", but there are ", users.size(),
                                            " users and ", items.size(), " items"));
    }
    if (!weights.empty() && !(std::isfinite(weights[i]) && weights[i] >= 0)) {
      return Status::InvalidArgument(StrCat("the weight of pair ", i, " is ", weights[i],
                                            "; weights are finite and not negative"));
    }
    if (!times.empty() && !std::isfinite(times[i])) {
      return Status::InvalidArgument(StrCat("the time of pair ", i, " is ", times[i]));
    }
  }
  return Status::Ok();
}

// Names are not in `pairs` yet.
Status CheckSums(const StringList& users, const StringList& items, const Interactions& pairs) {
  for (size_t user = 0; user < users.size(); ++user) {
    for (uint64_t i = pairs.offsets[user]; i < pairs.offsets[user + 1]; ++i) {
      if (std::isfinite(pairs.weights[i])) continue;
      return Status::InvalidArgument(StrCat("the weights of user '", Printable(users[user]),
                                            "' and item '", Printable(items[pairs.columns[i]]),
                                            "' add up beyond 3.4e38; give smaller ones"));
    }
  }
  return Status::Ok();
}

// Takes the pairs [begin, end) of a user that `keep` chooses.
template <class Keep>
void AppendRow(const Interactions& from, size_t user, const Keep& keep, Interactions* to) {
  for (uint64_t i = from.offsets[user]; i < from.offsets[user + 1]; ++i) {
    if (!keep(i)) continue;
    to->columns.push_back(from.columns[i]);
    to->weights.push_back(from.weights[i]);
    if (!from.times.empty()) to->times.push_back(from.times[i]);
  }
  to->offsets.push_back(to->columns.size());
}

// Which of a user's pairs are held out.
void HoldOut(const Interactions& all, size_t user, const SplitOptions& options, Rng* rng,
             std::vector<bool>* held) {
  const uint64_t begin = all.offsets[user];
  const uint64_t n = all.offsets[user + 1] - begin;
  if (options.held_out == HeldOut::kRandom) {
    for (uint64_t i = 0; i < n; ++i) (*held)[begin + i] = rng->Uniform() < options.share;
    return;
  }
  std::vector<uint64_t> order(n);
  std::iota(order.begin(), order.end(), begin);
  rng->Shuffle(&order);
  if (options.held_out == HeldOut::kLatest) {
    std::sort(order.begin(), order.end(), [&](uint64_t a, uint64_t b) {
      return std::pair(all.times[a], a) > std::pair(all.times[b], b);
    });
  }
  for (uint64_t i = 0; i + 1 < n && i < options.count; ++i) (*held)[order[i]] = true;
}

}  // namespace

Result<Interactions> MakeInteractions(StringList users, StringList items,
                                      std::span<const uint32_t> user_rows,
                                      std::span<const uint32_t> item_rows,
                                      std::span<const float> weights,
                                      std::span<const double> times) {
  return AtEdge("", "give fewer pairs", [&]() -> Result<Interactions> {
    KITH_RETURN_IF_ERROR(CheckPairs(users, items, user_rows, item_rows, weights, times));
    Interactions out;
    const size_t n = user_rows.size();
    out.offsets.assign(users.size() + 1, 0);
    for (const uint32_t user : user_rows) ++out.offsets[user + size_t{1}];
    std::partial_sum(out.offsets.begin(), out.offsets.end(), out.offsets.begin());
    std::vector<uint64_t> order(n);
    std::vector<uint64_t> next(out.offsets.begin(), out.offsets.end() - 1);
    for (size_t i = 0; i < n; ++i) order[next[user_rows[i]]++] = i;
    uint64_t begin = 0;
    for (size_t user = 0; user < users.size(); ++user) {
      const uint64_t end = out.offsets[user + 1];
      // The order of the file within an item, so that sums are always the same.
      std::sort(order.begin() + static_cast<ptrdiff_t>(begin),
                order.begin() + static_cast<ptrdiff_t>(end), [&](uint64_t a, uint64_t b) {
                  return std::pair(item_rows[a], a) < std::pair(item_rows[b], b);
                });
      const size_t first = out.columns.size();
      for (uint64_t i = begin; i < end; ++i) {
        const uint64_t pair = order[i];
        const float weight = weights.empty() ? 1 : weights[pair];
        if (weight == 0) continue;
        if (out.columns.size() > first && out.columns.back() == item_rows[pair]) {
          out.weights.back() += weight;
          if (!times.empty()) out.times.back() = std::max(out.times.back(), times[pair]);
          continue;
        }
        out.columns.push_back(item_rows[pair]);
        out.weights.push_back(weight);
        if (!times.empty()) out.times.push_back(times[pair]);
      }
      begin = end;
      out.offsets[user + 1] = out.columns.size();
    }
    if (out.size() == 0) return Status::InvalidArgument("all weights are 0; give some above it");
    KITH_RETURN_IF_ERROR(CheckSums(users, items, out));
    out.users = std::move(users);
    out.items = std::move(items);
    return out;
  });
}

Result<Split> SplitInteractions(const Interactions& all, const SplitOptions& options) {
  return AtEdge("", "give fewer pairs", [&]() -> Result<Split> {
    if (options.held_out == HeldOut::kRandom && !(options.share > 0 && options.share < 1)) {
      return Status::InvalidArgument(
          StrCat("the share held out is ", options.share, "; it must be above 0 and below 1"));
    }
    if (options.held_out != HeldOut::kRandom && options.count == 0) {
      return Status::InvalidArgument("0 pairs of each user are held out; hold out at least 1");
    }
    if (options.held_out == HeldOut::kLatest && all.times.empty()) {
      return Status::InvalidArgument(
          "the latest pairs are asked for, but pairs have no times; give them in a fourth column");
    }
    std::vector<bool> held(all.size());
    for (size_t user = 0; user < all.num_users(); ++user) {
      Rng rng(options.seed, user);
      HoldOut(all, user, options, &rng, &held);
    }
    Split split;
    for (size_t user = 0; user < all.num_users(); ++user) {
      AppendRow(
          all, user, [&](uint64_t i) { return !held[i]; }, &split.train);
      AppendRow(
          all, user, [&](uint64_t i) { return held[i]; }, &split.test);
    }
    for (Interactions* part : {&split.train, &split.test}) {
      part->users = all.users;
      part->items = all.items;
      if (part->size() > 0) continue;
      return Status::InvalidArgument(StrCat("nothing is left to ",
                                            part == &split.train ? "train" : "test",
                                            " with; hold out another share of the pairs"));
    }
    return split;
  });
}

}  // namespace kith
