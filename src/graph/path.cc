// The graph as an access path.
#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "base/strings.h"
#include "graph/adapt.h"
#include "graph/build.h"
#include "graph/costs.h"
#include "graph/graph.h"
#include "graph/layout.h"

namespace kith::graph {
namespace {

// ef: the width of the beam, which holds k nodes at least.
class Efforts final : public search::EffortScale {
 public:
  Efforts() = default;

  std::optional<double> Default(size_t k) const override {
    return static_cast<double>(Graph::DefaultWidth(k));
  }
  // A beam is never narrower than what it is to hold.
  double Taken(double effort, size_t k) const override {
    return std::max(effort, static_cast<double>(k));
  }
  double QueryNs(double effort) const override { return 5000 + 65 * effort; }

  Range Measured(size_t k, const MatrixView& rows) const override {
    const auto n = static_cast<double>(rows.rows);
    const auto kept = static_cast<double>(k);
    return {kept, std::min({n, 600 + 10 * kept, std::max(n / 16, 3 * kept)})};
  }
  // Below k, beams are of k and walks end the sooner.
  std::span<const double> Parts() const override { return kParts; }
  // Measured on sentences (docs/recall.md).
  ShortWalks Short(size_t k) const override {
    const auto kept = static_cast<double>(k);
    return {std::floor(1.25 * kept) + 6, std::max(kept, 4.0)};
  }
  // Beams are about as wide as k, and between 10 and 100 their widths are no line.
  std::span<const uint32_t> MeasuredKs() const override { return kMeasuredKs; }

  // About sqrt(2) apart, three at least; a beam as wide as the graph visits all of it.
  std::vector<int64_t> Grid(const IndexInfo& info, size_t k) const override {
    std::vector<int64_t> efforts{static_cast<int64_t>(k)};
    for (const int64_t effort : kGrid) {
      if (effort > efforts[0]) efforts.push_back(effort);
    }
    while (efforts.size() < 3) efforts.push_back(2 * efforts.back());
    const auto all = std::find_if(efforts.begin(), efforts.end(), [&](int64_t effort) {
      return static_cast<uint64_t>(effort) >= info.num_vectors;
    });
    if (all != efforts.end()) efforts.erase(all + 1, efforts.end());
    return efforts;
  }

 private:
  static constexpr double kParts[] = {0.975, 0.95, 0.925, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5};
  static constexpr uint32_t kMeasuredKs[] = {1, 10, 30, 100};
  static constexpr int64_t kGrid[] = {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512};
};

class GraphBuilder final : public search::PathBuilder {
 public:
  explicit GraphBuilder(std::unique_ptr<Builder> builder) : builder_(std::move(builder)) {}

  Status Build() override { return builder_->Build(); }
  const std::vector<uint32_t>& order() const override { return builder_->order(); }
  std::vector<uint32_t> hidden() const override {
    std::vector<uint32_t> rows(builder_->held_out().begin(), builder_->held_out().end());
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  PathSpec Settled(const PathSpec& asked) const override {
    GraphOptions settled = std::get<GraphOptions>(asked);
    settled.layout = static_cast<GraphLayout>(builder_->header().layout);
    return settled;
  }
  std::unique_ptr<search::AccessPath> OpenPartial(
      const search::StoredVectors& vectors) const override {
    return builder_->Open(vectors);
  }
  Status Finish() override { return builder_->Finish(); }
  Status Write(storage::ContainerWriter* writer) const override { return builder_->Write(writer); }

  std::string Meta() const override {
    const Header header = builder_->header();
    return StrCat(
        ", \"graph_layout\": \"", GraphLayoutName(static_cast<GraphLayout>(header.layout)),
        "\", \"graph_degree\": ", header.degree, ", \"graph_code_bits\": ", header.code_bits);
  }

 private:
  std::unique_ptr<Builder> builder_;
};

class GraphType final : public search::PathType {
 public:
  GraphType() = default;

  IndexKind kind() const override { return IndexKind::kGraph; }
  const char* name() const override { return "graph"; }
  std::span<const std::string_view> sections() const override { return Sections(); }

