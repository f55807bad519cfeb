// Efforts for recalls as a table.
#ifndef KITH_APPS_CLI_EFFORT_TABLE_H_
#define KITH_APPS_CLI_EFFORT_TABLE_H_

#include "kith/calibration.h"
#include "terminal.h"

namespace kith::apps::cli {

// The efforts that kUsualRecalls take, on every curve of a calibration, the most recall there
// is, and why no more effort was measured: at most 100 columns. With `before`, a row of what it
// said comes above each: "-" if it is empty.
// Efforts with which 95 % of the queries reach a recall; no rows where none was measured.
Table WorstTable(const Calibration& calibration);
Table EffortTable(const Calibration& calibration, const Calibration* before);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_EFFORT_TABLE_H_
