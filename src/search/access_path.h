// The one interface of all ways into the vectors of a file: what they are, how they are searched,
// built, costed and measured. Exact search, the forest and the graph implement it in their folders;
// paths/registry.h lists them; nothing else asks which of them it has to do with.
#ifndef KITH_SEARCH_ACCESS_PATH_H_
#define KITH_SEARCH_ACCESS_PATH_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "base/verification.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/cost.h"
#include "search/hits.h"
#include "search/request.h"
#include "search/stored_vectors.h"
#include "storage/container.h"

namespace kith::search {

// A way into the vectors of an open file, or of one that is being built. Thread-safe.
class AccessPath {
 public:
  virtual ~AccessPath() = default;
  AccessPath(const AccessPath&) = delete;
  AccessPath& operator=(const AccessPath&) = delete;

  virtual PathInfo Describe() const = 0;

  // Finds what is wanted of each query. Errors: OutOfMemory; InvalidArgument (a query whose squared
  // norm overflows float32; an end was asked for); Unsupported (a radius, of paths that are not
  // exact).
  virtual Status Search(const Request& request, Hits* hits, SearchStats* stats) const = 0;

  // Checks all that its sections promise beyond their checksums, as far as it can be computed anew.
  // Cost: about that of writing them, once everything is decided. Errors: Corruption; OutOfMemory;
  // InvalidArgument (an end was asked for).
  virtual Status Verify(const Verification& check) const = 0;

  // Whether it reads the file here and there rather than through.
  virtual bool walks() const { return true; }

  // Whether UseHugePages() does anything, and what it does: copies what searches read to huge pages
  // of this process. Not thread-safe. Errors: OutOfMemory.
  virtual Status UseHugePages() { return Status::Ok(); }

 protected:
  AccessPath() = default;
};

// What a path of a file is adapted by; everything referred to must outlive it.
struct AdaptInput {
  std::shared_ptr<const storage::ContainerReader> file;
  StoredVectors vectors;
  // Like those to come; finite, of the vectors' dimension. The others tell whether it is of use.
  MatrixView queries;
  MatrixView others;
  ThreadPool* pool = nullptr;
  Progress progress;
};

// A path of a file that finds more of queries of some kind than the file's own.
class AdaptedPath {
 public:
  virtual ~AdaptedPath() = default;
  AdaptedPath(const AdaptedPath&) = delete;
  AdaptedPath& operator=(const AdaptedPath&) = delete;

  virtual const AccessPath& path() const = 0;
  // Writes all sections of the path. Errors: those of the writer.
  virtual Status Write(storage::ContainerWriter* writer) const = 0;

 protected:
  AdaptedPath() = default;
};

// What a builder builds from; everything referred to must outlive it.
struct BuildInput {
  MatrixView rows;  // as they will be stored
  Metric metric = Metric::kAngular;
  uint64_t seed = 0;
  uint64_t memory = 0;  // most bytes that building may take beside the rows; 0: no limit
  ThreadPool* pool = nullptr;
  Progress progress;
  // Position -> row, if a path built before has ordered the vectors; else the builder does.
  const std::vector<uint32_t>* order = nullptr;
  // Rows, ascending, that the path is to be built without first, and that Finish() inserts.
  std::span<const uint32_t> held_out;
};

// Builds one path: Build(), then, if recall is to be measured with the rows held out, searches of
// OpenPartial(), then Finish() and Write().
class PathBuilder {
 public:
  virtual ~PathBuilder() = default;
  PathBuilder(const PathBuilder&) = delete;
  PathBuilder& operator=(const PathBuilder&) = delete;

  // Builds the path of all rows but those held out; the same on any number of threads.
  // Errors: InvalidArgument (cancelled; options that do not exist for these vectors; more memory
  // needed than allowed), OutOfMemory.
  virtual Status Build() = 0;

  // What follows REQUIRES that Build() succeeded.

  // Position -> row of all rows; empty: as they came.
  virtual const std::vector<uint32_t>& order() const = 0;
  // The rows held out that searches of OpenPartial() are not to find, ascending: of rows with
  // copies a path may hold all or none.
  virtual std::vector<uint32_t> hidden() const = 0;
  // What was asked for, and of what that left open what the data decided, so that another path may
  // be of the same kind.
  virtual PathSpec Settled(const PathSpec& asked) const { return asked; }
  // The path as it is so far, over the vectors in order(). The builder must outlive it, and do
  // nothing meanwhile.
  virtual std::unique_ptr<AccessPath> OpenPartial(const StoredVectors& vectors) const = 0;

  // Inserts the rows held out. Errors: as Build().
  virtual Status Finish() { return Status::Ok(); }
  // Writes the path's sections. Errors: those of the writer.
  virtual Status Write(storage::ContainerWriter* writer) const = 0;
  // What people may want to know of how it was built: members of a JSON object, each behind ", ".
  virtual std::string Meta() const { return {}; }

