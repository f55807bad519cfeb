// Vectors from any file, and what can be told of them.
#ifndef KITH_APPS_COMMON_READ_VECTORS_H_
#define KITH_APPS_COMMON_READ_VECTORS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/annoy_items.h"
#include "kith/dataset.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::apps {

// ReadDataset, and also .kith files, whose vectors come in the order of their rows, and standard
// input, which "-" stands for.
// Cost for those: a copy of all vectors. Errors: as ReadDataset and OpenIndex; InvalidArgument
// (keys given for a .kith file).
Result<Dataset> LoadVectors(const std::string& path, const ReadOptions& options);

// The same with the ids of a .kith file, which is opened once. Errors: as LoadVectors.
Result<Items> LoadVectorsAndIds(const std::string& path, const ReadOptions& options);

// The same as LoadVectors, and the items of an Annoy file. Errors: those too of LoadAnnoyItems.
Result<Items> LoadItems(const std::string& path, const std::optional<Metric>& metric, int64_t dim,
                        const ReadOptions& options);

// LoadVectors of the part of a file that is queries. Errors: those; InvalidArgument (a value that
// is not finite), naming the file, which nobody who is given the vectors alone could.
Result<Dataset> LoadQueries(const std::string& path, ReadOptions options);

// What is wrong with a row of vectors, which the library knows by its number alone, with the name
// of their file before it. Other errors, and ok, stay as they are.
Status OfFile(const std::string& path, const Status& status);

// Ids from text, one whole number a line, or from the formats of ground truth (npy, ivecs, ibin) in
// their reading order. Errors: NotFound; InvalidArgument (line); those of ReadGroundTruth.
Result<std::vector<int64_t>> ReadIds(const std::string& path);

// InvalidArgument unless the queries have the dimension of the vectors; both are named.
Status CheckSameDim(const std::string& queries_path, size_t queries_dim, const std::string& path,
                    size_t dim);

// The same of queries for an index, which may be as its vectors were before they were reduced.
Status CheckQueryDim(const std::string& queries_path, size_t queries_dim, const IndexInfo& info);

struct MetricChoice {
  Metric metric = Metric::kAngular;
  std::string reason;  // "as asked", "as the file says", "usual for integer vectors"
};

// The metric that the file names, as .kith and hdf5 files do; others imply one at most.
std::optional<Metric> OwnMetric(const Dataset& dataset);

// The metric asked for, else the one the file implies, else the usual one for its type.
MetricChoice ChooseMetric(const std::optional<Metric>& asked, const Dataset& dataset);

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_READ_VECTORS_H_
