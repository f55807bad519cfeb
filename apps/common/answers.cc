#include "common/answers.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "common/recall_text.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "kith/dataset.h"

namespace kith::apps {
namespace {

// What was done for each query, or for all of them at once.
std::vector<SearchPlan> PlansOf(const SearchResult& result) {
  return result.plans.empty() ? std::vector{result.plan} : result.plans;
}

// What makes a plan take exact search, if that is not to be expected: ", for ...".
std::string ReasonText(const SearchPlan& plan) {
  switch (plan.why) {
    case WhyExact::kOutOfReach:
      if (plan.reached_worst > 0) {
        return StrCat(", for recall ", ShareText(plan.reached), ", of 95 % of the queries ",
                      ShareText(plan.reached_worst), ", is the most that anything else reaches");
      }
      return StrCat(", for recall ", ShareText(plan.reached),
                    " is the most that anything else reaches");
    case WhyExact::kUnmeasured:
      return ", for what recall anything else gives was not measured; 'kith tune' does";
    case WhyExact::kMissesOwn: return ", for the graph misses many of its own vectors";
    case WhyExact::kNone:
    case WhyExact::kEverything:
    case WhyExact::kCheaper: break;
  }
  return {};
}

std::string DistancesBeside(const std::string& path) {
  return std::filesystem::path(path).replace_extension(".distances.npy").string();
}

}  // namespace

Status Answer(const Queries& queries, const SearchParams& params, Answers* answers) {
  const Stopwatch stopwatch;
  KITH_RETURN_IF_ERROR(queries.Search(params, &answers->result));
  answers->seconds = stopwatch.Seconds();
  answers->with_recall = params.recall > 0 || params.worst > 0;
  answers->with_worst = params.worst > 0;
  return Status::Ok();
}

std::vector<Neighbour> NeighboursOf(const SearchResult& result, size_t query) {
  std::vector<Neighbour> neighbours;
  for (size_t j = query * result.k; j < (query + 1) * result.k; ++j) {
    if (result.ids[j] == kNoId) break;
    neighbours.push_back({result.ids[j], result.distances[j]});
  }
  return neighbours;
}

std::string_view KeyOf(const Index& index, int64_t id) {
  const Result<uint64_t> row = index.FindId(id);
  return row.ok() ? index.Key(*row) : std::string_view();
}

bool AreEstimated(const Answers& answers) {
  const std::vector<SearchPlan> plans = PlansOf(answers.result);
  return std::any_of(plans.begin(), plans.end(),
                     [](const SearchPlan& p) { return p.index != IndexKind::kExact; });
}

std::string PlanText(const Answers& answers) {
  std::string names;
  const SearchPlan* least = nullptr;
  const SearchPlan* most = nullptr;
  std::string reason;
  double recall = 1;
  double worst = 1;
  const std::vector<SearchPlan> plans = PlansOf(answers.result);
  for (const SearchPlan& plan : plans) {
    const std::string name = IndexKindName(plan.index);
    if (names.find(name) == std::string::npos) names += StrCat(names.empty() ? "" : " or ", name);
    if (reason.empty()) reason = ReasonText(plan);
    if (plan.index == IndexKind::kExact) continue;
    if (least == nullptr || plan.effort < least->effort) least = &plan;
    if (most == nullptr || plan.effort > most->effort) most = &plan;
    recall = std::min(recall, plan.recall);
    worst = std::min(worst, plan.worst);
  }
  if (!answers.with_recall || least == nullptr) return names + reason;
  std::string effort = EffortText(least->index, least->effort);
  if (const std::string end = EffortText(most->index, most->effort); end != effort) {
    effort += StrCat(" to ", end);
  }
  std::string expected = StrCat(", expected recall ", ShareText(recall));
  if (answers.with_worst) expected += StrCat(", of 95 % of the queries ", ShareText(worst));
  return StrCat(names, ", effort ", effort, expected, reason);
}

Json AnswerJson(const Index& index, const Queries& queries, const Answers& answers, size_t query) {
  Json json;
  json["query"] = queries[query].label;
  const SearchPlan& plan = answers.result.plan_of(query);
  json["index"] = IndexKindName(plan.index);
  if (answers.with_recall) {
    json["effort"] = plan.index == IndexKind::kExact ? Json() : EffortJson(plan.index, plan.effort);
    json["expected_recall"] = plan.recall;
    if (answers.with_worst) json["expected_worst"] = plan.worst;
    if (plan.why != WhyExact::kNone) json["why_exact"] = WhyExactName(plan.why);
    if (plan.why == WhyExact::kOutOfReach) json["reached"] = plan.reached;
  }
  json["neighbors"] = Json::array();
  size_t rank = 0;
  for (const Neighbour& neighbour : NeighboursOf(answers.result, query)) {
    Json entry;
    entry["rank"] = ++rank;
    entry["id"] = neighbour.id;
    if (index.info().has_keys) entry["key"] = std::string(KeyOf(index, neighbour.id));
    entry["distance"] = JsonFloat(neighbour.distance);
    json["neighbors"].push_back(std::move(entry));
  }
  return json;
}

std::vector<std::string> ArraysOf(const std::string& path) {
  if (path.empty()) return {};
  return {path, DistancesBeside(path)};
}

Status WriteArrays(SearchResult result, const std::string& path) {
  const GroundTruth table{result.num_queries, result.k, std::move(result.ids),
                          std::move(result.distances)};
  KITH_RETURN_IF_ERROR(WriteGroundTruth(path, table));
  return WriteDataset(DistancesBeside(path), "npy",
                      ViewOf(table.distances.data(), table.num_queries, table.k), {});
}

}  // namespace kith::apps
