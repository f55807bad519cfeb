#include "word_desk.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "answer_table.h"
#include "common/answers.h"
#include "common/queries.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "common/word_text.h"
#include "kith/words.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

// A word without what it may be told by spaces from: of JSON and tables alike.
std::string KeyText(const Index& index, uint64_t row) { return Printable(index.Key(row)); }

std::string CosineText(double cosine) { return FormatFixed(cosine, 4); }

void PrintWords(const Index& index, const Queries& queries, const Answers& answers, size_t query,
                std::ostream& out) {
  Table table;
  table.AddColumn("rank", Table::Align::kRight);
  table.AddColumn("word", Table::Align::kLeft);
  table.AddColumn("cosine", Table::Align::kRight);
  size_t rank = 0;
  for (const Neighbour& neighbour : NeighboursOf(answers.result, query)) {
    table.AddRow({std::to_string(++rank), Printable(KeyOf(index, neighbour.id)),
                  CosineText(1 - static_cast<double>(neighbour.distance))});
  }
  out << queries[query].title << '\n';
  table.Print(out, "  ");
}

void PrintTsvWords(const Index& index, const Queries& queries, const Answers& answers, size_t query,
                   std::ostream& out) {
  const std::string text = Escaped(queries[query].label.get<std::string>());
  size_t rank = 0;
  for (const Neighbour& neighbour : NeighboursOf(answers.result, query)) {
    out << text << '\t' << ++rank << '\t' << Escaped(KeyOf(index, neighbour.id)) << '\t'
        << FormatFloat(1 - neighbour.distance) << '\n';
  }
}

// How many of those seen were answered rightly, in percent.
std::string PercentText(uint64_t right, uint64_t seen) {
  if (seen == 0) return "-";
  return FormatFixed(100 * static_cast<double>(right) / static_cast<double>(seen), 2);
}

void AddSection(const AnalogySection& section, Table* table) {
  table->AddRow({Printable(section.name), FormatCount(section.seen), FormatCount(section.asked),
                 PercentText(section.right_add, section.seen),
                 PercentText(section.right_mul, section.seen)});
}

}  // namespace

SearchParams WordDesk::Params() const {
  SearchParams params;
  params.k = std::min<uint64_t>(settings_.k, index_.info().num_vectors);
  params.threads = settings_.threads;
  if (settings_.exact) {
    params.index = IndexKind::kExact;
  } else {
    params.recall = settings_.recall;
  }
  // Sums of words are not like single ones, and nobody can tune for what will be typed.
  params.widen = true;
  params.watched = false;
  return params;
}

void WordDesk::PrintHeader() const {
  if (settings_.format == "tsv") std::cout << "query\trank\tword\tcosine\n";
}

Status WordDesk::Word2vecLine(const std::string& line) {
  bool all_there = false;
  std::cout << Word2vecPlaces(index_, line, &all_there);
  if (!all_there) return Status::Ok();
  KITH_ASSIGN_OR_RETURN(const WordQuery query, [&]() -> Result<WordQuery> {
    WordQuery words;
    for (size_t begin = 0, end = 0; end < line.size(); begin = end + 1) {
      end = std::min(line.find(' ', begin), line.size());
      KITH_ASSIGN_OR_RETURN(const uint64_t row, index_.FindKey(line.substr(begin, end - begin)));
      words.terms.push_back({row, 1});
    }
    return words;
  }());
  Queries queries(index_);
  KITH_RETURN_IF_ERROR(queries.AddWords(query, line));
  Answers answers;
  KITH_RETURN_IF_ERROR(Answer(queries, Params(), &answers));
  std::cout << Word2vecNeighbours(index_, answers.result, 0);
  return Status::Ok();
}

