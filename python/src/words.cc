#include "kith/words.h"

#include <nanobind/nanobind.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "arrays.h"
#include "errors.h"
#include "index.h"
#include "long_call.h"
#include "words.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

// What a model of fastText makes of words that it has not.
struct SubwordsHandle {
  std::shared_ptr<const Subwords> subwords;
};

// The .kith file of a file of words: (handle, its path, whether it was made now, subwords or None).
nb::tuple Open(const nb::object& path, const nb::object& index_path, const nb::object& memory,
               const nb::object& n_jobs, const nb::object& progress) {
  OpenWordsOptions options;
  const std::string name = ToAbsolute(ToPath(path));
  if (!index_path.is_none()) options.index_path = ToAbsolute(ToPath(index_path));
  if (!memory.is_none()) {
    options.memory = static_cast<uint64_t>(ToInteger(memory, "memory", 1, INT64_MAX));
  }
  options.threads = ToThreads(n_jobs);
  OpenedWords words;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.progress = report;
    options.stop = stop;
    KITH_ASSIGN_OR_RETURN(words, OpenWords(name, options));
    return Status::Ok();
  });
  return nb::make_tuple(
      nb::cast(IndexHandle(std::move(words.index))), FromKey(words.index_path), words.built,
      words.subwords == nullptr ? nb::none() : nb::cast(SubwordsHandle{words.subwords}));
}

// Of the path that they had before they were pickled. Errors: ValueError (no model any more).
SubwordsHandle Reopen(const nb::object& path) {
  const std::string name = ToPath(path);
  SubwordsHandle handle{ValueOrThrow(OpenSubwords(name))};
  if (handle.subwords == nullptr) ThrowValueError(name + " is no binary model of fastText");
  return handle;
}

// What was not there, each with what is spelled like it, appended to a list of Python's, and
// whether subwords stand for it.
void Tell(const WordQuery& query, nb::list* unknown) {
  const auto tell = [&](const UnknownWord& word, bool made) {
    nb::list nearest;
    for (const std::string& key : word.nearest) nearest.append(FromKey(key));
    unknown->append(nb::make_tuple(FromKey(word.word), nearest, made));
  };
  for (const SubwordTerm& term : query.subwords) tell(term.word, true);
  for (const UnknownWord& word : query.unknown) tell(word, false);
}

// Reads a query; what of it is not there is appended to `unknown`.
WordQuery Parse(const Index& index, const nb::object& text, nb::list* unknown,
                const SubwordsHandle* subwords) {
  WordQuery query =
      ValueOrKeyError(ParseWords(index, ToKey(text, "the query"), 1,
                                 subwords == nullptr ? nullptr : subwords->subwords.get()));
  Tell(query, unknown);
  return query;
}

nb::list Search(const IndexHandle& self, const nb::object& text, const nb::object& k,
                const nb::object& recall, const nb::object& exact, const nb::object& n_jobs,
                nb::list unknown, const SubwordsHandle* subwords) {
  const auto index = self.Get();
  const WordQuery query = Parse(*index, text, &unknown, subwords);
  SearchParams params;
  params.k = static_cast<size_t>(ToInteger(k, "k", 1, kMostNeighbours));
  params.threads = ToThreads(n_jobs);
  params.watched = false;  // sums of words are not like what is stored
  if (ToBool(exact)) {
    params.index = IndexKind::kExact;
  } else {
    params.recall = ToNumber(recall, "recall");
    if (!(params.recall > 0 && params.recall <= 1)) {
      ThrowValueError("recall is " + std::to_string(params.recall) +
                      "; it must be above 0, at most 1");
    }
  }
  QueryBatch batch(*index);
  const Status added = AddWords(query, &batch);
  if (added.code() == StatusCode::kNotFound) ThrowKeyError(added.message());
  ThrowIfError(added);
  SearchResult result;
  RunMaybeLong(params.index == IndexKind::kExact, [&](const std::stop_token& stop) {
    params.stop = stop;
    return batch.Search(params, &result);
  });
  nb::list out;
  for (size_t i = 0; i < result.ids.size() && result.ids[i] != kNoId; ++i) {
    const uint64_t row = ValueOrThrow(index->FindId(result.ids[i]));
    out.append(
        nb::make_tuple(FromKey(index->Key(row)), 1 - static_cast<double>(result.distances[i])));
  }
  return out;
}

nb::object Vector(const IndexHandle& self, const nb::object& text, nb::list unknown,
                  const SubwordsHandle* subwords) {
  const auto index = self.Get();
  const WordQuery query = Parse(*index, text, &unknown, subwords);
  QueryBatch batch(*index);
  const Status added = AddWords(query, &batch);
  if (added.code() == StatusCode::kNotFound) ThrowKeyError(added.message());
  ThrowIfError(added);
  const MatrixView sum = batch.vectors();
  NewArray<float> out(1, sum.dim, true);
  std::copy_n(reinterpret_cast<const float*>(sum.data), sum.dim, out.data());
  return out.Take();
}

double Similarity(const IndexHandle& self, const nb::object& a, const nb::object& b,
                  nb::list unknown, const SubwordsHandle* subwords) {
  const auto index = self.Get();
  const WordQuery first = Parse(*index, a, &unknown, subwords);
  const WordQuery second = Parse(*index, b, &unknown, subwords);
  return ValueOrKeyError(WordSimilarity(*index, first, second));
}

