// One value, or one label, of those of a query's neighbours.
#ifndef KITH_LEARN_VOTES_H_
#define KITH_LEARN_VOTES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kith/predict.h"

namespace kith::learn {

// A neighbour's row and how far it is. Nearest first.
struct Voter {
  uint64_t row = 0;
  float distance = 0;
};

struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
};

// Averages the values of voters. Keeps memory between calls; not thread-safe.
class Averager {
 public:
  Averager(std::span<const double> values, const Averaging& averaging)
      : values_(values), averaging_(averaging) {}

  // NaN of no voters.
  Estimate Of(std::span<const Voter> voters);

 private:
  struct Weighted {
    double value = 0;
    double weight = 0;
  };
  double Quantile(std::span<const Weighted> sorted, double share) const;

  std::span<const double> values_;
  Averaging averaging_;
  std::vector<Weighted> weighted_;
};

struct Elected {
  uint32_t label = kNoLabel;
  double share = 0;
};

// Counts the votes of labels. Keeps memory between calls; not thread-safe.
class Ballot {
 public:
  Ballot(std::span<const uint32_t> labels, NeighbourWeights weights)
      : labels_(labels), weights_(weights) {}

  Elected Of(std::span<const Voter> voters);

 private:
  struct Vote {
    uint32_t label = 0;
    double weight = 0;
  };
  std::span<const uint32_t> labels_;
  NeighbourWeights weights_;
  std::vector<Vote> votes_;
};

}  // namespace kith::learn

#endif  // KITH_LEARN_VOTES_H_
