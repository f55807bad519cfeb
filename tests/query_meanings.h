// The table of what queries of keys mean: tests/query_meanings.tsv, of which KITH_QUERY_MEANINGS is
// the path.
#ifndef KITH_TESTS_QUERY_MEANINGS_H_
#define KITH_TESTS_QUERY_MEANINGS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace kith::testing {

struct QueryMeanings {
  struct Query {
    std::string text;
    std::vector<float> vector;
    std::vector<float> angular;
    std::vector<uint64_t> excluded;
  };
  struct Error {
    std::string text;
    std::string kind;
    std::vector<std::string> parts;
  };
  std::vector<std::string> keys;
  std::vector<std::vector<float>> rows;
  std::vector<Query> queries;
  std::vector<Error> errors;

  size_t dim() const { return rows.at(0).size(); }
};

template <class T>
std::vector<T> ReadNumbers(const std::string& text) {
  std::istringstream in(text);
  std::vector<T> numbers;
  for (T number; in >> number;) numbers.push_back(number);
  return numbers;
}

inline QueryMeanings ReadQueryMeanings() {
  std::ifstream file(KITH_QUERY_MEANINGS);
  QueryMeanings meanings;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind('#', 0) == 0) continue;
    std::vector<std::string> fields;
    std::istringstream in(line);
    for (std::string field; std::getline(in, field, '\t');) fields.push_back(field);
    std::string& text = fields.at(1);
    if (const size_t at = text.find("\\v"); at != std::string::npos) text.replace(at, 2, "\v");
    if (fields[0] == "row") {
      meanings.keys.push_back(text);
      meanings.rows.push_back(ReadNumbers<float>(fields.at(2)));
    } else if (fields[0] == "query") {
      meanings.queries.push_back({text, ReadNumbers<float>(fields.at(2)),
                                  ReadNumbers<float>(fields.at(3)),
                                  ReadNumbers<uint64_t>(fields.at(4))});
    } else {
      meanings.errors.push_back({text, fields.at(2), {fields.begin() + 3, fields.end()}});
    }
  }
  EXPECT_GT(meanings.queries.size(), 20u) << KITH_QUERY_MEANINGS;
  EXPECT_GT(meanings.errors.size(), 5u);
  return meanings;
}

}  // namespace kith::testing

#endif  // KITH_TESTS_QUERY_MEANINGS_H_
