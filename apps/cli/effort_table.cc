#include "effort_table.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/recall_text.h"
#include "common/text.h"
#include "kith/index.h"

namespace kith::apps::cli {
namespace {

std::vector<std::string> EffortCells(const Calibration& calibration,
                                     const CalibrationCurve& curve) {
  std::vector<std::string> cells;
  for (const double recall : kUsualRecalls) {
    const std::optional<double> effort = EffortFor(calibration, curve, recall);
    cells.push_back(effort ? EffortText(curve.index, *effort) : "-");
  }
  // No effort reaches this; what is reached then is the most there is.
  const EffortForRecall most = FindEffort(calibration, curve.index, curve.k, 2);
  cells.push_back(most.known ? FormatFixed(most.recall, 4) : "-");
  return cells;
}

// Why the curve of the same k ends.
CalibrationEnd EndOf(const Calibration& calibration, const CalibrationCurve& curve) {
  for (const CalibrationCurve& c : calibration.curves) {
    if (c.index == curve.index && c.k == curve.k) return c.end;
  }
  return CalibrationEnd::kUnknown;
}

}  // namespace

Table WorstTable(const Calibration& calibration) {
  constexpr double kUsualWorst[] = {0.5, 0.7, 0.8, 0.9, 0.95};
  Table table;
  table.AddColumn("for 95 % of queries", Table::Align::kLeft);
  table.AddColumn("k", Table::Align::kRight);
  for (const double worst : kUsualWorst) table.AddColumn(ShareText(worst), Table::Align::kRight);
  table.AddColumn("most", Table::Align::kRight);
  for (const CalibrationCurve& curve : calibration.curves) {
    if (curve.need.empty()) continue;
    std::vector<std::string> cells{IndexKindName(curve.index), FormatCount(curve.k)};
    for (const double worst : kUsualWorst) {
      const EffortForRecall found =
          FindEffort(calibration, curve.index, curve.k, RecallGoal{0, worst, false});
      cells.push_back(found.reachable ? EffortText(curve.index, found.effort) : "-");
    }
    cells.push_back(FormatFixed(curve.need.points.back().recall_p5, 4));
    table.AddRow(std::move(cells));
  }
  return table;
}

Table EffortTable(const Calibration& calibration, const Calibration* before) {
  Table table;
  table.AddColumn("effort for recall", Table::Align::kLeft);
  table.AddColumn("k", Table::Align::kRight);
  if (before != nullptr) table.AddColumn("", Table::Align::kLeft);
  for (const double recall : kUsualRecalls) {
    table.AddColumn(ShareText(recall), Table::Align::kRight);
  }
  table.AddColumn("most", Table::Align::kRight);
  table.AddColumn("up to where", Table::Align::kLeft);
  for (const CalibrationCurve& curve : calibration.curves) {
    const auto add = [&](std::vector<std::string> head, const Calibration& of) {
      for (std::string& cell : EffortCells(of, curve)) head.push_back(std::move(cell));
      head.push_back(EndText(EndOf(of, curve)));
      table.AddRow(std::move(head));
    };
    const std::string name = IndexKindName(curve.index);
    const std::string k = FormatCount(curve.k);
    if (before == nullptr) {
      add({name, k}, calibration);
    } else {
      add({name, k, "before"}, *before);
      add({"", "", "now"}, calibration);
    }
  }
  return table;
}

}  // namespace kith::apps::cli
