// What to recommend: by factors in a folder, and how well that works.
#ifndef KITH_RECOMMEND_H_
#define KITH_RECOMMEND_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "kith/factorize.h"
#include "kith/index.h"
#include "kith/interactions.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

struct WriteModelOptions {
  FactorizeOptions factorize;  // as the factors were made
  int threads = 0;
  Progress progress;
  std::stop_token stop;
};

// Makes a folder of users.kith (angular, exact search), items.kith (dot; a graph where it beats
// exact search, its recall measured with users' vectors), both with names as keys, history.mtx
// (what each user did, to be left out of what is recommended) and model.tsv (how the factors were
// made). Files that are there are replaced: all of them at the end, when all are on the disk, so
// that whatever ends it before leaves an older model whole, and no file of a new one. Cost:
// building the indexes; memory for them. Errors: those of BuildIndex(), CalibrateIndex() and
// CheckModelFolder().
Status WriteModel(const std::string& folder, const Interactions& interactions,
                  const Factors& factors, const WriteModelOptions& options);

// Whether WriteModel() could write to such a folder; for asking before long work. Leaves nothing
// behind. Errors: InvalidArgument (the name is a file's), IoError (it may not be made or written
// to).
Status CheckModelFolder(const std::string& folder);

// An open folder of WriteModel(). Immutable; every method is thread-safe.
class Recommender {
 public:
  // Errors: those of OpenIndex() and ReadInteractions(); Corruption (files that do not belong
  // together).
  static Result<std::unique_ptr<Recommender>> Open(const std::string& folder);
  virtual ~Recommender() = default;
  Recommender(const Recommender&) = delete;
  Recommender& operator=(const Recommender&) = delete;

  virtual const Index& users() const = 0;
  virtual const Index& items() const = 0;
  virtual const Interactions& history() const = 0;  // without names
  virtual const FactorizeOptions& options() const = 0;

  // For each user, by its row, the items of the largest inner product that it did nothing with;
  // distances are these products, negated. params.filter is replaced. Cost: that of Index::Search()
  // for as many queries. Errors: those; InvalidArgument (no such row).
  virtual Status ForUsers(std::span<const uint64_t> users, const SearchParams& params,
                          SearchResult* result) const = 0;
  // The same of users who are not in the model: rows of `history`, whose columns are items of the
  // model. Errors: those too of FoldIn(); Unsupported of BPR.
  virtual Status ForNewUsers(const Interactions& history, const SearchParams& params,
                             SearchResult* result) const = 0;
  // For each item, by its row, those whose vectors point the same way; distances are angular.
  // Exact search; the first call normalises all items' vectors. Errors: as ForUsers().
  virtual Status Similar(std::span<const uint64_t> items, const SearchParams& params,
                         SearchResult* result) const = 0;
  // Which of a user's items speak for an item. Errors: as ForNewUsers().
  virtual Result<std::vector<Evidence>> Explain(uint64_t user, uint64_t item) const = 0;

 protected:
  Recommender() = default;
};

// As Recommender::ForUsers() with all users' vectors and what each did, in these orders.
Status RecommendByVectors(const Index& items, const MatrixView& users, const Interactions& history,
                          const SearchParams& params, SearchResult* result);

// Two ways without factors, to compare with: ids [num_users, k] of items that the user did nothing
// with, the best first, kNoId where there are no more.
// The items that the most users did something with, ties by the smaller item. O(users * k + pairs).
Result<std::vector<int64_t>> RecommendPopular(const Interactions& history, size_t k,
                                              int threads = 0);
// The items of the largest sum of cosines to the user's, by its weights (Sarwar et al., WWW 2001;
// all items are neighbours). O(users * pairs).
Result<std::vector<int64_t>> RecommendByCosine(const Interactions& history, WeightScale scale,
                                               size_t k, int threads = 0,
                                               std::stop_token stop = {});

// How many of the pairs held out are recommended, and how far up. Means over the users that have
// any, with m of them.
struct RankingScore {
  size_t num_users = 0;
  double recall = 0;    // hits among the k first, over min(k, m)
  double ndcg = 0;      // discounted by log2(rank + 1) (Järvelin and Kekäläinen 2002), best is 1
  double map = 0;       // the mean precision at the ranks of hits, over min(k, m)
  double coverage = 0;  // the share of the items that are recommended to somebody
};

// `ids` [test.num_users(), k]. Errors: InvalidArgument (another number of ids; k of 0).
Result<RankingScore> ScoreRanking(std::span<const int64_t> ids, size_t k, const Interactions& test);

}  // namespace kith

#endif  // KITH_RECOMMEND_H_