Status WordDesk::Neighbours(const std::vector<std::string>& texts, bool named, uint64_t* failed) {
  if (settings_.format == "word2vec") {
    for (const std::string& text : texts) KITH_RETURN_IF_ERROR(Word2vecLine(text));
    return Status::Ok();
  }
  Status first;
  Queries queries(index_);
  std::vector<WordQuery> words;
  std::vector<Status> statuses;  // of each text; those that are ok are queries
  for (const std::string& text : texts) {
    Result<WordQuery> query = ParseWords(index_, text, settings_.threads, subwords_);
    Status status = query.ok() ? queries.AddWords(*query, text) : query.status();
    words.push_back(query.ok() ? *std::move(query) : WordQuery());
    const std::string name = named ? StrCat("'", text, "': ") : "";
    // A query of which nothing is there tells the first of its words itself.
    const size_t told = status.ok() ? 0 : 1;
    if (!status.ok()) ++*failed;
    if (first.ok()) first = status;
    if (!status.ok() && named && !json()) PrintError(name + ErrorText(status));
    for (const SubwordTerm& term : words.back().subwords) {
      if (!json()) PrintWarning(name + SubwordText(term));
    }
    for (size_t i = told; i < words.back().unknown.size() && !json(); ++i) {
      PrintWarning(name + UnknownWordText(words.back().unknown[i]));
    }
    statuses.push_back(std::move(status));
  }
  Answers answers;
  if (queries.size() > 0) KITH_RETURN_IF_ERROR(Answer(queries, Params(), &answers));
  size_t query = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!statuses[i].ok()) {
      if (json()) std::cout << ToLine(WordErrorJson(texts[i], statuses[i], words[i]));
      continue;
    }
    if (json()) {
      std::cout << ToLine(WordAnswerJson(index_, queries, answers, query, words[i]));
    } else if (settings_.format == "tsv") {
      PrintTsvWords(index_, queries, answers, query, std::cout);
    } else {
      PrintWords(index_, queries, answers, query, std::cout);
    }
    ++query;
  }
  if (query > 0 && settings_.format == "table") PrintCost(answers, query, std::cout);
  return first;
}

Status WordDesk::Similarity(const std::string& a, const std::string& b) {
  WordQuery queries[2];
  for (size_t i = 0; i < 2; ++i) {
    KITH_ASSIGN_OR_RETURN(queries[i],
                          ParseWords(index_, i == 0 ? a : b, settings_.threads, subwords_));
    for (const SubwordTerm& term : queries[i].subwords) PrintWarning(SubwordText(term));
    for (const UnknownWord& unknown : queries[i].unknown) {
      if (!queries[i].terms.empty()) PrintWarning(UnknownWordText(unknown));
    }
  }
  KITH_ASSIGN_OR_RETURN(const double cosine, WordSimilarity(index_, queries[0], queries[1]));
  if (json()) {
    std::cout << ToLine({{"a", a}, {"b", b}, {"cosine", cosine}});
  } else {
    std::cout << FormatFixed(cosine, 6) << '\n';
  }
  return Status::Ok();
}

Status WordDesk::Rank(const std::string& a, const std::string& b) {
  KITH_ASSIGN_OR_RETURN(const uint64_t row, FindWord(index_, a, settings_.threads));
  KITH_ASSIGN_OR_RETURN(const uint64_t other, FindWord(index_, b, settings_.threads));
  KITH_ASSIGN_OR_RETURN(const auto closer, CloserWords(index_, row, other, settings_.threads));
  if (json()) {
    std::cout << ToLine({{"a", a}, {"b", b}, {"rank", closer.size() + 1}});
  } else {
    std::cout << closer.size() + 1 << '\n';
  }
  return Status::Ok();
}

