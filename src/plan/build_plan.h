// From what a user asks for to what is built (kith/plan.h).
#ifndef KITH_PLAN_BUILD_PLAN_H_
#define KITH_PLAN_BUILD_PLAN_H_

#include "kith/index.h"
#include "kith/plan.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::plan {

// `options` with everything said that PlanBuild() chooses for these vectors. Errors: PlanBuild()'s.
Result<BuildOptions> ApplyPlan(const MatrixView& rows, BuildOptions options);

}  // namespace kith::plan

#endif  // KITH_PLAN_BUILD_PLAN_H_
