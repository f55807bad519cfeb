#include "plan_table.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/text.h"
#include "terminal.h"

namespace kith::apps::cli {

void PrintPlan(std::ostream& out, const Planned& planned) {
  const BuildOptions& options = planned.options;
  const uint64_t queries = options.expected_queries;
  out << "plan for " << Plural(planned.num_vectors, "vector") << " of "
      << Plural(planned.dim, "dimension") << ", " << DataTypeName(planned.dtype) << ", "
      << MetricName(options.metric) << "; "
      << (queries == 0   ? "many queries"
          : queries == 1 ? "one query"
                         : Plural(queries, "query"))
      << '\n';
  if (const std::string limits = LimitsText(options); !limits.empty()) {
    out << "within " << limits << '\n';
  }
  if (const std::string look = LookText(planned.plan.look); !look.empty()) out << look << '\n';
  const int threads = PlannedThreads(options);
  const bool elapsed = options.build_seconds > 0 && threads > 1;
  Table table;
  table.AddColumn("", Table::Align::kLeft);
  table.AddColumn("build", Table::Align::kRight);
  if (elapsed) table.AddColumn(ThreadsText(threads), Table::Align::kRight);
  for (const char* name : {"query", "file", "memory"}) table.AddColumn(name, Table::Align::kRight);
  if (queries > 0) table.AddColumn("in all", Table::Align::kRight);
  table.AddColumn("", Table::Align::kLeft);
  for (const PlanCandidate& c : planned.plan.candidates) {
    std::vector<std::string> cells{CandidateText(c), FormatSeconds(c.build_seconds)};
    if (elapsed) cells.push_back(FormatSeconds(c.elapsed_seconds));
    cells.push_back(FormatSeconds(c.query_us * 1e-6));
    cells.push_back(FormatBytes(c.file_bytes));
    cells.push_back(FormatBytes(c.build_memory));
    if (queries > 0) cells.push_back(FormatSeconds(c.total_seconds));
    cells.push_back(VerdictText(planned, c));
    table.AddRow(std::move(cells));
  }
  table.Print(out, "  ");
  out << ReasonText(planned) << '\n';
  if (const std::string text = CalibrationText(planned); !text.empty()) out << text << '\n';
  out << "Predicted for one thread, one query a call, recall@10 of 0.95, by docs/choosing.md.\n";
}

}  // namespace kith::apps::cli
