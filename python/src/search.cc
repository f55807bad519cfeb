#include "search.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "arguments.h"
#include "arrays.h"
#include "errors.h"
#include "filters.h"
#include "kith/query.h"
#include "kith/reduce.h"
#include "long_call.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

constexpr char kSearchDoc[] =
    R"(The k nearest vectors of each query, nearest first.

Parameters
----------
queries : array (d,) for one query, or (nq, d)
    float32, float16, int8 and uint8 are not copied if the rows are contiguous; float64, bool
    and other integers are converted. Also nested lists, frames and columns of vectors.
k : int
    Neighbours of each query; more than there are vectors: all of them.
recall : float, optional
    The mean recall@k wanted, above 0 and at most 1 (exact search). The effort it takes was
    measured when the file was built, or by calibrate(); exact search is taken where it is cheaper
    or nothing else is known to reach the recall, which plan() tells.
worst : float, optional
    Beside a recall, or instead: the recall@k that 95 % of the queries are to reach. Of a graph,
    hard queries, which a short walk tells, get more effort than easy ones. The larger effort counts
    if both are given.
drift : str
    What to do about queries unlike those that recall was measured with: "warn" once
    (kith.DriftWarning), "widen", that is spend more effort on those that are farther from the
    vectors, or "off".
effort : int or float, optional
    Instead of a recall. Graph: ef, the beam width. Forest: search_k, the distinct vectors
    compared. Fractions, as plan() gives them, are rounded up.
exact : bool
    Compare every vector.
index : str
    Which of the file's ways in to use: auto (the best), graph, forest or exact.
n_jobs : int, optional
    Threads for a batch; None is 1, -1 all cores. The answers do not depend on it.
where : bool array (n,) or (nq, n), optional
    Which vectors may be answers, in the order in which they were given: ``where=years > 1990``. For
    each query its own, if there are two axes. As many answers as k, or as there are such vectors,
    and the recall asked for is that among them.
allow, deny : integer array, optional
    Ids that alone may be answers, or that may not.
exclude : sequence of nq integer arrays, or sparse matrix (nq, n), optional
    Ids that are no answers to each query, or what the matrix has entries for: what a user has seen.
    Of one query, its ids. All conditions hold together.

Returns
-------
ids : int64 (k,) or (nq, k), k being at most the number of vectors
    -1 where there is no neighbour.
distances : float32, of the same shape
    The smaller the closer; inf where there is no neighbour. angular: 1 - cosine, of equal vectors
    0 to 5e-7, which is rounding; euclidean: the root of the sum of squares; dot: minus the product; manhattan: the sum of absolute
    differences; hamming: the number of coordinates that differ.

Raises
------
TypeError, ValueError
    Elements of another type, another dimension, NaN or infinity (with its place), a recall that
    the `index` asked for does not reach or that was never measured of it, a closed index.

Notes
-----
Thread-safe, and runs without the GIL. Many queries in one call are faster than one a call.
Ctrl-C ends it.)";

// The multiplications of an exact search that may take so long that Ctrl-C is looked for: below, a
// thread of its own for the search would cost more than the waiting.
constexpr double kLongWork = 1e9;

// The same with k.
SearchParams ToParams(const Index& index, const nb::object& neighbours, const How& how) {
  // More can't be found, but the caller may have meant "all".
  constexpr int64_t kMost = int64_t{1} << 31;
  constexpr int64_t kAnything = std::numeric_limits<int64_t>::max();
  const int64_t k = ToInteger(neighbours, "k", std::numeric_limits<int64_t>::min(), kAnything);
  if (k < 1) ThrowValueError("k is " + std::to_string(k) + "; ask for at least one neighbour");
  if (k > std::max<int64_t>(static_cast<int64_t>(index.info().num_vectors), kMost)) {
    ThrowValueError("k is " + std::to_string(k) + ", more than any file holds");
  }
  SearchParams params = ToParams(how);
  params.k = static_cast<size_t>(k);
  return params;
}

using SearchCall = std::function<Status(const SearchParams&, SearchResult*)>;

