// Build a .kith file, open it, search it.
#ifndef KITH_INDEX_H_
#define KITH_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kith/calibration.h"
#include "kith/filter.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

class Reducer;  // kith/reduce.h
struct NeighbourGraph;
struct NeighbourGraphOptions;

// The ways into a file's vectors. Part of the file format; never renumber.
enum class IndexKind : uint32_t {
  // When searching: the best the file holds. Exact search where it is as fast as the graph, for
  // small sets and, sooner, for many queries in one call, unless an effort is given.
  kAuto = 0,
  kExact = 1,   // every vector is compared; always available
  kForest = 2,  // random-projection trees
  kGraph = 3,   // a graph of near neighbours
};

const char* IndexKindName(IndexKind kind);
std::optional<IndexKind> ParseIndexKind(std::string_view name);

struct ForestOptions {
  uint32_t num_trees = 0;  // 0: chosen from n
  uint32_t leaf_size = 0;  // most vectors in a leaf as trees grow; 0: chosen
};

// How a graph's nodes lie in the file. Part of the file format; never renumber.
enum class GraphLayout : uint32_t {
  kAuto = 0,     // packed where the metric has it and its codes find neighbours
  kPacked = 1,   // nodes carry their vector and codes of their neighbours: fastest
  kCompact = 2,  // nodes are lists of neighbours: smallest; any metric
};

const char* GraphLayoutName(GraphLayout layout);
std::optional<GraphLayout> ParseGraphLayout(std::string_view name);

struct GraphOptions {
  GraphLayout layout = GraphLayout::kAuto;
  uint32_t degree = 0;  // neighbours kept of each vector, a multiple of 16; 0: 32
  uint32_t beam = 0;    // the beam width of the searches that refine the graph; 0: 48
  int code_bits = 0;    // of a coordinate of an edge's code: 1, 2, 4 or 8; 0: by dimension
};

// Exact search is always there; this is what may be stored for it.
struct ExactOptions {
  // 8-bit codes with error bounds, which let exact search read a quarter of what it would and give
  // the same answers. They take dim + 8 bytes a vector, dim rounded up to 4. For angular, euclidean
  // and dot over f32, f16 or bf16, and only where nothing but exact search is built; nullopt:
  // there, if the set is large enough.
  std::optional<bool> codes;
};

// A way into the vectors to be built, and how.
using PathSpec = std::variant<ExactOptions, GraphOptions, ForestOptions>;
IndexKind KindOf(const PathSpec& spec);

struct BuildOptions {
  Metric metric = Metric::kAngular;
  std::optional<DataType> dtype;  // nullopt: the smallest type that holds every value exactly
  // The ways in to be built beside exact search, each kind at most once; ExactOptions alone: none.
  // Empty: they are chosen (kith/plan.h): a graph where it beats exact search, unless the three
  // limits below speak for something else.
  std::vector<PathSpec> paths;
  // How a way in is built if it is chosen, each kind at most once; those not here as by default.
  std::vector<PathSpec> if_chosen;
  // The most memory in bytes that building may take beside the vectors given; 0: no limit. A
  // packed graph that would need more becomes a compact one, unless it is asked for.
  uint64_t memory = 0;
  // Searches expected of the file, one query a call; 0: so many that what the build takes does not
  // matter. Few of them favour what is built sooner; a forest gets fewer trees.
  uint64_t expected_queries = 0;
  // The most seconds that the build should take, as predicted for `threads`; 0: no limit. Bounds
  // what is chosen, not what is asked for. With 0 threads, the choice depends on the machine.
  double build_seconds = 0;
  // Measure what recall the graph and the forest give at what effort, so that searches may ask for
  // a recall: an eighth of the vectors, at most 4,096, are queries before they are inserted. Sets
  // of fewer than 512 vectors are not measured: exact search takes microseconds there.
  // nullopt: unless fewer than 10,000 queries are expected, which would not make up for it.
  std::optional<bool> calibrate;
  const StringList* keys = nullptr;  // one for each row, or none
  // Vectors are reduced before they are indexed, and so are queries of searches: the model is kept
  // in the file. Its reduced_metric() has to be `metric`. Memory: the reduced vectors.
  const Reducer* reducer = nullptr;
  const std::vector<int64_t>* ids = nullptr;  // external ids >= 0, unique; none: the row numbers
  // How the vectors were made, so that queries can be made likewise: UTF-8 text of at most 64 KiB
  // that the file keeps, whatever it says (kith/pictures.h writes such). Empty: nothing is kept.
  std::string origin;
  uint64_t seed = 42;
  // 0: one for each core. The bytes written depend on it only through what build_seconds leaves
  // out.
  int threads = 0;
  Progress progress;
  // Asked for an end, the call returns InvalidArgument "cancelled" within about 100 ms and leaves
  // nothing behind.
  std::stop_token stop;
};

