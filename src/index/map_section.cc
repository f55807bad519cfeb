#include "index/map_section.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/edge.h"
#include "base/file.h"
#include "base/strings.h"
#include "index/index_file.h"
#include "index/layout.h"
#include "storage/container.h"

namespace kith::index {
namespace {

struct MapHead {
  uint32_t method;  // 1: UMAP
  uint32_t dims;    // 2
  uint32_t k;
  uint32_t epochs;
  float min_dist;
  float spread;
  uint64_t seed;
  uint32_t quality_k;
  float trustworthiness;
  float preservation;
  uint8_t reserved[20];
};
static_assert(sizeof(MapHead) == 64);

constexpr uint32_t kUmap = 1;
constexpr uint32_t kDims = 2;

bool IsFinite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

MapHead HeadOf(const Map& map) {
  MapHead head{};
  head.method = kUmap;
  head.dims = kDims;
  head.k = map.k;
  head.epochs = map.epochs;
  head.min_dist = map.min_dist;
  head.spread = map.spread;
  head.seed = map.seed;
  head.quality_k = map.quality_k;
  head.trustworthiness = static_cast<float>(map.trustworthiness);
  head.preservation = static_cast<float>(map.preservation);
  return head;
}

Status CheckMap(const IndexInfo& info, const Map& map) {
  if (map.points.size() == 2 * info.num_vectors && IsFinite(map.points)) return Status::Ok();
  return Status::InvalidArgument(
      StrCat("a map of ", info.path, " has to have 2 finite numbers for each of its ",
             Plural(info.num_vectors, "vector"), ", but has ", map.points.size()));
}

// Copies the sections of an index, which lie in its bytes as its header says, with the map in place
// of its own.
Status CopyMapped(const Index& index, const Map& map, storage::ContainerWriter* writer) {
  const std::span<const std::byte> bytes = index.Bytes();
  const size_t count = index.info().sections.size();
  for (size_t i = 0; i < count; ++i) {
    storage::SectionEntry entry{};
    std::memcpy(&entry, bytes.data() + sizeof(storage::FileHeader) + i * sizeof(entry),
                sizeof(entry));
    const std::string_view name = storage::SectionName(entry);
    if (name == kMapSection) continue;
    KITH_RETURN_IF_ERROR(writer->AddSection(name, bytes.subspan(entry.offset, entry.size),
                                            {entry.row_bytes, entry.version, entry.flags}));
  }
  const MapHead head = HeadOf(map);
  KITH_RETURN_IF_ERROR(writer->BeginSection(kMapSection, {.flags = storage::kSectionOptional}));
  KITH_RETURN_IF_ERROR(writer->Append(std::as_bytes(std::span(&head, 1))));
  KITH_RETURN_IF_ERROR(writer->Append(std::as_bytes(std::span(map.points))));
  return writer->EndSection();
}

// The file that an index was opened from, to be replaced: unless its name means another by now.
Result<FileTarget> OwnFile(const IndexInfo& info, const Index& index) {
  const std::string& name = info.absolute_path.empty() ? info.path : info.absolute_path;
  KITH_ASSIGN_OR_RETURN(const auto mapped, MappedFile::Open(name));
  const std::span<const std::byte> now = mapped->bytes();
  const std::span<const std::byte> then = index.Bytes();
  // The first page has the checksums of all else.
  if (now.size() != then.size() ||
      std::memcmp(now.data(), then.data(), std::min(now.size(), storage::kPageBytes)) != 0) {
    return Status::InvalidArgument(
        StrCat(info.path, " is another file than the one that was opened; open it again"));
  }
  return FileTarget::Replacing(*mapped);
}

Result<std::unique_ptr<Index>> Store(const Index& index, const Map& map, const FileTarget& target,
                                     std::stop_token stop) {
  const IndexInfo& info = index.info();
  ThreadPool pool(1, std::move(stop));
  KITH_ASSIGN_OR_RETURN(const auto writer,
                        storage::ContainerWriter::Create(target, info.num_vectors, info.dim,
                                                         info.metric, info.dtype, &pool));
  KITH_RETURN_IF_ERROR(CopyMapped(index, map, writer.get()));
  if (info.build_seconds >= 0) {
    writer->SetAttribute(kBuildSecondsAttribute, StrCat(info.build_seconds));
  }
  // Opened before it has its name: by then nothing may go wrong any more.
  KITH_ASSIGN_OR_RETURN(auto mapped, writer->FinishUnnamed());
  KITH_ASSIGN_OR_RETURN(auto opened, IndexFile::Open(std::move(mapped)));
  KITH_RETURN_IF_ERROR(writer->Publish());
  return std::unique_ptr<Index>(std::move(opened));
}

}  // namespace

Result<Map> ReadMap(std::span<const std::byte> bytes, uint64_t rows) {
  MapHead head{};
  if (bytes.size() < sizeof(head) || (bytes.size() - sizeof(head)) / (2 * sizeof(float)) != rows ||
      (bytes.size() - sizeof(head)) % (2 * sizeof(float)) != 0) {
    return Status::Corruption(StrCat("has ", FormatCount(bytes.size()), " bytes, but should have ",
                                     FormatCount(sizeof(head)), " and 8 for each of ",
                                     Plural(rows, "vector")));
  }
  std::memcpy(&head, bytes.data(), sizeof(head));
  const MapHead zero{};
  if (head.method != kUmap || head.dims != kDims ||
      std::memcmp(head.reserved, zero.reserved, sizeof(zero.reserved)) != 0) {
    return Status::Unsupported("was written by a newer kith; update kith");
  }
  const float numbers[] = {head.min_dist, head.spread, head.trustworthiness, head.preservation};
  Map map;
  map.points.resize(2 * rows);
  if (rows > 0) std::memcpy(map.points.data(), bytes.data() + sizeof(head), 8 * rows);
  if (!IsFinite(numbers) || !IsFinite(map.points)) {
    return Status::Corruption("has numbers that are not finite");
  }
  map.k = head.k;
  map.epochs = head.epochs;
  map.min_dist = head.min_dist;
  map.spread = head.spread;
  map.seed = head.seed;
  map.quality_k = head.quality_k;
  map.trustworthiness = static_cast<double>(head.trustworthiness);
  map.preservation = static_cast<double>(head.preservation);
  return map;
}

}  // namespace kith::index