  Result<std::unique_ptr<search::AccessPath>> Open(
      std::shared_ptr<const storage::ContainerReader> file,
      const search::StoredVectors& vectors) const override {
    KITH_ASSIGN_OR_RETURN(auto graph, Graph::Open(std::move(file), vectors));
    return std::unique_ptr<search::AccessPath>(std::move(graph));
  }

  Result<std::unique_ptr<search::AdaptedPath>> Adapt(
      const search::AdaptInput& input) const override {
    return AdaptGraph(input);
  }

  Result<std::unique_ptr<search::PathBuilder>> NewBuilder(const search::BuildInput& input,
                                                          const PathSpec& spec) const override {
    KITH_ASSIGN_OR_RETURN(auto builder, Builder::Create(input.rows,
                                                        {.graph = std::get<GraphOptions>(spec),
                                                         .metric = input.metric,
                                                         .seed = input.seed,
                                                         .memory = input.memory,
                                                         .progress = input.progress,
                                                         .held_out = input.held_out},
                                                        *input.pool));
    return std::unique_ptr<search::PathBuilder>(std::make_unique<GraphBuilder>(std::move(builder)));
  }

  // Packed and compact, each where it exists.
  std::vector<std::vector<search::BuildWay>> Ways(const search::CostShape& shape,
                                                  const PathSpec& spec,
                                                  bool /*counted*/) const override {
    std::vector<std::vector<search::BuildWay>> ways;
    if (shape.rows >= kMaxNodes) return ways;
    for (const GraphLayout layout : {GraphLayout::kPacked, GraphLayout::kCompact}) {
      if (layout == GraphLayout::kPacked && !HasPackedLayout(shape.metric, shape.dtype)) continue;
      GraphOptions options = std::get<GraphOptions>(spec);
      options.layout = layout;
      ways.push_back({{options, CostsOf(shape, options)}});
    }
    return ways;
  }

  bool Allows(const PathSpec& asked, const PathSpec& way) const override {
    const GraphLayout layout = std::get<GraphOptions>(asked).layout;
    return layout == GraphLayout::kAuto || layout == std::get<GraphOptions>(way).layout;
  }

  // Building a packed graph would measure that its codes miss too much, and begin again. So it did
  // of 5,000 points of a ring (rounding 1.0) or of a square (0.19) and of clusters of a hundredth
  // of their distances (1.3), but not of clusters ten times as wide (0.18).
  bool Suits(const search::CostShape& shape, const PathSpec& asked,
             const PathSpec& way) const override {
    constexpr double kMostRounding = 0.18;
    const bool open = std::get<GraphOptions>(asked).layout == GraphLayout::kAuto;
    const bool packed = std::get<GraphOptions>(way).layout == GraphLayout::kPacked;
    return !open || !packed || shape.rounding <= kMostRounding;
  }

  // A layout that was asked for stays, and is refused where it does not exist. Where packed may be
  // chosen, that stays open: building it measures whether codes suit the data.
  PathSpec Decided(const PathSpec& asked, const PathSpec& way) const override {
    const bool open = std::get<GraphOptions>(asked).layout == GraphLayout::kAuto;
    return open && std::get<GraphOptions>(way).layout == GraphLayout::kCompact ? way : asked;
  }
  PathSpec DefaultSpec() const override { return GraphOptions(); }
  bool collects_sets() const override { return true; }

  const search::EffortScale* efforts() const override { return &efforts_; }

 private:
  Efforts efforts_;
};

}  // namespace

const search::PathType& Type() {
  static const GraphType type;
  return type;
}

}  // namespace kith::graph

namespace kith {

const char* GraphLayoutName(GraphLayout layout) {
  switch (layout) {
    case GraphLayout::kAuto: return "auto";
    case GraphLayout::kPacked: return "packed";
    case GraphLayout::kCompact: return "compact";
  }
  return "unknown";
}

std::optional<GraphLayout> ParseGraphLayout(std::string_view name) {
  for (const GraphLayout layout :
       {GraphLayout::kAuto, GraphLayout::kPacked, GraphLayout::kCompact}) {
    if (name == GraphLayoutName(layout)) return layout;
  }
  return std::nullopt;
}

}  // namespace kith
