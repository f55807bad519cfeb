#include "data/interactions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "base/edge.h"
#include "base/file.h"
#include "base/strings.h"
#include "data/fields.h"

namespace kith::data {

Result<uint32_t> Names::NumberOf(std::string_view name) {
  const auto found = numbers_.find(name);
  if (found != numbers_.end()) return found->second;
  if (list_.size() >= kMaxRows) {
    return Status::InvalidArgument(StrCat("more than ", kMaxRows, " names; give fewer"));
  }
  const auto number = static_cast<uint32_t>(list_.size());
  numbers_.emplace(name, number);
  list_.Add(name);
  return number;
}

Result<float> ParseWeight(const LineReader& lines, std::string_view field) {
  float weight = 0;
  const char* end = field.data() + field.size();
  if (field.empty() || ParseFloat(field.data(), end, &weight) != end || weight < 0) {
    return lines.Error("a weight, a number that is not negative and at most 3.4e38", Quoted(field));
  }
  return weight;
}

Status In(const std::string& path, const Status& status) {
  return Status(status.code(), StrCat(path, ": ", status.message()));
}

namespace {

constexpr char kFewer[] = "give fewer lines";
constexpr size_t kMostFields = 4;

// The fields of a line that count; those beyond are not looked at.
struct Line {
  std::array<std::string, kMostFields> fields;
  size_t count = 0;
};

char FindSeparator(std::string_view line) {
  for (const char separator : {'\t', ';', ','}) {
    if (line.find(separator) != std::string_view::npos) return separator;
  }
  return ' ';
}

// Fields parted by tabs are taken as they are: names like "Weird Al" Yankovic begin with a quote.
Status SplitLine(const LineReader& lines, std::string_view line, char separator, Line* out) {
  out->count = 0;
  if (separator == '\t') {
    for (bool more = true; more && out->count < kMostFields;) {
      const size_t end = line.find('\t');
      out->fields[out->count++] = line.substr(0, end);
      more = end != std::string_view::npos;
      if (more) line.remove_prefix(end + 1);
    }
    return Status::Ok();
  }
  FieldSplitter splitter(line, separator);
  std::string_view field;
  while (!splitter.done() && out->count < kMostFields) {
    if (!splitter.Take(&field)) {
      return lines.Error(StrCat("field ", out->count + 1, " to end with its closing quote"),
                         "none on this line, or text after it");
    }
    out->fields[out->count++] = field;
  }
  return Status::Ok();
}

bool IsComment(std::string_view line) {
  return line.starts_with('#') || line.starts_with('%') || line.starts_with("//");
}

// Whether a field is meant as a number, though perhaps as one that is no weight, like nan, 1e300 or
// 1,5: a line of it must not be lost for a header.
bool LooksLikeNumber(const std::string& field) {
  char* end = nullptr;
  std::strtod(field.c_str(), &end);
  return end == field.c_str() + field.size() ||
         (field.find_first_of("0123456789") != std::string::npos &&
          field.find_first_not_of("0123456789.,+-eE_' ") == std::string::npos);
}

bool IsHeader(const Line& line) {
  if (line.count >= 3) return !LooksLikeNumber(line.fields[2]);
  std::string first = line.fields[0];
  std::transform(first.begin(), first.end(), first.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return first.find("user") != std::string::npos && line.count == 2;
}

Status AddPair(const LineReader& lines, const Line& line, Names* users, Names* items,
               Pairs* pairs) {
  float weight = 1;
  if (line.count >= 3) {
    KITH_ASSIGN_OR_RETURN(weight, ParseWeight(lines, line.fields[2]));
  }
  if (line.fields[0].empty() || line.fields[1].empty()) {
    return lines.Error("the names of a user and an item", "an empty one");
  }
  if (weight == 0) return Status::Ok();
  KITH_ASSIGN_OR_RETURN(const uint32_t user, users->NumberOf(line.fields[0]));
  KITH_ASSIGN_OR_RETURN(const uint32_t item, items->NumberOf(line.fields[1]));
  if (line.count >= 4) {
    const std::string& field = line.fields[3];
    char* end = nullptr;
    const double time = std::strtod(field.c_str(), &end);
    if (field.empty() || end != field.c_str() + field.size() || !std::isfinite(time)) {
      return lines.Error("a time, a finite number", Quoted(field));
    }
    pairs->times.push_back(time);
  }
  pairs->users.push_back(user);
  pairs->items.push_back(item);
  pairs->weights.push_back(weight);
  return Status::Ok();
}

// Of a file in which nothing counts; line numbers of 0 where there is no such line.
Status NoPairs(const std::string& path, uint64_t header_line, uint64_t first_pair_line) {
  if (first_pair_line != 0) {
    return Status::InvalidArgument(StrCat(path, ": all weights, from line ", first_pair_line,
                                          " on, are 0; give some above it"));
  }
  return Status::InvalidArgument(
      StrCat(path, ": expected lines of a user and an item, got none",
             header_line == 0 ? "" : StrCat(" but a header in line ", header_line)));
}

Result<Interactions> ReadLines(ByteStream* stream, const Progress& progress) {
  LineReader lines(stream, progress);
  Names users;
  Names items;
  Pairs pairs;
  Line line;
  char separator = 0;
  size_t fields = 0;
  uint64_t header_line = 0;
  uint64_t first_pair_line = 0;
  std::string_view text;
  for (;;) {
    KITH_ASSIGN_OR_RETURN(const bool more, lines.NextRow(&text));
    if (!more) break;
    if (text.find('\0') != std::string_view::npos) {
      return lines.Error("text", "a zero byte; give lines of a user and an item");
    }
    if (fields == 0 && IsComment(text)) continue;
    if (separator == 0) separator = FindSeparator(text);
    KITH_RETURN_IF_ERROR(SplitLine(lines, text, separator, &line));
    if (fields == 0 && line.count >= 2) {
      fields = line.count;
      if (IsHeader(line)) {
        header_line = lines.line_number();
        continue;
      }
    }
    if (line.count < 2 || line.count != fields) {
      return lines.Error(
          fields == 0
              ? std::string("a user and an item, with a tab, ';', ',' or a blank between them")
              : StrCat(fields, " fields as before"),
          StrCat(Plural(line.count, "field"), " in ", Quoted(text)));
    }
    if (first_pair_line == 0) first_pair_line = lines.line_number();
    KITH_RETURN_IF_ERROR(AddPair(lines, line, &users, &items, &pairs));
  }
  KITH_RETURN_IF_ERROR(lines.Finish());
  if (pairs.users.empty()) return NoPairs(stream->path(), header_line, first_pair_line);
  Result<Interactions> all = MakeInteractions(users.Take(), items.Take(), pairs.users, pairs.items,
                                              pairs.weights, pairs.times);
  if (!all.ok()) return In(stream->path(), all.status());
  all->header_line = header_line;
  return all;
}

Result<Input> OpenInput(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  return Input{path, file->bytes(), file};
}

// Replaces ids of items by their names.
Status RenameItems(const std::string& path, StringList* items) {
  KITH_ASSIGN_OR_RETURN(const Input input, OpenInput(path));
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<ByteStream> stream, ByteStream::Create(input));
  const Progress silent;
  LineReader lines(stream.get(), silent);
  std::unordered_map<std::string, std::string> names;
  Line line;
  char separator = 0;
  std::string_view text;
  for (;;) {
    KITH_ASSIGN_OR_RETURN(const bool more, lines.NextRow(&text));
    if (!more) break;
    if (separator == 0) separator = FindSeparator(text);
    KITH_RETURN_IF_ERROR(SplitLine(lines, text, separator, &line));
    if (line.count < 2) return lines.Error("an id and a name", Quoted(text));
    if (!line.fields[1].empty()) names.emplace(line.fields[0], line.fields[1]);
  }
  Names used;
  for (size_t i = 0; i < items->size(); ++i) {
    const std::string id((*items)[i]);
    const auto found = names.find(id);
    std::string name = found == names.end() ? id : found->second;
    KITH_ASSIGN_OR_RETURN(uint32_t number, used.NumberOf(name));
    while (number != i) {
      name += StrCat(" (", id, ")");
      KITH_ASSIGN_OR_RETURN(number, used.NumberOf(name));
    }
  }
  *items = used.Take();
  return Status::Ok();
}

}  // namespace
}  // namespace kith::data

