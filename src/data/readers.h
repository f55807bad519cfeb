// The readers and writers of each format, for dataset.cc, which chooses among them.
//
// Readers of fixed layouts take the whole file (unpacked) and view it in place where they can.
// Readers of words and text take a stream. None trusts a size in a header: each compares it with
// the bytes there are before it allocates. All errors name the file, a byte or line, what was
// expected and what is there. All are thread-safe.
#ifndef KITH_DATA_READERS_H_
#define KITH_DATA_READERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data/byte_stream.h"
#include "kith/dataset.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::data {

// The element types of the vecs and bin families, whose files begin each row or the whole with
// little-endian 32-bit counts.
enum class Element { kF32, kU8, kI8, kI32 };
constexpr size_t ElementBytes(Element element) {
  return element == Element::kF32 || element == Element::kI32 ? 4 : 1;
}

// fvecs, bvecs, ivecs (TEXMEX): each row is an i32 dimension and its elements.
Result<Dataset> ReadVecs(const Input& input, Element element, const ReadOptions& options);
Result<GroundTruth> ReadVecsTruth(const Input& input);
// Whether a file has this layout and at least so many rows: its size fits, and the first rows have
// the same dimension.
bool LooksLikeVecs(std::span<const std::byte> bytes, size_t element_bytes, size_t min_rows);

// fbin, u8bin, i8bin, ibin (big-ann): u32 rows, u32 dimension, and the elements.
Result<Dataset> ReadBin(const Input& input, Element element, const ReadOptions& options);
// [rows, k] ids, and after them [rows, k] distances where the file is that long.
Result<GroundTruth> ReadBinTruth(const Input& input);
bool LooksLikeBin(std::span<const std::byte> bytes, size_t element_bytes);

Result<Dataset> ReadNpy(const Input& input, const ReadOptions& options);
Result<GroundTruth> ReadNpyTruth(const Input& input);

// MNIST's idx of unsigned bytes.
Result<Dataset> ReadIdx(const Input& input, const ReadOptions& options);
// The values of a rank-1 file as decimal keys. Errors: InvalidArgument.
Result<StringList> ReadIdxLabels(const Input& input);

// The ann-benchmarks layout. Errors: those of Hdf5File.
Result<Dataset> ReadHdf5(const Input& input, const ReadOptions& options);
Result<GroundTruth> ReadHdf5Truth(const Input& input);

// word2vec: a line "rows dimension", then each word, a space and the vector.
Result<Dataset> ReadWord2vecBinary(ByteStream* stream, const ReadOptions& options);
Result<Dataset> ReadWord2vecText(ByteStream* stream, const ReadOptions& options);
// The same as word2vec's text without the first line.
Result<Dataset> ReadGlove(ByteStream* stream, const ReadOptions& options);
Result<Dataset> ReadCsv(ByteStream* stream, const ReadOptions& options);

// One key a line.
Result<StringList> ReadTextLabels(ByteStream* stream);

// Errors: InvalidArgument where a file has no vectors, or more or longer ones than kith takes.
Status CheckShape(const std::string& path, uint64_t rows, uint64_t dim);

// Compares the size a header promises with the bytes there are. Errors: InvalidArgument.
Status CheckSize(const std::string& path, uint64_t expected, uint64_t got);

// The rows to read of those there are.
constexpr uint64_t RowsToRead(uint64_t rows, const ReadOptions& options) {
  return options.max_rows != 0 && options.max_rows < rows ? options.max_rows : rows;
}

// Where the next label of a data set comes from and where an error lies: "path: message".
Status AtByte(const std::string& path, uint64_t offset, std::string_view message);

}  // namespace kith::data

#endif  // KITH_DATA_READERS_H_
