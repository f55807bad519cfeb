#include "kith/recommend.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

#include "base/edge.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "learn/model_folder.h"
#include "learn/neighbours.h"

namespace kith::learn {
namespace {

constexpr char kFewerUsers[] = "recommend to fewer users at a time";

Status CheckRows(std::span<const uint64_t> rows, const Index& index) {
  for (const uint64_t row : rows) {
    if (row < index.info().num_vectors) continue;
    return Status::InvalidArgument(StrCat("there is no row ", row, ": ", index.info().path, " has ",
                                          index.info().num_vectors));
  }
  return Status::Ok();
}

std::vector<float> VectorsOf(const Index& index, std::span<const uint64_t> rows) {
  const size_t dim = index.info().dim;
  std::vector<float> vectors(rows.size() * dim);
  for (size_t i = 0; i < rows.size(); ++i) index.GetVector(rows[i], vectors.data() + i * dim);
  return vectors;
}

std::vector<float> AllVectors(const Index& index) {
  std::vector<uint64_t> rows(index.info().num_vectors);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  return VectorsOf(index, rows);
}

// Appends the answers of some queries; those of all are as many.
void AppendResult(SearchResult part, SearchResult* result) {
  if (result->num_queries == 0) {
    *result = std::move(part);
    return;
  }
  result->num_queries += part.num_queries;
  result->ids.insert(result->ids.end(), part.ids.begin(), part.ids.end());
  result->distances.insert(result->distances.end(), part.distances.begin(), part.distances.end());
  result->stats += part.stats;
  result->drifted = result->drifted || part.drifted;
  result->plans.clear();
}

class Model final : public Recommender {
 public:
  Status Load(const std::string& folder) {
    const ModelPaths paths = PathsOf(folder);
    std::error_code ignored;
    const bool is_folder = std::filesystem::is_directory(folder, ignored);
    if (!is_folder || !std::filesystem::exists(paths.model, ignored)) {
      return Status::NotFound(StrCat(folder, ": is not a folder of kith factorize: ",
                                     is_folder ? "it has no model.tsv"
                                     : std::filesystem::exists(folder, ignored)
                                         ? "it is a file"
                                         : "there is none of this name",
                                     "; give one that 'kith factorize -o' wrote"));
    }
    KITH_ASSIGN_OR_RETURN(options_, ReadSettings(paths.model));
    KITH_ASSIGN_OR_RETURN(users_, OpenIndex(paths.users));
    KITH_ASSIGN_OR_RETURN(items_, OpenIndex(paths.items));
    KITH_ASSIGN_OR_RETURN(history_, ReadInteractions(paths.history));
    const size_t dim =
        options_.factors + (options_.algorithm == FactorAlgorithm::kBpr ? size_t{1} : size_t{0});
    if (users_->info().dim != dim || items_->info().dim != dim ||
        history_.num_users() != users_->info().num_vectors ||
        history_.num_items() != items_->info().num_vectors || items_->info().has_ids) {
      return Status::Corruption(
          StrCat(folder, ": its files are not of one factorization; factorize again"));
    }
    return Status::Ok();
  }

  const Index& users() const override { return *users_; }
  const Index& items() const override { return *items_; }
  const Interactions& history() const override { return history_; }
  const FactorizeOptions& options() const override { return options_; }

  Status ForUsers(std::span<const uint64_t> users, const SearchParams& params,
                  SearchResult* result) const override {
    return AtEdge("", kFewerUsers, [&]() -> Status {
      KITH_RETURN_IF_ERROR(CheckRows(users, *users_));
      *result = {};
      const size_t at_once = QueriesAtOnce(params.k);
      for (size_t begin = 0; begin == 0 || begin < users.size(); begin += at_once) {
        const auto part = users.subspan(begin, std::min(at_once, users.size() - begin));
        const std::vector<float> vectors = VectorsOf(*users_, part);
        ExcludedRows known;
        for (const uint64_t user : part) Exclude(history_.ItemsOf(user), &known);
        SearchResult found;
        KITH_RETURN_IF_ERROR(Search(*items_, vectors, known, params, &found));
        AppendResult(std::move(found), result);
      }
      return Status::Ok();
    });
  }

