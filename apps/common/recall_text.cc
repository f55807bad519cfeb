#include "common/recall_text.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "common/text.h"

namespace kith::apps {
namespace {

constexpr double kMostWhole = 0x1p63;  // efforts from here on are no int64_t

const char* SourceName(CalibrationSource source) {
  return source == CalibrationSource::kQueries ? "queries" : "held-out";
}

Json FloatsJson(const std::vector<float>& values) {
  Json json = Json::array();
  for (const float value : values) json.push_back(JsonFloat(value));
  return json;
}

Json NeedJson(const NeedCurve& curve) {
  Json json;
  json["first"] = JsonFloat(curve.first);
  json["far"] = FloatsJson(curve.far);
  json["factors"] = FloatsJson(curve.factors);
  json["points"] = Json::array();
  for (const NeedPoint& point : curve.points) {
    json["points"].push_back({{"effort", JsonFloat(point.effort)},
                              {"recall", JsonFloat(point.recall)},
                              {"recall_p5", JsonFloat(point.recall_p5)}});
  }
  return json;
}

Json WideJson(const WideCurve& curve) {
  Json json;
  json["first"] = JsonFloat(curve.first);
  json["far"] = FloatsJson(curve.far);
  json["weights"] = FloatsJson(curve.weights);
  json["efforts"] = FloatsJson(curve.efforts);
  json["recalls"] = Json::array();
  const size_t row = curve.efforts.size();
  for (size_t at = 0; at < curve.recalls.size(); at += row) {
    const auto begin = curve.recalls.begin() + static_cast<ptrdiff_t>(at);
    json["recalls"].push_back(FloatsJson({begin, begin + static_cast<ptrdiff_t>(row)}));
  }
  return json;
}

}  // namespace

std::string EffortText(IndexKind index, double effort) {
  // A damaged calibration may name more than an integer holds.
  if (!(effort < kMostWhole)) return StrCat(effort);
  if (index == IndexKind::kForest) return FormatCount(static_cast<uint64_t>(effort));
  const double tenths = std::round(effort * 10);
  if (effort >= 1000 || std::fmod(tenths, 10) == 0) {
    return FormatCount(static_cast<uint64_t>(std::llround(effort)));
  }
  return FormatFixed(effort, 1);
}

Json EffortJson(IndexKind index, double effort) {
  const double whole = std::floor(effort);
  if (!(whole < kMostWhole)) return effort;
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
  const bool queries = calibration.source == CalibrationSource::kQueries;
  return Plural(calibration.num_queries, queries ? "query" : "held-out vector");
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
    entry["end"] = EndJson(curve.end);
    entry["points"] = Json::array();
    for (const CalibrationPoint& point : curve.points) {
      entry["points"].push_back({{"effort", JsonFloat(point.effort)},
                                 {"recall", JsonFloat(point.recall)},
                                 {"recall_p5", JsonFloat(point.recall_p5)},
                                 {"recall_worst_decile", JsonFloat(point.recall_worst)},
                                 {"nodes", JsonFloat(point.nodes)},
                                 {"distances", JsonFloat(point.distances)}});
    }
    if (!curve.need.empty()) entry["need"] = NeedJson(curve.need);
    if (!curve.wide.empty()) entry["wide"] = WideJson(curve.wide);
    json["curves"].push_back(std::move(entry));
  }
  json["nearest"] = Json::array();
  for (const float quantile : calibration.nearest) json["nearest"].push_back(JsonFloat(quantile));
  return json;
}

std::optional<double> EffortFor(const Calibration& calibration, const CalibrationCurve& curve,
                                double recall) {
  const EffortForRecall found = FindEffort(calibration, curve.index, curve.k, recall);
  if (!found.reachable) return std::nullopt;
  return found.effort;
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

std::string DriftText(const QueryDrift& drift, const std::string& file,
                      const std::string& queries_file) {
  return StrCat("the queries look unlike those that recall was measured with (",
                "Kolmogorov-Smirnov distance ", FormatFixed(drift.distance, 2),
                "), so it may be another than asked for; measure it with such queries: kith tune ",
                file, " --queries ", queries_file.empty() ? "FILE" : queries_file);
}

std::string EndText(CalibrationEnd end) {
  switch (end) {
    case CalibrationEnd::kUnknown: break;
    case CalibrationEnd::kFound: return "all is found";
    case CalibrationEnd::kExactCheaper: return "exact is cheaper";
    case CalibrationEnd::kAllSearched: return "all is searched";
  }
  return "-";
}

Json EndJson(CalibrationEnd end) {
  switch (end) {
    case CalibrationEnd::kUnknown: break;
    case CalibrationEnd::kFound: return "found";
    case CalibrationEnd::kExactCheaper: return "exact-cheaper";
    case CalibrationEnd::kAllSearched: return "all-searched";
  }
  return nullptr;
}

}  // namespace kith::apps
