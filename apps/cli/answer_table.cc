#include "answer_table.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/text.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

std::string DistanceText(Metric metric, float distance) {
  if (metric == Metric::kHamming) return FormatFixed(distance, 0);
  return FormatFixed(distance, 4);
}

}  // namespace

void PrintCost(const Answers& answers, size_t num_queries, std::ostream& out) {
  const double n = static_cast<double>(num_queries);
  const SearchStats& stats = answers.result.stats;
  out << (num_queries == 1 ? "" : StrCat(Plural(num_queries, "query"), " in "))
      << FormatSeconds(answers.seconds) << " (" << PlanText(answers) << ": "
      << FormatShort(static_cast<double>(stats.distances) / n) << " distances";
  if (stats.codes > 0) out << ", " << FormatShort(static_cast<double>(stats.codes) / n) << " codes";
  out << (num_queries == 1 ? ")\n" : " a query)\n");
}

void PrintTable(const Index& index, const Queries& queries, const Answers& answers,
                std::ostream& out) {
  const IndexInfo& info = index.info();
  const bool angular = info.metric == Metric::kAngular;
  for (size_t q = 0; q < queries.size(); ++q) {
    Table table;
    table.AddColumn("rank", Table::Align::kRight);
    table.AddColumn("id", Table::Align::kRight);
    if (info.has_keys) table.AddColumn("key", Table::Align::kLeft);
    table.AddColumn("distance", Table::Align::kRight);
    if (angular) table.AddColumn("cosine", Table::Align::kRight);
    size_t rank = 0;
    for (const Neighbour& neighbour : NeighboursOf(answers.result, q)) {
      std::vector<std::string> cells{std::to_string(++rank), std::to_string(neighbour.id)};
      if (info.has_keys) cells.push_back(Escaped(KeyOf(index, neighbour.id)));
      cells.push_back(DistanceText(info.metric, neighbour.distance));
      if (angular) cells.push_back(FormatFixed(1 - static_cast<double>(neighbour.distance), 4));
      table.AddRow(std::move(cells));
    }
    out << queries[q].title << '\n';
    table.Print(out, "  ");
  }
  if (queries.size() > 0) PrintCost(answers, queries.size(), out);
}

void PrintTsvHeader(std::ostream& out) { out << "query\trank\tid\tkey\tdistance\n"; }

void PrintTsv(const Index& index, const Queries& queries, const Answers& answers,
              std::ostream& out) {
  for (size_t q = 0; q < queries.size(); ++q) {
    const Json& label = queries[q].label;
    const std::string text = label.is_string() ? Escaped(label.get<std::string>()) : label.dump();
    size_t rank = 0;
    for (const Neighbour& neighbour : NeighboursOf(answers.result, q)) {
      out << text << '\t' << ++rank << '\t' << neighbour.id << '\t'
          << Escaped(KeyOf(index, neighbour.id)) << '\t' << FormatFloat(neighbour.distance) << '\n';
    }
  }
}

}  // namespace kith::apps::cli
