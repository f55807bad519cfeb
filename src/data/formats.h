// The formats by name and extension, and finding the one a file has.
#ifndef KITH_DATA_FORMATS_H_
#define KITH_DATA_FORMATS_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "data/byte_stream.h"
#include "kith/status.h"

namespace kith::data {

enum class Format {
  kFvecs,
  kBvecs,
  kIvecs,
  kFbin,
  kU8bin,
  kI8bin,
  kIbin,
  kNpy,
  kHdf5,
  kIdx,
  kFastText,
  kWord2vecBinary,
  kWord2vecText,
  kGlove,
  kCsv,
};
inline constexpr int kNumFormats = 15;

const char* FormatName(Format format);
// Errors: InvalidArgument listing the names there are.
Result<Format> ParseFormat(std::string_view name);

// The format that a file's extension (before a ".gz") means when it is written.
std::optional<Format> FormatOfExtension(std::string_view path);

// Whether it is read as a stream of words or lines, not as a fixed layout.
constexpr bool IsStreamFormat(Format format) { return format >= Format::kWord2vecBinary; }
// Whether it is read but not written: a model has more in it than vectors.
constexpr bool IsReadOnly(Format format) { return format == Format::kFastText; }
// Whether every row of it has a name.
constexpr bool NeedsKeys(Format format) {
  return format >= Format::kWord2vecBinary && format != Format::kCsv;
}
constexpr bool TakesKeys(Format format) { return IsStreamFormat(format); }

// The bytes at a file's beginning that finding its format looks at.
inline constexpr size_t kSniffBytes = size_t{1} << 16;

// The stream format of a file that begins with `head`; nullopt if it is none.
std::optional<Format> FindStreamFormat(std::string_view path, std::span<const std::byte> head);

// The fixed layout of a whole file. Errors: InvalidArgument (none, or more than one).
Result<Format> FindLayout(const Input& input);
// The same for a file of ground truth.
Result<Format> FindTruthLayout(const Input& input);

}  // namespace kith::data

#endif  // KITH_DATA_FORMATS_H_
