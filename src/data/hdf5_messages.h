// The pieces that HDF5 files are made of, decoded out of bytes that may be anything (HDF5 File
// Format Specification 3.0, sections IV.A.2 and III). Nothing here follows an address, allocates
// more than what is there, or calls itself.
#ifndef KITH_DATA_HDF5_MESSAGES_H_
#define KITH_DATA_HDF5_MESSAGES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kith/status.h"

namespace kith::data {

// Takes little-endian numbers off the front of some bytes. What is not there is taken as zeros, and
// ok() is false from then on: callers take all they want and ask once.
class Hdf5Cursor {
 public:
  explicit Hdf5Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  // A number of 1 to 8 bytes.
  uint64_t Take(size_t bytes);
  // An address or a length, which have 8 bytes in all files that kith reads.
  uint64_t TakeWord() { return Take(8); }
  // The next bytes; all that are left and not ok() where these are fewer.
  std::span<const std::byte> TakeBytes(uint64_t count);
  void Skip(uint64_t count) { TakeBytes(count); }
  // Whether `text` comes next, which is then taken.
  bool TakeText(std::string_view text);

  bool ok() const { return ok_; }
  size_t left() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
  bool ok_ = true;
};

inline constexpr uint64_t kHdf5NoAddress = UINT64_MAX;  // "undefined" in the specification

// The messages of an object's header that kith knows.
enum class Hdf5MessageType : uint16_t {
  kDataspace = 0x1,
  kLinkInfo = 0x2,
  kDatatype = 0x3,
  kLink = 0x6,
  kExternalFiles = 0x7,
  kLayout = 0x8,
  kFilters = 0xB,
  kAttribute = 0xC,
  kContinuation = 0x10,
  kSymbolTable = 0x11,
};

struct Hdf5Message {
  Hdf5MessageType type{};
  bool shared = false;  // the bytes only say where the message itself is
  std::span<const std::byte> bytes;
};

// The type of elements.
struct Hdf5Type {
  char kind = 0;  // f, i, u, b as in items.h; s a string, v one of any length; 0 another
  size_t bytes = 0;
  bool big_endian = false;
  int number = 0;  // of the class in the specification, for messages
};

// A filter through which chunks went when they were written.
struct Hdf5Filter {
  static constexpr uint32_t kDeflate = 1;
  static constexpr uint32_t kShuffle = 2;
  static constexpr uint32_t kFletcher32 = 3;
  uint32_t id = 0;
  uint32_t parameter = 0;  // its first, if any
};

// Where the elements of a data set are.
struct Hdf5Layout {
  enum class Kind { kCompact, kContiguous, kChunked };
  // How chunks are found.
  enum class Chunks { kTree, kSingle, kImplicit };
  Kind kind{};
  std::span<const std::byte> compact;  // the elements themselves
  uint64_t address = kHdf5NoAddress;   // of the elements, or of what finds the chunks
  uint64_t bytes = 0;                  // contiguous: those stored
  Chunks chunks{};
  std::vector<uint64_t> chunk_shape;     // chunked: elements along each axis
  uint64_t chunk_element_bytes = 0;      // chunked
  std::optional<uint64_t> single_bytes;  // kSingle: those stored, where a filter changed them
  uint32_t single_mask = 0;              // kSingle: the filters left out
};

// A link of a group.
struct Hdf5Link {
  std::string_view name;
  uint64_t address = kHdf5NoAddress;  // of the object; none if the link leads elsewhere
};

struct Hdf5Attribute {
  std::string_view name;
  Hdf5Type type;
  bool scalar = false;
  std::span<const std::byte> value;
};

// Each decodes the bytes of one message. Errors, which say what is wrong and not where: Corruption
// (not such a message), Unsupported (one of a kind that kith does not read).
Result<std::vector<uint64_t>> ParseHdf5Shape(std::span<const std::byte> bytes);
Result<Hdf5Type> ParseHdf5Type(std::span<const std::byte> bytes);
Result<Hdf5Layout> ParseHdf5Layout(std::span<const std::byte> bytes);
Result<std::vector<Hdf5Filter>> ParseHdf5Filters(std::span<const std::byte> bytes);
Result<Hdf5Link> ParseHdf5Link(std::span<const std::byte> bytes);
Result<Hdf5Attribute> ParseHdf5Attribute(std::span<const std::byte> bytes);

}  // namespace kith::data

#endif  // KITH_DATA_HDF5_MESSAGES_H_
