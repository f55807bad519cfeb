#include "data/npz.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "data/npy_header.h"

namespace kith::data {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kDirectoryEntry = 0x02014b50;
constexpr uint32_t kEndOfDirectory64 = 0x06064b50;
constexpr uint32_t kLocatorOfEnd64 = 0x07064b50;
constexpr uint32_t kEndOfDirectory = 0x06054b50;
constexpr uint16_t kVersion64 = 45;             // of the format, which has zip64
constexpr uint16_t kExtra64 = 1;                // the extra field of 64-bit sizes
constexpr uint16_t kFirstOfJanuary1980 = 0x21;  // the same bytes whenever they are written
constexpr uint32_t kSeeExtra = 0xFFFFFFFF;
constexpr uint16_t kManyEntries = 0xFFFF;

// Little-endian numbers, one after the other.
class Record {
 public:
  Record& U16(uint64_t value) { return Append(value, 2); }
  Record& U32(uint64_t value) { return Append(value, 4); }
  Record& U64(uint64_t value) { return Append(value, 8); }
  std::string Take() { return std::move(bytes_); }

 private:
  Record& Append(uint64_t value, size_t count) {
    for (size_t i = 0; i < count; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xFF);
    return *this;
  }
  std::string bytes_;
};

uint32_t AddToCrc(uint32_t crc, std::span<const std::byte> bytes) {
  constexpr size_t kMost = size_t{1} << 30;  // zlib counts in 32 bits
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(kMost, bytes.size()));
    crc = static_cast<uint32_t>(
        crc32(crc, reinterpret_cast<const Bytef*>(part.data()), static_cast<uInt>(part.size())));
    bytes = bytes.subspan(part.size());
  }
  return crc;
}

// What a local header and an entry of the directory have in common.
void AddCommon(Record* record, uint32_t crc, size_t name_size, size_t extra_size) {
  record->U16(kVersion64).U16(0).U16(0).U16(0).U16(kFirstOfJanuary1980);
  record->U32(crc).U32(kSeeExtra).U32(kSeeExtra).U16(name_size).U16(extra_size);
}

}  // namespace

Result<NpzWriter> NpzWriter::Create(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(auto file, AtomicFile::Create(FileTarget(path)));
  return NpzWriter(std::move(file));
}

Status NpzWriter::Write(const std::string& bytes) {
  return file_->Write(std::as_bytes(std::span(bytes)));
}

Status NpzWriter::Add(const std::string& name, const std::string& descr,
                      std::span<const uint64_t> shape, std::span<const std::byte> bytes) {
  const std::string header = MakeNpyHeader(descr, shape);
  Entry entry{name + ".npy", AddToCrc(0, std::as_bytes(std::span(header))),
              header.size() + bytes.size(), file_->position()};
  entry.crc = AddToCrc(entry.crc, bytes);
  Record record;
  record.U32(kLocalHeader);
  AddCommon(&record, entry.crc, entry.name.size(), 20);
  std::string extra = Record().U16(kExtra64).U16(16).U64(entry.size).U64(entry.size).Take();
  KITH_RETURN_IF_ERROR(Write(record.Take() + entry.name + extra));
  KITH_RETURN_IF_ERROR(Write(header));
  KITH_RETURN_IF_ERROR(file_->Write(bytes));
  entries_.push_back(std::move(entry));
  return Status::Ok();
}

Status NpzWriter::Commit() {
  const uint64_t directory = file_->position();
  for (const Entry& entry : entries_) {
    Record record;
    record.U32(kDirectoryEntry).U16(kVersion64);
    AddCommon(&record, entry.crc, entry.name.size(), 28);
    record.U16(0).U16(0).U16(0).U32(0).U32(kSeeExtra);
    Record extra;
    extra.U16(kExtra64).U16(24).U64(entry.size).U64(entry.size).U64(entry.offset);
    KITH_RETURN_IF_ERROR(Write(record.Take() + entry.name + extra.Take()));
  }
  const uint64_t end = file_->position();
  const uint64_t count = entries_.size();
  Record record;
  record.U32(kEndOfDirectory64).U64(44).U16(kVersion64).U16(kVersion64).U32(0).U32(0);
  record.U64(count).U64(count).U64(end - directory).U64(directory);
  record.U32(kLocatorOfEnd64).U32(0).U64(end).U32(1);
  record.U32(kEndOfDirectory).U16(0).U16(0).U16(kManyEntries).U16(kManyEntries);
  record.U32(kSeeExtra).U32(kSeeExtra).U16(0);
  KITH_RETURN_IF_ERROR(Write(record.Take()));
  return file_->Commit();
}

}  // namespace kith::data
