// word2vec's own formats, binary and text, which fastText's .vec files share.
#include <algorithm>
#include <cstring>
#include <vector>

#include "base/file.h"
#include "base/strings.h"
#include "data/convert.h"
#include "data/readers.h"
#include "data/text.h"
#include "data/writers.h"

namespace kith::data {
namespace {

constexpr size_t kMaxHeader = 64;
constexpr size_t kMaxWord = 4096;  // word2vec itself cuts words at 100 bytes

struct WordShape {
  uint64_t rows = 0;
  uint64_t dim = 0;
};

// Parses "rows dimension". Errors: InvalidArgument.
Result<WordShape> ParseShape(const std::string& path, std::string_view line) {
  WordShape shape;
  const std::string_view trimmed = TrimRight(line);
  const size_t blank = std::min(trimmed.find(' '), trimmed.size());
  if (!ParseCount(trimmed.substr(0, blank), &shape.rows) ||
      !ParseCount(trimmed.substr(std::min(blank + 1, trimmed.size())), &shape.dim)) {
    return Status::InvalidArgument(StrCat(
        path, ": line 1: expected the numbers of words and of dimensions, got ", Quoted(line)));
  }
  return shape;
}

Result<WordShape> TakeBinaryHeader(ByteStream* stream) {
  KITH_ASSIGN_OR_RETURN(std::span<const std::byte> head, stream->Peek(kMaxHeader));
  head = head.first(std::min(head.size(), kMaxHeader));
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  const size_t end = text.find('\n');
  KITH_ASSIGN_OR_RETURN(const WordShape shape, ParseShape(stream->path(), text.substr(0, end)));
  if (end == std::string_view::npos) {
    return AtByte(stream->path(), text.size(), "expected a newline after the first line");
  }
  stream->Consume(end + 1);
  return shape;
}

Status Truncated(const ByteStream& stream, const WordShape& shape, uint64_t row, size_t got) {
  return AtByte(stream.path(), stream.offset(),
                StrCat("expected a word and ", shape.dim * sizeof(float), " bytes, row ", row,
                       " of ", shape.rows, ", got ", got, " bytes; the file is truncated"));
}

// Reads a word and its vector, before which there may be the newline of the row before.
Status TakeBinaryRow(ByteStream* stream, const WordShape& shape, RowCollector* collector) {
  const size_t row = collector->rows();
  const size_t vector_bytes = shape.dim * sizeof(float);
  KITH_ASSIGN_OR_RETURN(const std::span<const std::byte> bytes,
                        stream->Peek(1 + kMaxWord + 1 + vector_bytes));
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (row > 0 && text.starts_with('\n')) text.remove_prefix(1);
  const size_t space = text.substr(0, kMaxWord + 1).find(' ');
  if (space == std::string_view::npos) {
    if (text.size() <= kMaxWord) return Truncated(*stream, shape, row, bytes.size());
    return AtByte(stream->path(), stream->offset(),
                  StrCat("expected a word of at most ", kMaxWord, " bytes and a space, row ", row,
                         " of ", shape.rows, ", got ", Quoted(text)));
  }
  if (text.size() - space - 1 < vector_bytes) {
    return Truncated(*stream, shape, row, bytes.size());
  }
  KITH_ASSIGN_OR_RETURN(float* out, collector->AddRow(shape.dim));
  std::memcpy(out, text.data() + space + 1, vector_bytes);
  collector->keys().Add(text.substr(0, space));
  text.remove_prefix(space + 1 + vector_bytes);
  stream->Consume(bytes.size() - text.size());
  return Status::Ok();
}

// After the last vector there may be one more newline and nothing else.
Status CheckBinaryEnd(ByteStream* stream, const WordShape& shape) {
  KITH_ASSIGN_OR_RETURN(const std::span<const std::byte> rest, stream->Peek(2));
  if (rest.empty() || (rest.size() == 1 && rest[0] == std::byte{'\n'})) return Status::Ok();
  return AtByte(stream->path(), stream->offset(),
                StrCat("expected the end of the file after ", shape.rows, " words, got more"));
}

// The least that can be told of the size before anything is allocated.
Status CheckPromise(const ByteStream& stream, const WordShape& shape, uint64_t rows) {
  KITH_RETURN_IF_ERROR(CheckShape(stream.path(), rows, shape.dim));
  const uint64_t least =
      shape.rows > UINT32_MAX ? UINT64_MAX : shape.rows * (1 + shape.dim * sizeof(float));
  const uint64_t most =
      stream.packed() ? ExpansionLimit(stream.file_size()) : stream.file_size() - stream.offset();
  if (least <= most) return Status::Ok();
  return Status::InvalidArgument(StrCat(
      stream.path(), ": line 1: expected ", shape.rows, " words of ", shape.dim,
      " dimensions by its first line, got only ", most, " bytes after it; the file is truncated"));
}

}  // namespace

Result<Dataset> ReadWord2vecBinary(ByteStream* stream, const ReadOptions& options) {
  KITH_ASSIGN_OR_RETURN(const WordShape shape, TakeBinaryHeader(stream));
  const uint64_t rows = RowsToRead(shape.rows, options);
  KITH_RETURN_IF_ERROR(CheckPromise(*stream, shape, rows));
  RowCollector collector(stream->path());
  ProgressMeter meter(options.progress, stream->path(), stream->file_size());
  while (collector.rows() < rows) {
    KITH_RETURN_IF_ERROR(TakeBinaryRow(stream, shape, &collector));
    KITH_RETURN_IF_ERROR(meter.Update(stream->FilePositionAfter(0)));
  }
  if (rows == shape.rows) KITH_RETURN_IF_ERROR(CheckBinaryEnd(stream, shape));
  KITH_RETURN_IF_ERROR(meter.Finish());
  return std::move(collector).Finish(Metric::kAngular);
}

Result<Dataset> ReadWord2vecText(ByteStream* stream, const ReadOptions& options) {
  LineReader lines(stream, options.progress);
  std::string_view line;
  KITH_ASSIGN_OR_RETURN(const bool has_header, lines.Next(&line));
  KITH_ASSIGN_OR_RETURN(const WordShape shape,
                        ParseShape(stream->path(), has_header ? line : std::string_view()));
  const uint64_t rows = RowsToRead(shape.rows, options);
  KITH_RETURN_IF_ERROR(CheckShape(stream->path(), rows, shape.dim));
  RowCollector collector(stream->path());
  while (collector.rows() < rows) {
    KITH_ASSIGN_OR_RETURN(const bool more, lines.NextRow(&line));
    if (!more) {
      return lines.Error(StrCat(shape.rows, " words by the first line"),
                         StrCat("the end of the file after ", collector.rows()));
    }
    KITH_ASSIGN_OR_RETURN(float* out, collector.AddRow(shape.dim));
    std::string_view word;
    KITH_RETURN_IF_ERROR(ParseWordLine(lines, line, shape.dim, &word, out));
    collector.keys().Add(word);
  }
  if (rows == shape.rows) {
    KITH_ASSIGN_OR_RETURN(const bool more, lines.NextRow(&line));
    if (more) return lines.Error(StrCat("the end of the file after ", rows, " words"), "more");
  }
  KITH_RETURN_IF_ERROR(lines.Finish());
  return std::move(collector).Finish(Metric::kAngular);
}

Status WriteWord2vecBinary(const MatrixView& vectors, const StringList& keys, AtomicFile* file) {
  std::string text = StrCat(vectors.rows, " ", vectors.dim, "\n");
  KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(text))));
  std::vector<float> row(vectors.dim);
  for (size_t i = 0; i < vectors.rows; ++i) {
    const std::string_view word = keys[i];
    if (word.size() > kMaxWord || word.find_first_of(" \n") != std::string_view::npos) {
      return Status::InvalidArgument(StrCat("row ", i, ": the word ", Quoted(word),
                                            " holds a space or a newline or is ", "longer than ",
                                            kMaxWord, " bytes, which word2vec-bin can't; use csv"));
    }
    RowToF32(vectors, i, row.data());
    text.assign(word);
    text += ' ';
    KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(text))));
    KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(row))));
    KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span("\n", 1))));
  }
  return Status::Ok();
}

Status WriteWord2vecText(const MatrixView& vectors, const StringList& keys, AtomicFile* file) {
  const std::string header = StrCat(vectors.rows, " ", vectors.dim, "\n");
  KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(header))));
  return WriteGlove(vectors, keys, file);
}

}  // namespace kith::data
