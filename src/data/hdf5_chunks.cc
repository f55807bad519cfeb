// Chunked data sets: finding the chunks, and undoing the filters they went through.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/strings.h"
#include "data/hdf5_file.h"
#include "data/inflate.h"
#include "data/load.h"
#include "data/text.h"

namespace kith::data {
namespace {

constexpr size_t kChecksumBytes = 4;

// One chunk as it lies in the file.
struct Chunk {
  uint64_t row = 0;  // of its first element
  uint64_t column = 0;
  uint64_t address = 0;
  uint32_t bytes = 0;  // stored
  uint32_t mask = 0;   // bit i: filter i was left out
};

// The chunks' shape, and how they cover the matrix. All numbers are bounded by the file's size.
struct Grid {
  uint64_t chunk_rows = 0;
  uint64_t chunk_columns = 0;
  uint64_t chunk_bytes = 0;  // unpacked; less than 4 GiB
  uint64_t across = 0;
  uint64_t down = 0;
};

// The checksum of HDF5's filter of that name.
uint32_t Fletcher32(std::span<const std::byte> bytes) {
  constexpr size_t kBeforeOverflow = 360;  // words
  uint32_t low = 0, high = 0;
  const size_t words = (bytes.size() + 1) / 2;
  for (size_t i = 0; i < words; ++i) {
    const auto first = std::to_integer<uint32_t>(bytes[2 * i]);
    const bool whole = 2 * i + 1 < bytes.size();
    const uint32_t second = whole ? std::to_integer<uint32_t>(bytes[2 * i + 1]) : 0;
    low += first << 8 | second;
    high += low;
    if ((i + 1) % kBeforeOverflow == 0) {
      low = (low & 0xFFFF) + (low >> 16);
      high = (high & 0xFFFF) + (high >> 16);
    }
  }
  for (int i = 0; i < 2; ++i) {
    low = (low & 0xFFFF) + (low >> 16);
    high = (high & 0xFFFF) + (high >> 16);
  }
  return high << 16 | low;
}

// Puts back together elements of `width` bytes whose first bytes, second bytes, ... lie together.
void Unshuffle(std::span<const std::byte> from, size_t width, std::byte* to) {
  const size_t count = from.size() / width;
  for (size_t byte = 0; byte < width && count > 0; ++byte) {
    const std::byte* plane = from.data() + byte * count;
    for (size_t i = 0; i < count; ++i) to[i * width + byte] = plane[i];
  }
  const size_t done = count * width;
  std::copy(from.begin() + static_cast<std::ptrdiff_t>(done), from.end(), to + done);
}

class ChunkReader {
 public:
  ChunkReader(const Hdf5File& file, const Hdf5Dataset& set, uint64_t rows)
      : file_(file), set_(set), rows_(rows), unpacked_(path()), unshuffled_(path()) {}

  Status Plan();
  Status Read(const Progress& progress, GrowingBuffer* out);

 private:
  const std::string& path() const { return file_.input().path; }
  Status Refuse(std::string_view what) const {
    return Status::InvalidArgument(StrCat(path(), ": dataset '", set_.name, "': ", what));
  }
  Status CheckFilters() const;
  Status MakeGrid();
  Status FindChunks();
  Status Add(const Chunk& chunk);
  Result<std::span<const std::byte>> Decode(const Chunk& chunk);
  Result<std::span<const std::byte>> UndoDeflate(const Chunk& chunk, size_t filter,
                                                 std::span<const std::byte> data);
  void Copy(const Chunk& chunk, const std::byte* elements, std::byte* out) const;

