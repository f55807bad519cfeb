// Pictures by their names: in folders, files and archives.
#ifndef KITH_PICTURES_SOURCES_H_
#define KITH_PICTURES_SOURCES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::pictures {

// A picture that was found, not read yet.
class Source {
 public:
  virtual ~Source() = default;
  // Its bytes, which stay there until `buffer` changes, or for as long as this. Errors: NotFound,
  // IoError, InvalidArgument (a damaged archive), OutOfMemory. Thread-safe.
  virtual Result<std::span<const std::byte>> Read(std::vector<std::byte>* buffer) const = 0;

  std::string key;  // its path
};

using Sources = std::vector<std::unique_ptr<Source>>;

// Whether a file of this name is taken for a picture: by its ending.
bool IsPictureName(std::string_view path);
// The name of the folder that holds it; "" where the path has none.
std::string_view LabelOf(std::string_view path);
// Whether something in the path is hidden: begins with a dot, as also what a Mac adds to archives.
bool IsHidden(std::string_view path);
// Whether the path of a file in an archive has a ".." in it, by which it may lie outside of the
// folder that the archive is unpacked in.
bool LeadsOutside(std::string_view path);

// As EmbedPictures() says.
Result<Sources> FindPictures(const std::vector<std::string>& names, const Progress& progress);

// The pictures in an archive, in its own order.
// Errors: InvalidArgument, with the place of the fault.
bool IsZip(std::span<const std::byte> bytes);
bool IsTar(std::span<const std::byte> bytes);
Status ListZip(const std::string& path, const std::shared_ptr<const void>& owner,
               std::span<const std::byte> bytes, Sources* out);
Status ListTar(const std::string& path, const std::shared_ptr<const void>& owner,
               std::span<const std::byte> bytes, Sources* out);

// Bytes that lie in memory, under a name.
std::unique_ptr<Source> SourceInMemory(std::string key, std::shared_ptr<const void> owner,
                                       std::span<const std::byte> bytes);
// What stands for a picture of such a name: reading it is an error that says so.
std::unique_ptr<Source> SourceOutside(std::string key);

}  // namespace kith::pictures

#endif  // KITH_PICTURES_SOURCES_H_
