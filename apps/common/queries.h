// What is asked: vectors of a file, or of ids, keys and numbers in text.
#ifndef KITH_APPS_COMMON_QUERIES_H_
#define KITH_APPS_COMMON_QUERIES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "kith/index.h"
#include "kith/query.h"
#include "kith/status.h"
#include "kith/types.h"
#include "kith/words.h"

namespace kith::apps {

// What a query is called.
struct Query {
  Json label;         // row number, id, or the text asked
  std::string title;  // the same for people
};

// Queries of one search. The index must outlive them.
class Queries {
 public:
  explicit Queries(const Index& index) : index_(&index), batch_(index) {}

  // The vectors of a file; of an hdf5 file, of the dataset of this name, or of "test". Errors: as
  // LoadVectors; InvalidArgument (dimension).
  static Result<Queries> FromFile(const std::string& path, const std::string& dataset,
                                  const Index& index, const Progress& progress);

  // The following add a query to those there are, which may not be of a file.

  // The vector of one id, itself left out of the answers. Errors: NotFound.
  Status AddId(int64_t id);
  // A sum of stored vectors, all texts together, each as ParseQuery() reads it. Its keys are left
  // out of the answers. Errors: those of ParseQuery().
  Status AddKeys(const std::vector<std::string>& texts);
  // A query of words, and the text it was read from. Errors: those of kith::AddWords().
  Status AddWords(const WordQuery& query, const std::string& text);
  // Numbers with commas or spaces between. Errors: InvalidArgument (no number, dimension).
  Status AddVector(std::string_view text);
  // A vector of its own, which is called so. Errors: InvalidArgument (dimension).
  Status AddValues(std::vector<float> values, const Query& note);
  // A line of input: keys where the file has keys, else numbers. Errors: the above with the line.
  Status AddLine(const std::string& line, uint64_t line_number);

  size_t size() const { return notes_.size(); }
  const Query& operator[](size_t query) const { return notes_[query]; }

  // From now on searches compare so many candidates again by the originals, which must outlive the
  // queries. REQUIRES: they are those of a file.
  void RerankBy(const MatrixView& originals, size_t candidates) {
    originals_ = originals;
    candidates_ = candidates;
  }

  // As Index::Search(), leaving out what is asked about.
  Status Search(const SearchParams& params, SearchResult* result) const;

 private:
  const Index* index_;
  std::vector<Query> notes_;  // one for each query
  QueryBatch batch_;
  MatrixView vectors_;  // of a file, which the owner keeps
  std::shared_ptr<const void> owner_;
  MatrixView originals_;
  size_t candidates_ = 0;  // 0: answers are the index's
};

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_QUERIES_H_
