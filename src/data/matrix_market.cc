// Matrix Market files of coordinates, which scipy.io.mmread() reads and mmwrite() writes.
#include <algorithm>
#include <charconv>
#include <sstream>
#include <string>
#include <vector>

#include "base/edge.h"
#include "base/file.h"
#include "base/strings.h"
#include "data/interactions.h"
#include "data/writers.h"

namespace kith::data {
namespace {

constexpr std::string_view kMagic = "%%MatrixMarket";

struct Header {
  bool pattern = false;  // all weights are 1
  uint64_t rows = 0;
  uint64_t cols = 0;
  uint64_t count = 0;
};

std::vector<std::string> Words(std::string_view line) {
  std::istringstream in{std::string(line)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

Result<Header> ReadHeader(LineReader* lines) {
  Header header;
  std::string_view line;
  KITH_RETURN_IF_ERROR(lines->Next(&line).status());
  std::vector<std::string> words = Words(line);
  const auto is = [&](size_t i, std::string_view word) {
    return words.size() > i && words[i] == word;
  };
  header.pattern = is(3, "pattern");
  if (!is(1, "matrix") || !is(2, "coordinate") || !is(4, "general") ||
      !(header.pattern || is(3, "real") || is(3, "integer"))) {
    return lines->Error("matrix coordinate real, integer or pattern general", Quoted(line));
  }
  do {
    KITH_ASSIGN_OR_RETURN(const bool more, lines->NextRow(&line));
    if (!more) return lines->Error("numbers of rows, columns and pairs", "the end of the file");
  } while (line.starts_with('%'));
  words = Words(line);
  if (words.size() != 3 || !ParseCount(words[0], &header.rows) ||
      !ParseCount(words[1], &header.cols) || !ParseCount(words[2], &header.count) ||
      header.rows > kMaxRows || header.cols > kMaxRows) {
    return lines->Error("numbers of rows, columns and pairs", Quoted(line));
  }
  return header;
}

// Takes the next blank-separated word off the front.
std::string_view TakeWord(std::string_view* line) {
  while (!line->empty() && IsBlank(line->front())) line->remove_prefix(1);
  const size_t end = std::min(line->find_first_of(" \t"), line->size());
  const std::string_view word = line->substr(0, end);
  line->remove_prefix(end);
  return word;
}

StringList Numbered(uint64_t count) {
  StringList names;
  for (uint64_t i = 1; i <= count; ++i) names.Add(std::to_string(i));
  return names;
}

}  // namespace

bool IsMatrixMarket(std::string_view head) { return head.starts_with(kMagic); }

Result<Interactions> ReadMatrixMarket(ByteStream* stream, const Progress& progress) {
  LineReader lines(stream, progress);
  KITH_ASSIGN_OR_RETURN(const Header header, ReadHeader(&lines));
  Pairs pairs;
  std::string_view line;
  uint64_t read = 0;
  for (;; ++read) {
    KITH_ASSIGN_OR_RETURN(const bool more, lines.NextRow(&line));
    if (!more) break;
    if (read == header.count) {
      return lines.Error(StrCat(Plural(header.count, "pair"), " as the header says"), "more");
    }
    std::string_view rest = line;
    uint64_t user = 0;
    uint64_t item = 0;
    if (!ParseCount(TakeWord(&rest), &user) || !ParseCount(TakeWord(&rest), &item) || user == 0 ||
        item == 0 || user > header.rows || item > header.cols) {
      return lines.Error(StrCat("a row up to ", header.rows, " and a column up to ", header.cols),
                         Quoted(line));
    }
    float weight = 1;
    if (!header.pattern) {
      KITH_ASSIGN_OR_RETURN(weight, ParseWeight(lines, TakeWord(&rest)));
    }
    if (!TakeWord(&rest).empty()) return lines.Error("no further field", Quoted(line));
    if (weight == 0) continue;
    pairs.users.push_back(static_cast<uint32_t>(user - 1));
    pairs.items.push_back(static_cast<uint32_t>(item - 1));
    pairs.weights.push_back(weight);
  }
  if (read < header.count) {
    return lines.Error(StrCat(Plural(header.count, "pair"), " as the header says"),
                       FormatCount(read));
  }
  KITH_RETURN_IF_ERROR(lines.Finish());
  if (pairs.users.empty()) {
    return Status::InvalidArgument(StrCat(stream->path(), ": no pair has a weight above 0"));
  }
  // Only as many names as a file of its size may well ask for.
  constexpr uint64_t kAlways = uint64_t{1} << 20;
  constexpr uint64_t kEmptyAByte = 64;
  if (std::max(header.rows, header.cols) > kAlways + kEmptyAByte * stream->file_size()) {
    return Status::InvalidArgument(StrCat(stream->path(), ": ", header.rows, " x ", header.cols,
                                          " is too large for so small a file"));
  }
  Result<Interactions> all = MakeInteractions(Numbered(header.rows), Numbered(header.cols),
                                              pairs.users, pairs.items, pairs.weights);
  if (!all.ok()) return In(stream->path(), all.status());
  return all;
}

Status AppendInteractions(const Interactions& interactions, AtomicFile* file) {
  std::string text =
      StrCat("%%MatrixMarket matrix coordinate real general\n", interactions.num_users(), ' ',
             interactions.num_items(), ' ', interactions.size(), '\n');
  for (size_t user = 0; user < interactions.num_users(); ++user) {
    const std::span<const uint32_t> items = interactions.ItemsOf(user);
    const std::span<const float> weights = interactions.WeightsOf(user);
    for (size_t i = 0; i < items.size(); ++i) {
      char number[32];
      const auto [end, error] = std::to_chars(number, number + sizeof(number), weights[i]);
      text += std::to_string(user + 1);
      text += ' ';
      text += std::to_string(items[i] + uint64_t{1});
      text += ' ';
      text.append(number, end);
      text += '\n';
    }
    if (text.size() < (size_t{1} << 16)) continue;
    KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(text))));
    text.clear();
  }
  return file->Write(std::as_bytes(std::span(text)));
}

}  // namespace kith::data

namespace kith {

Status WriteInteractions(const std::string& path, const Interactions& interactions) {
  return AtEdge(path, "", [&]() -> Status {
    KITH_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> file, AtomicFile::Create(path));
    KITH_RETURN_IF_ERROR(data::AppendInteractions(interactions, file.get()));
    return file->Commit();
  });
}

}  // namespace kith