  Status ForNewUsers(const Interactions& history, const SearchParams& params,
                     SearchResult* result) const override {
    return AtEdge("", kFewerUsers, [&]() -> Status {
      FactorizeOptions options = options_;
      options.threads = params.threads;
      options.stop = params.stop;
      const std::vector<float> items = AllVectors(*items_);
      KITH_ASSIGN_OR_RETURN(const std::vector<float> vectors,
                            FoldIn(ItemsView(items), history, options));
      return RecommendByVectors(*items_,
                                ViewOf(vectors.data(), history.num_users(), items_->info().dim),
                                history, params, result);
    });
  }

  Status Similar(std::span<const uint64_t> items, const SearchParams& params,
                 SearchResult* result) const override {
    return AtEdge("", kFewerUsers, [&]() -> Status {
      KITH_RETURN_IF_ERROR(CheckRows(items, *items_));
      KITH_ASSIGN_OR_RETURN(const Index* const directions, Directions(params));
      ExcludedRows itself;
      for (const uint64_t item : items) itself.Add({&item, 1});
      SearchParams exact = params;
      exact.recall = 0;
      exact.effort = -1;
      return Search(*directions, VectorsOf(*items_, items), itself, exact, result);
    });
  }

  Result<std::vector<Evidence>> Explain(uint64_t user, uint64_t item) const override {
    return AtEdge("", kFewerUsers, [&]() -> Result<std::vector<Evidence>> {
      KITH_RETURN_IF_ERROR(CheckRows({&user, 1}, *users_));
      KITH_RETURN_IF_ERROR(CheckRows({&item, 1}, *items_));
      const std::vector<float> items = AllVectors(*items_);
      return kith::Explain(ItemsView(items), history_.ItemsOf(user), history_.WeightsOf(user),
                           static_cast<uint32_t>(item), options_);
    });
  }

  static void Exclude(std::span<const uint32_t> items, ExcludedRows* known) {
    const std::vector<uint64_t> rows(items.begin(), items.end());
    known->Add(rows);
  }

  static Status Search(const Index& index, std::span<const float> vectors,
                       const ExcludedRows& excluded, SearchParams params, SearchResult* result) {
    params.filter = &excluded;
    const size_t dim = index.info().dim;
    return index.Search(ViewOf(vectors.data(), vectors.size() / dim, dim), params, result);
  }

 private:
  MatrixView ItemsView(std::span<const float> items) const {
    return ViewOf(items.data(), items_->info().num_vectors, items_->info().dim);
  }

  // The same vectors, near by angle.
  Result<const Index*> Directions(const SearchParams& params) const {
    const std::lock_guard lock(mutex_);
    if (directions_ == nullptr) {
      const std::vector<float> items = AllVectors(*items_);
      BuildOptions build;
      build.dtype = DataType::kF32;
      build.paths = {ExactOptions{.codes = false}};
      build.calibrate = false;
      build.threads = params.threads;
      build.stop = params.stop;
      KITH_ASSIGN_OR_RETURN(directions_, BuildIndexInMemory(ItemsView(items), build));
    }
    return directions_.get();
  }

  FactorizeOptions options_;
  std::unique_ptr<Index> users_;
  std::unique_ptr<Index> items_;
  Interactions history_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<Index> directions_;
};

}  // namespace
}  // namespace kith::learn

namespace kith {

Result<std::unique_ptr<Recommender>> Recommender::Open(const std::string& folder) {
  return AtEdge(folder, "", [&]() -> Result<std::unique_ptr<Recommender>> {
    auto model = std::make_unique<learn::Model>();
    KITH_RETURN_IF_ERROR(model->Load(folder));
    return std::unique_ptr<Recommender>(std::move(model));
  });
}

Status RecommendByVectors(const Index& items, const MatrixView& users, const Interactions& history,
                          const SearchParams& params, SearchResult* result) {
  return AtEdge("", learn::kFewerUsers, [&]() -> Status {
    if (history.num_users() != users.rows) {
      return Status::InvalidArgument(StrCat("there are ", users.rows, " vectors of users, but ",
                                            history.num_users(), " users did something"));
    }
    ExcludedRows known;
    for (size_t user = 0; user < users.rows; ++user) {
      learn::Model::Exclude(history.ItemsOf(user), &known);
    }
    SearchParams all = params;
    all.filter = &known;
    return items.Search(users, all, result);
  });
}

}  // namespace kith
