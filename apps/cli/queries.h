// What `kith search` asks: vectors of a file, or of ids, keys, numbers on the command line.
#ifndef KITH_APPS_CLI_QUERIES_H_
#define KITH_APPS_CLI_QUERIES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::cli {

struct Query {
  Json label;                     // row number, id, or the text asked
  std::string title;              // the same for people
  std::vector<int64_t> excluded;  // ids asked about, which are no answer
};

struct Queries {
  MatrixView vectors;
  std::vector<Query> notes;  // one for each row
  std::shared_ptr<const void> owner;
};

// The vectors of a file (hdf5: "test"). Errors: as LoadVectors; InvalidArgument (dimension).
Result<Queries> QueriesFromFile(const std::string& path, const Index& index,
                                const Progress& progress);

// Collects queries of other kinds. The index must outlive it.
class QueryBuilder {
 public:
  explicit QueryBuilder(const Index& index) : index_(index) {}

  // The vector of one id. Errors: NotFound.
  Status AddId(int64_t id);
  // One vector for all the texts. A text is a key or, if there is no such key, several keys with
  // spaces between. The vector of several keys is the sum of their unit vectors for the angular
  // metric, else the mean of their vectors. Errors: NotFound, with the nearest keys there are.
  Status AddKeys(const std::vector<std::string>& texts);
  // Numbers with commas or spaces between. Errors: InvalidArgument (no number, dimension).
  Status AddVector(std::string_view text);
  // A line of input: keys where the file has keys, else numbers. Errors: the above with the line.
  Status AddLine(const std::string& line, uint64_t line_number);

  size_t size() const { return notes_.size(); }
  // All added since the last call.
  Queries Take();

 private:
  Status FindRows(const std::string& text, std::vector<uint64_t>* rows) const;
  void AddRows(const std::vector<uint64_t>& rows, Query note);

  const Index& index_;
  std::vector<float> values_;
  std::vector<Query> notes_;
};

}  // namespace kith::cli

#endif  // KITH_APPS_CLI_QUERIES_H_