// Writes `vectors` and the access paths asked for to a .kith file. The file appears, complete, or
// not at all; an existing file is replaced and stays valid for those who have it mapped.
// Cost: one pass over the data, plus O(num_trees * n * log n) for a forest, or n searches of the
// graph, about 50 microseconds a vector of 128 bytes on one core. Calibration adds an exact search
// of its queries and some dozens of theirs: docs/recall.md. Peak memory: about the size of the
// file, for a graph 1.1 to 2.5 times its size (`memory` bounds it). Errors: InvalidArgument (NaN or
// infinity, with row and column; a value `dtype` can't hold; keys of another length; empty set;
// codes where there are none), IoError, OutOfMemory.
Status BuildIndex(const MatrixView& vectors, const std::string& path, const BuildOptions& options);

class Index;

// The same in memory instead of under a name; SaveIndex() gives it one.
Result<std::unique_ptr<Index>> BuildIndexInMemory(const MatrixView& vectors,
                                                  const BuildOptions& options);

struct SearchParams {
  size_t k = 10;  // more than there are vectors: all of them
  IndexKind index = IndexKind::kAuto;
  // Graph: ef, the beam width, at least k; -1: max(64, 2 * k).
  // Forest: search_k, the distinct vectors compared with each query, at least dim / 4 of them
  // unless it is 0; -1: 8 * k * num_trees.
  int64_t effort = -1;
  // The mean recall@k wanted, up to 1, instead of an effort; 0: not asked for. The effort it takes
  // on queries like those of the file's calibration is looked up; kAuto takes the cheapest way in
  // that reaches it, and exact search if nothing else is known to: the plan tells why. Another way
  // in that is asked for and does not reach it is an error.
  double recall = 0;
  // The recall@k that 95 % of the queries are to reach, beside or instead of a mean; 0: not asked
  // for. Of a graph, queries get more effort the harder a short walk tells them to be. What is said
  // of `recall` holds for it, too; if both are given, the larger effort counts.
  double worst = 0;
  // Whether queries farther from the vectors than those of the calibration get more effort, so that
  // they reach `recall`, too, instead of a warning (SearchResult::drifted). Of a graph whose
  // calibration measured that; of other ways in it changes nothing.
  bool widen = false;
  int threads = 1;       // 0: one for each core. Results never depend on it.
  bool watched = true;   // whether Index::Drift() counts the queries, and the result warns of them
  std::stop_token stop;  // as in BuildOptions
  // Which rows may be among the answers. It must outlive the call.
  const RowFilter* filter = &AllRows();
};

// What a search did, summed over its queries. Deterministic.
struct SearchStats {
  // Full distances computed. Of exact search over codes, this depends on the number of threads:
  // each has to find its first neighbours.
  uint64_t distances = 0;
  uint64_t codes = 0;    // distances estimated or bounded by codes
  uint64_t nodes = 0;    // tree or graph nodes visited
  uint64_t entries = 0;  // leaf entries read; a vector met in two trees counts twice
  uint64_t bytes = 0;    // graph: bytes of nodes and vectors read

  SearchStats& operator+=(const SearchStats& o) {
    distances += o.distances;
    codes += o.codes;
    nodes += o.nodes;
    entries += o.entries;
    bytes += o.bytes;
    return *this;
  }
};

// Why kAuto takes exact search of a file that has other ways in.
enum class WhyExact : uint32_t {
  kNone = 0,        // it does not; or the caller said so, or there is nothing else
  kEverything = 1,  // a recall of 1 is asked for
  kCheaper = 2,     // it is expected to cost no more
  kOutOfReach = 3,  // nothing else was measured to reach the recall asked for
  kUnmeasured = 4,  // what recall anything else gives was never measured
  kMissesOwn = 5,   // no recall is asked for, and the graph misses many of its own vectors
};

// "everything", "cheaper", "out of reach", "unmeasured", "misses its own".
const char* WhyExactName(WhyExact why);

// What a search does.
struct SearchPlan {
  IndexKind index = IndexKind::kExact;
  double effort = 0;  // graph: ef, in fractions too; forest: search_k; < 0: the default; exact: 0
  // Of queries like the calibration's; 1 for exact search, 0 if no recall was asked for. More than
  // asked for if even the least effort gives more.
  double recall = 0;
  WhyExact why = WhyExact::kNone;
  double reached = 0;  // kOutOfReach: the most recall that anything else was measured to give
  // What 95 % of the queries reach; 1 for exact search, 0 if that was not asked for.
  double worst = 0;
  double reached_worst = 0;  // kOutOfReach: the same of `worst`; 0: it was not asked for
  // Of a graph that gives each query what it needs: their efforts, whose mean is `effort`. Else
  // empty.
  QueryEfforts efforts;
};

