// From what a user asks for to what is built (kith/plan.h).
#ifndef KITH_PLAN_BUILD_PLAN_H_
#define KITH_PLAN_BUILD_PLAN_H_

#include "kith/index.h"
#include "kith/status.h"

namespace kith::plan {

// Errors: InvalidArgument (a kind of path given twice in one of the lists of options, or what
// nobody can build together).
Status CheckSpecs(const BuildOptions& options);

}  // namespace kith::plan

#endif  // KITH_PLAN_BUILD_PLAN_H_
