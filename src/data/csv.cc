// Comma-, tab-, semicolon- or space-separated values (RFC 4180): see docs/formats.md for how the
// separator, a header line and a column of keys are found.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/nearest_name.h"
#include "base/strings.h"
#include "data/fields.h"
#include "data/readers.h"
#include "data/text.h"
#include "data/writers.h"

namespace kith::data {
namespace {

constexpr size_t kSampleBytes = size_t{1} << 16;
constexpr size_t kMaxLine = size_t{4} << 20;  // of the first two lines, to see them whole
constexpr size_t kSampleLines = 100;
constexpr size_t kMaxColumns = size_t{1} << 20;  // of which at most kMaxDim are coordinates

struct Dialect {
  char separator = ',';
  bool header = false;
  bool key_column = false;
};

// All fields, but at most kMaxColumns of them: a line may be of nothing but separators.
StringList Fields(std::string_view line, char separator) {
  StringList fields;
  FieldSplitter splitter(line, separator);
  std::string_view field;
  while (!splitter.done() && fields.size() < kMaxColumns && splitter.Take(&field)) {
    fields.Add(field);
  }
  return fields;
}

size_t CountFields(std::string_view line, char separator) {
  FieldSplitter splitter(line, separator);
  std::string_view field;
  while (!splitter.done() && splitter.Take(&field)) continue;
  return splitter.count();
}

bool HasSeveralFields(std::string_view line, char separator) {
  FieldSplitter splitter(line, separator);
  std::string_view field;
  return splitter.Take(&field) && !splitter.done() && splitter.Take(&field);
}

bool FirstIsNumber(std::string_view line, char separator) {
  FieldSplitter splitter(line, separator);
  std::string_view field;
  return splitter.Take(&field) && IsNumber(field);
}

// The first lines of a file, whole ones.
Result<std::vector<std::string>> SampleLines(ByteStream* stream) {
  std::vector<std::string> lines;
  for (size_t want = kSampleBytes; lines.size() < 2 && want <= kMaxLine; want *= 8) {
    KITH_ASSIGN_OR_RETURN(const std::span<const std::byte> bytes, stream->Peek(want));
    const size_t shown = std::min(bytes.size(), want);
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), shown);
    const bool whole = bytes.size() <= want;
    lines.clear();
    while (!text.empty() && lines.size() < kSampleLines) {
      const size_t end = text.find('\n');
      if (end == std::string_view::npos && !whole) break;
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(text.size(), line.size() + 1));
      if (line.ends_with('\r')) line.remove_suffix(1);
      line = TrimRight(line);
      if (!line.empty()) lines.emplace_back(line);
    }
    if (whole) break;
  }
  return lines;
}

char FindSeparator(const std::vector<std::string>& lines) {
  for (char separator : {'\t', ';', ',', ' '}) {
    const bool everywhere = std::all_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return HasSeveralFields(line, separator);
    });
    if (everywhere) return separator;
  }
  return ',';
}

// Whether a header's first field says that the column below names the rows.
bool NamesKeys(std::string_view name) {
  std::string field(name);
  for (char& c : field) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  constexpr std::string_view kNames[] = {"", "id", "index", "key", "label", "name", "word"};
  return std::find(std::begin(kNames), std::end(kNames), field) != std::end(kNames);
}

Dialect FindDialect(const std::vector<std::string>& lines) {
  Dialect dialect;
  if (lines.empty()) return dialect;
  dialect.separator = FindSeparator(lines);
  const StringList first = Fields(lines[0], dialect.separator);
  const bool first_is_text = !first.empty() && !IsNumber(first[0]);
  for (size_t i = lines.size() > 1 ? 1 : 0; i < lines.size(); ++i) {
    dialect.key_column = dialect.key_column || !FirstIsNumber(lines[i], dialect.separator);
  }
  bool only_numbers_follow = first.size() > 1;
  for (size_t i = 1; i < first.size(); ++i) {
    only_numbers_follow = only_numbers_follow && IsNumber(first[i]);
  }
  dialect.header = lines.size() > 1 && first_is_text &&
                   (!only_numbers_follow || !dialect.key_column || first[0].empty());
  if (dialect.header && NamesKeys(first[0])) dialect.key_column = true;
  return dialect;
}

