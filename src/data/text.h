// Lines and numbers of text files, at hundreds of megabytes a second.
#ifndef KITH_DATA_TEXT_H_
#define KITH_DATA_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/byte_stream.h"
#include "data/growing_buffer.h"
#include "kith/dataset.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::data {

// Tells a Progress callback how far reading is, every 4 MB or so.
class ProgressMeter {
 public:
  // `progress` must outlive the meter; `total` in bytes of the file.
  ProgressMeter(const Progress& progress, std::string path, uint64_t total)
      : progress_(progress), path_(std::move(path)), total_(total) {}

  // Errors: InvalidArgument "cancelled".
  Status Update(uint64_t done) {
    if (done < next_ || !progress_) return Status::Ok();
    return Report(done);
  }
  Status Finish() { return progress_ ? Report(total_) : Status::Ok(); }

 private:
  Status Report(uint64_t done);

  static constexpr uint64_t kStep = uint64_t{4} << 20;
  const Progress& progress_;
  std::string path_;
  uint64_t total_;
  uint64_t next_ = kStep;
};

// Splits a stream into lines. Not thread-safe.
class LineReader {
 public:
  // Both must outlive the reader.
  LineReader(ByteStream* stream, const Progress& progress)
      : stream_(*stream), meter_(progress, stream->path(), stream->file_size()) {}

  // Gives the next line without its "\n" or "\r\n"; false at the end of the file. The line is valid
  // until the next call. Errors: the stream's; InvalidArgument (a line above 64 MB, cancelled).
  Result<bool> Next(std::string_view* line);
  // The same without spaces and tabs at the end of the line. Lines left empty are an error, but for
  // those at the end of the file, which are skipped.
  Result<bool> NextRow(std::string_view* line);
  Status Finish() { return meter_.Finish(); }

  uint64_t line_number() const { return line_number_; }  // of the line last given, from 1
  // "path: line 7: message", with what was expected and got.
  Status Error(std::string_view expected, std::string_view got) const;

 private:
  // Finds the end of the next line in the stream; 0 at the end of the file.
  Result<size_t> FindLine();

  ByteStream& stream_;
  ProgressMeter meter_;
  std::string_view rest_;  // what the stream shows
  size_t consumed_ = 0;    // of `rest_`, not yet told to the stream
  uint64_t line_number_ = 0;
};

// Parses a finite decimal number at the beginning of [p, end) and returns where it ends, or nullptr
// if there is none. A leading '+' is allowed. Numbers too small for a float become 0, as strtof has
// it; too large ones, "nan" and "inf" are refused.
const char* ParseFloat(const char* p, const char* end, float* value);
// Whether the whole of `text` is such a number.
bool IsNumber(std::string_view text);

// Parses the whole of `text` as an unsigned decimal number.
bool ParseCount(std::string_view text, uint64_t* value);

// "'text'", shortened and with what does not print replaced, for messages.
std::string Quoted(std::string_view text);

constexpr bool IsBlank(char c) { return c == ' ' || c == '\t'; }
// Without spaces and tabs at the end.
std::string_view TrimRight(std::string_view text);

// Splits the next token of blank-separated text off the end of `text`; empty if there is none.
std::string_view TakeLastToken(std::string_view* text);
// The number of tokens of blank-separated text, and of those at its end that are numbers.
struct TokenCounts {
  size_t tokens = 0;
  size_t trailing_numbers = 0;
};
TokenCounts CountTokens(std::string_view text);

// Parses a line of a word, which may hold blanks, and `dim` numbers.
// Errors: InvalidArgument with the line, the field, expected and got.
Status ParseWordLine(const LineReader& lines, std::string_view line, size_t dim,
                     std::string_view* word, float* out);

// A matrix of float32 and its keys growing row by row as a text is read.
class RowCollector {
 public:
  // `path` is the file read, for messages.
  explicit RowCollector(std::string path)
      : path_(path), buffer_(std::make_shared<GrowingBuffer>(std::move(path))) {}

  // The room of one more row of `dim` floats, the same for every row; valid until the next call.
  // Errors: OutOfMemory, InvalidArgument (more rows or coordinates than kith takes).
  Result<float*> AddRow(size_t dim);
  size_t rows() const { return rows_; }
  StringList& keys() { return keys_; }
  // The rows as a data set. Errors: InvalidArgument (no rows).
  Result<Dataset> Finish(std::optional<Metric> metric) &&;

 private:
  std::string path_;
  std::shared_ptr<GrowingBuffer> buffer_;
  StringList keys_;
  size_t rows_ = 0;
  size_t dim_ = 0;
};

// Rows as text, in the fewest digits that read back as the same float32.
class NumberLineWriter {
 public:
  // `vectors` must outlive the writer.
  NumberLineWriter(const MatrixView& vectors, char separator)
      : vectors_(vectors), separator_(separator), values_(vectors.dim) {}

  // Appends the numbers of a row and a newline.
  void Append(size_t row, std::string* line);

 private:
  const MatrixView& vectors_;
  char separator_;
  std::vector<float> values_;
};

}  // namespace kith::data

#endif  // KITH_DATA_TEXT_H_
