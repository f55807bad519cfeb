// What kith reads of an HDF5 file: the data sets in its first group, and that group's attributes.
// The parser is kith's own (docs/formats.md says why), and believes no number in the file.
#ifndef KITH_DATA_HDF5_FILE_H_
#define KITH_DATA_HDF5_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/byte_stream.h"
#include "data/growing_buffer.h"
#include "data/hdf5_messages.h"
#include "kith/dataset.h"
#include "kith/status.h"

namespace kith::data {

// A data set of two axes whose elements lie in the file itself.
struct Hdf5Dataset {
  std::string name;
  uint64_t rows = 0;
  uint64_t columns = 0;
  Hdf5Type type;
  Hdf5Layout layout;
  std::vector<Hdf5Filter> filters;

  uint64_t row_bytes() const { return columns * type.bytes; }  // REQUIRES: columns <= kMaxDim
};

// Thread-safe once opened. Whatever the file holds, a call takes time and memory in proportion to
// the file, and ends. Errors of all calls: InvalidArgument that names the byte (damaged, truncated,
// something else than what is asked for), Unsupported (a part of HDF5 that kith does not read).
class Hdf5File {
 public:
  // `input` must outlive the object.
  static Result<Hdf5File> Open(const Input& input);

  // Whether there is an object of this name in the file itself, not a link elsewhere: in the first
  // group, or with '/' between the names of the groups that lead to it.
  Result<bool> Has(std::string_view name) const;
  // The data set of this name. What its lengths promise was compared with the bytes there are.
  // If there is none, the error lists the objects of the first group.
  Result<Hdf5Dataset> Find(std::string_view name) const;
  // The text of an attribute of the first group; nullopt if there is none, or none of text.
  Result<std::optional<std::string>> Text(std::string_view attribute) const;

  // The bytes at an address; `what` says what is expected there, for errors.
  Result<std::span<const std::byte>> At(uint64_t address, uint64_t bytes,
                                        std::string_view what) const;
  // Calls visit(key, address) for each entry of the leaves of a tree (version 1), whose nodes are
  // of `type`. The keys have `key_bytes`.
  using Visit = std::function<Status(std::span<const std::byte> key, uint64_t address)>;
  Status WalkTree(uint64_t root, uint64_t type, size_t key_bytes, const Visit& visit) const;

  Status Damaged(uint64_t address, std::string_view expected) const;
  Status Unsupported(std::string_view what) const;
  const Input& input() const { return *input_; }

  // The bytes before what a message holds, and how many of them are its type.
  struct MessageHead {
    size_t type_bytes;
    size_t bytes;
  };

 private:
  using VisitMessage = std::function<Status(const Hdf5Message&)>;
  using VisitObject = std::function<Status(std::string_view name, uint64_t header)>;
  // Where the messages of an object lie. Blocks lie apart, so that all of them are no longer than
  // the file.
  struct Blocks {
    std::vector<std::pair<uint64_t, uint64_t>> places;  // addresses and bytes
    uint64_t left;                                      // bytes that blocks to come may have
  };
  explicit Hdf5File(const Input& input) : input_(&input) {}
  Status OpenSuperblock();
  // All messages of the object whose header is there.
  Status ForEachMessage(uint64_t header, const VisitMessage& visit) const;
  Status VisitOldHeader(uint64_t header, const VisitMessage& visit) const;
  Status VisitNewHeader(uint64_t header, const VisitMessage& visit) const;
  // The messages of one block; what continues elsewhere is appended to the blocks.
  Status VisitBlock(uint64_t address, std::span<const std::byte> block, const MessageHead& head,
                    const VisitMessage& visit, Blocks* blocks) const;
  // The objects of the group whose header is there.
  Status ForEachObject(uint64_t group, const VisitObject& visit) const;
  Status VisitTable(uint64_t group, std::span<const std::byte> table,
                    const VisitObject& visit) const;
  // The header of an object.
  Result<std::optional<uint64_t>> FindObject(std::string_view name) const;
  std::string ObjectsText() const;
  Result<std::optional<std::string>> TextOf(const Hdf5Attribute& attribute) const;
  // What decoding a message says is wrong, as an error of the file.
  Status InMessage(const Hdf5Message& message, const Status& status) const;
  Status CheckStored(const Hdf5Dataset& set) const;

  const Input* input_;
  uint64_t base_ = 0;  // of all addresses
  uint64_t root_ = 0;  // the header of the first group
};

// The elements of rows [0, rows) of a chunked data set, unpacked: [rows, columns].
// Errors: those of Hdf5File; Unsupported (filters); OutOfMemory; InvalidArgument (cancelled).
Result<std::shared_ptr<GrowingBuffer>> ReadHdf5Chunks(const Hdf5File& file, const Hdf5Dataset& set,
                                                      uint64_t rows, const Progress& progress);

}  // namespace kith::data

#endif  // KITH_DATA_HDF5_FILE_H_
