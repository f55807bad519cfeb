#include "common/word_text.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "common/text.h"

namespace kith::apps {
namespace {

Json UnknownJson(const WordQuery& words) {
  Json list = Json::array();
  for (const UnknownWord& unknown : words.unknown) {
    list.push_back({{"word", unknown.word}, {"nearest", unknown.nearest}});
  }
  return list;
}

void Add(const AnalogySection& section, AnalogySection* total) {
  total->asked += section.asked;
  total->seen += section.seen;
  total->right_add += section.right_add;
  total->right_mul += section.right_mul;
}

Json SectionJson(const AnalogySection& section) {
  return {{"name", section.name},
          {"asked", section.asked},
          {"seen", section.seen},
          {"right_add", section.right_add},
          {"right_mul", section.right_mul}};
}

}  // namespace

Json WordAnswerJson(const Index& index, const Queries& queries, const Answers& answers,
                    size_t query, const WordQuery& words) {
  Json json = AnswerJson(index, queries, answers, query);
  for (Json& neighbour : json["neighbors"]) {
    neighbour["cosine"] = JsonFloat(1 - neighbour["distance"].get<float>());
  }
  json["words"] = Json::array();
  for (const QueryTerm& term : words.terms) {
    json["words"].push_back({{"key", std::string(index.Key(term.row))}, {"weight", term.weight}});
  }
  json["subwords"] = Json::array();
  for (const SubwordTerm& term : words.subwords) {
    json["subwords"].push_back(
        {{"word", term.word.word}, {"weight", term.weight}, {"nearest", term.word.nearest}});
  }
  json["unknown"] = UnknownJson(words);
  return json;
}

Json WordErrorJson(const std::string& text, const Status& status, const WordQuery& words) {
  return {{"query", text}, {"error", ErrorText(status)}, {"unknown", UnknownJson(words)}};
}

std::string Word2vecPlaces(const Index& index, std::string_view line, bool* all_there) {
  std::string text;
  *all_there = true;
  for (;;) {
    const size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    const Result<uint64_t> row = index.FindKey(word);
    text += StrCat("\nWord: ", Printable(word), "  Position in vocabulary: ",
                   row.ok() ? static_cast<int64_t>(*row) : int64_t{-1}, "\n");
    if (!row.ok()) {
      *all_there = false;
      return text + "Out of dictionary word!\n";
    }
    if (end == line.size()) return text;
    line.remove_prefix(end + 1);
  }
}

std::string Word2vecNeighbours(const Index& index, const SearchResult& result, size_t query) {
  std::string text = StrCat("\n", std::string(46, ' '), "Word       Cosine distance\n",
                            std::string(72, '-'), "\n");
  const std::vector<Neighbour> neighbours = NeighboursOf(result, query);
  for (size_t i = 0; i < result.k; ++i) {
    const bool there = i < neighbours.size();
    const std::string word = there ? Printable(KeyOf(index, neighbours[i].id)) : "";
    const double cosine = there ? 1 - static_cast<double>(neighbours[i].distance) : -1;
    text += StrCat(std::string(word.size() < 50 ? 50 - word.size() : 0, ' '), word, "\t\t",
                   FormatFixed(cosine, 6), "\n");
  }
  return text;
}

AnalogySection Total(const std::vector<AnalogySection>& sections, std::string name) {
  AnalogySection total{.name = std::move(name)};
  for (const AnalogySection& section : sections) Add(section, &total);
  return total;
}

AnalogySection TotalOf(const std::vector<AnalogySection>& sections, std::string name, bool syntax) {
  AnalogySection total{.name = std::move(name)};
  for (const AnalogySection& section : sections) {
    if (section.name.starts_with("gram") == syntax) Add(section, &total);
  }
  return total;
}

Json AnalogiesJson(const std::vector<AnalogySection>& sections) {
  Json json;
  json["sections"] = Json::array();
  for (const AnalogySection& section : sections) json["sections"].push_back(SectionJson(section));
  json["total"] = SectionJson(Total(sections, "total"));
  return json;
}

}  // namespace kith::apps