namespace kith {

Result<std::unique_ptr<Index>> StoreMap(const Index& index, const Map& map, const std::string& path,
                                        std::stop_token stop) {
  const IndexInfo& info = index.info();
  return AtEdge(path.empty() ? info.path : path, {}, [&]() -> Result<std::unique_ptr<Index>> {
    KITH_RETURN_IF_ERROR(index::CheckMap(info, map));
    if (!path.empty()) return index::Store(index, map, path, std::move(stop));
    if (info.in_memory) {
      KITH_ASSIGN_OR_RETURN(auto output, AnonymousFile::Create(index::kInMemory));
      return index::Store(index, map, output, std::move(stop));
    }
    KITH_ASSIGN_OR_RETURN(const FileTarget own, index::OwnFile(info, index));
    return index::Store(index, map, own, std::move(stop));
  });
}

Result<std::optional<Map>> StoredMap(const Index& index) {
  const IndexInfo& info = index.info();
  return AtEdge(info.path, {}, [&]() -> Result<std::optional<Map>> {
    for (const IndexInfo::Section& section : info.sections) {
      if (section.name != index::kMapSection) continue;
      Result<Map> map =
          index::ReadMap(index.Bytes().subspan(section.offset, section.size), info.num_vectors);
      if (map.ok()) return std::optional<Map>(*std::move(map));
      const std::string message =
          StrCat(info.path, ": section \"", index::kMapSection, "\" ", map.status().message());
      return map.status().code() == StatusCode::kUnsupported ? Status::Unsupported(message)
                                                             : Status::Corruption(message);
    }
    return std::optional<Map>();
  });
}

}  // namespace kith