  const Hdf5File& file_;
  const Hdf5Dataset& set_;
  const uint64_t rows_;  // to read
  Grid grid_;
  std::vector<Chunk> chunks_;
  std::vector<bool> found_;  // of the whole grid
  uint64_t stored_ = 0;
  // Memory of one chunk each, used again for the next.
  GrowingBuffer unpacked_;
  GrowingBuffer unshuffled_;
};

Status ChunkReader::CheckFilters() const {
  uint32_t seen = 0;
  for (const Hdf5Filter& filter : set_.filters) {
    if (filter.id < Hdf5Filter::kDeflate || filter.id > Hdf5Filter::kFletcher32) {
      return file_.Unsupported(StrCat("dataset '", set_.name, "' is packed by filter ", filter.id));
    }
    if ((seen & 1u << filter.id) != 0) return Refuse("expected each filter once, got one twice");
    seen |= 1u << filter.id;
  }
  return Status::Ok();
}

Status ChunkReader::MakeGrid() {
  const Hdf5Layout& layout = set_.layout;
  const uint64_t file_bytes = file_.input().bytes.size();
  const bool matrix = layout.chunk_shape.size() == 2 && layout.chunk_shape[0] > 0 &&
                      layout.chunk_shape[1] > 0 && layout.chunk_element_bytes == set_.type.bytes;
  if (!matrix) return Refuse("expected chunks of two axes and of its elements, got others");
  grid_.chunk_rows = layout.chunk_shape[0];
  grid_.chunk_columns = layout.chunk_shape[1];
  if (__builtin_mul_overflow(grid_.chunk_rows, grid_.chunk_columns, &grid_.chunk_bytes) ||
      __builtin_mul_overflow(grid_.chunk_bytes, set_.type.bytes, &grid_.chunk_bytes) ||
      grid_.chunk_bytes >
          std::min<uint64_t>(UINT32_MAX - kChecksumBytes, ExpansionLimit(file_bytes))) {
    return Refuse(StrCat("expected chunks that a file of ", file_bytes, " bytes can hold, got ",
                         grid_.chunk_rows, " x ", grid_.chunk_columns, " elements of ",
                         set_.type.bytes, " bytes"));
  }
  grid_.across = (set_.columns - 1) / grid_.chunk_columns + 1;
  grid_.down = (set_.rows - 1) / grid_.chunk_rows + 1;
  // A chunk has at least a byte of its own.
  if (grid_.down > file_bytes / grid_.across) {
    return Refuse(StrCat("expected chunks within the file, got ", grid_.down, " x ", grid_.across,
                         " in one of ", file_bytes, " bytes"));
  }
  found_.assign(grid_.down * grid_.across, false);
  return Status::Ok();
}

Status ChunkReader::Add(const Chunk& chunk) {
  const bool inside = chunk.row < set_.rows && chunk.column < set_.columns &&
                      chunk.row % grid_.chunk_rows == 0 && chunk.column % grid_.chunk_columns == 0;
  if (!inside) return file_.Damaged(chunk.address, "a chunk within the data set");
  const uint64_t number =
      chunk.row / grid_.chunk_rows * grid_.across + chunk.column / grid_.chunk_columns;
  if (found_[number]) return file_.Damaged(chunk.address, "each chunk of the data set once");
  found_[number] = true;
  stored_ += chunk.bytes;
  if (chunk.row < rows_) chunks_.push_back(chunk);
  return Status::Ok();
}

Status ChunkReader::FindChunks() {
  const Hdf5Layout& layout = set_.layout;
  if (layout.address == kHdf5NoAddress) return Status::Ok();  // nothing was written
  switch (layout.chunks) {
    case Hdf5Layout::Chunks::kTree: {
      constexpr uint64_t kChunkNode = 1;
      constexpr size_t kKeyBytes = 8 + 3 * 8;  // the axes, and one more of the elements
      return file_.WalkTree(layout.address, kChunkNode, kKeyBytes,
                            [&](std::span<const std::byte> key, uint64_t address) {
                              Hdf5Cursor cursor(key);
                              Chunk chunk;
                              chunk.bytes = static_cast<uint32_t>(cursor.Take(4));
                              chunk.mask = static_cast<uint32_t>(cursor.Take(4));
                              chunk.row = cursor.TakeWord();
                              chunk.column = cursor.TakeWord();
                              chunk.address = address;
                              return Add(chunk);
                            });
    }
    case Hdf5Layout::Chunks::kSingle: {
      const uint64_t bytes = layout.single_bytes.value_or(grid_.chunk_bytes);
      if (bytes > UINT32_MAX) return file_.Damaged(layout.address, "a chunk below 4 GiB");
      return Add({0, 0, layout.address, static_cast<uint32_t>(bytes), layout.single_mask});
    }
    case Hdf5Layout::Chunks::kImplicit:
      for (uint64_t i = 0; i < found_.size(); ++i) {
        KITH_RETURN_IF_ERROR(Add(
            {i / grid_.across * grid_.chunk_rows, i % grid_.across * grid_.chunk_columns,
             layout.address + i * grid_.chunk_bytes, static_cast<uint32_t>(grid_.chunk_bytes), 0}));
      }
      return Status::Ok();
  }
  return Status::Internal("unknown index of chunks");
}

Status ChunkReader::Plan() {
  KITH_RETURN_IF_ERROR(CheckFilters());
  KITH_RETURN_IF_ERROR(MakeGrid());
  KITH_RETURN_IF_ERROR(FindChunks());
  const uint64_t file_bytes = file_.input().bytes.size();
  if (set_.rows > ExpansionLimit(stored_) / set_.row_bytes() || stored_ > file_bytes ||
      stored_ == 0) {
    return Refuse(StrCat("expected ", set_.rows, " rows of ", set_.row_bytes(), " bytes, got ",
                         stored_, " bytes stored in a file of ", file_bytes));
  }
  const uint64_t wanted = ((rows_ - 1) / grid_.chunk_rows + 1) * grid_.across;
  if (chunks_.size() == wanted) return Status::Ok();
  const auto missing =
      static_cast<uint64_t>(std::find(found_.begin(), found_.end(), false) - found_.begin());
  return Refuse(StrCat("row ", missing / grid_.across * grid_.chunk_rows,
                       " and others are stored nowhere, as they were never written; write all "
                       "rows, or read fewer"));
}

Result<std::span<const std::byte>> ChunkReader::UndoDeflate(const Chunk& chunk, size_t filter,
                                                            std::span<const std::byte> data) {
  // A checksum that was added before packing is packed too.
  uint64_t size = grid_.chunk_bytes;
  for (size_t i = 0; i < filter; ++i) {
    const bool left_out = (chunk.mask >> i & 1) != 0;
    if (!left_out && set_.filters[i].id == Hdf5Filter::kFletcher32) size += kChecksumBytes;
  }
  if (size > ExpansionLimit(data.size())) {
    return file_.Damaged(chunk.address, StrCat("a chunk that unpacks to less than ", size,
                                               " bytes, 256 times its size"));
  }
  const size_t most = grid_.chunk_bytes + kChecksumBytes;
  if (unpacked_.size() == 0) KITH_RETURN_IF_ERROR(unpacked_.Extend(most).status());
  const Result<bool> whole = Inflate(data, {unpacked_.data(), static_cast<size_t>(size)});
  if (!whole.ok()) {
    return Status(whole.status().code(), StrCat(path(), ": ", whole.status().message()));
  }
  if (!*whole) return file_.Damaged(chunk.address, StrCat("a chunk packed from ", size, " bytes"));
  return std::span<const std::byte>(unpacked_.data(), static_cast<size_t>(size));
}

Result<std::span<const std::byte>> ChunkReader::Decode(const Chunk& chunk) {
  KITH_ASSIGN_OR_RETURN(auto data, file_.At(chunk.address, chunk.bytes, "a chunk"));
  for (size_t i = set_.filters.size(); i-- > 0;) {
    if ((chunk.mask >> i & 1) != 0) continue;
    const Hdf5Filter& filter = set_.filters[i];
    if (filter.id == Hdf5Filter::kDeflate) {
      KITH_ASSIGN_OR_RETURN(data, UndoDeflate(chunk, i, data));
    } else if (filter.id == Hdf5Filter::kShuffle && filter.parameter > 1) {
      if (data.size() > grid_.chunk_bytes + kChecksumBytes) break;
      const size_t most = grid_.chunk_bytes + kChecksumBytes;
      if (unshuffled_.size() == 0) KITH_RETURN_IF_ERROR(unshuffled_.Extend(most).status());
      Unshuffle(data, filter.parameter, unshuffled_.data());
      data = {unshuffled_.data(), data.size()};
    } else if (filter.id == Hdf5Filter::kFletcher32) {
      if (data.size() < kChecksumBytes) return file_.Damaged(chunk.address, "a checksum");
      const auto sum = Load<uint32_t>(data.data() + data.size() - kChecksumBytes);
      data = data.first(data.size() - kChecksumBytes);
      if (sum != Fletcher32(data)) {
        return file_.Damaged(chunk.address, "a chunk of the checksum stored with it");
      }
    }
  }
  if (data.size() != grid_.chunk_bytes) {
    return file_.Damaged(chunk.address, StrCat("a chunk of ", grid_.chunk_bytes, " bytes"));
  }
  return data;
}

void ChunkReader::Copy(const Chunk& chunk, const std::byte* elements, std::byte* out) const {
  const size_t element = set_.type.bytes;
  const uint64_t end = std::min(rows_, chunk.row + grid_.chunk_rows);
  const uint64_t columns = std::min(grid_.chunk_columns, set_.columns - chunk.column);
  for (uint64_t row = chunk.row; row < end; ++row) {
    std::memcpy(out + row * set_.row_bytes() + chunk.column * element,
                elements + (row - chunk.row) * grid_.chunk_columns * element, columns * element);
  }
}

Status ChunkReader::Read(const Progress& progress, GrowingBuffer* out) {
  KITH_ASSIGN_OR_RETURN(std::byte * bytes, out->Extend(rows_ * set_.row_bytes()));
  ProgressMeter meter(progress, path(), stored_);
  uint64_t done = 0;
  for (const Chunk& chunk : chunks_) {
    KITH_ASSIGN_OR_RETURN(const auto elements, Decode(chunk));
    Copy(chunk, elements.data(), bytes);
    KITH_RETURN_IF_ERROR(meter.Update(done += chunk.bytes));
  }
  return meter.Finish();
}

}  // namespace

Result<std::shared_ptr<GrowingBuffer>> ReadHdf5Chunks(const Hdf5File& file, const Hdf5Dataset& set,
                                                      uint64_t rows, const Progress& progress) {
  ChunkReader reader(file, set, rows);
  KITH_RETURN_IF_ERROR(reader.Plan());
  auto buffer = std::make_shared<GrowingBuffer>(file.input().path);
  KITH_RETURN_IF_ERROR(reader.Read(progress, buffer.get()));
  return buffer;
}

}  // namespace kith::data
