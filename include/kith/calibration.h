// What recall an effort gives: measured when a file is built, or with the user's own queries.
#ifndef KITH_CALIBRATION_H_
#define KITH_CALIBRATION_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "kith/status.h"
#include "kith/types.h"

namespace kith {

enum class IndexKind : uint32_t;  // kith/index.h
class Index;

// One effort, measured over all queries.
struct CalibrationPoint {
  float effort = 0;        // graph: ef, in fractions too; forest: search_k
  float recall = 0;        // mean recall@k, fitted to grow with the effort
  float recall_p5 = 0;     // what 95 % of the queries reach
  float recall_worst = 0;  // mean of the worst tenth
  float nodes = 0;         // visited, for a query
  float distances = 0;     // computed in full, for a query
};

// How much effort each query gets: it is decided when a walk through a graph has done what `first`
// asks for, by how far the k-th nearest it has found by then is. (To stop by what each query needs:
// Chatzakis et al., "DARTH", SIGMOD 2026.)
struct QueryEfforts {
  double first = 0;
  // Ascending distances, as walks compare them; of dot, by the query's length.
  std::vector<float> far;
  std::vector<float> efforts;  // of queries whose k-th is as far; a line between two of them

  bool empty() const { return efforts.empty(); }
  double most() const { return *std::max_element(efforts.begin(), efforts.end()); }
  // REQUIRES: !empty(). Cost: O(log(far.size())).
  double At(float distance) const {
    const auto above = std::upper_bound(far.begin(), far.end(), distance);
    if (above == far.begin()) return efforts.front();
    if (above == far.end()) return efforts.back();
    const auto i = static_cast<size_t>(above - far.begin());
    const double share = (double{distance} - far[i - 1]) / (double{far[i]} - far[i - 1]);
    return efforts[i - 1] + share * (double{efforts[i]} - efforts[i - 1]);
  }
};

// Why no larger efforts were measured.
enum class CalibrationEnd : uint32_t {
  kUnknown = 0,       // the file does not say: an older kith wrote it
  kFound = 1,         // nearly everything was found: 0.9993 of it
  kExactCheaper = 2,  // from there on, exact search is expected to take less
  kAllSearched = 3,   // there is no more to search
};

// One effort where queries get more or less than that, as they need it.
struct NeedPoint {
  float effort = 0;     // the mean of the queries
  float recall = 0;     // their mean recall@k
  float recall_p5 = 0;  // what 95 % of them reach; between two whole neighbours, how near to more
};

// What serves the unlucky queries. A graph spends more on those that a short walk tells to be hard;
// a forest as much on all. Both recalls grow with the effort.
struct NeedCurve {
  float first = 0;             // the effort of the short walk; 0: all queries get the same
  std::vector<float> far;      // as QueryEfforts::far
  std::vector<float> factors;  // of the mean effort, what such queries get
  std::vector<NeedPoint> points;

  bool empty() const { return points.empty(); }
};

// Recall by how far a short walk tells queries to be from the vectors, like those measured with or
// unlike them: measured with mixtures of these, too.
struct WideCurve {
  float first = 0;             // the effort of the short walk
  std::vector<float> far;      // as QueryEfforts::far
  std::vector<float> weights;  // the share of the queries not mixed that are about as far
  std::vector<float> efforts;  // ascending
  std::vector<float> recalls;  // [far.size(), efforts.size()]: mean recall@k, growing in each row

  bool empty() const { return recalls.empty(); }
};

// Points in ascending order of effort, for one way in and one k.
struct CalibrationCurve {
  IndexKind index{};
  uint32_t k = 0;
  std::vector<CalibrationPoint> points;
  CalibrationEnd end = CalibrationEnd::kUnknown;
  NeedCurve need;  // empty where an older kith measured
  WideCurve wide;  // of graphs; empty where an older kith measured
};

enum class CalibrationSource : uint32_t {
  kNone = 0,     // the file has none
  kHeldOut = 1,  // vectors that were inserted after they had been queries
  kQueries = 2,  // queries of the user
};

// Queries measured against exact search, and how near their nearest neighbours were.
struct Calibration {
  CalibrationSource source = CalibrationSource::kNone;
  uint32_t num_queries = 0;
  std::vector<CalibrationCurve> curves;
  // Quantiles 0, 1/32, ..., 1 of the distance to the nearest vector; of dot, by the query's length.
  std::vector<float> nearest;

