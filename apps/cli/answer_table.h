// What `kith search` answers, as text.
#ifndef KITH_APPS_CLI_ANSWER_TABLE_H_
#define KITH_APPS_CLI_ANSWER_TABLE_H_

#include <cstddef>
#include <ostream>

#include "common/answers.h"
#include "common/queries.h"
#include "kith/index.h"

namespace kith::apps::cli {

// For people: a table for each query, then one line of cost.
void PrintTable(const Index& index, const Queries& queries, const Answers& answers,
                std::ostream& out);
// That line: the time of so many queries, how they were searched, and what that took.
void PrintCost(const Answers& answers, size_t num_queries, std::ostream& out);
// Columns query, rank, id, key, distance; a line for each neighbour. In keys, tab, line break and
// backslash are written \t, \n, \\.
void PrintTsvHeader(std::ostream& out);
void PrintTsv(const Index& index, const Queries& queries, const Answers& answers,
              std::ostream& out);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_ANSWER_TABLE_H_
