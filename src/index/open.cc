// OpenIndex() and what else is done with whole files.
#include <memory>
#include <string>
#include <utility>

#include "base/edge.h"
#include "index/index_file.h"
#include "index/layout.h"
#include "kith/index.h"
#include "reduction/section.h"
#include "storage/container.h"

namespace kith {
namespace {

Result<std::unique_ptr<Index>> AsIndex(Result<std::unique_ptr<index::IndexFile>> file) {
  if (!file.ok()) return std::move(file).status();
  return std::unique_ptr<Index>(std::move(file).value());
}

}  // namespace

bool IsKithFile(const std::string& path) {
  const Result<bool> is = CatchAll([&]() -> Result<bool> { return storage::IsKithFile(path); });
  return is.ok() && *is;
}

Result<std::unique_ptr<Index>> OpenIndex(const std::string& path, const OpenOptions& options) {
  return AtEdge(path, {}, [&] { return AsIndex(index::IndexFile::Open(path, options)); });
}

Result<std::unique_ptr<Index>> OpenIndexBytes(std::span<const std::byte> bytes,
                                              const OpenOptions& options) {
  return CatchAll([&]() -> Result<std::unique_ptr<Index>> {
    KITH_ASSIGN_OR_RETURN(auto file, AnonymousFile::Create(index::kInMemory));
    KITH_ASSIGN_OR_RETURN(auto out, AtomicFile::Create(file));
    KITH_RETURN_IF_ERROR(out->Write(bytes));
    KITH_RETURN_IF_ERROR(out->Commit());
    return AsIndex(index::IndexFile::Open(*file, options));
  });
}

Status SaveIndex(const Index& index, const std::string& path, std::stop_token stop) {
  return AtEdge(path, {}, [&]() -> Status {
    KITH_ASSIGN_OR_RETURN(auto out, AtomicFile::Create(path));
    KITH_RETURN_IF_ERROR(out->WriteLong(index.Bytes(), stop));
    return out->Commit();
  });
}

Status CalibrateIndex(const std::string& path, const MatrixView& queries,
                      const CalibrateOptions& options) {
  return AtEdge(path, index::kFewerQueries, [&]() -> Status {
    KITH_ASSIGN_OR_RETURN(auto file, index::IndexFile::Open(path));
    return file->CalibrateFile(queries, options).status();
  });
}

Result<std::unique_ptr<Index>> CalibrateIndex(const Index& index, const MatrixView& queries,
                                              const CalibrateOptions& options) {
  return index.CalibrateFile(queries, options);
}

Result<std::unique_ptr<Index>> CalibrateInMemory(const Index& index, const MatrixView& queries,
                                                 const CalibrateOptions& options) {
  return index.Calibrated(queries, options);
}

Status VerifyIndex(const std::string& path, const VerifyOptions& options) {
  return AtEdge(path, {}, [&]() -> Status {
    if (reduction::IsModelFile(path)) {
      ThreadPool pool(options.threads, options.stop);
      return reduction::VerifyModelFile(path, {&pool, options.progress});
    }
    KITH_ASSIGN_OR_RETURN(auto file, index::IndexFile::Open(path));
    return file->Verify(options);
  });
}

Status VerifyIndex(const Index& index, const VerifyOptions& options) {
  return index.Verify(options);
}

}  // namespace kith