namespace kith {

Result<Interactions> ReadInteractions(const std::string& path,
                                      const ReadInteractionsOptions& options) {
  return AtEdge(path, data::kFewer, [&]() -> Result<Interactions> {
    KITH_ASSIGN_OR_RETURN(const data::Input input, data::OpenInput(path));
    KITH_ASSIGN_OR_RETURN(const std::unique_ptr<data::ByteStream> stream,
                          data::ByteStream::Create(input));
    KITH_ASSIGN_OR_RETURN(std::span<const std::byte> head, stream->Peek(16));
    head = head.first(std::min<size_t>(head.size(), 16));
    if (data::IsMatrixMarket({reinterpret_cast<const char*>(head.data()), head.size()})) {
      if (!options.item_names.empty()) {
        KITH_ASSIGN_OR_RETURN(Interactions out,
                              data::ReadMatrixMarket(stream.get(), options.progress));
        KITH_RETURN_IF_ERROR(data::RenameItems(options.item_names, &out.items));
        return out;
      }
      return data::ReadMatrixMarket(stream.get(), options.progress);
    }
    if (head.size() >= 3 && std::memcmp(head.data(), "\xEF\xBB\xBF", 3) == 0) stream->Consume(3);
    KITH_ASSIGN_OR_RETURN(Interactions out, data::ReadLines(stream.get(), options.progress));
    if (!options.item_names.empty()) {
      KITH_RETURN_IF_ERROR(data::RenameItems(options.item_names, &out.items));
    }
    return out;
  });
}

}  // namespace kith
