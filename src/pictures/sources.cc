#include "pictures/sources.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/strings.h"
#include "base/thread_pool.h"
#include "data/byte_stream.h"

namespace kith::pictures {
namespace {

namespace fs = std::filesystem;

class FileSource : public Source {
 public:
  explicit FileSource(std::string path) { key = std::move(path); }

  // Copied, so that a file that is changed meanwhile does no harm.
  Result<std::span<const std::byte>> Read(std::vector<std::byte>* buffer) const override {
    KITH_ASSIGN_OR_RETURN(const auto file, MappedFile::Open(key));
    buffer->assign(file->bytes().begin(), file->bytes().end());
    return std::span<const std::byte>(*buffer);
  }
};

class MemorySource : public Source {
 public:
  MemorySource(std::string name, std::shared_ptr<const void> owner,
               std::span<const std::byte> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {
    key = std::move(name);
  }

  Result<std::span<const std::byte>> Read(std::vector<std::byte>* /*buffer*/) const override {
    return bytes_;
  }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

class OutsideSource : public Source {
 public:
  explicit OutsideSource(std::string name) { key = std::move(name); }

  Result<std::span<const std::byte>> Read(std::vector<std::byte>* /*buffer*/) const override {
    return Status::InvalidArgument("has a name that leads out of its archive (..)");
  }
};

// Whether one of the names between the slashes of a path is such.
template <class Test>
bool AnyPart(std::string_view path, const Test& is_such) {
  for (bool more = true; more;) {
    const size_t end = path.find('/');
    if (is_such(path.substr(0, end))) return true;
    more = end != std::string_view::npos;
    if (more) path.remove_prefix(end + 1);
  }
  return false;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EndsWith(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() &&
         std::equal(ending.begin(), ending.end(),
                    text.end() - static_cast<ptrdiff_t>(ending.size()),
                    [](char a, char b) { return a == Lower(b); });
}

bool ByKey(const std::unique_ptr<Source>& a, const std::unique_ptr<Source>& b) {
  return a->key < b->key;
}

// Puts what was found by one name behind the others, in order.
void Append(Sources found, Sources* out) {
  std::stable_sort(found.begin(), found.end(), ByKey);
  std::move(found.begin(), found.end(), std::back_inserter(*out));
}

Status ListFolder(const std::string& folder, const Progress& progress, Sources* out) {
  std::error_code error;
  fs::recursive_directory_iterator entries(folder, error);
  Sources found;
  uint64_t seen = 0;
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    if (++seen % 1024 == 0 && progress && !progress("listing", seen, 0)) return Cancelled();
    const std::string name = entries->path().filename().string();
    std::error_code ignored;
    const bool is_folder = entries->is_directory(ignored);
    if (name.starts_with(".")) {
      if (is_folder) entries.disable_recursion_pending();
      continue;
    }
    if (is_folder || !IsPictureName(name) || !entries->is_regular_file(ignored)) continue;
    found.push_back(std::make_unique<FileSource>(entries->path().string()));
  }
  if (error) return Status::IoError(StrCat(folder, ": cannot list it: ", error.message()));
  if (found.empty()) {
    return Status::InvalidArgument(
        StrCat(folder, ": has no .jpg, .jpeg, .png or .webp in it; give another folder"));
  }
  Append(std::move(found), out);
  return Status::Ok();
}

// A picture, or an archive of such. What it is shows in its first bytes; of a picture they are read
// when its turn comes.
Status ListFile(const std::string& path, Sources* out) {
  if (IsPictureName(path)) {
    out->push_back(std::make_unique<FileSource>(path));
    return Status::Ok();
  }
  KITH_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  std::span<const std::byte> bytes = file->bytes();
  std::shared_ptr<const void> owner = file;
  if (data::IsGzip(bytes)) {
    KITH_ASSIGN_OR_RETURN(data::Input unpacked, data::Gunzip({path, bytes, file}));
    bytes = unpacked.bytes;
    owner = std::move(unpacked.owner);
  }
  Sources found;
  if (IsZip(bytes)) {
    KITH_RETURN_IF_ERROR(ListZip(path, owner, bytes, &found));
  } else if (IsTar(bytes)) {
    KITH_RETURN_IF_ERROR(ListTar(path, owner, bytes, &found));
  } else {
    out->push_back(std::make_unique<FileSource>(path));  // whatever its name
    return Status::Ok();
  }
  if (found.empty()) {
    return Status::InvalidArgument(
        StrCat(path, ": has no .jpg, .jpeg, .png or .webp in it; give another archive"));
  }
  Append(std::move(found), out);
  return Status::Ok();
}

Result<std::vector<std::string>> Matches(const std::string& pattern) {
  glob_t found = {};
  const int code = glob(pattern.c_str(), GLOB_ERR, nullptr, &found);
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  if (code == 0) return paths;
  if (code == GLOB_NOSPACE) return Status::OutOfMemory(StrCat(pattern, ": out of memory"));
  return Status::NotFound(StrCat(pattern, ": no file or folder has such a name; check the path"));
}

}  // namespace

bool IsPictureName(std::string_view path) {
  for (const char* const ending : {".jpg", ".jpeg", ".png", ".webp"}) {
    if (EndsWith(path, ending)) return true;
  }
  return false;
}

std::string_view LabelOf(std::string_view path) {
  const size_t end = path.rfind('/');
  if (end == std::string_view::npos || end == 0) return {};
  const std::string_view folder = path.substr(0, end);
  return folder.substr(folder.rfind('/') + 1);
}

bool IsHidden(std::string_view path) {
  return path.starts_with("__MACOSX/") || AnyPart(path, [](std::string_view part) {
           return part.starts_with(".") && part != "." && part != "..";
         });
}

bool LeadsOutside(std::string_view path) {
  return AnyPart(path, [](std::string_view part) { return part == ".."; });
}

std::unique_ptr<Source> SourceOutside(std::string key) {
  return std::make_unique<OutsideSource>(std::move(key));
}

std::unique_ptr<Source> SourceInMemory(std::string key, std::shared_ptr<const void> owner,
                                       std::span<const std::byte> bytes) {
  return std::make_unique<MemorySource>(std::move(key), std::move(owner), bytes);
}

Result<Sources> FindPictures(const std::vector<std::string>& names, const Progress& progress) {
  Sources found;
  for (const std::string& name : names) {
    std::vector<std::string> paths = {name};
    std::error_code ignored;
    if (!fs::exists(name, ignored)) {
      KITH_ASSIGN_OR_RETURN(paths, Matches(name));
    }
    for (const std::string& path : paths) {
      if (fs::is_directory(path, ignored)) {
        KITH_RETURN_IF_ERROR(ListFolder(path, progress, &found));
      } else {
        KITH_RETURN_IF_ERROR(ListFile(path, &found));
      }
    }
  }
  if (found.empty()) return Status::InvalidArgument("no pictures are given; name some");
  return found;
}

}  // namespace kith::pictures
