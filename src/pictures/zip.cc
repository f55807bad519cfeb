// Archives of zip (PKWARE's APPNOTE 6.3): stored and deflated files, by the central directory.
#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "data/inflate.h"
#include "pictures/sources.h"

namespace kith::pictures {
namespace {

using Bytes = std::span<const std::byte>;

constexpr uint32_t kEndMark = 0x06054b50;
constexpr uint32_t kEntryMark = 0x02014b50;
constexpr uint32_t kFileMark = 0x04034b50;
constexpr size_t kEndBytes = 22;
constexpr size_t kEntryBytes = 46;
constexpr size_t kFileBytes = 30;
constexpr uint32_t kStored = 0;
constexpr uint32_t kDeflated = 8;

uint32_t Number(Bytes bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = size; i > 0; --i) {
    value = value << 8 | std::to_integer<uint32_t>(bytes[at + i - 1]);
  }
  return value;
}

Status Damaged(const std::string& path, size_t at, std::string_view expected) {
  return Status::InvalidArgument(StrCat(path, ": byte ", at, ": expected ", expected,
                                        " of a zip archive; it is damaged, fetch it again"));
}

// A file as the directory tells of it: a damaged one shows by its checksum only, since what decodes
// pictures makes something of most bytes.
struct Entry {
  bool deflated = false;
  size_t size = 0;
  uint32_t checksum = 0;
};

class ZippedSource : public Source {
 public:
  ZippedSource(std::string name, std::shared_ptr<const void> owner, Bytes content, Entry entry)
      : owner_(std::move(owner)), content_(content), entry_(entry) {
    key = std::move(name);
  }

  Result<Bytes> Read(std::vector<std::byte>* buffer) const override {
    Bytes bytes = content_;
    bool whole = content_.size() == entry_.size;
    if (entry_.deflated) {
      buffer->resize(entry_.size);
      KITH_ASSIGN_OR_RETURN(whole, data::InflateRaw(content_, *buffer));
      bytes = *buffer;
    }
    if (whole && data::Crc32(bytes) == entry_.checksum) return bytes;
    return Status::InvalidArgument("is damaged in its zip archive");
  }

 private:
  std::shared_ptr<const void> owner_;
  Bytes content_;
  Entry entry_;
};

// Where the record at the end begins, which a comment may follow; the size of the bytes if there is
// none.
size_t FindEnd(Bytes bytes) {
  constexpr size_t kLongestComment = 65535;
  if (bytes.size() < kEndBytes) return bytes.size();
  const size_t last = bytes.size() - kEndBytes;
  const size_t first = last - std::min(last, kLongestComment);
  for (size_t at = last + 1; at > first; --at) {
    if (Number(bytes, at - 1, 4) == kEndMark) return at - 1;
  }
  return bytes.size();
}

// The file that an entry of the directory at `at` tells of, unless it is no picture.
Status AddFile(const std::string& path, const std::shared_ptr<const void>& owner, Bytes bytes,
               size_t at, Sources* out) {
  const auto* const text = reinterpret_cast<const char*>(bytes.data() + at + kEntryBytes);
  const std::string name(text, Number(bytes, at + 28, 2));
  if (IsHidden(name) || !IsPictureName(name)) return Status::Ok();
  const uint32_t flags = Number(bytes, at + 8, 2);
  const uint32_t method = Number(bytes, at + 10, 2);
  const size_t packed = Number(bytes, at + 20, 4);
  const size_t size = Number(bytes, at + 24, 4);
  const size_t file = Number(bytes, at + 42, 4);
  const std::string key = StrCat(path, "/", name);
  if (LeadsOutside(name)) {
    out->push_back(SourceOutside(key));
    return Status::Ok();
  }
  if ((flags & 1) != 0 || (method != kStored && method != kDeflated)) {
    return Status::InvalidArgument(StrCat(Printable(key),
                                          ": is encrypted or packed by another method than "
                                          "deflate; unpack the archive first"));
  }
  if (file == 0xFFFFFFFF || packed == 0xFFFFFFFF || size == 0xFFFFFFFF) {
    return Status::InvalidArgument(
        StrCat(path, ": is of more than 4 GiB (zip64); unpack it first"));
  }
  if (file > bytes.size() || bytes.size() - file < kFileBytes ||
      Number(bytes, file, 4) != kFileMark) {
    return Damaged(path, file, "a file");
  }
  const size_t begin =
      file + kFileBytes + Number(bytes, file + 26, 2) + Number(bytes, file + 28, 2);
  if (begin > bytes.size() || packed > bytes.size() - begin) {
    return Damaged(path, file, "all bytes of a file");
  }
  const Bytes content = bytes.subspan(begin, packed);
  constexpr uint64_t kMostExpansion = 1100;  // no deflated bytes unpack to more
  if (size > kMostExpansion * (packed + 1)) return Damaged(path, at, "the true size of a file");
  const Entry entry{method == kDeflated, size, Number(bytes, at + 16, 4)};
  out->push_back(std::make_unique<ZippedSource>(key, owner, content, entry));
  return Status::Ok();
}

}  // namespace

bool IsZip(Bytes bytes) {
  return bytes.size() >= 4 && (Number(bytes, 0, 4) == kFileMark || Number(bytes, 0, 4) == kEndMark);
}

Status ListZip(const std::string& path, const std::shared_ptr<const void>& owner, Bytes bytes,
               Sources* out) {
  const size_t end = FindEnd(bytes);
  if (end == bytes.size()) return Damaged(path, end, "the directory at the end");
  const uint32_t entries = Number(bytes, end + 10, 2);
  size_t at = Number(bytes, end + 16, 4);
  if (entries == 0xFFFF || at == 0xFFFFFFFF) {
    return Status::InvalidArgument(
        StrCat(path, ": has more than 65,534 files or 4 GiB (zip64); unpack it first"));
  }
  for (uint32_t i = 0; i < entries; ++i) {
    if (at > end || end - at < kEntryBytes || Number(bytes, at, 4) != kEntryMark) {
      return Damaged(path, at, "an entry of the directory");
    }
    const size_t length = kEntryBytes + Number(bytes, at + 28, 2) + Number(bytes, at + 30, 2) +
                          Number(bytes, at + 32, 2);
    if (length > end - at) return Damaged(path, at, "a whole entry of the directory");
    KITH_RETURN_IF_ERROR(AddFile(path, owner, bytes, at, out));
    at += length;
  }
  return Status::Ok();
}

}  // namespace kith::pictures
