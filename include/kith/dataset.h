// Vectors in: reading every common vector file format, and writing most of them.
#ifndef KITH_DATASET_H_
#define KITH_DATASET_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kith/status.h"
#include "kith/types.h"

namespace kith {

// A set of vectors, and the names of its rows where the file has them.
struct Dataset {
  MatrixView vectors;
  StringList keys;     // one for each row (words, labels), or empty
  std::string format;  // "npy", "fvecs", "word2vec-bin", ...: what the content was found to be
  std::optional<Metric> metric;       // where the file says (hdf5) or its kind implies one (words)
  std::shared_ptr<const void> owner;  // keeps `vectors` alive: a buffer or a mapped file
};

// True neighbours of queries, as in ivecs, ibin, npy or an ann-benchmarks hdf5 file.
struct GroundTruth {
  size_t num_queries = 0;
  size_t k = 0;
  std::vector<int64_t> ids;      // [num_queries, k]
  std::vector<float> distances;  // [num_queries, k], or empty where the file has none
};

enum class DatasetPart { kBase, kQueries };

struct ReadOptions {
  std::string format;                     // a name of DatasetFormats(), or "" to find out
  DatasetPart part = DatasetPart::kBase;  // hdf5: "train" or "test"; other formats have one part
  // hdf5: the name of the dataset to read instead, "vectors" or "group/vectors"; "" goes by `part`.
  std::string dataset;
  uint64_t max_rows = 0;  // stop after this many rows; 0 reads all
  // A file of keys that replace the file's own: one a line, or idx of one axis. "" for none, but
  // MNIST's labels are found beside its images.
  std::string labels_path;
  // csv: the columns to take, by their names in the header or their numbers from 1, separated by
  // commas; "" takes all but the keys. And the column of keys; "" finds out.
  std::string columns;
  std::string key_column;
  Progress progress;  // stage "read", in bytes; not called for what is only mapped
};

// The names of the formats, e.g. for --help. "fasttext-bin" is read, but not written.
std::vector<std::string> DatasetFormats();

// Reads vectors, finding the format by content first and extension second (docs/formats.md).
// Fixed-layout files (npy, fbin, ...) are mapped, not read, and gzip is unpacked. Values are
// checked to be finite by BuildIndex, not here; text formats refuse "nan" and "inf" as they parse.
// Cost: O(1) for mapped formats, O(bytes) for text, gz, fvecs.
// Errors: NotFound; InvalidArgument naming file, line or byte offset, expected and got;
// Unsupported (what kith does not read of hdf5, npy of objects); IoError; OutOfMemory. Thread-safe.
Result<Dataset> ReadDataset(const std::string& path, const ReadOptions& options = {});

// Reads labels, one for each row of some vectors: text of one a line, or idx of one axis, packed or
// not. Cost: O(bytes). Errors as ReadDataset. Thread-safe.
Result<StringList> ReadLabels(const std::string& path);

// Reads ground truth from ivecs, ibin, npy (integers) or hdf5 ("neighbors", "distances").
// Errors as ReadDataset.
Result<GroundTruth> ReadGroundTruth(const std::string& path);

// Writes ground truth; the format follows the extension: ivecs, ibin or npy. Atomic.
Status WriteGroundTruth(const std::string& path, const GroundTruth& truth);

// Writes vectors; `format` is a name of DatasetFormats(), or "" to follow the extension. Atomic.
// `keys` is empty or has one string for each row; formats without names refuse it when not empty.
// Errors: InvalidArgument (a value the format's type can't hold exactly), IoError.
Status WriteDataset(const std::string& path, const std::string& format, const MatrixView& vectors,
                    const StringList& keys);

// Writes rows [begin, end) of some vectors to out [end - begin, dim].
using VectorSource = std::function<Status(size_t begin, size_t end, float* out)>;

// The same as WriteDataset(), of float32 vectors that are made as they are written, blocks in
// order. Memory: npy, fvecs and fbin 16 MB; all vectors in other formats. Errors: those too of
// `source`.
Status WriteDatasetInBlocks(const std::string& path, const std::string& format, size_t rows,
                            size_t dim, const StringList& keys, const VectorSource& source);

// The smallest element type that holds every value exactly: what BuildIndex() stores vectors as
// unless told otherwise. The answer does not depend on the threads, 0: one for each core. Cost: O(n
// * dim), less where few rows rule types out. Errors: OutOfMemory.
Result<DataType> SmallestLossless(const MatrixView& vectors, int threads = 0);

}  // namespace kith

#endif  // KITH_DATASET_H_
