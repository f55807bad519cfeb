// A build plan in words and for programs.
#ifndef KITH_APPS_COMMON_PLAN_TEXT_H_
#define KITH_APPS_COMMON_PLAN_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/json.h"
#include "kith/index.h"
#include "kith/plan.h"
#include "kith/types.h"

namespace kith::apps {

// What was planned.
struct Planned {
  uint64_t num_vectors = 0;
  size_t dim = 0;
  DataType dtype = DataType::kF32;
  BuildOptions options;
  BuildPlan plan;
};

// "forest of 8 trees", "packed graph", "exact search".
std::string CandidateText(const PlanCandidate& candidate);

// Why a candidate was taken or not, in a few words.
std::string VerdictText(const Planned& planned, const PlanCandidate& candidate);

// Why what is built won, in a sentence.
std::string ReasonText(const Planned& planned);

// How hard the vectors are to search, by the look at some; "" if nobody looked.
std::string LookText(const DataLook& look);

// How much of the build measures recall, in a sentence; "" if nothing.
std::string CalibrationText(const Planned& planned);

// The limits on memory and time: "4.29 GB of memory and 30.0 s of building"; "" without any.
std::string LimitsText(const BuildOptions& options);

// The threads that the build is planned for.
int PlannedThreads(const BuildOptions& options);

Json PlanJson(const Planned& planned);

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_PLAN_TEXT_H_