// Runs a search of so many queries without the GIL, so that Ctrl-C ends it if it may take long.
// What there is to warn of is warned of as of the caller `level` frames of Python up.
SearchResult RunSearch(const Index& index, size_t num_queries, SearchParams params, int level,
                       const SearchCall& search) {
  const IndexInfo& info = index.info();
  const double work = static_cast<double>(num_queries) * static_cast<double>(info.num_vectors) *
                      static_cast<double>(info.dim);
  SearchResult result;
  RunMaybeLong(work >= kLongWork, [&](const std::stop_token& stop) {
    params.stop = stop;
    return search(params, &result);
  });
  if (result.drifted) WarnOfDrift(index.Drift(), info.path, level);
  return result;
}

nb::tuple Search(const IndexHandle& self, const nb::object& queries, const nb::object& k,
                 const nb::object& recall, const nb::object& worst, const nb::object& drift,
                 const nb::object& effort, const nb::object& exact, const nb::object& kind,
                 const nb::object& n_jobs, const nb::object& where, const nb::object& allow,
                 const nb::object& deny, const nb::object& exclude) {
  const auto index = self.Get();
  const InputMatrix input(queries, "queries");
  SearchParams params = ToParams(*index, k, {recall, effort, exact, kind, n_jobs, worst, drift});
  const size_t rows = input.view().rows;
  const Filters filters(*index, {where, allow, deny, exclude}, rows, input.one());
  params.filter = &filters.filter();
  const SearchResult result =
      RunSearch(*index, rows, params, 1, [&](const SearchParams& how, SearchResult* found) {
        return index->Search(input.view(), how, found);
      });
  return nb::make_tuple(ToArray(result.ids, rows, result.k, input.one()),
                        ToArray(result.distances, rows, result.k, input.one()));
}

nb::tuple SearchOriginals(const IndexHandle& self, const nb::object& queries,
                          const nb::object& originals, const nb::object& k,
                          const nb::object& candidates, const nb::object& recall,
                          const nb::object& effort, const nb::object& exact, const nb::object& kind,
                          const nb::object& n_jobs) {
  const auto index = self.Get();
  const InputMatrix input(queries, "queries");
  const InputMatrix vectors(originals, "originals");
  const auto wanted = static_cast<size_t>(ToInteger(candidates, "candidates", 1, kMostNeighbours));
  const SearchParams params = ToParams(*index, k, {recall, effort, exact, kind, n_jobs});
  const size_t rows = input.view().rows;
  const SearchResult result =
      RunSearch(*index, rows, params, 2, [&](const SearchParams& how, SearchResult* found) {
        return SearchReranked(*index, vectors.view(), input.view(), how, wanted, found);
      });
  return nb::make_tuple(ToArray(result.ids, rows, result.k, input.one()),
                        ToArray(result.distances, rows, result.k, input.one()));
}

// The terms of a text, or of a list of keys.
std::vector<QueryTerm> ToTerms(const Index& index, const nb::object& query) {
  if (PyUnicode_Check(query.ptr()) || PyBytes_Check(query.ptr())) {
    return ValueOrKeyError(ParseQuery(index, ToKey(query, "the query")));
  }
  std::vector<std::string> words;
  ForEach(query, [&](nb::handle word) { words.push_back(ToKey(word, "the keys of a query")); });
  return ValueOrKeyError(ParseQueryWords(index, words));
}

