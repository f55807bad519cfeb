#include "calibration/section.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "base/crc32c.h"
#include "calibration/cursor.h"
#include "calibration/drift.h"
#include "calibration/need_section.h"
#include "paths/registry.h"

namespace kith::calibration {
namespace {

// The section: this, CurveEntry[num_curves], CalibrationPoint[all curves], f32[num_quantiles].
struct SectionHead {
  uint32_t source;
  uint32_t num_queries;
  uint32_t num_curves;
  uint32_t num_quantiles;
  uint8_t reserved[16];
};
static_assert(sizeof(SectionHead) == 32);

struct CurveEntry {
  uint32_t index;  // an IndexKind
  uint32_t k;
  uint32_t num_points;
  uint32_t end;  // a CalibrationEnd
};
static_assert(sizeof(CurveEntry) == 16);

static_assert(sizeof(CalibrationPoint) == 24 && std::is_trivially_copyable_v<CalibrationPoint>);

constexpr uint32_t kMostPoints = 1024;
constexpr auto kMostEnd = static_cast<uint32_t>(CalibrationEnd::kAllSearched);

bool IsCurve(const CalibrationCurve& curve) {
  const search::PathType* type = paths::TypeOf(curve.index);
  if (type == nullptr || type->exact() || curve.k == 0 || curve.k > kMostCalibratedK ||
      curve.points.empty())
    return false;
  for (size_t i = 0; i < curve.points.size(); ++i) {
    const CalibrationPoint& p = curve.points[i];
    if (!std::isfinite(p.effort) || p.effort <= 0 || !IsShare(p.recall) || !IsShare(p.recall_p5) ||
        !IsShare(p.recall_worst) || !std::isfinite(p.nodes) || !std::isfinite(p.distances)) {
      return false;
    }
    if (i == 0) continue;
    if (p.effort <= curve.points[i - 1].effort || p.recall < curve.points[i - 1].recall) {
      return false;
    }
  }
  return true;
}

}  // namespace

Status WriteCalibration(const Calibration& calibration, storage::ContainerWriter* writer) {
  std::vector<std::byte> bytes;
  const auto append = [&](const auto* values, size_t count) {
    const std::span<const std::byte> more = BytesOf(values, count);
    bytes.insert(bytes.end(), more.begin(), more.end());
  };
  const SectionHead head{static_cast<uint32_t>(calibration.source),
                         calibration.num_queries,
                         static_cast<uint32_t>(calibration.curves.size()),
                         static_cast<uint32_t>(calibration.nearest.size()),
                         {}};
  append(&head, 1);
  for (const CalibrationCurve& curve : calibration.curves) {
    const CurveEntry entry{static_cast<uint32_t>(curve.index), curve.k,
                           static_cast<uint32_t>(curve.points.size()),
                           static_cast<uint32_t>(curve.end)};
    append(&entry, 1);
  }
  for (const CalibrationCurve& curve : calibration.curves) {
    append(curve.points.data(), curve.points.size());
  }
  append(calibration.nearest.data(), calibration.nearest.size());
  KITH_RETURN_IF_ERROR(
      writer->AddSection(kCalibrationSection, bytes, {.flags = storage::kSectionOptional}));
  return WriteNeeds(calibration.curves, ExtendCrc32c(0, bytes), writer);
}

Status CopyCalibrated(const storage::ContainerReader& in, const Calibration& calibration,
                      std::span<const Replacement> replacements, storage::ContainerWriter* writer) {
  for (const storage::SectionEntry& entry : in.sections()) {
    const std::string_view name = storage::SectionName(entry);
    if (name == kCalibrationSection || name == kNeedSection) continue;
    const auto replaces = [&](const Replacement& r) {
      return std::find(r.sections.begin(), r.sections.end(), name) != r.sections.end();
    };
    if (std::any_of(replacements.begin(), replacements.end(), replaces)) continue;
    KITH_RETURN_IF_ERROR(
        writer->AddSection(name, in.Bytes(name), {entry.row_bytes, entry.version, entry.flags}));
  }
  for (const Replacement& r : replacements) KITH_RETURN_IF_ERROR(r.path->Write(writer));
  return WriteCalibration(calibration, writer);
}

Result<Calibration> ReadCalibration(const storage::ContainerReader& in) {
  Calibration calibration;
  const storage::SectionEntry* section = in.Find(kCalibrationSection);
  if (section == nullptr) return calibration;
  KITH_RETURN_IF_ERROR(in.CheckSize(kCalibrationSection, section->size, 1));
  const Status damaged = in.Corrupt(kCalibrationSection, "its tables contradict themselves");
  Cursor cursor(in.Bytes(kCalibrationSection));
  SectionHead head{};
  if (!cursor.Read(&head, 1) || head.num_curves > kMostCurves ||
      head.num_quantiles > DriftMeter::kMostQuantiles ||
      (head.source != static_cast<uint32_t>(CalibrationSource::kHeldOut) &&
       head.source != static_cast<uint32_t>(CalibrationSource::kQueries))) {
    return damaged;
  }
  calibration.source = static_cast<CalibrationSource>(head.source);
  calibration.num_queries = head.num_queries;
  calibration.curves.resize(head.num_curves);
  for (CalibrationCurve& curve : calibration.curves) {
    CurveEntry entry{};
    if (!cursor.Read(&entry, 1) || entry.num_points > kMostPoints || entry.end > kMostEnd) {
      return damaged;
    }
    curve.index = static_cast<IndexKind>(entry.index);
    curve.k = entry.k;
    curve.end = static_cast<CalibrationEnd>(entry.end);
    curve.points.resize(entry.num_points);
  }
  for (CalibrationCurve& curve : calibration.curves) {
    if (!cursor.Read(curve.points.data(), curve.points.size()) || !IsCurve(curve)) return damaged;
  }
  std::vector<float>& nearest = calibration.nearest;
  nearest.resize(head.num_quantiles);
  const auto is_nan = [](float x) { return std::isnan(x); };
  if (!cursor.Read(nearest.data(), nearest.size()) || !cursor.done() ||
      std::any_of(nearest.begin(), nearest.end(), is_nan) ||
      !std::is_sorted(nearest.begin(), nearest.end())) {
    return damaged;
  }
  KITH_RETURN_IF_ERROR(ReadNeeds(in, &calibration.curves));
  return calibration;
}

}  // namespace kith::calibration
