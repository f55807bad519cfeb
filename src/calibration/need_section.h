// What single queries need, as it lies in a file: a section of its own, so that older kiths, which
// skip it, read the rest.
#ifndef KITH_CALIBRATION_NEED_SECTION_H_
#define KITH_CALIBRATION_NEED_SECTION_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "kith/calibration.h"
#include "kith/status.h"
#include "storage/container.h"

namespace kith::calibration {

inline constexpr std::string_view kNeedSection = "query_efforts";

// Nothing is written where no curve tells of needs. `crc32c` is that of the section `calibration`,
// which has the rest of the curves.
Status WriteNeeds(const std::vector<CalibrationCurve>& curves, uint32_t crc32c,
                  storage::ContainerWriter* writer);

// Adds what the file has to its curves; nothing if that is of another calibration. Errors:
// Corruption.
Status ReadNeeds(const storage::ContainerReader& in, std::vector<CalibrationCurve>* curves);

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_NEED_SECTION_H_