// ids and distances [num_queries, k], nearest first, ties by the smaller row number; places without
// a neighbour (a forest that found fewer, rows that a filter leaves out) hold kNoId and +inf.
struct SearchResult {
  size_t num_queries = 0;
  size_t k = 0;  // that of the params, but at most the number of vectors
  std::vector<int64_t> ids;
  std::vector<float> distances;
  SearchStats stats;
  SearchPlan plan;                // of the first query
  std::vector<SearchPlan> plans;  // of each, where the filter made them differ; else empty
  // That the queries so far look unlike those that recall was measured with (Index::Drift()), so
  // that it may be another than asked for. Set of one search of an open index, to be passed on as a
  // warning; noticed after 32 queries, and whenever there are twice as many.
  bool drifted = false;

  const SearchPlan& plan_of(size_t query) const { return plans.empty() ? plan : plans[query]; }
};

// A way into an open file, described by itself.
struct PathInfo {
  // One of its figures, by a name that JSON shows it under: a share where it is not negative, a
  // name where `text` is not empty, else a number.
  struct Property {
    std::string name;
    uint64_t number = 0;
    std::string text;
    double share = -1;  // a part of 1; -1: it is none
  };

  IndexKind kind = IndexKind::kExact;
  std::string summary;  // "packed graph of degree 32 with 4-bit codes"
  uint64_t bytes = 0;   // of its sections
  // exact: "codes" (bits a coordinate of the codes it scans; 0: none). graph: "layout", "degree",
  // "code_bits", "nodes" (distinct vectors), "visit_bytes" (what one visit reads), "self_recall"
  // (the share of stored vectors that a search for them, of the default effort, finds),
  // "adapted_edges" (given for queries of another kind, CalibrateOptions::adapt). forest: "trees",
  // "leaf" (most vectors in a leaf as trees grew).
  std::vector<Property> properties;

  // 0 and "" for a property that it has not.
  uint64_t number(std::string_view name) const {
    for (const Property& p : properties) {
      if (p.name == name) return p.number;
    }
    return 0;
  }
  // -1 if there is none.
  double share(std::string_view name) const {
    for (const Property& p : properties) {
      if (p.name == name) return p.share;
    }
    return -1;
  }
  std::string_view text(std::string_view name) const {
    for (const Property& p : properties) {
      if (p.name == name) return p.text;
    }
    return {};
  }
};

// What `kith info` prints.
struct IndexInfo {
  std::string path;  // as it was given; "the index in memory" if it is there
  // From the root, as `path` was understood when the file was opened: right after the process has
  // changed its directory. "" in memory, and if the directory had no name then.
  std::string absolute_path;
  bool in_memory = false;  // and not in a file that others could open
  uint64_t file_bytes = 0;
  uint64_t num_vectors = 0;
  size_t dim = 0;
  // Of the vectors before they were reduced, from which queries come; 0: they were not.
  size_t source_dim = 0;
  Metric metric = Metric::kAngular;
  DataType dtype = DataType::kF32;
  uint32_t format_version = 0;
  bool has_keys = false;
  bool has_ids = false;
  // Exact search first, then the others, the best first.
  std::vector<PathInfo> paths;
  struct Section {
    std::string name;
    uint64_t offset = 0;
    uint64_t size = 0;
    uint32_t crc32c = 0;
  };
  std::vector<Section> sections;
  Calibration calibration;
  // The parameters of the build, for people: an object of JSON of at most 64 KiB and 8 levels.
  // Empty where the file has none, or something else in its place.
  std::string built_with;
  // BuildOptions::origin. Empty where there is none, or something else in its place.
  std::string origin;
  // How long the build took; < 0 if unknown. Kept as an attribute beside the file's contents, which
  // depend on the input and the seed alone, so copies made without attributes lose it.
  double build_seconds = -1;

  // nullptr where the file has no such way in.
  const PathInfo* path_of(IndexKind kind) const {
    for (const PathInfo& p : paths) {
      if (p.kind == kind) return &p;
    }
    return nullptr;
  }
  bool has(IndexKind kind) const { return path_of(kind) != nullptr; }
  // Whether it has a way in that is not exact.
  bool has_approximate() const { return paths.size() > 1; }
};

struct VerifyOptions {
  int threads = 0;  // 0: one for each core
  Progress progress;
  std::stop_token stop;  // as in BuildOptions
};

// An open .kith file. Immutable; every method is thread-safe and may run in any number of threads
// and processes at once. The file is mapped, not read: opening costs the same at 10 kB and 10 GB.
class Index {
 public:
  virtual ~Index() = default;
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  virtual const IndexInfo& info() const = 0;
  // By what its vectors were reduced; nullptr if they were not.
  virtual const Reducer* reducer() const { return nullptr; }

