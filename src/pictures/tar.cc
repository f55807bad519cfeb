// Archives of tar: POSIX ustar (IEEE Std 1003.1), its pax records of long names, and GNU's.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "pictures/sources.h"

namespace kith::pictures {
namespace {

using Bytes = std::span<const std::byte>;

constexpr size_t kBlock = 512;

// Text in a field of fixed size, up to a zero if there is one.
std::string_view TextAt(Bytes header, size_t at, size_t size) {
  const auto* const text = reinterpret_cast<const char*>(header.data() + at);
  return {text, strnlen(text, size)};
}

// An octal number, or a binary one if the highest bit is set, as GNU writes large ones.
std::optional<uint64_t> NumberAt(Bytes header, size_t at, size_t size) {
  uint64_t value = 0;
  if ((std::to_integer<unsigned>(header[at]) & 0x80) != 0) {
    for (size_t i = size - 8; i < size; ++i) {
      value = value << 8 | std::to_integer<uint64_t>(header[at + i]);
    }
    return value;
  }
  for (const char c : TextAt(header, at, size)) {
    if (c == ' ') continue;
    if (c < '0' || c > '7' || value >> 60 != 0) return std::nullopt;
    value = value << 3 | static_cast<uint64_t>(c - '0');
  }
  return value;
}

// Whether the sum of all bytes, those of the sum itself taken as blanks, is as the header says.
bool IsHeader(Bytes header) {
  constexpr size_t kSumAt = 148;
  constexpr size_t kSumSize = 8;
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    const bool own = i >= kSumAt && i < kSumAt + kSumSize;
    sum += own ? ' ' : std::to_integer<uint64_t>(header[i]);
  }
  return NumberAt(header, kSumAt, kSumSize) == sum;
}

// The name among pax records, lines of "LENGTH NAME=VALUE\n"; "" if there is none.
std::string_view PaxPath(std::string_view records) {
  while (!records.empty()) {
    size_t length = 0;
    const char* const last = records.data() + records.size();
    const auto [end, error] = std::from_chars(records.data(), last, length);
    const auto digits = static_cast<size_t>(end - records.data());
    if (error != std::errc() || length > records.size() || length < digits + 3) return {};
    const std::string_view record = records.substr(digits + 1, length - digits - 2);
    if (record.starts_with("path=")) return record.substr(5);
    records.remove_prefix(length);
  }
  return {};
}

}  // namespace

bool IsTar(Bytes bytes) { return bytes.size() >= kBlock && IsHeader(bytes.first(kBlock)); }

Status ListTar(const std::string& path, const std::shared_ptr<const void>& owner, Bytes bytes,
               Sources* out) {
  std::string long_name;
  for (size_t at = 0; at + kBlock <= bytes.size();) {
    const Bytes header = bytes.subspan(at, kBlock);
    const bool zeros =
        std::all_of(header.begin(), header.end(), [](std::byte b) { return b == std::byte{0}; });
    if (zeros) return Status::Ok();
    const std::optional<uint64_t> size = NumberAt(header, 124, 12);
    if (!IsHeader(header) || !size) {
      return Status::InvalidArgument(StrCat(path, ": byte ", at,
                                            ": expected the header of a file in a tar archive; it "
                                            "is damaged, pack it again"));
    }
    at += kBlock;
    if (*size > bytes.size() - at) {
      return Status::InvalidArgument(StrCat(path, ": byte ", at, ": expected ", *size,
                                            " bytes of a file, got ", bytes.size() - at,
                                            "; it is truncated, fetch it again"));
    }
    const Bytes content = bytes.subspan(at, *size);
    at += std::min<uint64_t>((*size + kBlock - 1) / kBlock * kBlock, bytes.size() - at);
    const auto* const text = reinterpret_cast<const char*>(content.data());
    const char kind = static_cast<char>(header[156]);
    if (kind == 'x' || kind == 'L') {  // the name of the file that follows
      const std::string_view all(text, content.size());
      long_name = kind == 'x' ? PaxPath(all) : all.substr(0, all.find('\0'));
      continue;
    }
    std::string name = std::exchange(long_name, "");
    if (name.empty()) {
      const std::string_view prefix =
          TextAt(header, 257, 5) == "ustar" && static_cast<char>(header[262]) == '\0'
              ? TextAt(header, 345, 155)
              : std::string_view();
      name = StrCat(prefix, prefix.empty() ? "" : "/", TextAt(header, 0, 100));
    }
    if (name.starts_with("./")) name.erase(0, 2);
    const bool file = kind == '0' || kind == '\0';
    if (!file || IsHidden(name) || !IsPictureName(name)) continue;
    const std::string key = StrCat(path, "/", name);
    out->push_back(LeadsOutside(name) ? SourceOutside(key) : SourceInMemory(key, owner, content));
  }
  return Status::Ok();
}

}  // namespace kith::pictures