  bool empty() const { return source == CalibrationSource::kNone; }
};

// How unlike the calibration's the queries are that an open file was asked with a recall.
struct QueryDrift {
  uint64_t queries = 0;
  // The one-sided Kolmogorov-Smirnov distance of their distances to the nearest vector, 0 to 1: 0
  // if they are as near as the calibration's were, or nearer.
  double distance = 0;
  // Whether that is more than chance, and enough for the recall to be another than asked for.
  bool unlike = false;
};

struct EffortForRecall {
  double effort = 0;       // the mean, where queries get what they need
  double recall = 0;       // as measured there; more than asked for at the least effort
  bool reachable = false;  // if not, what is here is of the most that was measured
  bool known = false;      // whether this way in was measured at all
  double worst = 0;        // what 95 % of the queries reach there; 0: not asked for
  QueryEfforts efforts;    // what each query gets; empty: all the same
};

// What is wanted of a search.
struct RecallGoal {
  double recall = 0;   // the mean recall@k; 0: not asked for
  double worst = 0;    // the recall@k that 95 % of the queries reach; 0: not asked for
  bool widen = false;  // whether queries unlike those measured with get more effort
};

// The least effort whose recall@k is what is asked for: linear between measured efforts and between
// measured k (of a forest, their roots), beyond the largest k in proportion to it. O(points).
EffortForRecall FindEffort(const Calibration& calibration, IndexKind index, size_t k,
                           double recall);
// The same of all that may be wanted; if several things are, the most effort that one takes.
EffortForRecall FindEffort(const Calibration& calibration, IndexKind index, size_t k,
                           const RecallGoal& goal);

struct CalibrateOptions {
  std::vector<uint32_t>
      ks;              // recall@k to measure, each <= 10,000; none: 1, 10, 100, of a graph 30 too
  std::string output;  // another file to write; empty: the file is replaced
  int threads = 0;     // 0: one for each core; the result does not depend on it
  Progress progress;
  std::stop_token stop;  // as in BuildOptions
  // Whether a graph is given edges for queries like these, in the place of such as are of the least
  // use to others: for queries of another kind than the vectors, as titles among sentences. Every
  // second query is taken for that, and the others to measure; where that would not let these find
  // clearly more, the graph stays as it is, and all measure. The file stays as large as it is.
  // Forests have no edges, so that they are measured only. Property "adapted_edges" of PathInfo has
  // the number of edges.
  bool adapt = false;
};

// Measures the recall of a file's graph and forest with queries like those it will get, and writes
// the file anew with the result in place of what was measured before: complete or not at all; those
// who have it mapped keep what they have.
// Cost: an exact search of the queries, some ten searches of each effort, and a copy of the file;
// with `adapt`, also a search with a beam of 300 for every vector, and memory for the graph.
// Errors: those of OpenIndex; InvalidArgument (no graph or forest; fewer than 32 queries, with
// `adapt` 64, of
// another dimension or not finite; a k that is 0 or too large; cancelled), IoError (also: the name
// was given to another file while this one was measured, which is then left as it is), OutOfMemory.
Status CalibrateIndex(const std::string& path, const MatrixView& queries,
                      const CalibrateOptions& options = {});

// The same of the file that an index was opened from, wherever the process has gone since and
// whatever its name means now: IoError if it is another file's. Returns the new file, open; `index`
// keeps what it has. Of an index in memory with no `output`, the result is in memory too.
Result<std::unique_ptr<Index>> CalibrateIndex(const Index& index, const MatrixView& queries,
                                              const CalibrateOptions& options = {});

// The same of an open index, which stays as it is; the result is in memory. `output` is ignored.
Result<std::unique_ptr<Index>> CalibrateInMemory(const Index& index, const MatrixView& queries,
                                                 const CalibrateOptions& options = {});

}  // namespace kith

#endif  // KITH_CALIBRATION_H_