  // The params.k nearest vectors of each query, all of them if there are fewer. Queries may be of
  // any DataType (kBit needs a dim of whole bytes only in its stride); they are compared exactly as
  // given. Where the vectors were reduced, queries are as those were before (info().source_dim),
  // and are reduced likewise, or as they are now (info().dim): the dimension tells. Cost: exact
  // O(num_queries * n * dim); forest O(num_queries * (effort + trees * depth)); graph O(num_queries
  // * effort * degree * dim). Many queries in one call are faster than one a call. Errors:
  // InvalidArgument (dimension, NaN or infinity with its place, k = 0, no such access path); those
  // of Plan().
  virtual Status Search(const MatrixView& queries, const SearchParams& params,
                        SearchResult* result) const = 0;

  // What Search() would do with so many queries. O(1).
  // Errors: InvalidArgument (no such access path; a recall that is not in (0, 1]; a recall that the
  // way asked for does not reach, or that was never measured of it, with a Remedy; a recall and an
  // effort).
  virtual Result<SearchPlan> Plan(const SearchParams& params, size_t num_queries) const = 0;

  // Of the queries that Search() was given with a recall since the file was opened, one that finds
  // the nearest vector nearly always: of 0.9, or 0.7 from k = 10 on. O(1).
  virtual QueryDrift Drift() const = 0;

  // Row number of a key or an external id; the first row where several share the key.
  // O(1), touching a few pages. Errors: NotFound; Corruption on a damaged file.
  virtual Result<uint64_t> FindKey(std::string_view key) const = 0;
  virtual Result<uint64_t> FindId(int64_t id) const = 0;

  // Key and external id of a row (the row number itself where the file has no ids).
  // REQUIRES: row < info().num_vectors. Empty where the file has no keys.
  virtual std::string_view Key(uint64_t row) const = 0;
  virtual int64_t Id(uint64_t row) const = 0;
  // Writes the row's vector as float32 to out[0..dim). REQUIRES: row < num_vectors.
  virtual void GetVector(uint64_t row, float* out) const = 0;
  // The whole file, as it is mapped.
  virtual std::span<const std::byte> Bytes() const = 0;

  // What VerifyIndex() and CalibrateInMemory() (kith/calibration.h) do.
  virtual Status Verify(const VerifyOptions& options) const = 0;
  virtual Result<std::unique_ptr<Index>> Calibrated(const MatrixView& queries,
                                                    const CalibrateOptions& options) const = 0;
  // What MakeNeighbourGraph() (kith/neighbour_graph.h) does, but for other edges than directed
  // ones.
  virtual Result<NeighbourGraph> Neighbours(const NeighbourGraphOptions& options) const = 0;
  // What CalibrateIndex() of an open index does.
  virtual Result<std::unique_ptr<Index>> CalibrateFile(const MatrixView& queries,
                                                       const CalibrateOptions& options) const = 0;

 protected:
  Index() = default;
};

struct OpenOptions {
  // Read the whole file now, so that first searches do not wait for the disk.
  bool prefault = false;
  // Copy the graph to huge pages of this process's own memory, where the system has them: fewer
  // address translations, so searches are faster; no longer shared with other processes.
  bool huge_pages = false;
  // Ends reading for prefault early: InvalidArgument (cancelled).
  std::stop_token stop;
};

// Maps a .kith file and checks its header, table and bounds: O(sections), whatever the file's size.
// Errors: NotFound, Corruption, Unsupported (too old, too new), IoError; each names the file.
Result<std::unique_ptr<Index>> OpenIndex(const std::string& path, const OpenOptions& options = {});

// The same of a file that somebody has read already, from a network or an archive, say. Copies it.
// Errors: Corruption, Unsupported, OutOfMemory, IoError (no memory files, and no temporary ones).
Result<std::unique_ptr<Index>> OpenIndexBytes(std::span<const std::byte> bytes,
                                              const OpenOptions& options = {});

// Whether a file begins as .kith files do; false too if it cannot be read.
bool IsKithFile(const std::string& path);

// Writes an open index to a file: complete or not at all. `stop` as in BuildOptions. Errors:
// IoError, NotFound (no such directory), InvalidArgument (a directory or device; cancelled).
Status SaveIndex(const Index& index, const std::string& path, std::stop_token stop = {});

// Reads all of a file, checks every checksum, and computes anew whatever the vectors determine:
// docs/file_format.md says what a sound file is sure to be. Cost: some passes over the file; of a
// packed graph, coding its edges again, with float32 vectors in memory if they take less than
// 2 GiB; of keys and ids, building their tables. Errors: as OpenIndex; Corruption names the section
// and a fault; InvalidArgument (cancelled); OutOfMemory.
Status VerifyIndex(const std::string& path, const VerifyOptions& options = {});
Status VerifyIndex(const Index& index, const VerifyOptions& options = {});

}  // namespace kith

#endif  // KITH_INDEX_H_
