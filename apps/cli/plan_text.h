// A build plan for people and for programs.
#ifndef KITH_APPS_CLI_PLAN_TEXT_H_
#define KITH_APPS_CLI_PLAN_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>

#include "common.h"
#include "kith/index.h"
#include "kith/plan.h"
#include "kith/types.h"

namespace kith::cli {

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

// The table of --explain, at most 100 columns wide, and a sentence.
void PrintPlan(std::ostream& out, const Planned& planned);

// The same for --json.
Json PlanJson(const Planned& planned);

}  // namespace kith::cli

#endif  // KITH_APPS_CLI_PLAN_TEXT_H_
