#include "kith/recommend.h"

#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "arrays.h"
#include "errors.h"
#include "index.h"
#include "kith/factorize.h"
#include "kith/interactions.h"
#include "long_call.h"
#include "recommend.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

constexpr int64_t kMostNumbers = int64_t{1} << 31;

WeightScale ToScale(nb::handle object) {
  const std::string name = ToText(object, "scale");
  if (name == "log") return WeightScale::kLog;
  if (name == "linear") return WeightScale::kLinear;
  if (name == "binary") return WeightScale::kBinary;
  ThrowValueError("scale is '" + name + "'; it must be 'log', 'linear' or 'binary'");
}

FactorizeOptions ToOptions(const nb::dict& options) {
  FactorizeOptions to;
  const std::string name = ToText(Of(options, "algorithm"), "algorithm");
  if (name != "als" && name != "bpr") {
    ThrowValueError("algorithm is '" + name + "'; it must be 'als' or 'bpr'");
  }
  to.algorithm = name == "als" ? FactorAlgorithm::kAls : FactorAlgorithm::kBpr;
  to.factors = static_cast<uint32_t>(ToInteger(Of(options, "factors"), "factors", 1, kMaxDim));
  const auto regularization = ToOptionalNumber(Of(options, "regularization"), "regularization");
  if (regularization) {
    if (!(*regularization >= 0)) ThrowValueError("regularization must not be negative");
    to.regularization = *regularization;
  }
  to.alpha = ToNumber(Of(options, "alpha"), "alpha");
  to.scale = ToScale(Of(options, "scale"));
  const nb::object iterations = Of(options, "iterations");
  if (!iterations.is_none()) {
    to.iterations = static_cast<uint32_t>(ToInteger(iterations, "iterations", 1, kMostNumbers));
  }
  to.cg_steps =
      static_cast<uint32_t>(ToInteger(Of(options, "cg_steps"), "cg_steps", 1, kMostNumbers));
  to.learning_rate = ToNumber(Of(options, "learning_rate"), "learning_rate");
  to.seed = ToSeed(Of(options, "seed"), "seed");
  to.threads = ToThreads(Of(options, "n_jobs"));
  return Resolved(to);
}

std::vector<uint32_t> ToRows(const nb::object& object, const char* name, size_t below) {
  const std::vector<int64_t> given = ToIds(object, name);
  std::vector<uint32_t> rows(given.size());
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i] < 0 || static_cast<uint64_t>(given[i]) >= below) {
      ThrowValueError(std::string(name) + ": " + std::to_string(given[i]) + ", number " +
                      std::to_string(i) + ", is not from 0 to " + std::to_string(below) + " - 1");
    }
    rows[i] = static_cast<uint32_t>(given[i]);
  }
  return rows;
}

Interactions Read(const nb::object& path, const nb::object& names, const nb::object& progress) {
  const std::string file = ToPath(path);
  ReadInteractionsOptions options;
  if (!names.is_none()) options.item_names = ToPath(names);
  Interactions read;
  RunLong(progress, [&](const Progress& report, const std::stop_token&) -> Status {
    options.progress = report;
    KITH_ASSIGN_OR_RETURN(read, ReadInteractions(file, options));
    return Status::Ok();
  });
  return read;
}

Interactions Make(const nb::object& users, const nb::object& items, const nb::object& user_rows,
                  const nb::object& item_rows, const nb::object& weights, const nb::object& times) {
  StringList user_names = ToKeys(users);
  StringList item_names = ToKeys(items);
  const std::vector<uint32_t> us = ToRows(user_rows, "users", user_names.size());
  const std::vector<uint32_t> is = ToRows(item_rows, "items", item_names.size());
  std::vector<float> ws;
  if (!weights.is_none()) {
    for (const double w : ToNumbers(weights, "weights")) ws.push_back(static_cast<float>(w));
  }
  std::vector<double> ts;
  if (!times.is_none()) ts = ToNumbers(times, "times");
  return ValueOrThrow(
      MakeInteractions(std::move(user_names), std::move(item_names), us, is, ws, ts));
}

