// The forest as an access path.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "base/strings.h"
#include "forest/costs.h"
#include "forest/forest.h"

namespace kith::forest {
namespace {

// search_k: how many distinct vectors are compared.
class Efforts final : public search::EffortScale {
 public:
  Efforts() = default;

  // It depends on the number of trees.
  std::optional<double> Default(size_t /*k*/) const override { return std::nullopt; }
  double QueryNs(double effort) const override { return 20000 + 12 * effort; }

  Range Measured(size_t k, const MatrixView& rows) const override {
    const auto n = static_cast<double>(rows.rows);
    const double least = std::max(static_cast<double>(k), static_cast<double>(rows.dim) / 4);
    return {least, std::min(n, std::max({n / 4, 2 * least, 20000.0}))};
  }
  std::span<const uint32_t> MeasuredKs() const override { return kMeasuredKs; }
  // What has to be looked at goes with the root of k throughout.
  double KScale(double k) const override { return std::sqrt(k); }

  // As many as all leaves of a visit to each tree would hold, doubling to all entries there are.
  std::vector<int64_t> Grid(const IndexInfo& info, size_t k) const override {
    constexpr double kMost = 0x1p62;
    const PathInfo* path = info.path_of(IndexKind::kForest);
    const auto trees = static_cast<double>(path == nullptr ? 0 : path->number("trees"));
    // Efforts are compared as doubles: entries can exceed 64 bits in a file that lies.
    const double entries = std::clamp(static_cast<double>(info.num_vectors) * trees, 1.0, kMost);
    std::vector<int64_t> efforts;
    for (double effort = std::max(1.0, static_cast<double>(k) * trees);; effort *= 2) {
      efforts.push_back(static_cast<int64_t>(std::min(effort, entries)));
      if (effort >= entries) return efforts;
    }
  }

 private:
  static constexpr uint32_t kMeasuredKs[] = {1, 10, 100};
};

class Builder final : public search::PathBuilder {
 public:
  Builder(const search::BuildInput& input, const ForestOptions& options)
      : input_(input), options_(options) {}

  Status Build() override {
    KITH_ASSIGN_OR_RETURN(grown_, Grow(input_.rows,
                                       {.forest = options_,
                                        .metric = input_.metric,
                                        .seed = input_.seed,
                                        .progress = input_.progress,
                                        .order = input_.order,
                                        .held_out = input_.held_out},
                                       *input_.pool));
    return Status::Ok();
  }

  const std::vector<uint32_t>& order() const override { return grown_.order; }
  // The trees hold them already, in leaves that they had no part in; searches leave them out.
  std::vector<uint32_t> hidden() const override {
    return {input_.held_out.begin(), input_.held_out.end()};
  }
  std::unique_ptr<search::AccessPath> OpenPartial(
      const search::StoredVectors& vectors) const override {
    return Forest::Create(grown_, vectors);
  }

  Status Write(storage::ContainerWriter* writer) const override {
    return forest::Write(grown_, writer);
  }

  std::string Meta() const override {
    const Header& header = grown_.header;
    return StrCat(", \"trees\": ", header.num_trees, ", \"leaf_size\": ", header.leaf_size,
                  ", \"sketch_dim\": ", header.sketch_dim, ", \"code_bits\": ", header.code_bits);
  }

 private:
  search::BuildInput input_;
  ForestOptions options_;
  Grown grown_;
};

// What a forest may have where the number of queries is known.
constexpr std::array<uint32_t, 4> kTreeCounts = {4, 8, 16, 32};

class ForestType final : public search::PathType {
 public:
  ForestType() = default;

  IndexKind kind() const override { return IndexKind::kForest; }
  const char* name() const override { return "forest"; }
  std::span<const std::string_view> sections() const override { return Sections(); }

  Result<std::unique_ptr<search::AccessPath>> Open(
      std::shared_ptr<const storage::ContainerReader> file,
      const search::StoredVectors& vectors) const override {
    KITH_ASSIGN_OR_RETURN(auto forest, Forest::Open(std::move(file), vectors));
    return std::unique_ptr<search::AccessPath>(std::move(forest));
  }

  Result<std::unique_ptr<search::PathBuilder>> NewBuilder(const search::BuildInput& input,
                                                          const PathSpec& spec) const override {
    return std::unique_ptr<search::PathBuilder>(
        std::make_unique<Builder>(input, std::get<ForestOptions>(spec)));
  }

  std::vector<std::vector<search::BuildWay>> Ways(const search::CostShape& shape,
                                                  const PathSpec& spec,
                                                  bool counted) const override {
    const auto& asked = std::get<ForestOptions>(spec);
    std::vector<uint32_t> counts(kTreeCounts.begin(), kTreeCounts.end());
    if (asked.num_trees != 0) {
      counts = {asked.num_trees};
    } else if (!counted && Fits(shape.rows, DefaultTrees(shape.rows))) {
      counts = {DefaultTrees(shape.rows)};
    }
    std::vector<search::BuildWay> variants;
    for (const uint32_t trees : counts) {
      if (!Fits(shape.rows, trees)) continue;
      variants.push_back({ForestOptions{trees, asked.leaf_size}, CostsOf(shape, trees)});
    }
    if (variants.empty()) return {};
    return {std::move(variants)};
  }
  PathSpec DefaultSpec() const override { return ForestOptions(); }

  const search::EffortScale* efforts() const override { return &efforts_; }

 private:
  Efforts efforts_;
};

}  // namespace

const search::PathType& Type() {
  static const ForestType type;
  return type;
}

}  // namespace kith::forest
