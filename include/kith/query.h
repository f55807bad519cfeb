// Queries made of stored vectors: "king", "chinese river", "+king -man +woman".
#ifndef KITH_QUERY_H_
#define KITH_QUERY_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kith/filter.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

// A stored vector and how it counts: 1, or -1 where it is subtracted.
struct QueryTerm {
  uint64_t row = 0;
  double sign = 1;
};

// The terms of a text. If it is a key as it stands, or one behind + or -, that alone; else its
// words, parted by white space (of ASCII), each a key, or a key behind + or -. What is a key with
// its sign is that key. Of several rows with the same key, the first.
// Errors: InvalidArgument (the index has no keys; nothing but white space), NotFound (names the
// word that is no key, and the key that was probably meant, or some that there are), Corruption.
Result<std::vector<QueryTerm>> ParseQuery(const Index& index, std::string_view text);

// The same of words that are parted already, each a key, or a key behind + or -.
Result<std::vector<QueryTerm>> ParseQueryWords(const Index& index,
                                               std::span<const std::string> words);

// Queries of one call of Search(), and for each the stored vectors that are no answers to it. Not
// thread-safe but for Search(). What adds a query throws std::bad_alloc where there is no memory
// for it, as standard containers do; the batch is then as it was.
class QueryBatch {
 public:
  // The index must outlive it.
  explicit QueryBatch(const Index& index) : index_(&index) {}

  // A sum of stored vectors, whose meaning is the same everywhere: angular, of vectors brought to
  // length 1; else of the vectors as they are, divided by the sum of the signs if that is positive,
  // so that several keys are asked for by their mean, and a - b + c is just that. Its vectors, and
  // all that share a key with them, are left out. REQUIRES: at least one term, rows of the index.
  void Add(std::span<const QueryTerm> terms);
  // A stored vector that is known by its row, not by its key: it alone is left out. REQUIRES: a row
  // of the index.
  void AddRow(uint64_t row);
  // A vector [dim] for which nothing is left out. REQUIRES: finite values.
  void AddVector(std::span<const float> vector);

  size_t size() const { return excluded_.num_queries(); }
  // f32 [size(), dim]; valid until the next Add.
  MatrixView vectors() const;
  // Without those that share a key, which are found as they turn up in answers.
  const ExcludedRows& excluded() const { return excluded_; }

  // As Index::Search() of all of them; params.filter is replaced. Where an answer has a vector that
  // shares a key with the query's (few files have such), the query is searched again without all of
  // them, which reads every key of the file.
  Status Search(const SearchParams& params, SearchResult* result) const;

 private:
  // Adds the sum of the terms to the queries' vectors.
  std::vector<float> SumOf(std::span<const QueryTerm> terms) const;
  void Append(std::span<const float> vector, std::span<const uint64_t> excluded, bool by_key);
  // The queries whose answers have a key of their own.
  Result<std::vector<size_t>> FindShared(const SearchResult& result) const;
  // All rows of the keys that these queries are made of.
  ExcludedRows WithSharedKeys(std::span<const size_t> queries) const;
  // Searches these queries anew, without such rows, and puts the answers into the result.
  Status SearchAgain(std::span<const size_t> queries, const SearchParams& params,
                     SearchResult* result) const;

  const Index* index_;
  std::vector<float> values_;
  ExcludedRows excluded_;
  std::vector<bool> by_key_;  // for each query, whether what shares its keys is left out too
};

}  // namespace kith

#endif  // KITH_QUERY_H_
