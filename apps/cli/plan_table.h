// A build plan as a table.
#ifndef KITH_APPS_CLI_PLAN_TABLE_H_
#define KITH_APPS_CLI_PLAN_TABLE_H_

#include <ostream>

#include "common/plan_text.h"

namespace kith::apps::cli {

// The table of --explain, at most 100 columns wide, and a sentence.
void PrintPlan(std::ostream& out, const Planned& planned);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_PLAN_TABLE_H_