nb::list NamesOf(const StringList& names) {
  nb::list list;
  for (size_t i = 0; i < names.size(); ++i) list.append(FromKey(names[i]));
  return list;
}

template <class To, class From>
nb::object Row(const From& values) {
  NewArray<To> out(1, values.size(), true);
  std::copy(values.begin(), values.end(), out.data());
  return out.Take();
}

nb::tuple Csr(const Interactions& self) {
  return nb::make_tuple(Row<float>(self.weights), Row<int64_t>(self.columns),
                        Row<int64_t>(self.offsets));
}

nb::tuple SplitOf(const Interactions& self, const nb::object& held_out, const nb::object& share,
                  const nb::object& count, const nb::object& seed) {
  SplitOptions options;
  const std::string name = ToText(held_out, "held_out");
  if (name == "some") {
    options.held_out = HeldOut::kSome;
  } else if (name == "latest") {
    options.held_out = HeldOut::kLatest;
  } else if (name != "random") {
    ThrowValueError("held_out is '" + name + "'; it must be 'random', 'some' or 'latest'");
  }
  options.share = ToNumber(share, "share");
  options.count = static_cast<uint32_t>(ToInteger(count, "count", 1, kMostNumbers));
  options.seed = ToSeed(seed, "seed");
  Split split = ValueOrThrow(SplitInteractions(self, options));
  return nb::make_tuple(std::move(split.train), std::move(split.test));
}

nb::tuple FactorsOf(const Interactions& plays, const Options& options, const nb::object& progress) {
  FactorizeOptions to = ToOptions(options);
  Factors factors;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    to.progress = report;
    to.stop = stop;
    KITH_ASSIGN_OR_RETURN(factors, Factorize(plays, to));
    return Status::Ok();
  });
  return nb::make_tuple(ToArray(factors.users, plays.num_users(), factors.dim, false),
                        ToArray(factors.items, plays.num_items(), factors.dim, false),
                        Row<double>(factors.losses));
}

// The losses.
nb::object Write(const nb::object& folder, const Interactions& plays, const Options& options,
                 const nb::object& progress) {
  const std::string path = ToAbsolute(ToPath(folder));
  WriteModelOptions write;
  write.factorize = ToOptions(options);
  write.threads = write.factorize.threads;
  Factors factors;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    write.progress = write.factorize.progress = report;
    write.stop = write.factorize.stop = stop;
    // Before all the work, which would be lost if its result could not be written.
    KITH_RETURN_IF_ERROR(CheckModelFolder(path));
    KITH_ASSIGN_OR_RETURN(factors, Factorize(plays, write.factorize));
    return WriteModel(path, plays, factors, write);
  });
  return Row<double>(factors.losses);
}

SearchParams ToSearch(const nb::object& k, const nb::object& recall, const nb::object& n_jobs) {
  SearchParams params;
  params.k = static_cast<size_t>(ToInteger(k, "k", 1, kMostNeighbours));
  const std::optional<double> wanted = ToOptionalRecall(recall, "recall");
  params.recall = wanted.value_or(0);
  if (!wanted) params.index = IndexKind::kExact;
  params.threads = ToThreads(n_jobs);
  return params;
}

// ids and distances (n, k).
template <class Search>
nb::tuple Searched(const SearchParams& params, const Search& search) {
  SearchParams with_stop = params;
  SearchResult found;
  RunLong(nb::none(), [&](const Progress&, const std::stop_token& stop) -> Status {
    with_stop.stop = stop;
    return search(with_stop, &found);
  });
  return nb::make_tuple(ToArray(found.ids, found.num_queries, found.k, false),
                        ToArray(found.distances, found.num_queries, found.k, false));
}

std::vector<uint64_t> ToLong(const std::vector<uint32_t>& rows) {
  return {rows.begin(), rows.end()};
}

using Model = std::shared_ptr<const Recommender>;

struct RecommenderHandle {
  Model model;
};

RecommenderHandle OpenModel(const nb::object& folder) {
  return {Model(ValueOrThrow(Recommender::Open(ToPath(folder))))};
}