Status CountsDiffer(const LineReader& lines, std::string_view line, const Dialect& dialect,
                    size_t expected) {
  return lines.Error(StrCat(expected, " fields as in the first row"),
                     StrCat(CountFields(line, dialect.separator)));
}

// What the columns of a file are for.
struct Columns {
  static constexpr int kSkipped = -1;
  static constexpr int kKey = -2;
  std::vector<int> roles;  // for each column: the coordinate it holds, or one of the above
  size_t dim = 0;
};

// What is wrong with a choice of columns: a fault of the caller, on no line of the file.
Status WrongChoice(const std::string& path, std::string_view expected, std::string_view got) {
  return Status::InvalidArgument(StrCat(path, ": expected ", expected, ", got ", got));
}

// The number from 0 of the column that a user calls `name`. Errors: InvalidArgument.
Result<size_t> FindColumn(const std::string& path, const StringList& header, size_t count,
                          std::string_view name) {
  for (size_t i = 0; i < std::min(header.size(), count); ++i) {
    if (header[i] == name) return i;
  }
  size_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size() && number >= 1 && number <= count) {
    return number - 1;
  }
  constexpr size_t kMostNamed = 20;
  std::string names;
  for (size_t i = 0; i < std::min(header.size(), kMostNamed); ++i) {
    names += StrCat(i == 0 ? "" : ", ", Printable(header[i]));
  }
  if (header.size() > kMostNamed) names += StrCat(", ... (", header.size(), " in all)");
  std::vector<std::string_view> candidates;
  for (size_t i = 0; i < header.size(); ++i) candidates.push_back(header[i]);
  return WrongChoice(path,
                     header.empty() ? StrCat("a column from 1 to ", count)
                                    : StrCat("one of the columns ", names, " or their numbers"),
                     Quoted(name) + DidYouMean(name, candidates));
}

Result<Columns> ChooseColumns(const std::string& path, const StringList& header, size_t count,
                              const Dialect& dialect, const ReadOptions& options) {
  Columns columns;
  const bool all = options.columns.empty();
  columns.roles.assign(count, all ? 0 : Columns::kSkipped);
  if (!options.key_column.empty()) {
    KITH_ASSIGN_OR_RETURN(const size_t key, FindColumn(path, header, count, options.key_column));
    columns.roles[key] = Columns::kKey;
  } else if (dialect.key_column) {
    columns.roles[0] = Columns::kKey;
  }
  if (all) {
    for (int& role : columns.roles) {
      if (role != Columns::kKey) role = static_cast<int>(columns.dim++);
    }
    return columns;
  }
  const StringList names = Fields(options.columns, ',');
  for (size_t i = 0; i < names.size(); ++i) {
    KITH_ASSIGN_OR_RETURN(const size_t column, FindColumn(path, header, count, names[i]));
    int& role = columns.roles[column];
    // One that holds keys as far as kith can tell may be a coordinate nevertheless.
    if (role >= 0 || (role == Columns::kKey && !options.key_column.empty())) {
      return WrongChoice(path, "each column chosen once",
                         StrCat(Quoted(names[i]),
                                role >= 0 ? " twice; name it once" : " as coordinate and as key"));
    }
    role = static_cast<int>(columns.dim++);
  }
  return columns;
}

