// HDF5 files in the layout of ann-benchmarks: data sets "train", "test", "neighbors", "distances"
// and an attribute "distance" on the file.
#include <optional>
#include <string>
#include <utility>

#include "base/strings.h"
#include "data/convert.h"
#include "data/hdf5_file.h"
#include "data/items.h"
#include "data/readers.h"
#include "data/text.h"

namespace kith::data {
namespace {

// The elements of rows [0, rows): in place unless they are in chunks.
Result<ItemMatrix> ItemsOf(const Hdf5File& file, const Hdf5Dataset& set, uint64_t rows,
                           const Progress& progress) {
  ItemMatrix items;
  items.path = file.input().path;
  items.kind = set.type.kind;
  items.item_bytes = set.type.bytes;
  items.big_endian = set.type.big_endian;
  items.rows = rows;
  items.dim = set.columns;
  items.row_step = set.columns;
  items.owner = file.input().owner;
  if (set.layout.kind == Hdf5Layout::Kind::kChunked) {
    KITH_ASSIGN_OR_RETURN(auto buffer, ReadHdf5Chunks(file, set, rows, progress));
    items.data = buffer->data();
    items.owner = std::move(buffer);
  } else if (set.layout.kind == Hdf5Layout::Kind::kCompact) {
    items.data = set.layout.compact.data();
  } else {
    KITH_ASSIGN_OR_RETURN(const auto bytes,
                          file.At(set.layout.address, rows * set.row_bytes(), "vectors"));
    items.data = bytes.data();
  }
  return items;
}

Status OtherType(const Hdf5File& file, const Hdf5Dataset& set, std::string_view wanted) {
  return Status::Unsupported(StrCat(file.input().path, ": dataset '", set.name,
                                    "' of HDF5 type class ", set.type.number, ", ", set.type.bytes,
                                    " bytes; kith reads ", wanted));
}

bool IsInteger(const Hdf5Dataset& set) { return set.type.kind == 'i' || set.type.kind == 'u'; }

}  // namespace

Result<Dataset> ReadHdf5(const Input& input, const ReadOptions& options) {
  KITH_ASSIGN_OR_RETURN(const Hdf5File file, Hdf5File::Open(input));
  const std::string name = !options.dataset.empty()             ? options.dataset
                           : options.part == DatasetPart::kBase ? "train"
                                                                : "test";
  KITH_ASSIGN_OR_RETURN(const Hdf5Dataset set, file.Find(name));
  if (set.type.kind != 'f' && set.type.kind != 'b' && !IsInteger(set)) {
    return OtherType(file, set, "floats of 2, 4 and 8 bytes, integers and bool");
  }
  const uint64_t rows = RowsToRead(set.rows, options);
  KITH_RETURN_IF_ERROR(CheckShape(input.path, rows, set.columns));
  KITH_ASSIGN_OR_RETURN(const ItemMatrix items, ItemsOf(file, set, rows, options.progress));
  KITH_ASSIGN_OR_RETURN(Dataset vectors, DatasetOf(items));
  KITH_ASSIGN_OR_RETURN(const std::optional<std::string> distance, file.Text("distance"));
  if (distance) vectors.metric = ParseMetric(TrimRight(*distance));
  return vectors;
}

Result<GroundTruth> ReadHdf5Truth(const Input& input) {
  KITH_ASSIGN_OR_RETURN(const Hdf5File file, Hdf5File::Open(input));
  KITH_ASSIGN_OR_RETURN(const Hdf5Dataset set, file.Find("neighbors"));
  if (!IsInteger(set)) return OtherType(file, set, "integers as ids");
  KITH_RETURN_IF_ERROR(CheckShape(input.path, set.rows, set.columns));
  KITH_ASSIGN_OR_RETURN(const ItemMatrix ids, ItemsOf(file, set, set.rows, {}));
  GroundTruth truth;
  truth.num_queries = set.rows;
  truth.k = set.columns;
  KITH_ASSIGN_OR_RETURN(truth.ids, IdsOf(ids));
  KITH_ASSIGN_OR_RETURN(const bool has_distances, file.Has("distances"));
  if (!has_distances) return truth;
  KITH_ASSIGN_OR_RETURN(const Hdf5Dataset distances, file.Find("distances"));
  if (distances.rows != set.rows || distances.columns != set.columns) {
    return Status::InvalidArgument(StrCat(input.path, ": dataset 'distances': expected ", set.rows,
                                          " x ", set.columns, " as 'neighbors', got ",
                                          distances.rows, " x ", distances.columns));
  }
  if (distances.type.kind != 'f') return OtherType(file, distances, "floats as distances");
  KITH_ASSIGN_OR_RETURN(const ItemMatrix items, ItemsOf(file, distances, distances.rows, {}));
  KITH_ASSIGN_OR_RETURN(const Dataset values, DatasetOf(items));
  truth.distances.resize(truth.ids.size());
  for (size_t query = 0; query < truth.num_queries; ++query) {
    RowToF32(values.vectors, query, truth.distances.data() + query * truth.k);
  }
  return truth;
}

}  // namespace kith::data
