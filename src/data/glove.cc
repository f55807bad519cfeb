// GloVe's text format: a word and its numbers on each line, and no header.
#include <algorithm>
#include <string>

#include "base/file.h"
#include "base/strings.h"
#include "data/readers.h"
#include "data/text.h"
#include "data/writers.h"

namespace kith::data {
namespace {

// The word of the first line may hold blanks or be a number itself.
size_t DimOfFirstLine(std::string_view line) {
  const TokenCounts counts = CountTokens(line);
  const bool blank_word = !line.empty() && IsBlank(line.front());
  return std::min(counts.trailing_numbers, counts.tokens - (blank_word ? 0 : 1));
}

// Whether reading back the line finds this word again.
bool IsWritable(std::string_view word, bool first_line) {
  if (word.find('\n') != std::string_view::npos || word.find('\r') != std::string_view::npos) {
    return false;
  }
  const TokenCounts counts = CountTokens(word);
  if (counts.tokens == 0) return word.empty() && !first_line;
  return counts.tokens == 1 || counts.trailing_numbers == 0;
}

}  // namespace

Result<Dataset> ReadGlove(ByteStream* stream, const ReadOptions& options) {
  LineReader lines(stream, options.progress);
  RowCollector collector(stream->path());
  size_t dim = 0;
  while (collector.rows() < RowsToRead(kMaxRows, options)) {
    std::string_view line;
    KITH_ASSIGN_OR_RETURN(const bool more, lines.NextRow(&line));
    if (!more) break;
    if (dim == 0) dim = DimOfFirstLine(line);
    if (dim == 0) return lines.Error("a word and its numbers", Quoted(line));
    KITH_ASSIGN_OR_RETURN(float* out, collector.AddRow(dim));
    std::string_view word;
    KITH_RETURN_IF_ERROR(ParseWordLine(lines, line, dim, &word, out));
    collector.keys().Add(word);
  }
  KITH_RETURN_IF_ERROR(lines.Finish());
  return std::move(collector).Finish(Metric::kAngular);
}

Status WriteGlove(const MatrixView& vectors, const StringList& keys, AtomicFile* file) {
  NumberLineWriter writer(vectors, ' ');
  std::string line;
  for (size_t i = 0; i < vectors.rows; ++i) {
    if (!IsWritable(keys[i], i == 0)) {
      return Status::InvalidArgument(
          StrCat("row ", i, ": the word ", Quoted(keys[i]),
                 " could not be told from the numbers or lines around it; use csv"));
    }
    line.assign(keys[i]);
    line += ' ';
    writer.Append(i, &line);
    KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(line))));
  }
  return Status::Ok();
}

}  // namespace kith::data
