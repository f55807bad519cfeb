// Annoy's index: the same files, the same answers, without its traps.
//
// Reads and writes the headerless .ann files of Spotify's Annoy 1.17.3 and does what its AnnoyIndex
// does, so that programs written for Annoy go on with the files they have. docs/annoy_files.md has
// the bytes, what is checked, and what is different on purpose. For new programs kith/index.h is
// the better choice: faster, and its files say what they are.
#ifndef KITH_ANNOY_H_
#define KITH_ANNOY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "kith/status.h"
#include "kith/types.h"

namespace kith {

// What an index is at the moment, which decides what may be done with it.
enum class AnnoyState {
  kItems = 0,   // items may be added; searches find nothing
  kBuilt = 1,   // has trees; Unbuild() leads back
  kLoaded = 2,  // a file, mapped: searched, saved, unloaded, never changed
};

// Items numbered 0 to num_items() - 1, of which some may be missing (holes), under trees that are
// built once. Distances are Annoy's, not those of kith::Metric:
//
//   angular    sqrt(2 - 2 cos(q, x)); sqrt(2) if either is zero
//   euclidean  sqrt(sum (q_i - x_i)^2)
//   manhattan  sum |q_i - x_i|
//   dot        sum q_i * x_i, the largest first
//   hamming    number of i with q_i != x_i, coordinates above 0.5 counting as 1, all others as 0
//
// Vectors are given as `dim` floats, for hamming too.
//
// Errors, the same of all methods, so that front ends can map them:
//   NotFound         an id that is not one of the index's; of methods with a path: no such file
//   Unsupported      not in this state ("You can't build a built index"), or while another thread
//                    builds
//   InvalidArgument  NaN or infinity, with the place; a metric, dimension or number out of range; a
//                    path that is a directory or a device
//   Corruption       a file that is not one of this metric and dimension, or damaged
//   IoError, OutOfMemory
// Where Annoy has a message for it, it is the message.
//
// Thread safety: all methods may be called from any number of threads at once. A search goes on
// with what it began with while another thread unloads, loads or builds; none waits for another but
// for the time of a copy. What changes the index while another thread is in Build(), Save() or
// OnDiskBuild() is Unsupported.
class AnnoyIndex {
 public:
  // An empty index. Errors: InvalidArgument unless 1 <= dim <= kMaxDim.
  static Result<std::unique_ptr<AnnoyIndex>> Create(Metric metric, size_t dim);
  ~AnnoyIndex();
  AnnoyIndex(const AnnoyIndex&) = delete;
  AnnoyIndex& operator=(const AnnoyIndex&) = delete;

  Metric metric() const;
  size_t dim() const;
  AnnoyState state() const;
  // 1 + the largest id; holes count.
  size_t num_items() const;
  size_t num_trees() const;
  // The file that a loaded or saved index is mapped from, or was built on; "" without one. Throws
  // std::bad_alloc if there is no memory for the copy.
  std::string path() const;
  // The same from the root, as it was understood when the file was opened or written: right after
  // the process has changed its directory. "" also if the directory had no name then.
  std::string absolute_path() const;

  // Copies vector [dim]; an id given before gets the new one. Room is made for ids up to the
  // largest, so ids should be small numbers; memory is taken for those that are there only.
  // Cost: amortised O(dim), no allocation. Errors: NotFound (id < 0), InvalidArgument (NaN,
  // infinity, id >= 2^31 - 1), OutOfMemory (an id beyond what the machine can hold), Unsupported
  // (built or loaded); IoError after OnDiskBuild().
  Status AddItem(int64_t id, const float* vector);

  // From now on items lie in a temporary file beside `path`, which gets that name, complete, when
  // Build() is done; items already added move there. Room is made for ids up to the largest: on a
  // disk they are not free, even those that are missing. Errors: Unsupported (built or loaded),
  // IoError, NotFound (no such directory), InvalidArgument.
  Status OnDiskBuild(const std::string& path);

  // Grows `num_trees` trees; -1: as many as double the number of nodes. threads <= 0: one for each
  // core. The trees, and the bytes Save() writes, depend on the items and the seed only, never on
  // threads. `progress` is called with trees done and to be done, from the calling thread.
  // Cost: O(num_trees * items * dim * log(items)). Errors: Unsupported (built or loaded already),
  // InvalidArgument (num_trees < -1; more nodes than 2^31 - 1; cancelled), OutOfMemory, IoError.
  // The index is as before then. `stop`: asked for an end, it returns "cancelled" within about
  // 100 ms.
  Status Build(int num_trees, int threads = 0, const Progress& progress = {},
               std::stop_token stop = {});

