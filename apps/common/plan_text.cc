#include "common/plan_text.h"

#include <cmath>
#include <utility>
#include <variant>

#include "base/thread_pool.h"
#include "common/text.h"

namespace kith::apps {
namespace {

// Two significant digits: no prediction has more.
std::string RoughCount(double x) {
  if (x > 1e15) return "10^15";
  const double unit = x < 100 ? 1 : std::pow(10, std::floor(std::log10(x)) - 1);
  return FormatCount(static_cast<uint64_t>(std::llround(std::ceil(x / unit) * unit)));
}

std::string RoughTimes(double ratio) {
  return StrCat(ratio < 9.95 ? FormatFixed(ratio, 1) : RoughCount(ratio), " times");
}

const PlanCandidate& Built(const Planned& planned) {
  return planned.plan.candidates[planned.plan.built];
}

const char* VerdictName(PlanVerdict verdict) {
  switch (verdict) {
    case PlanVerdict::kChosen: return "chosen";
    case PlanVerdict::kAsked: return "asked";
    case PlanVerdict::kNotAsked: return "not_asked";
    case PlanVerdict::kTooCoarse: return "too_coarse";
    case PlanVerdict::kSmallSet: return "small_set";
    case PlanVerdict::kOverMemory: return "over_memory";
    case PlanVerdict::kOverTime: return "over_time";
    case PlanVerdict::kMoreInAll: return "more_in_all";
    case PlanVerdict::kSlowerSearch: return "slower_search";
  }
  return "unknown";
}

// Whether a limit took something out of the choice.
bool WasLimited(const BuildPlan& plan) {
  for (const PlanCandidate& c : plan.candidates) {
    if (c.verdict == PlanVerdict::kOverMemory || c.verdict == PlanVerdict::kOverTime) return true;
  }
  return false;
}

}  // namespace

std::string CandidateText(const PlanCandidate& candidate) {
  if (const auto* forest = std::get_if<ForestOptions>(&candidate.spec)) {
    return StrCat("forest of ", Plural(forest->num_trees, "tree"));
  }
  if (const auto* graph = std::get_if<GraphOptions>(&candidate.spec)) {
    return StrCat(GraphLayoutName(graph->layout), " graph");
  }
  return "exact search";
}

std::string VerdictText(const Planned& planned, const PlanCandidate& c) {
  const BuildOptions& options = planned.options;
  const PlanCandidate& built = Built(planned);
  switch (c.verdict) {
    case PlanVerdict::kChosen:
      return options.expected_queries > 0 ? "chosen: least in all" : "chosen: searched fastest";
    case PlanVerdict::kAsked: return "as asked";
    case PlanVerdict::kNotAsked: return "not asked for";
    case PlanVerdict::kTooCoarse: return "too coarse for such neighbours";
    case PlanVerdict::kSmallSet: return "no faster than exact on so few";
    case PlanVerdict::kOverMemory: return "over the memory";
    case PlanVerdict::kOverTime: return "over the build time";
    case PlanVerdict::kMoreInAll:
      if (std::isfinite(c.faster_from)) {
        return StrCat("faster from ", RoughCount(c.faster_from), " queries on");
      }
      return StrCat(RoughTimes(c.total_seconds / built.total_seconds), " that in all");
    case PlanVerdict::kSlowerSearch:
      return c.query_us > built.query_us
                 ? StrCat(RoughTimes(c.query_us / built.query_us), " as long a query")
                 : "as fast only while so few";
  }
  return "";
}

std::string ReasonText(const Planned& planned) {
  const PlanCandidate& built = Built(planned);
  const std::string name = CandidateText(built);
  if (built.verdict == PlanVerdict::kAsked) return StrCat(name, ", because --index says so.");
  const std::string limited = WasLimited(planned.plan) ? ", within the limits" : "";
  const uint64_t queries = planned.options.expected_queries;
  if (queries > 0) {
    return StrCat(name, ": the least time for the build and ",
                  queries == 1 ? "one query" : "all queries", ", ",
                  FormatSeconds(built.total_seconds), limited, ".");
  }
  if (built.kind == IndexKind::kExact && limited.empty()) {
    return StrCat(name, ": of so few vectors, or so hard ones, comparing with all is the fastest.");
  }
  return StrCat(name, ": the fastest to search",
                limited.empty() ? ". --expect-queries weighs the build, too." : limited + ".");
}

std::string LimitsText(const BuildOptions& options) {
  std::string text;
  if (options.memory > 0) text = StrCat(FormatBytes(options.memory), " of memory");
  if (options.build_seconds > 0) {
    text +=
        StrCat(text.empty() ? "" : " and ", FormatSeconds(options.build_seconds), " of building");
  }
  return text;
}

std::string LookText(const DataLook& look) {
  if (look.rows == 0) return "";
  const double dim = look.intrinsic_dim;
  const char* hard = dim < 10   ? "easy to search"
                     : dim < 20 ? "as hard to search as most"
                     : dim < 40 ? "hard to search"
                                : "very hard to search";
  return StrCat("intrinsic dimension ", FormatFixed(dim, dim < 10 ? 1 : 0), ", ", hard, " (",
                FormatCount(look.rows), " looked at)");
}

std::string CalibrationText(const Planned& planned) {
  const double seconds = Built(planned).calibration_seconds;
  if (seconds == 0) return "";
  return StrCat("Of the build, ", FormatSeconds(seconds),
                " measure its recall; --no-calibrate leaves that out.");
}

int PlannedThreads(const BuildOptions& options) { return ResolveThreads(options.threads); }

Json PlanJson(const Planned& planned) {
  const BuildOptions& options = planned.options;
  Json json;
  json["vectors"] = planned.num_vectors;
  json["dim"] = planned.dim;
  json["dtype"] = DataTypeName(planned.dtype);
  json["metric"] = MetricName(options.metric);
  json["looked_at"] = planned.plan.look.rows;
  json["intrinsic_dim"] = planned.plan.look.intrinsic_dim;
  json["rounding"] = planned.plan.look.rounding;
  json["expected_queries"] = options.expected_queries;
  json["memory"] = options.memory;
  json["build_time_s"] = options.build_seconds;
  json["built"] = CandidateText(Built(planned));
  json["reason"] = ReasonText(planned);
  json["candidates"] = Json::array();
  for (const PlanCandidate& c : planned.plan.candidates) {
    Json entry;
    entry["index"] = IndexKindName(c.kind);
    const auto* graph = std::get_if<GraphOptions>(&c.spec);
    const auto* forest = std::get_if<ForestOptions>(&c.spec);
    entry["layout"] = graph == nullptr ? Json() : Json(GraphLayoutName(graph->layout));
    entry["trees"] = forest == nullptr ? 0 : forest->num_trees;
    entry["built"] = c.is_built();
    entry["build_s"] = c.build_seconds;
    entry["calibration_s"] = c.calibration_seconds;
    entry["elapsed_s"] = c.elapsed_seconds;
    entry["query_us"] = c.query_us;
    entry["bytes"] = c.file_bytes;
    entry["memory"] = c.build_memory;
    entry["total_s"] = c.total_seconds;
    entry["faster_from"] = std::isfinite(c.faster_from) ? Json(c.faster_from) : Json();
    entry["verdict"] = VerdictName(c.verdict);
    entry["why"] = VerdictText(planned, c);
    json["candidates"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace kith::apps
