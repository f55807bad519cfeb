#include "storage/container.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/crc32c.h"
#include "base/strings.h"

namespace kith::storage {
namespace {

using ByteSpan = std::span<const std::byte>;

constexpr uint32_t kKnownFlags = kSectionOptional;
constexpr const char* kDamaged = "; the file is damaged, copy it again or build it anew";
constexpr const char* kNewer = "; it was written by a newer kith, update this one";
// What is written or read between two questions whether to go on.
constexpr size_t kPieceBytes = size_t{4} << 20;

// The checksum of the first page with the place of the checksum itself taken as zero.
uint32_t HeaderCrc(ByteSpan page) {
  constexpr size_t kField = offsetof(FileHeader, header_crc32c);
  constexpr std::byte kZero[sizeof(FileHeader::header_crc32c)] = {};
  uint32_t crc = ExtendCrc32c(0, page.first(kField));
  crc = ExtendCrc32c(crc, kZero);
  return ExtendCrc32c(crc, page.subspan(kField + sizeof(kZero)));
}

bool AllZero(ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

// Whether the field is 1 to 16 printable characters followed by zeros alone.
bool IsValidName(const char (&name)[sizeof(SectionEntry::name)]) {
  const std::string_view text(name, strnlen(name, sizeof(name)));
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), printable) &&
         AllZero(std::as_bytes(std::span(name)).subspan(text.size()));
}

std::string Hex(uint32_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) text += kDigits[(value >> shift) & 0xF];
  return text;
}

// A file too short for a first page, or whose first bytes are not ours: says which of the several
// accidents it was.
Status CheckMagic(const std::string& path, ByteSpan bytes) {
  if (bytes.empty()) {
    return Status::Corruption(StrCat(path, ": is empty, not a .kith file; build it anew"));
  }
  const std::string_view begin(reinterpret_cast<const char*>(bytes.data()),
                               std::min(bytes.size(), sizeof(kMagic)));
  if (begin == std::string_view(kMagic, begin.size())) {
    if (bytes.size() >= kPageBytes) return Status::Ok();
    return Status::Corruption(StrCat(path, ": truncated: ", bytes.size(),
                                     " bytes, expected at least ", kPageBytes,
                                     "; copy it again or build it anew"));
  }
  // Stripped or re-encoded first byte, or another end of line: what lies between them is intact.
  const size_t letters = begin.find(std::string_view(kMagic + 1, 4));
  if (letters != std::string_view::npos) {
    return Status::Corruption(StrCat(path,
                                     ": its first 8 bytes were changed, as transfers in text mode "
                                     "do; transfer it again in binary mode"));
  }
  return Status::InvalidArgument(
      StrCat(path, ": is not a .kith file; make one with: kith build ", path, " -o FILE.kith"));
}

// REQUIRES: the first page is intact.
Status CheckHeader(const std::string& path, const FileHeader& header, size_t file_bytes) {
  if (header.format_version > kFormatVersion) {
    return Status::Unsupported(StrCat(path, ": format version ", header.format_version,
                                      ", expected at most ", kFormatVersion, kNewer));
  }
  if (header.format_version < kMinFormatVersion) {
    return Status::Unsupported(StrCat(path, ": format version ", header.format_version,
                                      " is no longer read, expected at least ", kMinFormatVersion,
                                      "; build it anew from its vectors"));
  }
  if (header.file_size != file_bytes) {
    return Status::Corruption(
        StrCat(path, file_bytes < header.file_size ? ": truncated: " : ": too long: ", file_bytes,
               " bytes, expected ", header.file_size, "; copy it again or build it anew"));
  }
  if (!AllZero(std::as_bytes(std::span(header.reserved)))) {
    return Status::Unsupported(StrCat(path, ": header: reserved bytes ",
                                      offsetof(FileHeader, reserved), " to ",
                                      sizeof(FileHeader) - 1, " are used, expected zeros", kNewer));
  }
  if (header.metric >= kNumMetrics) {
    return Status::Unsupported(StrCat(path, ": header: metric ", header.metric,
                                      ", expected less than ", kNumMetrics, kNewer));
  }
  if (header.dtype >= kNumDataTypes) {
    return Status::Unsupported(StrCat(path, ": header: type of element ", header.dtype,
                                      ", expected less than ", kNumDataTypes, kNewer));
  }
  const auto out_of_range = [&](const char* field, uint64_t got, uint64_t least, uint64_t most) {
    return Status::Corruption(
        StrCat(path, ": header: ", field, " ", got, ", expected ", least, " to ", most, kDamaged));
  };
  if (header.dim < 1 || header.dim > kMaxDim) {
    return out_of_range("dimension", header.dim, 1, kMaxDim);
  }
  if (header.num_vectors > kMaxRows) {
    return out_of_range("number of vectors", header.num_vectors, 0, kMaxRows);
  }
  if (header.section_count > kMaxSections) {
    return out_of_range("number of sections", header.section_count, 0, kMaxSections);
  }
  return Status::Ok();
}

