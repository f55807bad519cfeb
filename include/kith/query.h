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

// A stored vector and how much it counts: 1, or -1 where it is subtracted.
struct QueryTerm {
  uint64_t row = 0;
  double weight = 1;
};

// The terms of a text. If it is a key as it stands, or one behind + or -, that alone; else its
// words, parted by white space (of ASCII), each a key, or a key behind + or -. What is a key with
// its sign is that key. Of several rows with the same key, the first.
// Errors: InvalidArgument (the index has no keys; nothing but white space), NotFound (names the
// word that is no key, and the key that was probably meant, or some that there are: which costs as
// much as NearestKeys()), Corruption.
Result<std::vector<QueryTerm>> ParseQuery(const Index& index, std::string_view text);

// The same of words that are parted already, each a key, or a key behind + or -.
Result<std::vector<QueryTerm>> ParseQueryWords(const Index& index,
                                               std::span<const std::string> words);

// The keys whose spelling is nearest to a text, at most `count` of them: first those that differ in
// the case of letters (of ASCII) alone, then those with one letter wrong, missing, too many or
// swapped with its neighbour, then those with more: up to 1 in texts of 4 letters, 2 in those of 8,
// and 3 in longer ones, of at most 64. Equally near, the earliest row comes first, for files of
// words begin with the most frequent. A key that several rows share is named once. Cost: reads
// every key of the file, some 10 ns each; the answer does not depend on the threads, 0 being one
// for each core. Errors: InvalidArgument (the index has no keys), OutOfMemory.
Result<std::vector<std::string>> NearestKeys(const Index& index, std::string_view text,
                                             size_t count, int threads = 1);

// The first `count` keys, by rows, that begin with a text; where there is none, those that do but
// for the case of letters. Cost: reads keys until there are so many. Errors: as NearestKeys().
Result<std::vector<std::string>> KeysWithPrefix(const Index& index, std::string_view prefix,
                                                size_t count);

// A vector that is not stored, and how much it counts.
struct VectorTerm {
  std::span<const float> vector;  // [dim]
  double weight = 1;
};

// Queries of one call of Search(), and for each the stored vectors that are no answers to it. Not
// thread-safe but for Search(). What adds a query throws std::bad_alloc where there is no memory
// for it, as standard containers do; the batch is then as it was.
class QueryBatch {
 public:
  // The index must outlive it.
  explicit QueryBatch(const Index& index) : index_(&index) {}

  // A sum of stored vectors, whose meaning is the same everywhere: angular, of vectors brought to
  // length 1; else of the vectors as they are, divided by the sum of the weights if that is
  // positive, so that several keys are asked for by their mean, and a - b + c is just that. Its
  // vectors, and all that share a key with them, are left out. REQUIRES: at least one term, rows of
  // the index.
  void Add(std::span<const QueryTerm> terms) { Add(terms, {}); }
  // The same with vectors that are not stored in the sum. REQUIRES: at least one of both, finite
  // values.
  void Add(std::span<const QueryTerm> terms, std::span<const VectorTerm> vectors);
  // A stored vector that is known by its row, not by its key: it alone is left out. REQUIRES: a row
  // of the index.
  void AddRow(uint64_t row);
  // A vector [dim] for which nothing is left out. REQUIRES: finite values.
  void AddVector(std::span<const float> vector);

  const Index& index() const { return *index_; }
  size_t size() const { return excluded_.num_queries(); }
  // f32 [size(), dim]; valid until the next Add.
  MatrixView vectors() const;
  // Without those that share a key, which are found as they turn up in answers.
  const ExcludedRows& excluded() const { return excluded_; }

  // As Index::Search() of all of them; what params.filter leaves out is left out, too. Where an
  // answer has a vector that shares a key with the query's (few files have such), the query is
  // searched again without all of them, which reads every key of the file.
  Status Search(const SearchParams& params, SearchResult* result) const;

 private:
  // Adds the sum of the terms to the queries' vectors.
  std::vector<float> SumOf(std::span<const QueryTerm> terms,
                           std::span<const VectorTerm> vectors) const;
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
