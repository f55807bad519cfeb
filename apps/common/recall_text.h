// What a calibration says of efforts and recalls, in words and for programs.
#ifndef KITH_APPS_COMMON_RECALL_TEXT_H_
#define KITH_APPS_COMMON_RECALL_TEXT_H_

#include <optional>
#include <string>

#include "common/json.h"
#include "kith/calibration.h"
#include "kith/index.h"

namespace kith::apps {

// "64", "17.2", "1,280". A forest compares whole vectors, a graph's beam has fractions.
std::string EffortText(IndexKind index, double effort);
// A whole number where it is one.
Json EffortJson(IndexKind index, double effort);
// "0.95", "0.9912": four decimals at most.
std::string ShareText(double share);

// What it was measured with: "2,048 held-out vectors", "1,000 queries".
std::string SourceText(const Calibration& calibration);
// {"source", "queries"}, or null if there is none.
Json SourceJson(const Calibration& calibration);
// The same and all that was measured.
Json CalibrationJson(const Calibration& calibration);

// The effort each of these takes, on every curve of a calibration.
inline constexpr double kUsualRecalls[] = {0.8, 0.9, 0.95, 0.99, 0.999};

// Nothing where a recall is out of reach or was not measured.
std::optional<double> EffortFor(const Calibration& calibration, const CalibrationCurve& curve,
                                double recall);

// The same of kUsualRecalls, before and now: [{"index", "k", "recall", "before", "effort"}, ...],
// null for nothing.
Json EffortsJson(const Calibration& calibration, const Calibration& before);

// "the queries look unlike those that ...", and how to measure with such queries; their file may be
// empty.
std::string DriftText(const QueryDrift& drift, const std::string& file,
                      const std::string& queries_file);

// Why no larger efforts were measured: "all is found"; for programs: "found".
std::string EndText(CalibrationEnd end);
Json EndJson(CalibrationEnd end);

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_RECALL_TEXT_H_