Status WordDesk::CloserThan(const std::string& a, const std::string& b) {
  KITH_ASSIGN_OR_RETURN(const uint64_t row, FindWord(index_, a, settings_.threads));
  KITH_ASSIGN_OR_RETURN(const uint64_t other, FindWord(index_, b, settings_.threads));
  KITH_ASSIGN_OR_RETURN(const auto closer, CloserWords(index_, row, other, settings_.threads));
  const size_t shown = std::min(settings_.k, closer.size());
  Json words = Json::array();
  Table table;
  table.AddColumn("rank", Table::Align::kRight);
  table.AddColumn("word", Table::Align::kLeft);
  table.AddColumn("cosine", Table::Align::kRight);
  for (size_t i = 0; i < shown; ++i) {
    if (json()) {
      words.push_back({{"key", std::string(index_.Key(closer[i].row))},
                       {"cosine", JsonFloat(static_cast<float>(closer[i].cosine))}});
    } else {
      table.AddRow(
          {std::to_string(i + 1), KeyText(index_, closer[i].row), CosineText(closer[i].cosine)});
    }
  }
  if (json()) {
    std::cout << ToLine({{"a", a}, {"b", b}, {"closer", closer.size()}, {"words", words}});
    return Status::Ok();
  }
  std::cout << Plural(closer.size(), "word") << (closer.size() == 1 ? " is" : " are")
            << " closer to " << KeyText(index_, row) << " than " << KeyText(index_, other)
            << (shown < closer.size() ? StrCat("; the first ", shown) : "") << '\n';
  if (shown > 0) table.Print(std::cout, "  ");
  return Status::Ok();
}

Status WordDesk::OddOneOut(const std::vector<std::string>& words) {
  std::vector<uint64_t> rows;
  for (const std::string& word : words) {
    KITH_ASSIGN_OR_RETURN(const uint64_t row, FindWord(index_, word, settings_.threads));
    rows.push_back(row);
  }
  KITH_ASSIGN_OR_RETURN(const OddWord found, kith::OddOneOut(index_, rows));
  if (json()) {
    Json json = {{"odd", std::string(index_.Key(rows[found.odd]))}, {"words", Json::array()}};
    for (size_t i = 0; i < rows.size(); ++i) {
      json["words"].push_back(
          {{"key", std::string(index_.Key(rows[i]))}, {"cosine", found.cosines[i]}});
    }
    std::cout << ToLine(json);
    return Status::Ok();
  }
  Table table;
  table.AddColumn("word", Table::Align::kLeft);
  table.AddColumn("cosine to the mean", Table::Align::kRight);
  for (size_t i = 0; i < rows.size(); ++i) {
    table.AddRow({KeyText(index_, rows[i]), CosineText(found.cosines[i])});
  }
  std::cout << KeyText(index_, rows[found.odd]) << '\n';
  table.Print(std::cout, "  ");
  return Status::Ok();
}

Status WordDesk::Analogies(const std::string& path, uint64_t vocabulary) {
  const Stopwatch stopwatch;
  std::vector<AnalogySection> sections;
  {
    ProgressBar bar;
    AnalogyOptions options{.vocabulary = vocabulary, .threads = settings_.threads};
    options.progress = bar.callback();
    KITH_ASSIGN_OR_RETURN(sections, ScoreAnalogies(index_, path, options));
  }
  if (json()) {
    std::cout << ToLine(AnalogiesJson(sections));
    return Status::Ok();
  }
  Table table;
  table.AddColumn("section", Table::Align::kLeft);
  table.AddColumn("seen", Table::Align::kRight);
  table.AddColumn("of", Table::Align::kRight);
  table.AddColumn("3CosAdd %", Table::Align::kRight);
  table.AddColumn("3CosMul %", Table::Align::kRight);
  for (const AnalogySection& section : sections) AddSection(section, &table);
  const AnalogySection syntax = TotalOf(sections, "syntactic", true);
  if (syntax.asked > 0) {
    AddSection(TotalOf(sections, "semantic", false), &table);
    AddSection(syntax, &table);
  }
  AddSection(Total(sections, "all"), &table);
  table.Print(std::cout, "  ");
  std::cout << FormatSeconds(stopwatch.Seconds()) << '\n';
  return Status::Ok();
}

}  // namespace kith::apps::cli
