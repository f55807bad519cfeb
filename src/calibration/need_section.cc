#include "calibration/need_section.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "calibration/cursor.h"
#include "calibration/section.h"

namespace kith::calibration {
namespace {

// The section: this, CurveEntry[num_curves], then of each curve its values in the order of its
// entry.
struct SectionHead {
  uint32_t num_curves;
  uint32_t calibration_crc32c;  // of the section that these curves are in
  uint8_t reserved[8];
};
static_assert(sizeof(SectionHead) == 16);

struct CurveEntry {
  uint32_t need_groups;   // f32 far[], f32 factors[]
  uint32_t need_points;   // NeedPoint[]
  uint32_t wide_groups;   // f32 far[], f32 weights[]
  uint32_t wide_efforts;  // f32 efforts[], f32 recalls[wide_groups][wide_efforts]
  float need_first;
  float wide_first;
};
static_assert(sizeof(CurveEntry) == 24);

static_assert(sizeof(NeedPoint) == 12 && std::is_trivially_copyable_v<NeedPoint>);

constexpr uint32_t kMostGroups = 64;
constexpr uint32_t kMostPoints = 1024;
constexpr float kMostFactor = 64;

bool IsPositive(float x) { return std::isfinite(x) && x > 0; }

bool IsAscending(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); }) &&
         std::is_sorted(values.begin(), values.end());
}

// Finite and above 0, each more than the one before.
template <class EffortAt>
bool AreEfforts(size_t count, EffortAt effort_at) {
  for (size_t i = 0; i < count; ++i) {
    if (!IsPositive(effort_at(i)) || (i > 0 && effort_at(i) <= effort_at(i - 1))) return false;
  }
  return true;
}

bool IsSound(const NeedCurve& curve) {
  const std::vector<NeedPoint>& points = curve.points;
  if (!AreEfforts(points.size(), [&](size_t i) { return points[i].effort; })) return false;
  for (size_t i = 0; i < points.size(); ++i) {
    if (!IsShare(points[i].recall) || !IsShare(points[i].recall_p5)) return false;
    if (i == 0) continue;
    if (points[i].recall < points[i - 1].recall || points[i].recall_p5 < points[i - 1].recall_p5) {
      return false;
    }
  }
  const auto is_factor = [](float x) { return IsPositive(x) && x <= kMostFactor; };
  return IsAscending(curve.far) &&
         std::all_of(curve.factors.begin(), curve.factors.end(), is_factor) &&
         (curve.factors.empty() ? curve.first == 0 : IsPositive(curve.first) && !points.empty());
}

bool IsSound(const WideCurve& curve) {
  if (curve.recalls.empty()) {
    return curve.first == 0 && curve.far.empty() && curve.efforts.empty();
  }
  const size_t row = curve.efforts.size();
  for (size_t i = 0; i < curve.recalls.size(); ++i) {
    if (!IsShare(curve.recalls[i])) return false;
    if (i % row > 0 && curve.recalls[i] < curve.recalls[i - 1]) return false;
  }
  return IsPositive(curve.first) && IsAscending(curve.far) &&
         AreEfforts(row, [&](size_t i) { return curve.efforts[i]; }) &&
         std::all_of(curve.weights.begin(), curve.weights.end(), IsShare) &&
         std::any_of(curve.weights.begin(), curve.weights.end(), IsPositive);
}

template <class T>
bool Take(Cursor* cursor, size_t count, std::vector<T>* values) {
  values->resize(count);
  return cursor->Read(values->data(), count);
}

bool ReadCurve(const CurveEntry& entry, Cursor* cursor, CalibrationCurve* curve) {
  NeedCurve& need = curve->need;
  WideCurve& wide = curve->wide;
  need.first = entry.need_first;
  wide.first = entry.wide_first;
  return Take(cursor, entry.need_groups, &need.far) &&
         Take(cursor, entry.need_groups, &need.factors) &&
         Take(cursor, entry.need_points, &need.points) &&
         Take(cursor, entry.wide_groups, &wide.far) &&
         Take(cursor, entry.wide_groups, &wide.weights) &&
         Take(cursor, entry.wide_efforts, &wide.efforts) &&
         Take(cursor, size_t{entry.wide_groups} * entry.wide_efforts, &wide.recalls) &&
         IsSound(need) && IsSound(wide);
}

}  // namespace

