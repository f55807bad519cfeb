// What is told of words, for people and for programs.
#ifndef KITH_APPS_COMMON_WORD_TEXT_H_
#define KITH_APPS_COMMON_WORD_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "common/answers.h"
#include "common/json.h"
#include "common/queries.h"
#include "kith/index.h"
#include "kith/words.h"

namespace kith::apps {

// As AnswerJson(), and the cosine of each neighbour, the words that the query was made of,
// those that are not there but made of subwords, and those that are not, with what they may mean.
Json WordAnswerJson(const Index& index, const Queries& queries, const Answers& answers,
                    size_t query, const WordQuery& words);
// {"query", "error", "unknown"} of a query that could not be answered.
Json WordErrorJson(const std::string& text, const Status& status, const WordQuery& words);

// What word2vec's tool `distance` prints of a line: the places of its words, up to the first that
// is not there, and then the neighbours, of which it has so many lines.
std::string Word2vecPlaces(const Index& index, std::string_view line, bool* all_there);
std::string Word2vecNeighbours(const Index& index, const SearchResult& result, size_t query);

// {"sections": [{"name", "asked", "seen", "right_add", "right_mul"}, ...], "total": ...}
Json AnalogiesJson(const std::vector<AnalogySection>& sections);

// The sum of sections; of those that are about the forms of words, whose names begin with "gram",
// or of the others.
AnalogySection Total(const std::vector<AnalogySection>& sections, std::string name);
AnalogySection TotalOf(const std::vector<AnalogySection>& sections, std::string name, bool syntax);

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_WORD_TEXT_H_
