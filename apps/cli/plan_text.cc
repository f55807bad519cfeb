#include "plan_text.h"

#include <cmath>

#include "base/strings.h"
#include "base/thread_pool.h"
#include "terminal.h"

namespace kith::cli {
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

// Why a candidate was taken or not, in a few words.
std::string VerdictText(const Planned& planned, const PlanCandidate& c) {
  const BuildOptions& options = planned.options;
  const PlanCandidate& built = Built(planned);
  switch (c.verdict) {
    case PlanVerdict::kChosen:
      return options.expected_queries > 0 ? "chosen: least in all" : "chosen: searched fastest";
    case PlanVerdict::kAsked: return "as asked";
    case PlanVerdict::kNotAsked: return "not asked for";
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

const char* VerdictName(PlanVerdict verdict) {
  switch (verdict) {
    case PlanVerdict::kChosen: return "chosen";
    case PlanVerdict::kAsked: return "asked";
    case PlanVerdict::kNotAsked: return "not_asked";
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

// Why it won, in a sentence.
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
    return StrCat(name,
                  ": the vectors fit a core's cache, where nothing beats comparing with all.");
  }
  return StrCat(name, ": the fastest to search",
                limited.empty() ? ". --expect-queries weighs the build, too." : limited + ".");
}

void PrintLimits(std::ostream& out, const BuildOptions& options) {
  std::string text;
  if (options.memory > 0) text = StrCat(FormatBytes(options.memory), " of memory");
  if (options.build_seconds > 0) {
    text +=
        StrCat(text.empty() ? "" : " and ", FormatSeconds(options.build_seconds), " of building");
  }
  if (!text.empty()) out << "within " << text << '\n';
}

}  // namespace

std::string CandidateText(const PlanCandidate& candidate) {
  switch (candidate.kind) {
    case IndexKind::kForest: return StrCat("forest of ", Plural(candidate.num_trees, "tree"));
    case IndexKind::kGraph: return StrCat(GraphLayoutName(candidate.layout), " graph");
    default: return "exact search";
  }
}

void PrintPlan(std::ostream& out, const Planned& planned) {
  const BuildOptions& options = planned.options;
  const uint64_t queries = options.expected_queries;
  out << "plan for " << Plural(planned.num_vectors, "vector") << " of "
      << Plural(planned.dim, "dimension") << ", " << DataTypeName(planned.dtype) << ", "
      << MetricName(options.metric) << "; "
      << (queries == 0   ? "many queries"
          : queries == 1 ? "one query"
                         : StrCat(FormatCount(queries), " queries"))
      << '\n';
  PrintLimits(out, options);
  const int threads = ResolveThreads(options.threads);
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
  out << ReasonText(planned) << '\n'
      << "Predicted for one thread, one query a call, recall@10 of 0.95, by docs/choosing.md.\n";
}

Json PlanJson(const Planned& planned) {
  const BuildOptions& options = planned.options;
  Json json;
  json["vectors"] = planned.num_vectors;
  json["dim"] = planned.dim;
  json["dtype"] = DataTypeName(planned.dtype);
  json["metric"] = MetricName(options.metric);
  json["expected_queries"] = options.expected_queries;
  json["memory"] = options.memory;
  json["build_time_s"] = options.build_seconds;
  json["built"] = CandidateText(Built(planned));
  json["reason"] = ReasonText(planned);
  json["candidates"] = Json::array();
  for (const PlanCandidate& c : planned.plan.candidates) {
    Json entry;
    entry["index"] = IndexKindName(c.kind);
    entry["layout"] = c.kind == IndexKind::kGraph ? Json(GraphLayoutName(c.layout)) : Json();
    entry["trees"] = c.num_trees;
    entry["built"] = c.is_built();
    entry["build_s"] = c.build_seconds;
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

}  // namespace kith::cli
