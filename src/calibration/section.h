// The calibration as it lies in a file, and what it is for: the effort of a recall.
#ifndef KITH_CALIBRATION_SECTION_H_
#define KITH_CALIBRATION_SECTION_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/thread_pool.h"
#include "kith/calibration.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/access_path.h"
#include "storage/container.h"

namespace kith::calibration {

inline constexpr std::string_view kCalibrationSection = "calibration";

inline constexpr uint32_t kMostCalibratedK = 10000;
inline constexpr uint32_t kMostCurves = 64;

Status WriteCalibration(const Calibration& calibration, storage::ContainerWriter* writer);

// What is written in place of some sections of a file.
struct Replacement {
  std::span<const std::string_view> sections;
  const search::AdaptedPath* path = nullptr;
};

// Copies the sections of a file, with this calibration in place of its own, and such others.
// Errors: IoError, InvalidArgument (cancelled).
Status CopyCalibrated(const storage::ContainerReader& in, const Calibration& calibration,
                      std::span<const Replacement> replacements, storage::ContainerWriter* writer);

// An empty one if the file has none. Errors: Corruption.
Result<Calibration> ReadCalibration(const storage::ContainerReader& in);

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_SECTION_H_