uint64_t RowOf(const Index& index, const nb::handle& word) {
  return ValueOrKeyError(FindWord(index, ToKey(word, "a word")));
}

nb::list Closer(const IndexHandle& self, const nb::object& a, const nb::object& b,
                const nb::object& n_jobs) {
  const auto index = self.Get();
  const uint64_t row = RowOf(*index, a);
  const uint64_t other = RowOf(*index, b);
  const int threads = ToThreads(n_jobs);
  std::vector<WordCosine> closer;
  RunMaybeLong(true, [&](const std::stop_token& stop) -> Status {
    KITH_ASSIGN_OR_RETURN(closer, CloserWords(*index, row, other, threads, stop));
    return Status::Ok();
  });
  nb::list out;
  for (const WordCosine& word : closer) {
    out.append(nb::make_tuple(FromKey(index->Key(word.row)), word.cosine));
  }
  return out;
}

nb::list Odd(const IndexHandle& self, const nb::object& words) {
  const auto index = self.Get();
  std::vector<uint64_t> rows;
  ForEach(words, [&](nb::handle word) { rows.push_back(RowOf(*index, word)); });
  const OddWord odd = ValueOrThrow(OddOneOut(*index, rows));
  nb::list out;
  out.append(odd.odd);
  for (const double cosine : odd.cosines) out.append(cosine);
  return out;
}

nb::list Analogies(const IndexHandle& self, const nb::object& path, const nb::object& vocabulary,
                   const nb::object& n_jobs, const nb::object& progress) {
  const auto index = self.Get();
  const std::string name = ToPath(path);
  AnalogyOptions options;
  options.threads = ToThreads(n_jobs);
  if (!vocabulary.is_none()) {
    options.vocabulary =
        static_cast<uint64_t>(ToInteger(vocabulary, "vocabulary", 1, kMostNeighbours));
  }
  std::vector<AnalogySection> sections;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.progress = report;
    options.stop = stop;
    KITH_ASSIGN_OR_RETURN(sections, ScoreAnalogies(*index, name, options));
    return Status::Ok();
  });
  nb::list out;
  for (const AnalogySection& section : sections) {
    nb::dict entry;
    entry["name"] = FromKey(section.name);
    entry["asked"] = section.asked;
    entry["seen"] = section.seen;
    entry["right_add"] = section.right_add;
    entry["right_mul"] = section.right_mul;
    out.append(entry);
  }
  return out;
}

}  // namespace

void BindWords(nb::module_& m) {
  nb::class_<SubwordsHandle>(m, "Subwords", "What kith.Words asks of words that are not there.")
      .def_prop_ro(
          "path", [](const SubwordsHandle& self) { return FromKey(self.subwords->path()); },
          nb::sig("def path(self) -> str"));
  m.def("open_subwords", &Reopen, "path"_a.none(),
        nb::sig("def open_subwords(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> "
                "Subwords"));
  m.def("open_words", &Open, "path"_a.none(), "index_path"_a.none(), "memory"_a.none(),
        "n_jobs"_a.none(), "progress"_a.none(),
        nb::sig("def open_words(path: object, index_path: object, memory: object, "
                "n_jobs: int | None, progress: object) -> "
                "tuple[Handle, str, bool, Subwords | None]"));
  m.def("words_search", &Search, "index"_a, "query"_a.none(), "k"_a.none(), "recall"_a.none(),
        "exact"_a.none(), "n_jobs"_a.none(), "unknown"_a, "subwords"_a.none(),
        nb::sig("def words_search(index: Handle, query: str | bytes, k: int, recall: float, "
                "exact: bool, n_jobs: int | None, unknown: list[tuple[str, list[str], bool]], "
                "subwords: Subwords | None) -> list[tuple[str, float]]"));
  m.def("words_vector", &Vector, "index"_a, "query"_a.none(), "unknown"_a, "subwords"_a.none(),
        nb::sig("def words_vector(index: Handle, query: str | bytes, "
                "unknown: list[tuple[str, list[str], bool]], subwords: Subwords | None) -> "
                "numpy.typing.NDArray[numpy.float32]"));
  m.def("words_similarity", &Similarity, "index"_a, "a"_a.none(), "b"_a.none(), "unknown"_a,
        "subwords"_a.none(),
        nb::sig("def words_similarity(index: Handle, a: str | bytes, b: str | bytes, "
                "unknown: list[tuple[str, list[str], bool]], subwords: Subwords | None) -> float"));
  m.def("words_closer", &Closer, "index"_a, "a"_a.none(), "b"_a.none(), "n_jobs"_a.none(),
        nb::sig("def words_closer(index: Handle, a: str | bytes, b: str | bytes, "
                "n_jobs: int | None) -> list[tuple[str, float]]"));
  m.def("words_odd", &Odd, "index"_a, "words"_a.none(),
        nb::sig("def words_odd(index: Handle, words: collections.abc.Iterable[str | bytes]) -> "
                "list[float]"));
  m.def("words_analogies", &Analogies, "index"_a, "path"_a.none(), "vocabulary"_a.none(),
        "n_jobs"_a.none(), "progress"_a.none(),
        nb::sig("def words_analogies(index: Handle, "
                "path: str | bytes | os.PathLike[str] | os.PathLike[bytes], "
                "vocabulary: int | None, n_jobs: int | None, progress: object) -> "
                "list[dict[str, typing.Any]]"));
}

}  // namespace kith::python
