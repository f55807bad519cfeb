// What a search answers, for people and for programs.
#ifndef KITH_APPS_COMMON_ANSWERS_H_
#define KITH_APPS_COMMON_ANSWERS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "common/queries.h"
#include "kith/index.h"
#include "kith/status.h"

namespace kith::apps {

struct Answers {
  SearchResult result;
  bool with_recall = false;  // a recall was asked for, so that the plans expect one
  bool with_worst = false;   // also, or instead, one that 95 % of the queries reach
  double seconds = 0;
};

struct Neighbour {
  int64_t id;
  float distance;
};

// Searches, and takes the time. Errors: those of Index::Search().
Status Answer(const Queries& queries, const SearchParams& params, Answers* answers);

// The neighbours of a query, nearest first; fewer than k where there are no more.
std::vector<Neighbour> NeighboursOf(const SearchResult& result, size_t query);

// The key of an id; empty if there is none.
std::string_view KeyOf(const Index& index, int64_t id);

// Whether any answer may be other than exact.
bool AreEstimated(const Answers& answers);

// How they were searched for: "graph", "graph, effort 17.2, expected recall 0.95"; of queries that
// differ in it, from the least effort to the most, and the least recall.
std::string PlanText(const Answers& answers);

// The answer to one query: {"query", "index", "neighbors", ...}.
Json AnswerJson(const Index& index, const Queries& queries, const Answers& answers, size_t query);

// Ids [queries, k] to `path`, distances to the same name with ".distances.npy" for its extension;
// -1 and infinity where there is no neighbour. Errors: as WriteGroundTruth.
Status WriteArrays(SearchResult result, const std::string& path);

// The names of both files that it writes; none of "".
std::vector<std::string> ArraysOf(const std::string& path);

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_ANSWERS_H_
