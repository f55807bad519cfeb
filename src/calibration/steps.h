// The rules by which calibration takes its steps, from one effort to the next: what measures
// follows them (calibrate.h), and what predicts how long measuring takes (cost.h).
#ifndef KITH_CALIBRATION_STEPS_H_
#define KITH_CALIBRATION_STEPS_H_

#include <algorithm>
#include <cstddef>
#include <span>

#include "kith/calibration.h"
#include "kith/index.h"
#include "search/access_path.h"

namespace kith::calibration {

// Nearly everything: where a curve ends.
inline constexpr double kEnough = 0.9993;

// Queries are enough where they tell a mean to this standard error.
inline constexpr double kStandardError = 0.004;

// Means of more neighbours than kFewNeighbours take fewer queries, kQueriesOfMany at most.
inline constexpr size_t kFewNeighbours = 10;
inline constexpr size_t kQueriesOfMany = 1024;

// What more vectors do to a recall is looked at where such recalls are asked for, and enough is
// missed to count.
inline constexpr float kLeastCompared = 0.75f;
inline constexpr float kMostCompared = 0.995f;

// Whether a build measures the recall of what it builds.
bool IsWanted(const BuildOptions& options);

// How many of n vectors are held out of an index as queries; none if there are so few that exact
// search is all they need.
size_t NumHeldOut(size_t n);

// How many times others are held out: a small set has too few vectors to hold out enough of them at
// once.
size_t NumFolds(size_t n);

// Whether paths are built for nothing else than to be measured, without what is held out, and that
// of the index of all vectors at once. Otherwise they are inserted into the one that was measured.
// A path into which an eighth of all vectors came later is not quite what it would be.
bool IsApart(size_t n);

// Of how many vectors a path is built once more, to see what more of them do to the effort that a
// recall takes; none where so few are held out that it makes no difference.
size_t NumFewer(size_t n);
inline constexpr size_t kQueriesOfFewer = 2048;  // it is searched with
// With how many of `most` queries it is searched with each effort.
size_t CompareWith(size_t k, size_t most);

// The most neighbours that recall is measured of, among n vectors.
inline size_t MostK(size_t n) { return std::max<size_t>(1, n / 4); }

// How many of so many things fall to the first of some parts, dealt in turn.
inline size_t PartOf(size_t count, size_t parts) { return (count + parts - 1) / parts; }

// How many of `most` queries to measure the next effort with, after one of this recall, which
// varied so much between queries.
size_t QueriesFor(size_t k, double recall, double variance, size_t most);

// The next effort to measure, larger than the last: small steps where targets are, between which
// recall is taken for linear.
double NextEffort(const CalibrationPoint& last);

// Whether the last two steps, ascending, found hardly any of the little that is missed: what a walk
// never meets, more effort does not find before exact search takes less, and measuring that takes
// longer than all else.
bool IsStuck(std::span<const CalibrationPoint> points);

// What of an effort a file keeps: efforts are measured as they are kept, for two beyond 2^24 may be
// one float, and an effort that rounding lowers never reaches the most there is.
inline double Kept(double effort) { return static_cast<double>(static_cast<float>(effort)); }

// The effort from which on an exact search of one query takes less, among so many rows of so many
// bytes in all; at least `at_least`, at most all rows.
double MostEffort(const search::EffortScale& efforts, double rows, double bytes, double at_least);

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_STEPS_H_
