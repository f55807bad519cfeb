#include "recall.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "base/strings.h"
#include "calibration/section.h"

namespace kith::cli {
namespace {

std::string CheckRecall(const std::string& text) {
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  const bool number = error == std::errc() && end == text.data() + text.size();
  return number && x > 0 && x <= 1
             ? std::string()
             : StrCat("'", text, "' is not a recall, a share above 0 and up to 1, as 0.95");
}

const char* SourceName(CalibrationSource source) {
  return source == CalibrationSource::kQueries ? "queries" : "held-out";
}

// Nothing where a recall is out of reach or was not measured.
std::optional<double> EffortFor(const Calibration& calibration, const CalibrationCurve& curve,
                                double recall) {
  const calibration::EffortForRecall found =
      calibration::FindEffort(calibration, curve.index, curve.k, recall);
  if (!found.reachable) return std::nullopt;
  return found.effort;
}

std::vector<std::string> EffortCells(const Calibration& calibration,
                                     const CalibrationCurve& curve) {
  std::vector<std::string> cells;
  for (const double recall : kUsualRecalls) {
    const std::optional<double> effort = EffortFor(calibration, curve, recall);
    cells.push_back(effort ? EffortText(curve.index, *effort) : "-");
  }
  // No effort reaches this; what is reached then is the most there is.
  const calibration::EffortForRecall most =
      calibration::FindEffort(calibration, curve.index, curve.k, 2);
  cells.push_back(most.known ? FormatFixed(most.recall, 4) : "-");
  return cells;
}

}  // namespace

CLI::Option* AddRecall(CLI::App* app, double* recall, const std::string& description) {
  return app->add_option("--recall", *recall, description)
      ->check(CLI::Validator(CheckRecall, ""))
      ->type_name("R");
}

CLI::Option* AddRecalls(CLI::App* app, std::vector<double>* recalls,
                        const std::string& description) {
  return app->add_option("--recall", *recalls, description)
      ->check(CLI::Validator(CheckRecall, ""))
      ->delimiter(',')
      ->option_text("R,...")
      ->allow_extra_args(false);
}

std::string EffortText(IndexKind index, double effort) {
  if (index == IndexKind::kForest) return FormatCount(static_cast<uint64_t>(effort));
  const double tenths = std::round(effort * 10);
  if (effort >= 1000 || std::fmod(tenths, 10) == 0) {
    return FormatCount(static_cast<uint64_t>(std::llround(effort)));
  }
  return FormatFixed(effort, 1);
}

Json EffortJson(IndexKind index, double effort) {
  const double whole = std::floor(effort);
  if (index == IndexKind::kForest || effort == whole) return static_cast<int64_t>(whole);
  return effort;
}

std::string ShareText(double share) {
  std::string text = FormatFixed(share, 4);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string SourceText(const Calibration& calibration) {
  const std::string count = FormatCount(calibration.num_queries);
  const bool one = calibration.num_queries == 1;
  return calibration.source == CalibrationSource::kQueries
             ? StrCat(count, one ? " query" : " queries")
             : StrCat(count, one ? " held-out vector" : " held-out vectors");
}

Json SourceJson(const Calibration& calibration) {
  if (calibration.empty()) return nullptr;
  Json json;
  json["source"] = SourceName(calibration.source);
  json["queries"] = calibration.num_queries;
  return json;
}

Json CalibrationJson(const Calibration& calibration) {
  Json json = SourceJson(calibration);
  if (json.is_null()) return json;
  json["curves"] = Json::array();
  for (const CalibrationCurve& curve : calibration.curves) {
    Json entry;
    entry["index"] = IndexKindName(curve.index);
    entry["k"] = curve.k;
    entry["points"] = Json::array();
    for (const CalibrationPoint& point : curve.points) {
      entry["points"].push_back({{"effort", JsonFloat(point.effort)},
                                 {"recall", JsonFloat(point.recall)},
                                 {"recall_p5", JsonFloat(point.recall_p5)},
                                 {"recall_worst_decile", JsonFloat(point.recall_worst)},
                                 {"nodes", JsonFloat(point.nodes)},
                                 {"distances", JsonFloat(point.distances)}});
    }
    json["curves"].push_back(std::move(entry));
  }
  json["nearest"] = Json::array();
  for (const float quantile : calibration.nearest) json["nearest"].push_back(JsonFloat(quantile));
  return json;
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
  for (const CalibrationCurve& curve : calibration.curves) {
    const auto add = [&](std::vector<std::string> head, const Calibration& of) {
      for (std::string& cell : EffortCells(of, curve)) head.push_back(std::move(cell));
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

Json EffortsJson(const Calibration& calibration, const Calibration& before) {
  Json json = Json::array();
  for (const CalibrationCurve& curve : calibration.curves) {
    for (const double recall : kUsualRecalls) {
      Json entry;
      entry["index"] = IndexKindName(curve.index);
      entry["k"] = curve.k;
      entry["recall"] = recall;
      const auto effort_of = [&](const Calibration& of) {
        const std::optional<double> effort = EffortFor(of, curve, recall);
        return effort ? EffortJson(curve.index, *effort) : Json();
      };
      entry["before"] = effort_of(before);
      entry["effort"] = effort_of(calibration);
      json.push_back(std::move(entry));
    }
  }
  return json;
}

}  // namespace kith::cli
