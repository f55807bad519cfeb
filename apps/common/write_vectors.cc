#include "common/write_vectors.h"

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "common/text.h"
#include "data/convert.h"
#include "data/formats.h"

namespace kith::apps {

Status ChangeType(DataType to, Dataset* dataset) {
  constexpr size_t kRowsAChunk = 1024;
  MatrixView view = dataset->vectors;
  if (view.dtype == to) return Status::Ok();
  view.dtype = to;
  view.stride = RowBytes(to, view.dim);
  KITH_ASSIGN_OR_RETURN(auto buffer, AlignedBuffer<std::byte>::Create(view.rows * view.stride));
  ThreadPool pool(0);
  KITH_RETURN_IF_ERROR(pool.Chunks(view.rows, kRowsAChunk, [&](size_t begin, size_t end, int) {
    return data::ConvertRows(dataset->vectors, to, begin, end, buffer.data() + begin * view.stride,
                             view.stride);
  }));
  auto owner = std::make_shared<AlignedBuffer<std::byte>>(std::move(buffer));
  view.data = owner->data();
  dataset->vectors = view;
  dataset->owner = std::move(owner);
  return Status::Ok();
}

Status WriteText(const std::string& path, const std::string& text) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> file, AtomicFile::Create(path));
  KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(text))));
  return file->Commit();
}

Status WriteKeys(const std::string& path, const StringList& keys) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> file, AtomicFile::Create(path));
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].find('\n') != std::string_view::npos) {
      return Status::InvalidArgument(
          StrCat("key ", i, " has a line break, which ", path, " can't hold; leave --keys out"));
    }
    KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(keys[i]))));
    KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span("\n", 1))));
  }
  return file->Commit();
}

Result<bool> TakesKeys(const std::string& path, const std::string& format) {
  std::optional<data::Format> found = data::FormatOfExtension(path);
  if (!format.empty()) {
    KITH_ASSIGN_OR_RETURN(found, data::ParseFormat(format));
  }
  return !found || data::TakesKeys(*found);
}

}  // namespace kith::apps