 protected:
  PathBuilder() = default;
};

// A way of building a path, and what it is predicted to cost.
struct BuildWay {
  PathSpec spec;
  Costs costs;
};

// The efforts of a path that is not exact: what they mean is its own, how they are measured is not
// (docs/recall.md).
class EffortScale {
 public:
  virtual ~EffortScale() = default;
  EffortScale(const EffortScale&) = delete;
  EffortScale& operator=(const EffortScale&) = delete;

  // The effort of a search for k neighbours of which nobody says anything, where that is known
  // without the file.
  virtual std::optional<double> Default(size_t k) const = 0;
  // What is done where an effort is asked for.
  virtual double Taken(double effort, size_t /*k*/) const { return effort; }
  // Nanoseconds of a query on one core, roughly: they have to tell which path is the cheaper one.
  virtual double QueryNs(double effort) const = 0;

  // The least effort worth measuring for one k, and how far measuring goes even where a scan is
  // cheaper, for those who ask for this path.
  struct Range {
    double least;
    double most;
  };
  virtual Range Measured(size_t k, const MatrixView& rows) const = 0;
  // Parts of the least effort that are worth measuring too, for as long as there is recall to
  // spare.
  virtual std::span<const double> Parts() const { return {}; }
  // Efforts of short walks that tell what a query needs: for serving the unlucky ones, which are
  // found out the better the longer the walk is, and for as much as queries unlike those known
  // need, which ask for less recall, too. 0: no walk is short.
  struct ShortWalks {
    double need = 0;
    double wide = 0;
  };
  virtual ShortWalks Short(size_t /*k*/) const { return {}; }
  // The k that recall is measured for, if nobody says: enough of them that efforts between are a
  // line over KScale().
  virtual std::span<const uint32_t> MeasuredKs() const = 0;
  virtual double KScale(double k) const { return k; }

  // Efforts that show the curve from a glance to nearly everything, ascending.
  virtual std::vector<int64_t> Grid(const IndexInfo& info, size_t k) const = 0;

 protected:
  EffortScale() = default;
};

// A kind of path: what there is to know of it without having one. One object a kind, immutable.
class PathType {
 public:
  virtual ~PathType() = default;
  PathType(const PathType&) = delete;
  PathType& operator=(const PathType&) = delete;

  virtual IndexKind kind() const = 0;
  // The name that users know it by: "graph".
  virtual const char* name() const = 0;
  // The names of its sections in a file. The first tells whether a file has the path; exact search
  // is always there.
  virtual std::span<const std::string_view> sections() const = 0;

  // O(1). REQUIRES: the file has the path. Errors: Corruption.
  virtual Result<std::unique_ptr<AccessPath>> Open(
      std::shared_ptr<const storage::ContainerReader> file, const StoredVectors& vectors) const = 0;

  // REQUIRES: spec is one of this kind. Errors: InvalidArgument (no such path for these vectors).
  virtual Result<std::unique_ptr<PathBuilder>> NewBuilder(const BuildInput& input,
                                                          const PathSpec& spec) const = 0;

  // The path of a file with what it lacks for queries of another kind than the vectors; nullptr:
  // there is nothing to add, or it would not find clearly more of them. REQUIRES: as Open().
  // Errors: Corruption, InvalidArgument (cancelled), OutOfMemory.
  virtual Result<std::unique_ptr<AdaptedPath>> Adapt(const AdaptInput& /*input*/) const {
    return std::unique_ptr<AdaptedPath>();
  }

  // Ways to build it for vectors of this shape. Each inner list is shown as one, and of each the
  // best is meant: they differ in what users leave to kith. `spec` is of this kind, with what is
  // asked for; `counted`: whether the number of queries is known, so that there may be few of them.
  virtual std::vector<std::vector<BuildWay>> Ways(const CostShape& shape, const PathSpec& spec,
                                                  bool counted) const = 0;
  // Whether a way is one that `asked` allows.
  virtual bool Allows(const PathSpec& /*asked*/, const PathSpec& /*way*/) const { return true; }
  // Whether what is known of the vectors speaks against a way that `asked` leaves open.
  virtual bool Suits(const CostShape& /*shape*/, const PathSpec& /*asked*/,
                     const PathSpec& /*way*/) const {
    return true;
  }
  // What is to be built where `way` was taken of what is asked for.
  virtual PathSpec Decided(const PathSpec& /*asked*/, const PathSpec& way) const { return way; }
  // Its options, nothing said.
  virtual PathSpec DefaultSpec() const = 0;

  // Whether its searches go by a request's ladder.
  virtual bool collects_sets() const { return false; }

  // nullptr: exact search, which knows no efforts.
  virtual const EffortScale* efforts() const { return nullptr; }
  // Nanoseconds of an exact search in one call of so many queries; of other paths, see efforts().
  bool exact() const { return efforts() == nullptr; }

 protected:
  PathType() = default;
};

}  // namespace kith::search

#endif  // KITH_SEARCH_ACCESS_PATH_H_
