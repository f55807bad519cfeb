// A picture in two dimensions of all vectors of a file: near ones lie near each other.
#ifndef KITH_MAP_H_
#define KITH_MAP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "kith/index.h"
#include "kith/neighbour_graph.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

struct MapOptions {
  size_t k = 15;  // neighbours of each vector that hold it, itself not counted
  // How near points may come to each other, from 0 to `spread`, and the scale of the map.
  float min_dist = 0.1F;
  float spread = 1;
  uint32_t epochs = 0;     // 0: 500 up to 200,000 vectors, 200 beyond
  uint32_t negatives = 5;  // points that repel, for each neighbour that attracts
  double recall = 0.95;    // of the neighbours, as in NeighbourGraphOptions
  IndexKind index = IndexKind::kAuto;
  uint64_t seed = 42;
  int threads = 0;       // 0: one for each core. The result does not depend on it.
  Progress progress;     // stages "measure", "neighbours", "start", "layout"
  std::stop_token stop;  // as in BuildOptions
};

struct Map {
  std::vector<float> points;  // [num_vectors, 2], by row
  // How it was made.
  uint32_t k = 0;
  uint32_t epochs = 0;
  float min_dist = 0;
  float spread = 0;
  uint64_t seed = 0;
  // What MeasureMap() found; quality_k of 0: nobody asked.
  uint32_t quality_k = 0;
  double trustworthiness = 0;
  double preservation = 0;
};

// Lays out the vectors by UMAP (McInnes, Healy & Melville, arXiv 1802.03426, 2018): the graph of
// their neighbours (kith/neighbour_graph.h) with the weights of fuzzy sets, and points that its
// edges attract and other points repel, from a start in the first two principal components (of a
// sample of 10,000). Unlike the original's, threads change nothing: points are in blocks, and no
// two threads move the points of the same block at a time. Cost: that of the graph, and O(epochs *
// num_vectors * log(k) * negatives). Memory: 50 bytes an edge, k of them a vector. Errors:
// those of MakeNeighbourGraph(); InvalidArgument (k of 0, min_dist above spread, numbers out of
// range). Thread-safe.
Result<Map> MakeMap(const Index& index, const MapOptions& options);

// The same of a graph of any origin, directed and with distances, from a start [num_rows, 2].
// options.k, recall and index mean nothing here: k is the most neighbours that a row has. Errors:
// InvalidArgument (a start of another size, or not finite; a graph that contradicts itself).
Result<Map> MapGraph(const NeighbourGraph& graph, std::span<const float> start,
                     const MapOptions& options);

struct MapQualityOptions {
  size_t k = 15;          // at most (num_vectors - 1) / 2; larger ones are made smaller
  size_t samples = 1000;  // vectors that are looked at, evenly spread; more than there are: all
  int threads = 0;
  Progress progress;  // stage "quality"
  std::stop_token stop;
};

struct MapQuality {
  size_t k = 0;
  size_t samples = 0;
  // 1 - what the k nearest points on the map lose by being farther than the k-th among the vectors,
  // in ranks (Venna & Kaski, ICANN 2001), 0 to 1.
  double trustworthiness = 0;
  // The share of the k nearest vectors that are among the k nearest points.
  double preservation = 0;
};

// Compares the neighbours of `samples` points with those of their vectors, by the distances of all
// vectors to them. Cost: O(samples * num_vectors * dim). Errors: InvalidArgument (points that are
// not [num_vectors, 2], or not finite; fewer than 4 vectors).
Result<MapQuality> MeasureMap(const Index& index, std::span<const float> points,
                              const MapQualityOptions& options);

// Writes the file of an index anew, with this map as its section "map" (docs/file_format.md), and
// opens that. `path` of "": in place of the file, or in memory, where the index is. Older kiths
// skip the section. Errors: InvalidArgument (points that are not [num_vectors, 2], or not finite;
// the file is another one by now), IoError, NotFound.
Result<std::unique_ptr<Index>> StoreMap(const Index& index, const Map& map,
                                        const std::string& path = {}, std::stop_token stop = {});

// The map that is stored in a file; nullopt if there is none. Cost: a copy. Errors: Corruption,
// Unsupported.
Result<std::optional<Map>> StoredMap(const Index& index);

}  // namespace kith

#endif  // KITH_MAP_H_
