#include "data/formats.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/strings.h"
#include "data/fasttext.h"
#include "data/load.h"
#include "data/readers.h"
#include "data/text.h"
#include "storage/format.h"

namespace kith::data {
namespace {

struct FormatRow {
  Format format;
  const char* name;
  std::vector<std::string_view> extensions;
};

const std::vector<FormatRow>& Table() {
  static const std::vector<FormatRow> table = {
      {Format::kFvecs, "fvecs", {".fvecs"}},
      {Format::kBvecs, "bvecs", {".bvecs"}},
      {Format::kIvecs, "ivecs", {".ivecs"}},
      {Format::kFbin, "fbin", {".fbin"}},
      {Format::kU8bin, "u8bin", {".u8bin"}},
      {Format::kI8bin, "i8bin", {".i8bin"}},
      {Format::kIbin, "ibin", {".ibin"}},
      {Format::kNpy, "npy", {".npy"}},
      {Format::kHdf5, "hdf5", {".hdf5", ".h5"}},
      {Format::kIdx, "idx", {".idx", "-ubyte"}},
      {Format::kFastText, "fasttext-bin", {}},  // its .bin is told by the content
      {Format::kWord2vecBinary, "word2vec-bin", {".bin"}},
      {Format::kWord2vecText, "word2vec-text", {".vec"}},
      {Format::kGlove, "glove", {".glove"}},
      {Format::kCsv, "csv", {".csv", ".tsv"}},
  };
  return table;
}

std::string Lowercase(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool StartsWith(std::span<const std::byte> head, std::string_view magic) {
  return head.size() >= magic.size() && std::memcmp(head.data(), magic.data(), magic.size()) == 0;
}

bool LooksLikeHdf5(std::span<const std::byte> bytes) {
  constexpr std::string_view kMagicNumber = "\x89HDF\r\n\x1a\n";
  if (StartsWith(bytes, kMagicNumber)) return true;
  // A user block of a power of two bytes may come before.
  for (size_t offset = 512; offset < bytes.size() && offset <= kSniffBytes; offset *= 2) {
    if (StartsWith(bytes.subspan(offset), kMagicNumber)) return true;
  }
  return false;
}

bool LooksLikeIdx(std::span<const std::byte> head) {
  return head.size() > 4 && head[0] == std::byte{0} && head[1] == std::byte{0} &&
         head[2] >= std::byte{0x08} && head[2] <= std::byte{0x0E} && head[3] != std::byte{0};
}

// The first two lines that `head` shows.
struct TwoLines {
  std::string_view first;
  std::string_view second;
};

std::string_view TrimLine(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return TrimRight(line);
}

TwoLines SplitTwoLines(std::string_view head) {
  TwoLines lines;
  const size_t end = std::min(head.find('\n'), head.size());
  lines.first = TrimLine(head.substr(0, end));
  const std::string_view rest = head.substr(std::min(end + 1, head.size()));
  lines.second = TrimLine(rest.substr(0, rest.find('\n')));
  return lines;
}

// Text has no control characters but those between words and lines.
bool IsText(std::string_view bytes) {
  return std::none_of(bytes.begin(), bytes.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
  });
}

// Whether lines are words and numbers: not only numbers, which a name may call words nevertheless.
bool LooksLikeWords(const TwoLines& lines, bool named_so) {
  if (lines.first.find('\t') != std::string_view::npos) return false;
  const TokenCounts first = CountTokens(lines.first);
  const TokenCounts second = CountTokens(lines.second);
  const auto dim = [](const TokenCounts& c) {
    return std::min(c.trailing_numbers, std::max<size_t>(c.tokens, 1) - 1);
  };
  if (dim(first) == 0) return false;
  // Blanks within the first word are believed only if the second line has as many numbers.
  if (dim(first) + 1 != first.tokens && dim(first) != dim(second)) return false;
  return named_so || first.trailing_numbers < first.tokens ||
         second.trailing_numbers < second.tokens;
}

// Whether 32-bit values are rather integers: small integers have the bits of the tiniest floats
// (or, negative, of NaN), which vectors do not hold.
bool LookLikeIntegers(std::span<const std::byte> head, size_t offset) {
  constexpr uint32_t kSmall = 1u << 23;
  bool any = false;
  for (size_t at = offset; at + sizeof(uint32_t) <= head.size(); at += sizeof(uint32_t)) {
    const auto bits = Load<uint32_t>(head.data() + at);
    if (bits >= kSmall && ~bits >= kSmall) return false;
    any = any || bits != 0;
  }
  return any;
}

Status Ambiguous(const Input& input, std::string_view formats) {
  return Status::InvalidArgument(StrCat(input.path, ": its content could be ", formats,
                                        "; name its format or give it the extension"));
}

Status Unknown(const Input& input) {
  return Status::InvalidArgument(StrCat(
      input.path, ": byte 0: expected one of the formats kith reads, got ", input.bytes.size(),
      " bytes of another kind or a damaged file; name its format "
      "to learn what is wrong with it"));
}

size_t BytesOfElement(Format format) {
  return format == Format::kBvecs || format == Format::kU8bin || format == Format::kI8bin ? 1 : 4;
}

// Whether the content agrees with a format of the vecs or bin family. One row of vecs says little,
// and `min_rows` may ask for more.
bool Agrees(const Input& input, Format format, size_t min_rows = 1) {
  const size_t bytes = BytesOfElement(format);
  return format <= Format::kIvecs ? LooksLikeVecs(input.bytes, bytes, min_rows)
                                  : LooksLikeBin(input.bytes, bytes);
}

bool IsRaw(std::optional<Format> format) { return format && *format <= Format::kIbin; }

// The format by a magic number, if there is one.
std::optional<Format> FindMagic(const Input& input) {
  if (StartsWith(input.bytes, "\x93NUMPY")) return Format::kNpy;
  if (LooksLikeHdf5(input.bytes)) return Format::kHdf5;
  if (LooksLikeIdx(input.bytes)) return Format::kIdx;
  if (IsFastText(input.bytes)) return Format::kFastText;
  return std::nullopt;
}

}  // namespace

const char* FormatName(Format format) { return Table()[static_cast<size_t>(format)].name; }

Result<Format> ParseFormat(std::string_view name) {
  std::string names;
  for (const FormatRow& row : Table()) {
    if (name == row.name) return row.format;
    names += StrCat(names.empty() ? "" : ", ", row.name);
  }
  return Status::InvalidArgument(
      StrCat("expected a format's name, one of ", names, ", got ", Quoted(name)));
}

std::optional<Format> FormatOfExtension(std::string_view path) {
  std::string name = Lowercase(path.substr(path.rfind('/') + 1));
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  for (const FormatRow& row : Table()) {
    for (std::string_view extension : row.extensions) {
      if (name.ends_with(extension)) return row.format;
    }
  }
  if (name.ends_with(".txt") && name.find("glove") != std::string::npos) return Format::kGlove;
  return std::nullopt;
}

std::optional<Format> FindStreamFormat(std::string_view path, std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  const TwoLines lines = SplitTwoLines(text);
  const std::optional<Format> by_extension = FormatOfExtension(path);
  const bool is_csv = by_extension == Format::kCsv;
  uint64_t rows = 0;
  uint64_t dim = 0;
  const size_t blank = std::min(lines.first.find(' '), lines.first.size());
  if (!is_csv && blank < lines.first.size() && ParseCount(lines.first.substr(0, blank), &rows) &&
      ParseCount(lines.first.substr(blank + 1), &dim)) {
    if (!IsText(text)) return Format::kWord2vecBinary;
    // Two integers may also be the first row of two-dimensional vectors.
    const TokenCounts second = CountTokens(lines.second);
    if (second.tokens != 2 || dim == 1) return Format::kWord2vecText;
  }
  if (!IsText(text)) return std::nullopt;
  return !is_csv && LooksLikeWords(lines, by_extension == Format::kGlove) ? Format::kGlove
                                                                          : Format::kCsv;
}

Result<Format> FindLayout(const Input& input) {
  if (StartsWith(input.bytes, std::string_view(storage::kMagic, sizeof(storage::kMagic)))) {
    return Status::InvalidArgument(
        StrCat(input.path, ": expected vectors, got a .kith file; search or evaluate it as such"));
  }
  if (const std::optional<Format> format = FindMagic(input)) return *format;
  const std::optional<Format> by_extension = FormatOfExtension(input.path);
  const bool known = by_extension && !IsStreamFormat(*by_extension);
  if (IsRaw(by_extension) && Agrees(input, *by_extension)) return *by_extension;
  const size_t min_rows = known ? 2 : 1;  // to contradict the extension
  const bool vecs4 = Agrees(input, Format::kFvecs, min_rows);
  const bool vecs1 = Agrees(input, Format::kBvecs, min_rows);
  const bool bin4 = Agrees(input, Format::kFbin);
  const bool bin1 = Agrees(input, Format::kU8bin);
  const int agreeing = vecs4 + vecs1 + bin4 + bin1;
  if (agreeing == 0 && known) return *by_extension;  // whose reader says what is wrong
  if (agreeing == 0) return Unknown(input);
  if (agreeing > 1) return Ambiguous(input, "of several formats (fvecs, bvecs, fbin, u8bin)");
  const std::span<const std::byte> head =
      input.bytes.first(std::min(input.bytes.size(), kSniffBytes));
  if (vecs1) return Format::kBvecs;
  if (bin1) return Ambiguous(input, "u8bin or i8bin");
  if (bin4) return LookLikeIntegers(head, 8) ? Format::kIbin : Format::kFbin;
  return LookLikeIntegers(head, 0) ? Format::kIvecs : Format::kFvecs;
}

Result<Format> FindTruthLayout(const Input& input) {
  const std::optional<Format> magic = FindMagic(input);
  if (magic == Format::kNpy || magic == Format::kHdf5) return *magic;
  const std::optional<Format> by_extension = FormatOfExtension(input.path);
  const size_t min_rows = by_extension && by_extension != Format::kIvecs ? 2 : 1;
  if (Agrees(input, Format::kIvecs, min_rows)) return Format::kIvecs;
  // With distances, the file is as long as one of 8-byte elements.
  if (Agrees(input, Format::kIbin) || LooksLikeBin(input.bytes, 8)) return Format::kIbin;
  if (by_extension == Format::kIvecs || by_extension == Format::kIbin ||
      by_extension == Format::kNpy || by_extension == Format::kHdf5) {
    return *by_extension;
  }
  return Status::InvalidArgument(
      StrCat(input.path, ": expected ground truth as ivecs, ibin, npy or hdf5, got ",
             input.bytes.size(), " bytes of another kind or a damaged file"));
}

}  // namespace kith::data