nb::list SearchKeys(const IndexHandle& self, const nb::object& query, const nb::object& k,
                    const nb::object& recall, const nb::object& worst, const nb::object& drift,
                    const nb::object& effort, const nb::object& exact, const nb::object& kind,
                    const nb::object& n_jobs, const nb::object& where, const nb::object& allow,
                    const nb::object& deny) {
  const auto index = self.Get();
  CheckHasKeys(*index);
  SearchParams params = ToParams(*index, k, {recall, effort, exact, kind, n_jobs, worst, drift});
  const Filters filters(*index, {where, allow, deny, nb::none()}, 1, true);
  params.filter = &filters.filter();
  SearchResult result;
  if (PyUnicode_Check(query.ptr()) || PyBytes_Check(query.ptr()) || PyList_Check(query.ptr()) ||
      PyTuple_Check(query.ptr())) {
    QueryBatch batch(*index);
    batch.Add(ToTerms(*index, query));
    result = RunSearch(*index, 1, params, 2, [&](const SearchParams& how, SearchResult* found) {
      return batch.Search(how, found);
    });
  } else {
    const InputMatrix input(query, "query");
    if (!input.one()) ThrowValueError("one query is searched at a time; give an array (d,)");
    result = RunSearch(*index, 1, params, 2, [&](const SearchParams& how, SearchResult* found) {
      return index->Search(input.view(), how, found);
    });
  }
  nb::list out;
  for (size_t i = 0; i < result.ids.size() && result.ids[i] != kNoId; ++i) {
    const uint64_t row = ValueOrThrow(index->FindId(result.ids[i]));
    out.append(nb::make_tuple(FromKey(index->Key(row)), static_cast<double>(result.distances[i])));
  }
  return out;
}

nb::dict Plan(const IndexHandle& self, const nb::object& k, const nb::object& num_queries,
              const nb::object& recall, const nb::object& worst, const nb::object& drift,
              const nb::object& effort, const nb::object& exact, const nb::object& kind) {
  const auto index = self.Get();
  const SearchParams params =
      ToParams(*index, k, {recall, effort, exact, kind, nb::none(), worst, drift});
  const auto queries = static_cast<size_t>(
      ToInteger(num_queries, "num_queries", 0, std::numeric_limits<int64_t>::max()));
  const SearchPlan plan = ValueOrThrow(index->Plan(params, queries));
  nb::dict out;
  out["index"] = IndexKindName(plan.index);
  out["effort"] = plan.effort < 0 ? nb::none() : nb::object(nb::float_(plan.effort));
  out["recall"] = plan.recall > 0 ? nb::object(nb::float_(plan.recall)) : nb::none();
  out["worst"] = plan.worst > 0 ? nb::object(nb::float_(plan.worst)) : nb::none();
  out["why_exact"] =
      plan.why == WhyExact::kNone ? nb::none() : nb::object(nb::str(WhyExactName(plan.why)));
  out["reached"] =
      plan.why == WhyExact::kOutOfReach ? nb::object(nb::float_(plan.reached)) : nb::none();
  out["reached_worst"] =
      plan.reached_worst > 0 ? nb::object(nb::float_(plan.reached_worst)) : nb::none();
  return out;
}

}  // namespace

SearchParams ToParams(const How& how) {
  SearchParams params;
  params.index = ToIndexKind(how.index);
  const std::optional<double> recall = ToOptionalRecall(how.recall, "recall");
  const std::optional<double> worst = ToOptionalRecall(how.worst, "worst");
  const OnDrift drift = ToOnDrift(how.drift);
  params.widen = drift.widen;
  params.watched = drift.warn || drift.widen;
  const std::optional<int64_t> effort = ToOptionalEffort(how.effort, "effort");
  if (ToBool(how.exact)) {
    if (recall || worst || effort) {
      ThrowValueError("exact=True finds everything; leave out recall, worst and effort");
    }
    if (params.index != IndexKind::kAuto && params.index != IndexKind::kExact) {
      ThrowValueError(std::string("exact=True and index=\"") + IndexKindName(params.index) +
                      "\" exclude each other; leave out one");
    }
    params.index = IndexKind::kExact;
  }
  if (recall) params.recall = *recall;
  if (worst) params.worst = *worst;
  if (effort) params.effort = *effort;
  params.threads = ToThreads(how.n_jobs);
  return params;
}

