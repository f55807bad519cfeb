// What `kith search` answers, in each of its output formats.
#ifndef KITH_APPS_CLI_RESULTS_H_
#define KITH_APPS_CLI_RESULTS_H_

#include <ostream>
#include <string>
#include <vector>

#include "kith/index.h"
#include "kith/status.h"
#include "queries.h"

namespace kith::cli {

struct Answers {
  size_t k = 0;                   // neighbours to show, at most, for a query
  SearchResult result;            // of at least as many, for those excluded are still in it
  std::vector<SearchPlan> plans;  // one for each query
  bool with_recall = false;       // a recall was asked for, so that the plans expect one
  double seconds = 0;
};

// For people: a table for each query, then one line of cost.
void PrintTable(const Index& index, const Queries& queries, const Answers& answers,
                std::ostream& out);
// Columns query, rank, id, key, distance; a line for each neighbour. In keys, tab, line break and
// backslash are written \t, \n, \\.
void PrintTsvHeader(std::ostream& out);
void PrintTsv(const Index& index, const Queries& queries, const Answers& answers,
              std::ostream& out);
// An object for each query, one a line.
void PrintJson(const Index& index, const Queries& queries, const Answers& answers,
               std::ostream& out);
// Ids [queries, k] to `path`, distances to the same name with ".distances.npy" for its extension;
// -1 and infinity where there is no neighbour. Errors: as WriteGroundTruth.
Status WriteArrays(const Queries& queries, const Answers& answers, const std::string& path);

}  // namespace kith::cli

#endif  // KITH_APPS_CLI_RESULTS_H_
