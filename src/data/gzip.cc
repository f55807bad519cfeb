// Streams of plain and of gzip (RFC 1952) files.
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/strings.h"
#include "data/byte_stream.h"
#include "data/growing_buffer.h"
#include "data/inflate.h"

namespace kith::data {
namespace {

constexpr size_t kStep = size_t{1} << 18;  // bytes unpacked at once

class PlainStream : public ByteStream {
 public:
  explicit PlainStream(const Input& input) : ByteStream(input) {}

  Result<std::span<const std::byte>> Peek(size_t /*want*/) override {
    return input_.bytes.subspan(offset_);
  }
  void Consume(size_t n) override { offset_ += n; }
  uint64_t FilePositionAfter(size_t n) const override { return offset_ + n; }
};

class GzipStream : public ByteStream {
 public:
  explicit GzipStream(const Input& input) : ByteStream(input) {}
  ~GzipStream() override { inflateEnd(&zlib_); }

  Status Init() {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (inflateInit2(&zlib_, kGzipOnly) != Z_OK) {
      return Status::OutOfMemory(StrCat(path(), ": cannot allocate the memory to unpack it"));
    }
    return Status::Ok();
  }

  Result<std::span<const std::byte>> Peek(size_t want) override {
    if (end_ - begin_ < want && !finished_) {
      window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(begin_));
      end_ -= begin_;
      begin_ = 0;
      while (end_ < want && !finished_) KITH_RETURN_IF_ERROR(Unpack());
    }
    return std::span<const std::byte>(window_).subspan(begin_, end_ - begin_);
  }

  void Consume(size_t n) override {
    begin_ += n;
    offset_ += n;
  }

  uint64_t FilePositionAfter(size_t /*n*/) const override { return packed_; }

 private:
  // Unpacks up to kStep bytes to the end of the window.
  Status Unpack() {
    if (window_.size() < end_ + kStep) window_.resize(std::max(end_ + kStep, window_.size() * 2));
    constexpr uint64_t kMostIn = uint64_t{1} << 30;  // zlib counts in 32 bits
    const uint64_t in = std::min<uint64_t>(file_size() - packed_, kMostIn);
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input_.bytes.data() + packed_));
    zlib_.avail_in = static_cast<uInt>(in);
    zlib_.next_out = reinterpret_cast<Bytef*>(window_.data() + end_);
    zlib_.avail_out = static_cast<uInt>(kStep);
    const int code = inflate(&zlib_, Z_NO_FLUSH);
    packed_ += in - zlib_.avail_in;
    const size_t got = kStep - zlib_.avail_out;
    end_ += got;
    unpacked_ += got;
    if (unpacked_ > ExpansionLimit(file_size())) {
      return Status::OutOfMemory(
          StrCat(path(), ": unpacks to more than ", ExpansionLimit(file_size()),
                 " bytes, 256 times its size; if that is meant, unpack it with gunzip first"));
    }
    if (code == Z_STREAM_END) return NextMember();
    if (code == Z_MEM_ERROR) {
      return Status::OutOfMemory(StrCat(path(), ": cannot allocate the memory to unpack it"));
    }
    if (code == Z_BUF_ERROR || (code == Z_OK && got == 0 && packed_ == file_size())) {
      return Status::InvalidArgument(StrCat(path(), ": byte ", packed_,
                                            ": expected more gzip data, got the end of the file; "
                                            "it is truncated, fetch it again"));
    }
    if (code != Z_OK) {
      return Status::InvalidArgument(StrCat(path(), ": byte ", packed_, ": damaged gzip data (",
                                            zlib_.msg != nullptr ? zlib_.msg : "unknown fault",
                                            "); fetch it again"));
    }
    return Status::Ok();
  }

  // A gzip file may be several concatenated, and may be padded with zeros.
  Status NextMember() {
    const std::span<const std::byte> rest = input_.bytes.subspan(packed_);
    if (IsGzip(rest)) {
      inflateReset(&zlib_);
      return Status::Ok();
    }
    finished_ = true;
    const auto other =
        std::find_if(rest.begin(), rest.end(), [](std::byte b) { return b != std::byte{0}; });
    if (other == rest.end()) return Status::Ok();
    return Status::InvalidArgument(StrCat(path(), ": byte ", packed_ + (other - rest.begin()),
                                          ": expected the end of the gzip data, got ",
                                          rest.end() - other, " more bytes"));
  }

  z_stream zlib_ = {};
  std::vector<std::byte> window_;
  size_t begin_ = 0;  // the bytes not consumed: window_[begin_, end_)
  size_t end_ = 0;
  uint64_t packed_ = 0;
  uint64_t unpacked_ = 0;
  bool finished_ = false;
};

}  // namespace

bool IsGzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B};
}

Result<std::unique_ptr<ByteStream>> ByteStream::Create(const Input& input) {
  if (!IsGzip(input.bytes)) return std::unique_ptr<ByteStream>(new PlainStream(input));
  auto stream = std::make_unique<GzipStream>(input);
  KITH_RETURN_IF_ERROR(stream->Init());
  return std::unique_ptr<ByteStream>(std::move(stream));
}

Result<Input> Gunzip(const Input& packed) {
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<ByteStream> stream, ByteStream::Create(packed));
  auto buffer = std::make_shared<GrowingBuffer>(packed.path);
  while (true) {
    KITH_ASSIGN_OR_RETURN(const std::span<const std::byte> piece, stream->Peek(kStep));
    if (piece.empty()) break;
    KITH_ASSIGN_OR_RETURN(std::byte * out, buffer->Extend(piece.size()));
    std::memcpy(out, piece.data(), piece.size());
    stream->Consume(piece.size());
  }
  return Input{packed.path, {buffer->data(), buffer->size()}, buffer};
}

namespace {

// `window_bits` as zlib has them: they say what is around the data.
Result<bool> InflateAll(int window_bits, std::span<const std::byte> packed,
                        std::span<std::byte> out) {
  z_stream zlib = {};
  if (inflateInit2(&zlib, window_bits) != Z_OK) {
    return Status::OutOfMemory("cannot allocate the memory to unpack it");
  }
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  zlib.avail_in = static_cast<uInt>(packed.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  const int code = inflate(&zlib, Z_FINISH);
  const bool filled = code == Z_STREAM_END && zlib.avail_out == 0;
  inflateEnd(&zlib);
  if (code == Z_MEM_ERROR) return Status::OutOfMemory("cannot allocate the memory to unpack it");
  return filled;
}

}  // namespace

Result<bool> Inflate(std::span<const std::byte> packed, std::span<std::byte> out) {
  return InflateAll(MAX_WBITS, packed, out);
}

Result<bool> InflateRaw(std::span<const std::byte> packed, std::span<std::byte> out) {
  return InflateAll(-MAX_WBITS, packed, out);
}

uint32_t Crc32(std::span<const std::byte> bytes) {
  const auto* const data = reinterpret_cast<const Bytef*>(bytes.data());
  return static_cast<uint32_t>(crc32(0, data, static_cast<uInt>(bytes.size())));
}

}  // namespace kith::data