Status WriteNeeds(const std::vector<CalibrationCurve>& curves, uint32_t crc32c,
                  storage::ContainerWriter* writer) {
  const bool any = std::any_of(curves.begin(), curves.end(), [](const CalibrationCurve& curve) {
    return !curve.need.empty() || !curve.wide.empty();
  });
  if (!any) return Status::Ok();
  KITH_RETURN_IF_ERROR(
      writer->BeginSection(std::string(kNeedSection), {.flags = storage::kSectionOptional}));
  const SectionHead head{static_cast<uint32_t>(curves.size()), crc32c, {}};
  KITH_RETURN_IF_ERROR(writer->Append(BytesOf(&head, 1)));
  for (const CalibrationCurve& curve : curves) {
    const CurveEntry entry{static_cast<uint32_t>(curve.need.far.size()),
                           static_cast<uint32_t>(curve.need.points.size()),
                           static_cast<uint32_t>(curve.wide.far.size()),
                           static_cast<uint32_t>(curve.wide.efforts.size()),
                           curve.need.first,
                           curve.wide.first};
    KITH_RETURN_IF_ERROR(writer->Append(BytesOf(&entry, 1)));
  }
  for (const CalibrationCurve& curve : curves) {
    const auto append = [&](const auto& values) {
      return writer->Append(BytesOf(values.data(), values.size()));
    };
    KITH_RETURN_IF_ERROR(append(curve.need.far));
    KITH_RETURN_IF_ERROR(append(curve.need.factors));
    KITH_RETURN_IF_ERROR(append(curve.need.points));
    KITH_RETURN_IF_ERROR(append(curve.wide.far));
    KITH_RETURN_IF_ERROR(append(curve.wide.weights));
    KITH_RETURN_IF_ERROR(append(curve.wide.efforts));
    KITH_RETURN_IF_ERROR(append(curve.wide.recalls));
  }
  return writer->EndSection();
}

Status ReadNeeds(const storage::ContainerReader& in, std::vector<CalibrationCurve>* curves) {
  const storage::SectionEntry* section = in.Find(kNeedSection);
  if (section == nullptr) return Status::Ok();
  KITH_RETURN_IF_ERROR(in.CheckSize(kNeedSection, section->size, 1));
  const Status damaged = in.Corrupt(kNeedSection, "its tables contradict themselves");
  Cursor cursor(in.Bytes(kNeedSection));
  SectionHead head{};
  if (!cursor.Read(&head, 1)) return damaged;
  if (head.num_curves == 0 || head.num_curves > kMostCurves) return damaged;
  std::vector<CurveEntry> entries(head.num_curves);
  if (!cursor.Read(entries.data(), entries.size())) return damaged;
  std::vector<CalibrationCurve> needs(head.num_curves);
  for (size_t i = 0; i < entries.size(); ++i) {
    const CurveEntry& entry = entries[i];
    if (std::max(entry.need_groups, entry.wide_groups) > kMostGroups ||
        std::max(entry.need_points, entry.wide_efforts) > kMostPoints ||
        !ReadCurve(entry, &cursor, &needs[i])) {
      return damaged;
    }
  }
  if (!cursor.done()) return damaged;
  // An older kith that measures anew copies what it does not know, sound as it is.
  const storage::SectionEntry* calibration = in.Find(kCalibrationSection);
  if (calibration == nullptr || head.calibration_crc32c != calibration->crc32c) return Status::Ok();
  if (needs.size() != curves->size()) return damaged;
  for (size_t i = 0; i < needs.size(); ++i) {
    (*curves)[i].need = std::move(needs[i].need);
    (*curves)[i].wide = std::move(needs[i].wide);
  }
  return Status::Ok();
}

}  // namespace kith::calibration