// What the checks of one entry need to know of the file around it.
struct TableContext {
  const std::string& path;
  std::span<const std::string_view> known;
  std::span<const SectionEntry> before;  // the entries already checked
  uint64_t file_bytes;
};

// REQUIRES: the entry's name is valid.
Status CheckEntry(const TableContext& table, const SectionEntry& entry) {
  const std::string_view name = SectionName(entry);
  const auto fail = [&](StatusCode code, const auto&... what) {
    return Status(code, StrCat(table.path, ": section \"", name, "\": ", what...));
  };
  for (const SectionEntry& other : table.before) {
    if (SectionName(other) == name) {
      return fail(StatusCode::kCorruption, "is in the table twice", kDamaged);
    }
  }
  if ((entry.flags & ~kKnownFlags) != 0) {
    return fail(StatusCode::kUnsupported, "unknown flags ", Hex(entry.flags), kNewer);
  }
  if (!AllZero(std::as_bytes(std::span(entry.reserved)))) {
    return fail(StatusCode::kUnsupported, "reserved bytes are used, expected zeros", kNewer);
  }
  if ((entry.flags & kSectionOptional) == 0 &&
      std::find(table.known.begin(), table.known.end(), name) == table.known.end()) {
    return fail(StatusCode::kUnsupported, "is unknown and not optional", kNewer);
  }
  if (entry.offset % kPageBytes != 0) {
    return fail(StatusCode::kCorruption, "offset ", entry.offset, " is no multiple of ", kPageBytes,
                kDamaged);
  }
  // Entries are in the order of their offsets, so the last one's end bounds all before it.
  const uint64_t free_from =
      table.before.empty() ? kPageBytes : table.before.back().offset + table.before.back().size;
  if (entry.offset < free_from) {
    return fail(StatusCode::kCorruption, "offset ", entry.offset, ", expected at least ", free_from,
                ", the end of what precedes it", kDamaged);
  }
  if (entry.offset > table.file_bytes || entry.size > table.file_bytes - entry.offset) {
    return fail(StatusCode::kCorruption, entry.size, " bytes at offset ", entry.offset,
                " go past the end of the file at ", table.file_bytes, kDamaged);
  }
  if (entry.row_bytes != 0 && entry.size % entry.row_bytes != 0) {
    return fail(StatusCode::kCorruption, "size ", entry.size, " is no multiple of its row of ",
                entry.row_bytes, " bytes", kDamaged);
  }
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<ContainerWriter>> ContainerWriter::Create(const FileTarget& target,
                                                                 uint64_t num_vectors, size_t dim,
                                                                 Metric metric, DataType dtype,
                                                                 const ThreadPool* pool) {
  const std::string& path = target.path;
  if (dim < 1 || dim > kMaxDim) {
    return Status::InvalidArgument(
        StrCat(path, ": dimension ", dim, ", a .kith file holds 1 to ", kMaxDim));
  }
  if (num_vectors > kMaxRows) {
    return Status::InvalidArgument(StrCat(path, ": ", num_vectors, " vectors, a .kith file holds ",
                                          kMaxRows, "; split them into several files"));
  }
  std::unique_ptr<ContainerWriter> writer(new ContainerWriter);
  KITH_ASSIGN_OR_RETURN(writer->file_, AtomicFile::Create(target));
  writer->path_ = path;
  writer->pool_ = pool;
  std::memcpy(writer->header_.magic, kMagic, sizeof(kMagic));
  writer->header_.format_version = kFormatVersion;
  writer->header_.dim = static_cast<uint32_t>(dim);
  writer->header_.num_vectors = num_vectors;
  writer->header_.metric = static_cast<uint16_t>(metric);
  writer->header_.dtype = static_cast<uint16_t>(dtype);
  writer->sections_.reserve(kMaxSections);
  constexpr std::byte kEmptyPage[kPageBytes] = {};  // filled in by Finish()
  KITH_RETURN_IF_ERROR(writer->file_->Write(kEmptyPage));
  return writer;
}

Status ContainerWriter::Misuse(std::string_view name, const char* what) {
  if (error_.ok()) error_ = Status::Internal(StrCat(path_, ": section \"", name, "\": ", what));
  return error_;
}

Status ContainerWriter::Write(std::span<const std::byte> bytes) {
  Status status = file_->Write(bytes);
  if (error_.ok()) error_ = status;
  return status;
}

Status ContainerWriter::AddSection(std::string_view name, std::span<const std::byte> bytes,
                                   const SectionOptions& options) {
  KITH_RETURN_IF_ERROR(BeginSection(name, options));
  KITH_RETURN_IF_ERROR(Append(bytes));
  return EndSection();
}

Status ContainerWriter::BeginSection(std::string_view name, const SectionOptions& options) {
  if (!error_.ok()) return error_;
  if (in_section_) return Misuse(name, "begins inside another");
  if (sections_.size() == kMaxSections) return Misuse(name, "is one more than the table holds");
  SectionEntry entry{};
  if (name.size() > sizeof(entry.name)) return Misuse(name, "has too long a name");
  std::memcpy(entry.name, name.data(), name.size());
  if (!IsValidName(entry.name) || SectionName(entry) != name) {
    return Misuse("?", "has a name that is empty or not printable");
  }
  for (const SectionEntry& other : sections_) {
    if (SectionName(other) == name) return Misuse(name, "is written twice");
  }
  entry.offset = RoundUp(file_->position(), kPageBytes);
  constexpr std::byte kZeros[kPageBytes] = {};
  KITH_RETURN_IF_ERROR(Write(std::span(kZeros).first(entry.offset - file_->position())));
  entry.version = options.version;
  entry.flags = options.flags;
  entry.row_bytes = options.row_bytes;
  sections_.push_back(entry);
  in_section_ = true;
  return Status::Ok();
}

Status ContainerWriter::Append(std::span<const std::byte> bytes) {
  if (!error_.ok()) return error_;
  if (!in_section_) return Misuse("?", "bytes outside of any section");
  SectionEntry& entry = sections_.back();
  entry.size += bytes.size();
  do {
    KITH_RETURN_IF_ERROR(CheckStop());
    const std::span<const std::byte> piece = bytes.first(std::min(bytes.size(), kPieceBytes));
    entry.crc32c = ExtendCrc32c(entry.crc32c, piece);
    KITH_RETURN_IF_ERROR(Write(piece));
    bytes = bytes.subspan(piece.size());
  } while (!bytes.empty());
  return Status::Ok();
}

Status ContainerWriter::EndSection() {
  if (!error_.ok()) return error_;
  if (!in_section_) return Misuse("?", "ends before it began");
  in_section_ = false;
  const SectionEntry& entry = sections_.back();
  if (entry.row_bytes != 0 && entry.size % entry.row_bytes != 0) {
    return Misuse(SectionName(entry), "has a size that is no multiple of its rows");
  }
  return Status::Ok();
}

Status ContainerWriter::Finish() {
  KITH_RETURN_IF_ERROR(WriteHeader());
  return Publish();
}

Result<std::shared_ptr<const MappedFile>> ContainerWriter::FinishUnnamed() {
  KITH_RETURN_IF_ERROR(WriteHeader());
  return file_->Map();
}

Status ContainerWriter::WriteHeader() {
  if (!error_.ok()) return error_;
  if (in_section_) return Misuse(SectionName(sections_.back()), "is unfinished");
  header_.file_size = file_->position();
  header_.section_count = static_cast<uint32_t>(sections_.size());
  std::byte page[kPageBytes] = {};
  std::memcpy(page, &header_, sizeof(header_));
  if (!sections_.empty()) {
    std::memcpy(page + sizeof(header_), sections_.data(), sections_.size() * sizeof(SectionEntry));
  }
  header_.header_crc32c = HeaderCrc(page);
  std::memcpy(page, &header_, sizeof(header_));
  return file_->WriteAt(0, page);
}

Result<std::shared_ptr<const ContainerReader>> ContainerReader::Open(
    const std::string& path, std::span<const std::string_view> known) {
  KITH_ASSIGN_OR_RETURN(auto file, MappedFile::Open(path));
  return Open(std::move(file), known);
}

Result<std::shared_ptr<const ContainerReader>> ContainerReader::Open(
    std::shared_ptr<const MappedFile> file, std::span<const std::string_view> known) {
  std::shared_ptr<ContainerReader> reader(new ContainerReader);
  reader->file_ = std::move(file);
  const std::string& path = reader->path();
  const ByteSpan bytes = reader->file_->bytes();
  KITH_RETURN_IF_ERROR(CheckMagic(path, bytes));
  // A copy: whoever writes into the file now can't change what was checked.
  std::byte page[kPageBytes];
  std::memcpy(page, bytes.data(), sizeof(page));
  FileHeader& header = reader->header_;
  std::memcpy(&header, page, sizeof(header));
  const uint32_t crc = HeaderCrc(page);
  if (crc != header.header_crc32c) {
    return Status::Corruption(StrCat(path, ": header: checksum ", Hex(crc), ", expected ",
                                     Hex(header.header_crc32c), kDamaged));
  }
  KITH_RETURN_IF_ERROR(CheckHeader(path, header, bytes.size()));

  const size_t table_end = sizeof(header) + header.section_count * sizeof(SectionEntry);
  reader->sections_.resize(header.section_count);
  if (header.section_count > 0) {
    std::memcpy(reader->sections_.data(), page + sizeof(header), table_end - sizeof(header));
  }
  if (!AllZero(ByteSpan(page).subspan(table_end))) {
    return Status::Unsupported(StrCat(path, ": header: bytes ", table_end, " to ", kPageBytes - 1,
                                      " are used, expected zeros", kNewer));
  }
  for (size_t i = 0; i < reader->sections_.size(); ++i) {
    const SectionEntry& entry = reader->sections_[i];
    if (!IsValidName(entry.name)) {
      return Status::Corruption(
          StrCat(path, ": table entry ", i, ": its name is empty or not printable", kDamaged));
    }
    const TableContext table{path, known, std::span(reader->sections_).first(i), bytes.size()};
    KITH_RETURN_IF_ERROR(CheckEntry(table, entry));
  }
  return std::shared_ptr<const ContainerReader>(std::move(reader));
}

const SectionEntry* ContainerReader::Find(std::string_view name) const {
  for (const SectionEntry& entry : sections_) {
    if (SectionName(entry) == name) return &entry;
  }
  return nullptr;
}

std::span<const std::byte> ContainerReader::Bytes(std::string_view name) const {
  const SectionEntry* entry = Find(name);
  if (entry == nullptr) return {};
  return file_->bytes().subspan(entry->offset, entry->size);
}

Status ContainerReader::CheckSize(std::string_view name, uint64_t count, size_t element_bytes,
                                  uint32_t version) const {
  const SectionEntry* entry = Find(name);
  if (entry == nullptr) return Corrupt(name, "is missing");
  if (entry->version != version) {
    return Status::Unsupported(
        StrCat(path(), ": section \"", name, "\": layout version ", entry->version, ", expected ",
               version, entry->version > version ? kNewer : "; build it anew from its vectors"));
  }
  if (entry->size % element_bytes != 0 || entry->size / element_bytes != count) {
    return Corrupt(name, StrCat(entry->size, " bytes at offset ", entry->offset, ", expected ",
                                count, " elements of ", element_bytes, " bytes"));
  }
  return Status::Ok();
}

Status ContainerReader::Corrupt(std::string_view section, const std::string& what) const {
  return Status::Corruption(StrCat(path(), ": section \"", section, "\": ", what, kDamaged));
}

Status ContainerReader::VerifyChecksums(const Verification& check) const {
  file_->Advise(MappedFile::Access::kSequential);
  // Sections and what lies between them, in pieces that threads share.
  struct Piece {
    const SectionEntry* section;  // nullptr: between sections
    uint64_t begin;
    uint64_t end;
    uint32_t crc = 0;
  };
  std::vector<Piece> pieces;
  const auto cut = [&](const SectionEntry* section, uint64_t begin, uint64_t end) {
    for (; begin < end; begin += kPieceBytes) {
      pieces.push_back({section, begin, std::min(end, begin + kPieceBytes)});
    }
  };
  uint64_t known = kPageBytes;
  for (const SectionEntry& entry : sections_) {
    cut(nullptr, known, entry.offset);
    known = entry.offset + entry.size;
    cut(&entry, entry.offset, known);
  }
  cut(nullptr, known, file_->bytes().size());
  const auto sum = [&](size_t begin, size_t /*end*/, int /*thread*/) -> Status {
    Piece& piece = pieces[begin];
    const ByteSpan bytes = file_->bytes().subspan(piece.begin, piece.end - piece.begin);
    if (piece.section != nullptr) {
      piece.crc = ExtendCrc32c(0, bytes);
    } else if (!AllZero(bytes)) {
      return Status::Corruption(StrCat(path(), ": bytes ", piece.begin, " to ", piece.end - 1,
                                       " between the sections are not all zero", kDamaged));
    }
    return Status::Ok();
  };
  KITH_RETURN_IF_ERROR(check.Chunks("checksums", pieces.size(), 1, sum));
  size_t at = 0;
  for (const SectionEntry& entry : sections_) {
    uint32_t crc = 0;
    for (; at < pieces.size() && pieces[at].begin < entry.offset + entry.size; ++at) {
      if (pieces[at].section != &entry) continue;
      crc = JoinCrc32c(crc, pieces[at].crc, pieces[at].end - pieces[at].begin);
    }
    if (crc == entry.crc32c) continue;
    return Corrupt(SectionName(entry),
                   StrCat(entry.size, " bytes at offset ", entry.offset, ": checksum ", Hex(crc),
                          ", expected ", Hex(entry.crc32c)));
  }
  return Status::Ok();
}

std::string_view SectionName(const SectionEntry& entry) {
  return {entry.name, strnlen(entry.name, sizeof(entry.name))};
}

bool IsKithFile(const std::string& path) {
  // Mapped, as that never waits for a pipe that nobody writes to.
  const auto file = MappedFile::Open(path);
  if (!file.ok() || (*file)->bytes().size() < sizeof(kMagic)) return false;
  return std::memcmp((*file)->bytes().data(), kMagic, sizeof(kMagic)) == 0;
}

}  // namespace kith::storage