void BindSearch(nb::class_<IndexHandle>* handle) {
  handle
      ->def("search", &Search, "queries"_a.none(), "k"_a.none() = 10, nb::kw_only(),
            "recall"_a = nb::none(), "worst"_a = nb::none(), "drift"_a.none() = "warn",
            "effort"_a = nb::none(), "exact"_a.none() = false, "index"_a.none() = "auto",
            "n_jobs"_a.none() = 1, "where"_a = nb::none(), "allow"_a = nb::none(),
            "deny"_a = nb::none(), "exclude"_a = nb::none(),
            nb::sig(
                "def search(self, queries: numpy.typing.ArrayLike, k: int = 10, *, "
                "recall: float | None = None, worst: float | None = None, drift: str = 'warn', "
                "effort: float | None = None, "
                "exact: bool = False, index: str = 'auto', n_jobs: int | None = 1, "
                "where: numpy.typing.ArrayLike | None = None, "
                "allow: numpy.typing.ArrayLike | None = None, "
                "deny: numpy.typing.ArrayLike | None = None, "
                "exclude: collections.abc.Iterable[numpy.typing.ArrayLike] | typing.Any = None) -> "
                "tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32]]"),
            kSearchDoc)
      .def("_search_keys", &SearchKeys, "query"_a.none(), "k"_a.none() = 10, nb::kw_only(),
           "recall"_a = nb::none(), "worst"_a = nb::none(), "drift"_a.none() = "warn",
           "effort"_a = nb::none(), "exact"_a.none() = false, "index"_a.none() = "auto",
           "n_jobs"_a.none() = 1, "where"_a = nb::none(), "allow"_a = nb::none(),
           "deny"_a = nb::none(),
           nb::sig("def _search_keys(self, query: str | bytes | collections.abc.Sequence[str] | "
                   "numpy.typing.ArrayLike, k: int = 10, *, "
                   "recall: float | None = None, worst: float | None = None, drift: str = 'warn', "
                   "effort: float | None = None, "
                   "exact: bool = False, index: str = 'auto', n_jobs: int | None = 1, "
                   "where: numpy.typing.ArrayLike | None = None, "
                   "allow: numpy.typing.ArrayLike | None = None, "
                   "deny: numpy.typing.ArrayLike | None = None) -> "
                   "list[tuple[str, float]]"))
      .def("_search_reranked", &SearchOriginals, "queries"_a.none(), "originals"_a.none(),
           "k"_a.none() = 10, nb::kw_only(), "candidates"_a.none() = 100, "recall"_a = nb::none(),
           "effort"_a = nb::none(), "exact"_a.none() = false, "index"_a.none() = "auto",
           "n_jobs"_a.none() = 1,
           nb::sig("def _search_reranked(self, queries: numpy.typing.ArrayLike, "
                   "originals: numpy.typing.ArrayLike, k: int = 10, *, candidates: int = 100, "
                   "recall: float | None = None, effort: float | None = None, "
                   "exact: bool = False, index: str = 'auto', n_jobs: int | None = 1) -> "
                   "tuple[numpy.typing.NDArray[numpy.int64], "
                   "numpy.typing.NDArray[numpy.float32]]"))
      .def("plan", &Plan, "k"_a.none() = 10, "num_queries"_a.none() = 1, nb::kw_only(),
           "recall"_a = nb::none(), "worst"_a = nb::none(), "drift"_a.none() = "warn",
           "effort"_a = nb::none(), "exact"_a.none() = false, "index"_a.none() = "auto",
           nb::sig("def plan(self, k: int = 10, num_queries: int = 1, *, "
                   "recall: float | None = None, worst: float | None = None, drift: str = 'warn', "
                   "effort: float | None = None, "
                   "exact: bool = False, index: str = 'auto') -> dict[str, typing.Any]"),
           "What search() would do with so many queries in one call, many of which favour exact "
           "search: a dict of `index`, `effort` (None: the default; a graph's may be a fraction), "
           "`recall` and `worst` (None: not asked for), and of `why_exact`, why exact search is "
           "taken of a "
           "file that "
           "has a graph or a forest (None: it is not, or nobody chose): \"everything\" (recall "
           "1), \"cheaper\", \"out of reach\" (`reached` is the most recall that was measured, "
           "`reached_worst` the most of what 95 % of the queries reach), "
           "\"unmeasured\" or, without a recall, \"misses its own\" (vectors, of which the graph "
           "finds too few).");
}

}  // namespace kith::python
