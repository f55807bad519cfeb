// What single queries need: learnt from what each of them found with every effort.
#ifndef KITH_CALIBRATION_NEED_H_
#define KITH_CALIBRATION_NEED_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kith/calibration.h"

namespace kith::calibration {

// Queries enough to tell what the unlucky ones of them need.
inline constexpr size_t kQueriesOfNeed = 1024;

// What each query found, of one path and k.
struct QueryRecord {
  size_t k = 0;
  std::vector<float> efforts;               // ascending
  std::vector<std::vector<uint32_t>> hits;  // [efforts][queries]: how many of the k nearest
};

// How far the queries of a record were when a short walk of so much effort had ended.
struct ShortWalk {
  double effort = 0;       // 0: the path has no such walks
  std::vector<float> far;  // [queries]
};

// Factors by which the queries as far as each other get more or less of an effort, so that 95 % of
// them find most of their neighbours, and the recalls that come of it. One standard error is left
// for chance. Cost: O(efforts * queries).
NeedCurve LearnNeed(const QueryRecord& record, const ShortWalk& walk);

// The mean recall of the queries that are as far as each other, among them `unlike` ones, with the
// same efforts. Cost: O(efforts * queries).
WideCurve LearnWide(const QueryRecord& usual, const ShortWalk& walk, const QueryRecord& unlike,
                    const ShortWalk& far);

// The efforts that a search gives for some base of them. REQUIRES: the curve has factors.
QueryEfforts EffortsOf(const NeedCurve& curve, double base);
// Those that give each group a mean recall, or the most that was measured of it, where that is
// less. REQUIRES: the curve is not empty.
QueryEfforts EffortsOf(const WideCurve& curve, double recall);

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_NEED_H_