  // Drops the trees, so that items may be added again. An index on disk is built anew in the place
  // of the file that it was built in, wherever the process has gone since. Errors: Unsupported
  // (loaded); IoError (another file has that name by now).
  Status Unbuild();

  // Writes the index, atomically, and loads it from there, as Annoy does: it can't be changed any
  // more. Saving over a file that this or another process has mapped leaves them what they have.
  // `stop` as of Build(). Errors: Unsupported (not built), IoError, NotFound (no such directory),
  // InvalidArgument (also: cancelled; the index is as before).
  Status Save(const std::string& path, bool prefault = false, std::stop_token stop = {});

  // Maps a file, in place of whatever the index held. Cost: O(trees). What the file can tell of its
  // metric and dimension is checked: the size of a node, the roots, a sample of items and of nodes.
  // The rest is checked where searches use it. Errors: NotFound, Corruption, IoError,
  // InvalidArgument; the index is as before then. prefault: read all of the file now, unless `stop`
  // ends that: InvalidArgument (cancelled).
  Status Load(const std::string& path, bool prefault = false, std::stop_token stop = {});

  // The bytes that Save() would write, and an index of such bytes, as Load().
  Status ToBytes(std::string* bytes) const;
  Status FromBytes(std::string bytes);

  // Empties the index; its metric, dimension and seed stay. A Build() going on in another thread
  // ends with Unsupported.
  void Unload();

  // Reads all of a built or loaded index: every child, every item. `stop` as of Build(). Errors:
  // Unsupported (no trees); Corruption, with the node and what is wrong with it; InvalidArgument
  // (cancelled).
  Status Verify(std::stop_token stop = {}) const;

  // Of the next Build(). Any number; the default is Annoy's default, its trees are not Annoy's.
  void SetSeed(uint64_t seed);

  // Whether there is an item of this number, so that false says hole or out of range.
  bool HasItem(int64_t id) const;
  // Writes an item to out [dim]; zeros for a hole. Errors: NotFound.
  Status GetItem(int64_t id, float* out) const;
  // The distance of two items. Errors: NotFound.
  Status Distance(int64_t i, int64_t j, float* distance) const;

  // The n nearest of the items found, nearest first, ties by the smaller id: the trees are
  // descended best first until the leaves met hold search_k entries, counting an item once for each
  // tree.
  //   n         < 0: all that were found
  //   search_k  -1: n * num_trees(); any other number < 0: no limit
  // `distances` may be null. Answers are what Annoy gives on the same file, but for the order in
  // which floats are summed. Cost: O(num_trees * depth * dim + search_k * dim); allocates nothing
  // but the answer after the first search in a thread.
  // Errors: NotFound (id), InvalidArgument (NaN or infinity), OutOfMemory.
  Status SearchByItem(int64_t id, int64_t n, int64_t search_k, std::vector<int32_t>* ids,
                      std::vector<float>* distances) const;
  Status SearchByVector(const float* vector, int64_t n, int64_t search_k, std::vector<int32_t>* ids,
                        std::vector<float>* distances) const;

  // The same for queries [num_queries, dim] on up to `threads` threads (<= 0: one for each core):
  // ids and distances [num_queries, n] are written, places without an item get kNoId and infinity,
  // negative for dot. `distances` may be null. `stop` as of Build(). Errors: as above, the query's
  // number in the message, before anything is written; InvalidArgument (cancelled).
  Status SearchBatch(const float* queries, size_t num_queries, size_t n, int64_t search_k,
                     int threads, int64_t* ids, float* distances, std::stop_token stop = {}) const;

 private:
  struct Impl;
  explicit AnnoyIndex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A metric and a dimension that a file may have been built with.
struct AnnoyShape {
  Metric metric = Metric::kAngular;
  size_t dim = 0;
};

// All shapes of more than a node as which AnnoyIndex::Load() would take the file: mostly one, or
// two where euclidean and manhattan can't be told apart. Of hamming the smallest dimension that
// holds all bits set; Load() takes any up to the next multiple of 64. Cost: that of some Load()s.
// Errors: NotFound, IoError, InvalidArgument (a directory or device).
Result<std::vector<AnnoyShape>> GuessAnnoyShapes(const std::string& path);

}  // namespace kith

#endif  // KITH_ANNOY_H_
