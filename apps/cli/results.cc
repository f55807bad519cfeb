#include "results.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "kith/dataset.h"
#include "recall.h"
#include "terminal.h"

namespace kith::cli {
namespace {

struct Neighbour {
  int64_t id;
  float distance;
};

// The neighbours of a query, nearest first, without those asked about.
std::vector<Neighbour> Neighbours(const Queries& queries, const Answers& answers, size_t query) {
  const SearchResult& result = answers.result;
  const std::vector<int64_t>& excluded = queries.notes[query].excluded;
  std::vector<Neighbour> neighbours;
  for (size_t j = query * result.k; j < (query + 1) * result.k; ++j) {
    if (neighbours.size() == answers.k) break;
    if (result.ids[j] == kNoId) continue;
    if (std::binary_search(excluded.begin(), excluded.end(), result.ids[j])) continue;
    neighbours.push_back({result.ids[j], result.distances[j]});
  }
  return neighbours;
}

std::string_view KeyOf(const Index& index, int64_t id) {
  const Result<uint64_t> row = index.FindId(id);
  return row.ok() ? index.Key(*row) : std::string_view();
}

std::string DistanceText(Metric metric, float distance) {
  if (metric == Metric::kHamming) return FormatFixed(distance, 0);
  return FormatFixed(distance, 4);
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\\': out += "\\\\"; break;
      default: out += c;
    }
  }
  return out;
}

// "graph", "graph, effort 17.2, expected recall 0.95"; of queries that differ in it, from the least
// effort to the most, and the least recall.
std::string PlanText(const Answers& answers) {
  std::string names;
  const SearchPlan* least = nullptr;
  const SearchPlan* most = nullptr;
  double recall = 1;
  for (const SearchPlan& plan : answers.plans) {
    const std::string name = IndexKindName(plan.index);
    if (names.find(name) == std::string::npos) names += StrCat(names.empty() ? "" : " or ", name);
    if (plan.index == IndexKind::kExact) continue;
    if (least == nullptr || plan.effort < least->effort) least = &plan;
    if (most == nullptr || plan.effort > most->effort) most = &plan;
    recall = std::min(recall, plan.recall);
  }
  if (!answers.with_recall || least == nullptr) return names;
  std::string effort = EffortText(least->index, least->effort);
  if (const std::string end = EffortText(most->index, most->effort); end != effort) {
    effort += StrCat(" to ", end);
  }
  return StrCat(names, ", effort ", effort, ", expected recall ", ShareText(recall));
}

void PrintCost(const Answers& answers, size_t num_queries, std::ostream& out) {
  const double n = static_cast<double>(num_queries);
  const SearchStats& stats = answers.result.stats;
  out << (num_queries == 1 ? "" : StrCat(FormatCount(num_queries), " queries in "))
      << FormatSeconds(answers.seconds) << " (" << PlanText(answers) << ": "
      << FormatShort(static_cast<double>(stats.distances) / n) << " distances";
  if (stats.codes > 0) out << ", " << FormatShort(static_cast<double>(stats.codes) / n) << " codes";
  out << (num_queries == 1 ? ")\n" : " a query)\n");
}

}  // namespace

void PrintTable(const Index& index, const Queries& queries, const Answers& answers,
                std::ostream& out) {
  const IndexInfo& info = index.info();
  const bool angular = info.metric == Metric::kAngular;
  for (size_t q = 0; q < queries.notes.size(); ++q) {
    Table table;
    table.AddColumn("rank", Table::Align::kRight);
    table.AddColumn("id", Table::Align::kRight);
    if (info.has_keys) table.AddColumn("key", Table::Align::kLeft);
    table.AddColumn("distance", Table::Align::kRight);
    if (angular) table.AddColumn("cosine", Table::Align::kRight);
    size_t rank = 0;
    for (const Neighbour& neighbour : Neighbours(queries, answers, q)) {
      std::vector<std::string> cells{std::to_string(++rank), std::to_string(neighbour.id)};
      if (info.has_keys) cells.push_back(Printable(KeyOf(index, neighbour.id)));
      cells.push_back(DistanceText(info.metric, neighbour.distance));
      if (angular) cells.push_back(FormatFixed(1 - static_cast<double>(neighbour.distance), 4));
      table.AddRow(std::move(cells));
    }
    out << queries.notes[q].title << '\n';
    table.Print(out, "  ");
  }
  if (!queries.notes.empty()) PrintCost(answers, queries.notes.size(), out);
}

void PrintTsvHeader(std::ostream& out) { out << "query\trank\tid\tkey\tdistance\n"; }

void PrintTsv(const Index& index, const Queries& queries, const Answers& answers,
              std::ostream& out) {
  for (size_t q = 0; q < queries.notes.size(); ++q) {
    const Json& label = queries.notes[q].label;
    const std::string text = label.is_string() ? Escaped(label.get<std::string>()) : label.dump();
    size_t rank = 0;
    for (const Neighbour& neighbour : Neighbours(queries, answers, q)) {
      out << text << '\t' << ++rank << '\t' << neighbour.id << '\t'
          << Escaped(KeyOf(index, neighbour.id)) << '\t' << FormatFloat(neighbour.distance) << '\n';
    }
  }
}

void PrintJson(const Index& index, const Queries& queries, const Answers& answers,
               std::ostream& out) {
  const IndexInfo& info = index.info();
  for (size_t q = 0; q < queries.notes.size(); ++q) {
    Json json;
    json["query"] = queries.notes[q].label;
    const SearchPlan& plan = answers.plans[q];
    json["index"] = IndexKindName(plan.index);
    if (answers.with_recall) {
      json["effort"] =
          plan.index == IndexKind::kExact ? Json() : EffortJson(plan.index, plan.effort);
      json["expected_recall"] = plan.recall;
    }
    json["neighbors"] = Json::array();
    size_t rank = 0;
    for (const Neighbour& neighbour : Neighbours(queries, answers, q)) {
      Json entry;
      entry["rank"] = ++rank;
      entry["id"] = neighbour.id;
      if (info.has_keys) entry["key"] = std::string(KeyOf(index, neighbour.id));
      entry["distance"] = JsonFloat(neighbour.distance);
      json["neighbors"].push_back(std::move(entry));
    }
    out << ToLine(json);
  }
}

Status WriteArrays(const Queries& queries, const Answers& answers, const std::string& path) {
  GroundTruth table;
  table.num_queries = queries.notes.size();
  table.k = answers.k;
  for (size_t q = 0; q < table.num_queries; ++q) {
    std::vector<Neighbour> neighbours = Neighbours(queries, answers, q);
    neighbours.resize(table.k, {kNoId, std::numeric_limits<float>::infinity()});
    for (const Neighbour& neighbour : neighbours) {
      table.ids.push_back(neighbour.id);
      table.distances.push_back(neighbour.distance);
    }
  }
  KITH_RETURN_IF_ERROR(WriteGroundTruth(path, table));
  const auto distances = std::filesystem::path(path).replace_extension(".distances.npy");
  return WriteDataset(distances.string(), "npy",
                      ViewOf(table.distances.data(), table.num_queries, table.k), {});
}

}  // namespace kith::cli
