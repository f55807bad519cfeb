// The rules by which calibration takes its steps, from one effort to the next: what measures
// follows them (calibrate.h), and what predicts how long measuring takes (cost.h).
#ifndef KITH_CALIBRATION_STEPS_H_
#define KITH_CALIBRATION_STEPS_H_

#include <cstddef>
#include <span>

#include "kith/calibration.h"
#include "kith/index.h"
#include "search/access_path.h"

namespace kith::calibration {

// Nearly everything: where a curve ends.
inline constexpr double kEnough = 0.9993;

// Queries are enough where they tell a mean to this standard error.
inline constexpr double kStandardError = 0.005;

// Means of more neighbours than kFewNeighbours take fewer queries, kQueriesOfMany at most.
inline constexpr size_t kFewNeighbours = 10;
inline constexpr size_t kQueriesOfMany = 1024;

// What is missed before and after an insertion is compared where recall is asked for and enough is
// missed to count.
inline constexpr float kLeastCompared = 0.75f;
inline constexpr float kMostCompared = 0.995f;

// Whether a build measures the recall of what it builds.
bool IsWanted(const BuildOptions& options);

// How many of n vectors are held out of an index as queries; none if there are so few that exact
// search is all they need.
size_t NumHeldOut(size_t n);

// Whether half of the held-out vectors are inserted for a trial: where fewer are held out, what
// changes is less than what can be measured.
bool IsCompared(size_t num_held_out, size_t n);
// How many of them are searched for again with each effort.
size_t ControlsFor(size_t k, size_t num_controls);

// How many of `most` queries to measure the next effort with, after one of this recall, which
// varied so much between queries.
size_t QueriesFor(size_t k, double recall, double variance, size_t most);

// The next effort to measure, larger than the last: small steps where targets are, between which
// recall is taken for linear.
double NextEffort(const CalibrationPoint& last);

// What of an effort a file keeps: efforts are measured as they are kept, for two beyond 2^24 may be
// one float, and an effort that rounding lowers never reaches the most there is.
inline double Kept(double effort) { return static_cast<double>(static_cast<float>(effort)); }

// The effort from which on an exact search of one query takes less, among so many rows of so many
// bytes in all; at least `at_least`, at most all rows.
double MostEffort(const search::EffortScale& efforts, double rows, double bytes, double at_least);

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_STEPS_H_
