// From what a user asks for to what is built (kith/plan.h).
#ifndef KITH_PLAN_BUILD_PLAN_H_
#define KITH_PLAN_BUILD_PLAN_H_

#include "base/thread_pool.h"
#include "kith/index.h"
#include "kith/plan.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::plan {

// Errors: InvalidArgument (a kind of path given twice in one of the lists of options, or what
// nobody can build together).
Status CheckSpecs(const BuildOptions& options);

// PlanBuild() of vectors that will be stored as `dtype`, on the threads of a pool.
Result<BuildPlan> PlanFor(const MatrixView& vectors, DataType dtype, const BuildOptions& options,
                          ThreadPool& pool);

}  // namespace kith::plan

#endif  // KITH_PLAN_BUILD_PLAN_H_
