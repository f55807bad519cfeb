// NumPy's .npz: .npy files in a zip archive.
#ifndef KITH_DATA_NPZ_H_
#define KITH_DATA_NPZ_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "kith/status.h"

namespace kith::data {

// Writes arrays to an archive that numpy.load() reads: complete or not at all. Entries are stored
// as they are, as numpy.savez() does, in the format for archives of any size (PKWARE
// APPNOTE 6.3.10, zip64). Not thread-safe.
class NpzWriter {
 public:
  // Errors: those of AtomicFile.
  static Result<NpzWriter> Create(const std::string& path);

  // Appends an array in C order. `descr` is NumPy's name of the type, as "<f4". Errors: IoError.
  Status Add(const std::string& name, const std::string& descr, std::span<const uint64_t> shape,
             std::span<const std::byte> bytes);
  // Writes the directory and gives the file its name. Errors: IoError.
  Status Commit();

 private:
  struct Entry {
    std::string name;
    uint32_t crc = 0;
    uint64_t size = 0;
    uint64_t offset = 0;
  };

  explicit NpzWriter(std::unique_ptr<AtomicFile> file) : file_(std::move(file)) {}
  Status Write(const std::string& bytes);

  std::unique_ptr<AtomicFile> file_;
  std::vector<Entry> entries_;
};

}  // namespace kith::data

#endif  // KITH_DATA_NPZ_H_
