#include "data/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/strings.h"
#include "data/convert.h"
#include "data/readers.h"

namespace kith::data {
namespace {

// The longest line accepted: kMaxDim numbers of 25 characters are 1.6 MB.
constexpr size_t kMaxLine = size_t{64} << 20;

std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Status ProgressMeter::Report(uint64_t done) {
  next_ = done + kStep;
  if (progress_("read", std::min(done, total_), total_)) return Status::Ok();
  return Status::InvalidArgument(StrCat(path_, ": reading was cancelled"));
}

Result<size_t> LineReader::FindLine() {
  const auto newline = [this](size_t from) {
    const void* p =
        from < rest_.size() ? std::memchr(rest_.data() + from, '\n', rest_.size() - from) : nullptr;
    return p == nullptr ? size_t{0}
                        : static_cast<size_t>(static_cast<const char*>(p) - rest_.data()) + 1;
  };
  if (const size_t end = newline(consumed_); end != 0) return end;
  // The stream shows no whole line: let it move on and show more, until it does or ends.
  stream_.Consume(consumed_);
  size_t searched = rest_.size() - consumed_;
  consumed_ = 0;
  constexpr size_t kFirst = size_t{1} << 16;
  for (size_t want = std::max(kFirst, searched + 1);; want *= 2) {
    KITH_ASSIGN_OR_RETURN(const std::span<const std::byte> shown, stream_.Peek(want));
    rest_ = AsText(shown);
    if (const size_t end = newline(searched); end != 0) return end;
    if (rest_.size() < want) return rest_.size();  // the last line, without a newline
    searched = rest_.size();
    if (want > kMaxLine) {
      ++line_number_;
      return Error("a line of at most 64 MB", "a longer one; is this a text file?");
    }
  }
}

Result<bool> LineReader::Next(std::string_view* line) {
  KITH_ASSIGN_OR_RETURN(const size_t end, FindLine());
  if (end == consumed_) return false;
  *line = rest_.substr(consumed_, end - consumed_);
  consumed_ = end;
  ++line_number_;
  if (line->back() == '\n') line->remove_suffix(1);
  if (!line->empty() && line->back() == '\r') line->remove_suffix(1);
  KITH_RETURN_IF_ERROR(meter_.Update(stream_.FilePositionAfter(consumed_)));
  return true;
}

Result<bool> LineReader::NextRow(std::string_view* line) {
  KITH_ASSIGN_OR_RETURN(bool more, Next(line));
  *line = TrimRight(*line);
  if (!more || !line->empty()) return more;
  const Status empty = Error("a vector", "an empty line");
  while (more && line->empty()) {
    KITH_ASSIGN_OR_RETURN(more, Next(line));
    *line = TrimRight(*line);
  }
  if (more) return empty;
  return false;
}

Status LineReader::Error(std::string_view expected, std::string_view got) const {
  return Status::InvalidArgument(
      StrCat(stream_.path(), ": line ", line_number_, ": expected ", expected, ", got ", got));
}

const char* ParseFloat(const char* p, const char* end, float* value) {
  if (p != end && *p == '+') {  // which from_chars refuses; "+-1" stays refused
    ++p;
    if (p != end && *p == '-') return nullptr;
  }
  const auto [after, code] = std::from_chars(p, end, *value);
  if (code == std::errc()) return std::isfinite(*value) ? after : nullptr;
  if (code != std::errc::result_out_of_range) return nullptr;
  long double wide = 0;
  if (std::from_chars(p, end, wide).ec != std::errc() || std::fabs(wide) > 1) return nullptr;
  *value = static_cast<float>(wide);  // 0 of its sign
  return after;
}

bool IsNumber(std::string_view text) {
  float value;
  return !text.empty() &&
         ParseFloat(text.data(), text.data() + text.size(), &value) == text.data() + text.size();
}

bool ParseCount(std::string_view text, uint64_t* value) {
  const char* end = text.data() + text.size();
  const auto [after, code] = std::from_chars(text.data(), end, *value);
  return code == std::errc() && after == end;
}

std::string Quoted(std::string_view text) {
  constexpr size_t kMost = 32;
  return StrCat("'", Printable(text.substr(0, kMost)), text.size() > kMost ? "...'" : "'");
}

std::string_view TrimRight(std::string_view text) {
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view TakeLastToken(std::string_view* text) {
  *text = TrimRight(*text);
  size_t begin = text->size();
  while (begin > 0 && !IsBlank((*text)[begin - 1])) --begin;
  const std::string_view token = text->substr(begin);
  text->remove_suffix(token.size());
  return token;
}

TokenCounts CountTokens(std::string_view text) {
  TokenCounts counts;
  bool numbers = true;
  for (std::string_view token = TakeLastToken(&text); !token.empty();
       token = TakeLastToken(&text)) {
    ++counts.tokens;
    numbers = numbers && IsNumber(token);
    if (numbers) ++counts.trailing_numbers;
  }
  return counts;
}

namespace {

// The usual line: the word is all before the first blank. False if the line is another.
bool ParseSimpleWordLine(std::string_view line, size_t dim, std::string_view* word, float* out) {
  const char* p = line.data();
  const char* end = p + line.size();
  while (p != end && !IsBlank(*p)) ++p;
  *word = line.substr(0, static_cast<size_t>(p - line.data()));
  for (size_t i = 0; i < dim; ++i) {
    if (p == end || !IsBlank(*p)) return false;
    while (p != end && IsBlank(*p)) ++p;
    p = ParseFloat(p, end, out + i);
    if (p == nullptr) return false;
  }
  return p == end;
}

}  // namespace

Status ParseWordLine(const LineReader& lines, std::string_view line, size_t dim,
                     std::string_view* word, float* out) {
  if (ParseSimpleWordLine(line, dim, word, out)) return Status::Ok();
  const auto ragged = [&] {
    return lines.Error(StrCat("a word and ", dim, " numbers"),
                       StrCat(CountTokens(line).tokens, " fields"));
  };
  std::string_view rest = line;
  for (size_t i = dim; i-- > 0;) {
    const std::string_view token = TakeLastToken(&rest);
    if (token.empty()) return ragged();
    if (ParseFloat(token.data(), token.data() + token.size(), out + i) !=
        token.data() + token.size()) {
      if (CountTokens(line).tokens <= dim) return ragged();
      return lines.Error(StrCat("a finite number as number ", i + 1, " of ", dim), Quoted(token));
    }
  }
  if (rest.empty()) return ragged();
  rest.remove_suffix(1);  // the blank between the word and the first number
  *word = rest;
  // A word may hold blanks, but what ends in a number is a line with too many of them.
  if (CountTokens(rest).trailing_numbers > 0 && CountTokens(rest).tokens > 1) return ragged();
  return Status::Ok();
}

Result<float*> RowCollector::AddRow(size_t dim) {
  if (rows_ == 0) dim_ = dim;
  KITH_RETURN_IF_ERROR(CheckShape(path_, rows_ + 1, dim_));
  KITH_ASSIGN_OR_RETURN(std::byte * row, buffer_->Extend(dim_ * sizeof(float)));
  ++rows_;
  return reinterpret_cast<float*>(row);
}

Result<Dataset> RowCollector::Finish(std::optional<Metric> metric) && {
  KITH_RETURN_IF_ERROR(CheckShape(path_, rows_, rows_ == 0 ? 1 : dim_));
  Dataset set;
  set.vectors = {buffer_->data(), rows_, dim_, dim_ * sizeof(float), DataType::kF32};
  set.keys = std::move(keys_);
  set.metric = metric;
  set.owner = std::move(buffer_);
  return set;
}

void NumberLineWriter::Append(size_t row, std::string* line) {
  RowToF32(vectors_, row, values_.data());
  char digits[32];
  for (size_t i = 0; i < values_.size(); ++i) {
    if (i > 0) *line += separator_;
    line->append(digits, std::to_chars(digits, digits + sizeof(digits), values_[i]).ptr);
  }
  *line += '\n';
}

}  // namespace kith::data
