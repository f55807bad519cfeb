// The bytes of a file front to back, unpacked on the way if it is gzip.
#ifndef KITH_DATA_BYTE_STREAM_H_
#define KITH_DATA_BYTE_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "kith/status.h"

namespace kith::data {

// A file to read: its name for messages, and its bytes, which `owner` keeps alive.
struct Input {
  std::string path;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

// Whether the bytes begin with gzip's magic number.
bool IsGzip(std::span<const std::byte> bytes);

// The most bytes a packed file of `packed_bytes` may unpack to before it is taken for a
// decompression bomb. Real vectors pack about 2 to 10 times.
constexpr uint64_t ExpansionLimit(uint64_t packed_bytes) {
  return packed_bytes * 256 + (uint64_t{64} << 20);
}

// Not thread-safe.
class ByteStream {
 public:
  // `input` must outlive the stream. Errors: OutOfMemory.
  static Result<std::unique_ptr<ByteStream>> Create(const Input& input);
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // The bytes not consumed yet: at least `want` of them unless the file ends sooner. Valid until
  // the next call. Errors: InvalidArgument (damaged or truncated gzip), OutOfMemory (a bomb).
  virtual Result<std::span<const std::byte>> Peek(size_t want) = 0;
  // REQUIRES: n is at most the size of what Peek() last returned.
  virtual void Consume(size_t n) = 0;

  // Bytes of the file itself that will have been used once `n` more are consumed, for progress.
  virtual uint64_t FilePositionAfter(size_t n) const = 0;
  // The position of the next byte, counted unpacked.
  uint64_t offset() const { return offset_; }
  const std::string& path() const { return input_.path; }
  bool packed() const { return IsGzip(input_.bytes); }
  uint64_t file_size() const { return input_.bytes.size(); }

 protected:
  explicit ByteStream(const Input& input) : input_(input) {}

  const Input& input_;
  uint64_t offset_ = 0;
};

// All of a gzip file unpacked into memory, under the same name. Errors: as Peek.
Result<Input> Gunzip(const Input& packed);

}  // namespace kith::data

#endif  // KITH_DATA_BYTE_STREAM_H_