nb::tuple ForUsers(const RecommenderHandle& self, const nb::object& users, const nb::object& k,
                   const nb::object& recall, const nb::object& n_jobs) {
  const Model model = self.model;
  const std::vector<uint64_t> rows =
      ToLong(ToRows(users, "users", model->users().info().num_vectors));
  return Searched(ToSearch(k, recall, n_jobs),
                  [&](const SearchParams& params, SearchResult* found) {
                    return model->ForUsers(rows, params, found);
                  });
}

nb::tuple ForNew(const RecommenderHandle& self, const Interactions& plays, const nb::object& k,
                 const nb::object& recall, const nb::object& n_jobs) {
  const Model model = self.model;
  return Searched(ToSearch(k, recall, n_jobs),
                  [&](const SearchParams& params, SearchResult* found) {
                    return model->ForNewUsers(plays, params, found);
                  });
}

nb::tuple Similar(const RecommenderHandle& self, const nb::object& items, const nb::object& k,
                  const nb::object& n_jobs) {
  const Model model = self.model;
  const std::vector<uint64_t> rows =
      ToLong(ToRows(items, "items", model->items().info().num_vectors));
  return Searched(ToSearch(k, nb::none(), n_jobs),
                  [&](const SearchParams& params, SearchResult* found) {
                    return model->Similar(rows, params, found);
                  });
}

nb::tuple ExplainOf(const RecommenderHandle& self, const nb::object& user, const nb::object& item) {
  const int64_t most = static_cast<int64_t>(kMaxRows);
  const auto evidence =
      ValueOrThrow(self.model->Explain(static_cast<uint64_t>(ToInteger(user, "user", 0, most)),
                                       static_cast<uint64_t>(ToInteger(item, "item", 0, most))));
  std::vector<int64_t> items;
  std::vector<double> scores;
  for (const Evidence& e : evidence) {
    items.push_back(e.item);
    scores.push_back(e.score);
  }
  return nb::make_tuple(Row<int64_t>(items), Row<double>(scores));
}

nb::object Popular(const Interactions& plays, const nb::object& k, const nb::object& n_jobs) {
  const auto count = static_cast<size_t>(ToInteger(k, "k", 1, kMostNeighbours));
  return ToArray(ValueOrThrow(RecommendPopular(plays, count, ToThreads(n_jobs))), plays.num_users(),
                 count, false);
}

nb::object ByCosine(const Interactions& plays, const nb::object& k, const nb::object& scale,
                    const nb::object& n_jobs) {
  const auto count = static_cast<size_t>(ToInteger(k, "k", 1, kMostNeighbours));
  const WeightScale weights = ToScale(scale);
  const int threads = ToThreads(n_jobs);
  std::vector<int64_t> ids;
  RunLong(nb::none(), [&](const Progress&, const std::stop_token& stop) -> Status {
    KITH_ASSIGN_OR_RETURN(ids, RecommendByCosine(plays, weights, count, threads, stop));
    return Status::Ok();
  });
  return ToArray(ids, plays.num_users(), count, false);
}

nb::tuple Score(const nb::object& ids, const nb::object& k, const Interactions& test) {
  const RankingScore score = ValueOrThrow(ScoreRanking(
      ToIds(ids, "ids"), static_cast<size_t>(ToInteger(k, "k", 1, kMostNeighbours)), test));
  return nb::make_tuple(score.num_users, score.recall, score.ndcg, score.map, score.coverage);
}

#define KITH_IDS "numpy.typing.NDArray[numpy.int64]"
#define KITH_FLOATS "numpy.typing.NDArray[numpy.float32]"
#define KITH_DOUBLES "numpy.typing.NDArray[numpy.float64]"