// Parses a row.
Status ParseRow(const LineReader& lines, std::string_view line, const Dialect& dialect,
                const Columns& columns, RowCollector* collector) {
  FieldSplitter splitter(line, dialect.separator);
  const auto unquoted = [&] {
    return lines.Error(StrCat("field ", splitter.count() + 1, " to end with its closing quote"),
                       "none on this line, or text after it");
  };
  std::string_view field;
  KITH_ASSIGN_OR_RETURN(float* out, collector->AddRow(columns.dim));
  for (const int role : columns.roles) {
    if (splitter.done()) return CountsDiffer(lines, line, dialect, columns.roles.size());
    if (role >= 0 && splitter.TakeNumber(out + role)) continue;
    if (!splitter.Take(&field)) return unquoted();
    if (role == Columns::kKey) collector->keys().Add(field);
    if (role < 0) continue;
    const char* end = field.data() + field.size();
    if (field.empty() || ParseFloat(field.data(), end, out + role) != end) {
      return lines.Error(
          StrCat("a finite number in field ", splitter.count()),
          Quoted(field) + (columns.dim > 1 ? "; choose columns of numbers, or leave such rows out"
                                           : "; leave such rows out"));
    }
  }
  return splitter.done() ? Status::Ok() : CountsDiffer(lines, line, dialect, columns.roles.size());
}

void AppendField(std::string_view field, std::string* line) {
  *line += '"';
  for (char c : field) {
    if (c == '"') *line += '"';
    *line += c;
  }
  *line += '"';
}

}  // namespace

Result<Dataset> ReadCsv(ByteStream* stream, const ReadOptions& options) {
  KITH_ASSIGN_OR_RETURN(const std::span<const std::byte> head, stream->Peek(3));
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.starts_with("\xEF\xBB\xBF")) stream->Consume(3);  // the byte order mark of UTF-8
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> sample, SampleLines(stream));
  const Dialect dialect = FindDialect(sample);
  LineReader lines(stream, options.progress);
  RowCollector collector(stream->path());
  std::string_view line;
  StringList header;
  if (dialect.header) {
    KITH_RETURN_IF_ERROR(lines.NextRow(&line).status());
    header = Fields(line, dialect.separator);
  }
  Columns columns;
  while (collector.rows() < RowsToRead(kMaxRows, options)) {
    KITH_ASSIGN_OR_RETURN(const bool more, lines.NextRow(&line));
    if (!more) break;
    if (columns.dim == 0) {
      const size_t count = CountFields(line, dialect.separator);
      if (count > kMaxColumns) {
        return lines.Error(StrCat("at most ", kMaxColumns, " fields"), "more");
      }
      if (count > 0) {
        KITH_ASSIGN_OR_RETURN(columns,
                              ChooseColumns(stream->path(), header, count, dialect, options));
      }
    }
    if (columns.dim == 0) {
      return lines.Error(dialect.key_column ? "a key and numbers" : "numbers", Quoted(line));
    }
    KITH_RETURN_IF_ERROR(ParseRow(lines, line, dialect, columns, &collector));
  }
  KITH_RETURN_IF_ERROR(lines.Finish());
  // Columns that somebody chose are measurements; all of a file may well be an embedding.
  const bool chosen = !options.columns.empty();
  return std::move(collector).Finish(chosen ? std::optional(Metric::kEuclidean) : std::nullopt);
}

Status WriteCsv(const MatrixView& vectors, const StringList& keys, char separator,
                AtomicFile* file) {
  NumberLineWriter writer(vectors, separator);
  std::string line;
  if (!keys.empty()) {
    line = "key";
    for (size_t i = 0; i < vectors.dim; ++i) line += StrCat(separator, "x", i);
    line += '\n';
    KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(line))));
  }
  for (size_t i = 0; i < vectors.rows; ++i) {
    line.clear();
    if (!keys.empty()) {
      if (keys[i].find('\n') != std::string_view::npos) {
        return Status::InvalidArgument(StrCat("row ", i, ": the key ", Quoted(keys[i]),
                                              " holds a newline, which kith's csv "
                                              "can't; change the key"));
      }
      AppendField(keys[i], &line);
      line += separator;
    }
    writer.Append(i, &line);
    KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(line))));
  }
  return Status::Ok();
}

}  // namespace kith::data
