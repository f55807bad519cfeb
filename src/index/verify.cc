// What `kith verify` checks of a file, beyond what opening it does.
#include <algorithm>
#include <cmath>
#include <string>

#include "base/edge.h"
#include "base/strings.h"
#include "base/verification.h"
#include "data/convert.h"
#include "index/index_file.h"
#include "index/layout.h"
#include "index/map_section.h"
#include "index/meta.h"
#include "reduction/model.h"
#include "reduction/section.h"
#include "search/scorer.h"

namespace kith::index {
namespace {

constexpr size_t kRowsAtOnce = 1024;

// Whether there are only zeros behind a vector's coordinates, which kernels take for coordinates.
bool IsPadded(const MatrixView& rows, size_t row) {
  const std::byte* bytes = rows.row(row);
  const size_t used = RowBytes(rows.dtype, rows.dim);
  const size_t bits = rows.dtype == DataType::kBit ? rows.dim % 8 : 0;
  if (bits != 0 && std::to_integer<unsigned>(bytes[used - 1]) >> bits != 0) return false;
  return std::all_of(bytes + used, bytes + rows.stride,
                     [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace

Status IndexFile::VerifyVectors(const Verification& check) const {
  const search::VectorTable& table = vectors_.table;
  const MatrixView& rows = table.rows;
  const auto fault = [&](size_t row, const auto&... what) {
    return file_->Corrupt(kVectorsSection, StrCat("the vector at ", row, " ", what...));
  };
  return check.Chunks("vectors", rows.rows, kRowsAtOnce, [&](size_t begin, size_t end, int) {
    std::vector<float> x(rows.dim);
    for (size_t row = begin; row < end; ++row) {
      data::RowToF32(rows, row, x.data());
      if (!std::all_of(x.begin(), x.end(), [](float v) { return std::isfinite(v); })) {
        return fault(row, "is not finite");
      }
      if (!IsPadded(rows, row)) return fault(row, "is not followed by zeros");
      if (table.inverse_norms == nullptr) continue;
      const float stored = table.inverse_norms[row];
      const float norm = search::InverseNorm(x.data(), rows.dim);
      // Another machine may have rounded sums otherwise.
      constexpr float kRounding = 1e-6f;
      if (!(std::fabs(stored - norm) <= kRounding * norm)) {
        return file_->Corrupt(kNormsSection, StrCat("that of the vector at ", row, " is ", stored,
                                                    ", expected ", norm));
      }
    }
    return Status::Ok();
  });
}

// Whether positions and rows name each other, each once.
Status IndexFile::VerifyOrder(const Verification& check) const {
  return check.Chunks("order", slots_.size(), kRowsAtOnce, [&](size_t begin, size_t end, int) {
    for (size_t row = begin; row < end; ++row) {
      if (slots_[row] < slots_.size() && vectors_.rows[slots_[row]] == row) continue;
      return file_->Corrupt(kSlotsSection,
                            StrCat("row ", row, " and its slot do not name each other"));
    }
    return Status::Ok();
  });
}

Status IndexFile::VerifyTexts() const {
  if (file_->Find(kMetaSection) != nullptr) {
    const Status meta = CheckMeta(TextOf(kMetaSection));
    if (!meta.ok()) return file_->Corrupt(kMetaSection, meta.message());
  }
  const Status origin = CheckOrigin(TextOf(kOriginSection));
  return origin.ok() ? origin : file_->Corrupt(kOriginSection, origin.message());
}

Status IndexFile::VerifyReducer() const {
  if (!reducer_) return Status::Ok();
  const Status sound = reducer_->model().Verify();
  return sound.ok() ? sound : file_->Corrupt(reduction::kReductionSection, sound.message());
}

Status IndexFile::VerifyMap() const {
  if (file_->Find(kMapSection) == nullptr) return Status::Ok();
  const Status sound = ReadMap(file_->Bytes(kMapSection), info_.num_vectors).status();
  if (sound.ok()) return sound;
  if (sound.code() == StatusCode::kUnsupported) {
    return Status::Unsupported(
        StrCat(info_.path, ": section \"", kMapSection, "\" ", sound.message()));
  }
  return file_->Corrupt(kMapSection, sound.message());
}

Status IndexFile::Verify(const VerifyOptions& options) const {
  return AtEdge(info_.path, {}, [&]() -> Status {
    ThreadPool pool(options.threads, options.stop);
    const Verification check{&pool, options.progress};
    KITH_RETURN_IF_ERROR(file_->VerifyChecksums(check));
    KITH_RETURN_IF_ERROR(VerifyTexts());
    KITH_RETURN_IF_ERROR(VerifyReducer());
    KITH_RETURN_IF_ERROR(VerifyMap());
    KITH_RETURN_IF_ERROR(VerifyVectors(check));
    KITH_RETURN_IF_ERROR(VerifyOrder(check));
    if (!keys_.empty()) KITH_RETURN_IF_ERROR(keys_.Verify(check));
    if (!ids_.empty()) KITH_RETURN_IF_ERROR(ids_.Verify(check));
    for (const auto& path : paths_) KITH_RETURN_IF_ERROR(path->Verify(check));
    return Status::Ok();
  });
}

}  // namespace kith::index