void BindInteractions(nb::module_& m) {
  nb::class_<Interactions>(m, "Interactions")
      .def_prop_ro(
          "shape",
          [](const Interactions& self) {
            return nb::make_tuple(self.num_users(), self.num_items());
          },
          nb::sig("def shape(self) -> tuple[int, int]"))
      .def("__len__", &Interactions::size)
      .def(
          "users", [](const Interactions& self) { return NamesOf(self.users); },
          nb::sig("def users(self) -> list[str]"))
      .def(
          "items", [](const Interactions& self) { return NamesOf(self.items); },
          nb::sig("def items(self) -> list[str]"))
      .def("csr", &Csr,
           nb::sig("def csr(self) -> tuple[" KITH_FLOATS ", " KITH_IDS ", " KITH_IDS "]"))
      .def("split", &SplitOf, "held_out"_a.none(), "share"_a.none(), "count"_a.none(),
           "seed"_a.none(),
           nb::sig("def split(self, held_out: str, share: float, count: int, seed: int) -> "
                   "tuple[Interactions, Interactions]"));
  m.def("read_interactions", &Read, "path"_a.none(), "names"_a.none(), "progress"_a.none(),
        nb::sig("def read_interactions(path: object, names: object, progress: object) -> "
                "Interactions"));
  m.def("make_interactions", &Make, "users"_a.none(), "items"_a.none(), "user_rows"_a.none(),
        "item_rows"_a.none(), "weights"_a.none(), "times"_a.none(),
        nb::sig("def make_interactions(users: object, items: object, user_rows: object, "
                "item_rows: object, weights: object, times: object) -> Interactions"));
}

}  // namespace

void BindRecommend(nb::module_& m) {
  BindInteractions(m);
  m.def("factorize", &FactorsOf, "plays"_a, "options"_a, "progress"_a.none(),
        nb::sig("def factorize(plays: Interactions, options: dict[str, object], progress: object) "
                "-> tuple[" KITH_FLOATS ", " KITH_FLOATS ", " KITH_DOUBLES "]"));
  m.def("write_model", &Write, "folder"_a.none(), "plays"_a, "options"_a, "progress"_a.none(),
        nb::sig("def write_model(folder: object, plays: Interactions, options: dict[str, object], "
                "progress: object) -> " KITH_DOUBLES));
  nb::class_<RecommenderHandle>(m, "Recommender")
      .def("for_users", &ForUsers, "users"_a.none(), "k"_a.none(), "recall"_a.none(),
           "n_jobs"_a.none(),
           nb::sig("def for_users(self, users: object, k: int, recall: float | None, n_jobs: int | "
                   "None) -> tuple[" KITH_IDS ", " KITH_FLOATS "]"))
      .def("for_new", &ForNew, "plays"_a, "k"_a.none(), "recall"_a.none(), "n_jobs"_a.none(),
           nb::sig("def for_new(self, plays: Interactions, k: int, recall: float | None, n_jobs: "
                   "int | None) -> tuple[" KITH_IDS ", " KITH_FLOATS "]"))
      .def("similar", &Similar, "items"_a.none(), "k"_a.none(), "n_jobs"_a.none(),
           nb::sig("def similar(self, items: object, k: int, n_jobs: int | None) -> tuple[" KITH_IDS
                   ", " KITH_FLOATS "]"))
      .def("explain", &ExplainOf, "user"_a.none(), "item"_a.none(),
           nb::sig("def explain(self, user: int, item: int) -> tuple[" KITH_IDS ", " KITH_DOUBLES
                   "]"));
  m.def("open_recommender", &OpenModel, "folder"_a.none(),
        nb::sig("def open_recommender(folder: object) -> Recommender"));
  m.def("recommend_popular", &Popular, "plays"_a, "k"_a.none(), "n_jobs"_a.none(),
        nb::sig(
            "def recommend_popular(plays: Interactions, k: int, n_jobs: int | None) -> " KITH_IDS));
  m.def("recommend_by_cosine", &ByCosine, "plays"_a, "k"_a.none(), "scale"_a.none(),
        "n_jobs"_a.none(),
        nb::sig("def recommend_by_cosine(plays: Interactions, k: int, scale: str, n_jobs: int | "
                "None) -> " KITH_IDS));
  m.def("score_ranking", &Score, "ids"_a.none(), "k"_a.none(), "test"_a,
        nb::sig("def score_ranking(ids: object, k: int, test: Interactions) -> tuple[int, float, "
                "float, float, float]"));
}

#undef KITH_IDS
#undef KITH_FLOATS
#undef KITH_DOUBLES

}  // namespace kith::python
