// Users of a few tastes, made for tests: what they did is told by their taste, by how popular
// things are, and by chance.
#ifndef KITH_TESTS_LEARN_TASTE_H_
#define KITH_TESTS_LEARN_TASTE_H_

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "kith/interactions.h"

namespace kith::testing {

constexpr size_t kTastes = 12;

// Item i is of taste i % kTastes, user u of u % kTastes and half as much of the next: the less so,
// the smaller their shares. Times are the order of a user's pairs.
inline Interactions MadeOfTastes(size_t num_users, size_t num_items, size_t each, uint64_t seed) {
  StringList users;
  StringList items;
  for (size_t u = 0; u < num_users; ++u) users.Add("u" + std::to_string(u));
  for (size_t i = 0; i < num_items; ++i) items.Add("i" + std::to_string(i));
  std::vector<uint32_t> user_rows;
  std::vector<uint32_t> item_rows;
  std::vector<float> weights;
  std::vector<double> times;
  for (size_t u = 0; u < num_users; ++u) {
    Rng rng(seed, u);
    std::set<uint32_t> had;
    while (had.size() < each) {
      const double what = rng.Uniform();
      const size_t taste = (u + (what < 0.3 ? 1 : 0)) % kTastes;
      // The first items of a taste are the popular ones.
      const double rank = std::pow(rng.Uniform(), 3) * static_cast<double>(num_items / kTastes);
      uint32_t item = static_cast<uint32_t>(rank) * kTastes + static_cast<uint32_t>(taste);
      if (what > 0.75) item = rng.Below(static_cast<uint32_t>(num_items));
      if (!had.insert(item).second) continue;
      user_rows.push_back(static_cast<uint32_t>(u));
      item_rows.push_back(item);
      weights.push_back(static_cast<float>(1 + rng.Below(100)));
      times.push_back(static_cast<double>(had.size()));
    }
  }
  return MakeInteractions(users, items, user_rows, item_rows, weights, times).value();
}

}  // namespace kith::testing

#endif  // KITH_TESTS_LEARN_TASTE_H_
