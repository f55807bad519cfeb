// Building a graph: candidates from trees, edges, then one pass of searches that finds better ones.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#include "base/math.h"
#include "base/rng.h"
#include "base/strings.h"
#include "data/convert.h"
#include "graph/bridge.h"
#include "graph/candidates.h"
#include "graph/choose.h"
#include "graph/graph.h"
#include "graph/link.h"
#include "graph/space.h"
#include "graph/walk.h"
#include "quant/rabitq.h"
#include "quant/sketch.h"
#include "search/stored_vectors.h"
#include "trees/rp_tree.h"

namespace kith::graph {
namespace {

constexpr uint32_t kDefaultBeam = 48;

// Each tree's leaves are groups within which all pairs are compared. The searches that follow make
// up for neighbours that no leaf has together: more trees changed little (docs/graph.md).
constexpr uint32_t kTrees = 5;
constexpr uint32_t kLeafSize = 128;

// Entries for parts that no edge leads to.
constexpr size_t kMaxEntries = 4096;
// Dot: so many of the longest vectors are entries. They are near to many queries, but few vectors
// are near to them, and so have edges that lead there.
constexpr size_t kLongest = 64;

constexpr size_t kNodesAtOnce = 256;

class Builder {
 public:
  // `choose`: whether a packed graph may become a compact one.
  Builder(const MatrixView& rows, const BuildRequest& options, ThreadPool& pool, bool choose)
      : rows_(rows),
        options_(options),
        pool_(pool),
        choose_(choose),
        packed_(options.graph.layout == GraphLayout::kPacked) {}

  Result<Built> Run();

 private:
  Status Report(std::string_view stage, uint64_t done, uint64_t total) const {
    return pool_.Report(options_.progress, stage, done, total);
  }

  Status PlantTrees();
  void PlaceCopies(const std::vector<uint32_t>& first);
  Status MakeSpace(bool as_floats);
  Status FindCandidates();
  Status Link(LinkTable* table) const;
  Status Refine(std::string_view stage, const LinkTable& before, LinkTable* table);
  Status RefineFirst(std::string_view stage, const LinkTable& first,
                     const std::vector<uint32_t>& chosen, LinkTable* table);
  Status RefineSome(const View& view, const LinkTable& table, size_t begin, size_t end,
                    std::vector<Walk>* walks,
                    const std::function<void(uint32_t, std::vector<uint32_t>*)>& take) const;
  Status Frame();
  Status ChooseEntries();
  Status PrepareNodes();
  void WriteOwn(const float* rotated, std::byte* record) const;
  Status Pack(const LinkTable& table, bool all);
  Parts PartsOf(const LinkTable& table) const;
  Status InsertSome(size_t first, LinkTable* table);
  Status Insert(size_t chosen, LinkTable* table);
  Status PrepareCompact();
  Result<bool> PrefersCompact(const LinkTable& table);
  Status BecomeCompact();
  Status Bridge(LinkTable* table);
  View ViewNow() const;
  MatrixView Rotated() const;

  MatrixView rows_;
  BuildRequest options_;
  ThreadPool& pool_;
  bool choose_;
  bool packed_;
  size_t n_ = 0;    // nodes linked so far
  size_t all_ = 0;  // and those held out, which follow
  Built graph_;
  std::vector<trees::Tree> trees_;  // entries are nodes
  Space space_;
  CandidateLists candidates_;
  // The frame of the space and that of edge codes, which differ for dot only.
  std::vector<float> space_mean_;
  std::vector<uint8_t> space_signs_;
  quant::Rotation space_rotation_;
  quant::Rotation rotation_;
  CodeFrame space_frame_;
  CodeFrame frame_;
  AlignedBuffer<std::byte> gathered_;  // compact, dot: the rows of the nodes
  AlignedBuffer<float> rotated_;       // packed: [n, frame dim]
  std::vector<float> inverse_norms_;   // angular, packed
};

Status Builder::Frame() {
  if (options_.metric == Metric::kDot) {
    KITH_ASSIGN_OR_RETURN(graph_.header.max_norm, quant::LargestNorm(rows_, pool_));
  }
  const quant::Geometry geometry(options_.metric, rows_.dim, graph_.header.max_norm);
  space_mean_ = FrameMean(rows_, geometry);
  const size_t space_dim = quant::Rotation::PaddedDim(geometry.dim());
  space_signs_ = quant::Rotation::RandomSigns(space_dim, options_.seed);
  space_rotation_ = quant::Rotation(space_dim, space_signs_);
  space_frame_ = {geometry, space_mean_, &space_rotation_};
  if (!packed_) return Status::Ok();
  const quant::Geometry codes = CodeGeometry(options_.metric, rows_.dim);
  const size_t dim = quant::Rotation::PaddedDim(codes.dim());
  graph_.signs = quant::Rotation::RandomSigns(dim, options_.seed);
  rotation_ = quant::Rotation(dim, graph_.signs);
  if (options_.metric != Metric::kDot) graph_.mean = space_mean_;
  frame_ = {codes, graph_.mean, &rotation_};
  return Status::Ok();
}

// Collapses copies, grows trees over the distinct rows and numbers nodes in the order of the first.
Status Builder::PlantTrees() {
  KITH_ASSIGN_OR_RETURN(const std::vector<uint32_t> first, FindCopies(rows_, pool_));
  std::vector<bool> single(first.size(), true);
  for (uint32_t row = 0; row < first.size(); ++row) {
    if (first[row] != row) single[first[row]] = false;
  }
  std::vector<uint32_t> distinct;
  std::vector<uint32_t> held_out;
  for (uint32_t row = 0; row < first.size(); ++row) {
    if (first[row] != row) continue;
    const bool held =
        single[row] && std::binary_search(options_.held_out.begin(), options_.held_out.end(), row);
    (held ? held_out : distinct).push_back(row);
  }
  n_ = distinct.size();
  all_ = n_ + held_out.size();
  MatrixView rows = rows_;
  AlignedBuffer<std::byte> gathered;
  if (n_ < rows_.rows) {
    const size_t stride = RowBytes(rows_.dtype, rows_.dim);
    KITH_ASSIGN_OR_RETURN(gathered, data::GatherRows(rows_, distinct, stride, pool_));
    rows = {gathered.data(), n_, rows_.dim, stride, rows_.dtype};
  }
  const quant::Geometry& geometry = space_frame_.geometry;
  KITH_ASSIGN_OR_RETURN(const quant::TrainedSketch sketch,
                        quant::TrainSketch(rows, geometry, options_.seed, pool_));
  KITH_ASSIGN_OR_RETURN(const auto sketches,
                        quant::SketchRows(rows, geometry, sketch.Map(), pool_));
  KITH_ASSIGN_OR_RETURN(const auto bytes,
                        quant::RoundSketches(sketches.data(), n_, sketch.sketch_dim, pool_));
  trees_.resize(kTrees);
  KITH_RETURN_IF_ERROR(pool_.For(kTrees, [&](size_t t, int) -> Status {
    KITH_ASSIGN_OR_RETURN(
        trees_[t], trees::GrowTree(bytes, sketches.data(), n_, {sketch.sketch_dim, kLeafSize},
                                   Mix64(options_.seed) + t, pool_));
    return Status::Ok();
  }));
  std::vector<uint32_t> nodes(n_);
  for (uint32_t node = 0; node < n_; ++node) nodes[trees_[0].entries[node]] = node;
  graph_.order.resize(n_);
  for (size_t i = 0; i < n_; ++i) graph_.order[nodes[i]] = distinct[i];
  graph_.order.insert(graph_.order.end(), held_out.begin(), held_out.end());
  for (trees::Tree& tree : trees_) {
    KITH_RETURN_IF_ERROR(pool_.CheckStop());
    tree.nodes = {};
    for (uint32_t& entry : tree.entries) entry = nodes[entry];
  }
  PlaceCopies(first);
  return Status::Ok();
}

// Appends the copies of each node, in the order of their rows, behind all nodes.
void Builder::PlaceCopies(const std::vector<uint32_t>& first) {
  if (all_ == rows_.rows) return;
  std::vector<uint32_t> node_of(rows_.rows);
  for (uint32_t node = 0; node < n_; ++node) node_of[graph_.order[node]] = node;
  graph_.copies.assign(all_ + 1, 0);
  for (uint32_t row = 0; row < first.size(); ++row) {
    if (first[row] != row) ++graph_.copies[node_of[first[row]] + 1];
  }
  for (size_t i = 0; i < all_; ++i) graph_.copies[i + 1] += graph_.copies[i];
  std::vector<uint32_t> at(graph_.copies.begin(), graph_.copies.end() - 1);
  graph_.order.resize(rows_.rows);
  for (uint32_t row = 0; row < first.size(); ++row) {
    if (first[row] != row) graph_.order[all_ + at[node_of[first[row]]]++] = row;
  }
}

Status Builder::MakeSpace(bool as_floats) {
  KITH_ASSIGN_OR_RETURN(space_,
                        Space::Create(rows_, options_.metric, std::span(graph_.order).first(all_),
                                      space_frame_, as_floats, pool_));
  return Status::Ok();
}

Status Builder::FindCandidates() {
  KITH_ASSIGN_OR_RETURN(candidates_, CandidateLists::Create(n_, pool_));
  for (size_t t = 0; t < trees_.size(); ++t) {
    KITH_RETURN_IF_ERROR(candidates_.Join(space_, trees_[t], kLeafSize, pool_));
    KITH_RETURN_IF_ERROR(Report("candidates", t + 1, trees_.size()));
  }
  return Status::Ok();
}

Status Builder::Link(LinkTable* table) const {
  const auto produce = [&](size_t begin, size_t end, int /*thread*/, const auto& take) {
    std::vector<uint32_t> ids;
    for (size_t node = begin; node < end; ++node) {
      ids.clear();
      for (const search::Candidate& c : candidates_.Of(node)) {
        if (c.row != kNoNode) ids.push_back(c.row);
      }
      take(static_cast<uint32_t>(node), &ids);
    }
    return Status::Ok();
  };
  return LinkNodes(space_, {}, pool_, produce, table);
}

Status Builder::ChooseEntries() {
  const size_t spread = std::min(n_, kSpreadEntries);
  for (size_t i = 0; i < spread; ++i) {
    graph_.entries.push_back(static_cast<uint32_t>((2 * i + 1) * n_ / (2 * spread)));
  }
  if (options_.metric != Metric::kDot) return Status::Ok();
  std::vector<search::Candidate> longest(n_);
  KITH_RETURN_IF_ERROR(pool_.Chunks(n_, kNodesAtOnce, [&](size_t begin, size_t end, int) {
    std::vector<float> x(rows_.dim);
    for (size_t node = begin; node < end; ++node) {
      data::RowToF32(rows_, graph_.order[node], x.data());
      longest[node] = {static_cast<float>(-std::sqrt(SquaredNorm(x.data(), rows_.dim))),
                       static_cast<uint32_t>(node)};
    }
  }));
  const auto end = longest.begin() + static_cast<ptrdiff_t>(std::min(n_, kLongest));
  std::partial_sort(longest.begin(), end, longest.end());
  for (auto at = longest.begin(); at != end; ++at) {
    const auto known = graph_.entries.begin() + static_cast<ptrdiff_t>(spread);
    if (!std::binary_search(graph_.entries.begin(), known, at->row)) {
      graph_.entries.push_back(at->row);
    }
  }
  return Status::Ok();
}

// Allocates packed nodes, with everything in them that does not change with the edges.
Status Builder::PrepareNodes() {
  const size_t dim = frame_.dim();
  const int bits =
      options_.graph.code_bits != 0 ? options_.graph.code_bits : quant::EdgeBits(rows_.dim);
  graph_.header.code_bits = static_cast<uint32_t>(bits);
  const bool own_bytes = RoundsOwnVector(rows_.dtype, rows_.dim);
  graph_.header.own_bytes = own_bytes ? 1 : 0;
  graph_.shape = NodeShape(rows_.dtype, rows_.dim, {dim, bits, graph_.header.degree}, own_bytes);
  KITH_ASSIGN_OR_RETURN(graph_.nodes, AlignedBuffer<std::byte>::Create(all_ * graph_.shape.bytes));
  KITH_ASSIGN_OR_RETURN(rotated_, AlignedBuffer<float>::Create(all_ * dim));
  const bool angular = options_.metric == Metric::kAngular;
  if (angular) inverse_norms_.resize(all_);
  return pool_.Chunks(all_, kNodesAtOnce, [&](size_t begin, size_t end, int) {
    std::vector<float> x(rows_.dim);
    for (size_t node = begin; node < end; ++node) {
      const uint32_t row = graph_.order[node];
      std::byte* record = graph_.nodes.data() + node * graph_.shape.bytes;
      float* rotated = rotated_.data() + node * dim;
      frame_.Map(rows_, row, rotated);
      if (own_bytes) {
        WriteOwn(rotated, record);
        continue;
      }
      std::memcpy(record, rows_.row(row), RowBytes(rows_.dtype, rows_.dim));
      if (!angular) continue;
      data::RowToF32(rows_, row, x.data());
      inverse_norms_[node] = search::InverseNorm(x.data(), rows_.dim);
    }
  });
}

// Writes a node's own vector, rounded.
void Builder::WriteOwn(const float* rotated, std::byte* record) const {
  const size_t dim = frame_.dim();
  const quant::ByteSteps steps = quant::StepsOf(rotated, dim);
  auto* bytes = reinterpret_cast<int8_t*>(record);
  quant::RoundToBytes(rotated, dim, steps, bytes);
  int64_t sum = 0;
  for (size_t i = 0; i < dim; ++i) sum += bytes[i] * bytes[i];
  const OwnFactors own{steps.step, steps.step * steps.step * static_cast<float>(sum)};
  std::memcpy(record + graph_.shape.factors, &own, sizeof(own));
}

// Writes links and codes to the nodes: to all, or those whose links are others now.
Status Builder::Pack(const LinkTable& table, bool all) {
  const NodeShape& shape = graph_.shape;
  const quant::EdgeEncoder encoder(shape.edges, MeasureOf(options_.metric));
  const size_t dim = frame_.dim();
  return pool_.Chunks(n_, kNodesAtOnce, [&](size_t begin, size_t end, int) {
    std::vector<const float*> neighbours(table.degree);
    for (size_t node = begin; node < end; ++node) {
      const auto links = table.Of(node);
      std::byte* record = graph_.nodes.data() + node * shape.bytes;
      auto* to = reinterpret_cast<uint32_t*>(record + shape.links);
      const auto same = [&] {
        return std::equal(links.begin(), links.end(), to) &&
               (links.size() == table.degree || to[links.size()] == kNoNode);
      };
      if (!all && same()) continue;
      for (size_t i = 0; i < links.size(); ++i) neighbours[i] = rotated_.data() + links[i] * dim;
      encoder.Encode(rotated_.data() + node * dim, neighbours.data(), links.size(),
                     record + shape.codes, reinterpret_cast<uint16_t*>(record + shape.weights),
                     reinterpret_cast<uint16_t*>(record + shape.offsets));
      std::fill(to, to + table.degree, kNoNode);
      std::copy(links.begin(), links.end(), to);
    }
  });
}

// The graph as it is, for searches in it.
View Builder::ViewNow() const {
  View view;
  view.num_nodes = static_cast<uint32_t>(n_);
  view.degree = graph_.header.degree;
  view.entries = graph_.entries;
  view.max_norm = graph_.header.max_norm;
  view.layout = packed_ ? GraphLayout::kPacked : GraphLayout::kCompact;
  if (!packed_) {
    view.table = space_.table();
    if (gathered_.size() == 0) return view;
    view.table.rows = {gathered_.data(), all_, rows_.dim, gathered_.size() / all_, rows_.dtype};
    view.table.padded_bytes = view.table.rows.stride;
    view.table.metric = options_.metric;
    return view;
  }
  view.shape = graph_.shape;
  view.nodes = graph_.nodes.data();
  view.frame = frame_;
  view.own_bytes = graph_.header.own_bytes != 0;
  view.table.metric = options_.metric;
  if (view.own_bytes) return view;
  view.table.rows = {graph_.nodes.data(), all_, rows_.dim, graph_.shape.bytes, rows_.dtype};
  view.table.padded_bytes = graph_.shape.codes;
  if (options_.metric == Metric::kAngular) view.table.inverse_norms = inverse_norms_.data();
  return view;
}

// Packed: the nodes' vectors in the coordinates of the codes.
MatrixView Builder::Rotated() const {
  if (!packed_) return {};
  return {reinterpret_cast<const std::byte*>(rotated_.data()), n_, frame_.dim(),
          frame_.dim() * sizeof(float), DataType::kF32};
}

// What searches of a compact graph need beside its edges.
Status Builder::PrepareCompact() {
  if (options_.metric != Metric::kDot) return Status::Ok();
  // The edges that queries of dot need are found by searches as those: in the space, where all
  // vectors have one length, long ones would be met by nobody.
  KITH_ASSIGN_OR_RETURN(gathered_,
                        data::GatherRows(rows_, std::span(graph_.order).first(all_),
                                         search::RowStride(rows_.dtype, rows_.dim), pool_));
  return Status::Ok();
}

Result<bool> Builder::PrefersCompact(const LinkTable& table) {
  if (!choose_) return false;
  KITH_ASSIGN_OR_RETURN(const LayoutRecall recall,
                        MeasureLayouts(ViewNow(), Rotated(), table.links.data(), pool_));
  return recall.PrefersCompact();
}

// Drops what only the packed layout needs.
Status Builder::BecomeCompact() {
  packed_ = false;
  graph_.header.layout = static_cast<uint32_t>(GraphLayout::kCompact);
  graph_.header.code_bits = 0;
  graph_.header.own_bytes = 0;
  graph_.nodes = {};
  graph_.shape = {};
  rotated_ = {};
  inverse_norms_ = {};
  return PrepareCompact();
}

// Searches for nodes [begin, end) and gives what each search visited, with the node's links, to
// `take`.
Status Builder::RefineSome(
    const View& view, const LinkTable& table, size_t begin, size_t end, std::vector<Walk>* walks,
    const std::function<void(uint32_t, std::vector<uint32_t>*)>& take) const {
  constexpr size_t kNearest = 10;  // what the width is a multiple of
  const size_t beam = options_.graph.beam != 0 ? options_.graph.beam : kDefaultBeam;
  WalkTerms terms = MakeTerms(view, view.max_norm, std::min(kNearest, n_), beam);
  terms.stretch = std::numeric_limits<float>::infinity();
  const auto finish = [&](Walk* /*walk*/, uint32_t node, std::vector<uint32_t>* ids) {
    ids->insert(ids->end(), table.Of(node).begin(), table.Of(node).end());
    take(node, ids);
  };
  const NodeQueries all{.count = all_, .rotated = Rotated()};
  return SearchForNodes(view, all, begin, end, terms, pool_, *walks, finish);
}

// Searches for every node in the graph as it is, and chooses edges anew among what each search
// visited: those on the way to a node are the ones that lead to it.
Status Builder::Refine(std::string_view stage, const LinkTable& before, LinkTable* table) {
  View view = ViewNow();
  if (!packed_) view.links = before.links.data();
  KITH_ASSIGN_OR_RETURN(auto walks, WalksForThreads(view, pool_));
  std::atomic<uint64_t> done{0};
  const auto produce = [&](size_t begin, size_t end, int thread, const auto& take) -> Status {
    KITH_RETURN_IF_ERROR(RefineSome(view, before, begin, end, &walks[thread], take));
    const uint64_t count = done += end - begin;
    // Only the caller's thread may call back.
    return thread == 0 ? Report(stage, count, n_) : Status::Ok();
  };
  return LinkNodes(space_, {}, pool_, produce, table);
}

// Refines the first edges by searches in them, which begin at the entries there are. The entries
// are then those chosen, and others that parts of the refined graph need.
Status Builder::RefineFirst(std::string_view stage, const LinkTable& first,
                            const std::vector<uint32_t>& chosen, LinkTable* table) {
  KITH_RETURN_IF_ERROR(Refine(stage, first, table));
  graph_.entries = chosen;
  KITH_RETURN_IF_ERROR(ConnectNodes(kMaxEntries, pool_, table, &graph_.entries));
  graph_.header.num_entries = static_cast<uint32_t>(graph_.entries.size());
  return Status::Ok();
}

// Leads walks to where they did not get.
Status Builder::Bridge(LinkTable* table) {
  View view = ViewNow();
  if (!packed_) view.links = table->links.data();
  const auto pack = [&] { return packed_ ? Pack(*table, false) : Status::Ok(); };
  KITH_ASSIGN_OR_RETURN(const size_t made, BuildBridges(view, Rotated(), pool_, pack, table));
  if (made == 0) return Status::Ok();
  KITH_RETURN_IF_ERROR(ConnectNodes(kMaxEntries, pool_, table, &graph_.entries));
  graph_.header.num_entries = static_cast<uint32_t>(graph_.entries.size());
  return pack();
}

// The graph as it is.
Parts Builder::PartsOf(const LinkTable& table) const {
  Parts parts;
  parts.header = graph_.header;
  if (packed_) {
    parts.nodes = std::span(graph_.nodes.data(), graph_.nodes.size());
  } else {
    parts.links = table.links;
  }
  parts.entries = graph_.entries;
  if (!graph_.copies.empty()) parts.copies = std::span(graph_.copies).first(n_ + 1);
  parts.mean = graph_.mean;
  parts.signs = graph_.signs;
  parts.first_copy = static_cast<uint32_t>(all_);
  return parts;
}

// Links nodes from `first` on to what their searches visit, and these back to them.
Status Builder::InsertSome(size_t first, LinkTable* table) {
  View view = ViewNow();
  if (!packed_) view.links = table->links.data();
  KITH_ASSIGN_OR_RETURN(auto walks, WalksForThreads(view, pool_));
  KITH_RETURN_IF_ERROR(InsertNodes(
      space_, {}, pool_, first,
      [&](size_t begin, size_t end, int thread, const auto& take) {
        return RefineSome(view, *table, begin, end, &walks[thread], take);
      },
      table));
  n_ = table->size();
  return packed_ ? Pack(*table, false) : Status::Ok();
}

// Links the nodes held out, some at a time, as if they came one day later; then all of them once
// more, when they can meet each other.
Status Builder::Insert(size_t chosen, LinkTable* table) {
  constexpr size_t kShare = 16;  // of the nodes there are
  const size_t first = n_;
  while (n_ < all_) {
    table->Resize(std::min(all_, n_ + std::max(kNodesAtOnce, n_ / kShare)));
    KITH_RETURN_IF_ERROR(InsertSome(n_, table));
  }
  KITH_RETURN_IF_ERROR(InsertSome(first, table));
  graph_.header.num_nodes = static_cast<uint32_t>(n_);
  // Entries of parts that no edge led to stay. Some edge may lead there now, from anywhere a walk
  // has been, but hardly where the next one looks for it.
  if (options_.metric == Metric::kDot) {
    const std::vector<uint32_t> before = std::exchange(graph_.entries, {});
    KITH_RETURN_IF_ERROR(ChooseEntries());
    for (size_t i = chosen; i < before.size(); ++i) {
      const bool known = std::find(graph_.entries.begin(), graph_.entries.end(), before[i]) !=
                         graph_.entries.end();
      if (!known) graph_.entries.push_back(before[i]);
    }
  }
  KITH_RETURN_IF_ERROR(ConnectNodes(kMaxEntries, pool_, table, &graph_.entries));
  graph_.header.num_entries = static_cast<uint32_t>(graph_.entries.size());
  if (packed_) KITH_RETURN_IF_ERROR(Pack(*table, false));
  return Bridge(table);
}

Result<Built> Builder::Run() {
  Header& header = graph_.header;
  header.degree = options_.graph.degree != 0 ? options_.graph.degree : kDefaultDegree;
  header.layout = static_cast<uint32_t>(options_.graph.layout);
  KITH_RETURN_IF_ERROR(Frame());
  KITH_RETURN_IF_ERROR(PlantTrees());
  header.num_nodes = static_cast<uint32_t>(n_);
  KITH_RETURN_IF_ERROR(MakeSpace(false));
  KITH_RETURN_IF_ERROR(FindCandidates());
  if (space_.rounded() && candidates_.FinerThanBytes(space_.table().rows.dim)) {
    KITH_RETURN_IF_ERROR(MakeSpace(true));
    KITH_RETURN_IF_ERROR(FindCandidates());
  }
  trees_ = {};
  LinkTable first(n_, header.degree);
  KITH_RETURN_IF_ERROR(Link(&first));
  candidates_ = {};

  KITH_RETURN_IF_ERROR(ChooseEntries());
  const std::vector<uint32_t> chosen = graph_.entries;
  KITH_RETURN_IF_ERROR(ConnectNodes(kMaxEntries, pool_, &first, &graph_.entries));
  const std::vector<uint32_t> entries = graph_.entries;
  LinkTable table(n_, header.degree);
  if (packed_) {
    KITH_RETURN_IF_ERROR(PrepareNodes());
    KITH_RETURN_IF_ERROR(Pack(first, true));
    KITH_RETURN_IF_ERROR(RefineFirst("refine", first, chosen, &table));
    KITH_RETURN_IF_ERROR(Pack(table, true));
    KITH_ASSIGN_OR_RETURN(const bool prefers_compact, PrefersCompact(table));
    if (prefers_compact) {
      // Searches by the codes chose these edges, and the codes do not suit the data: back to the
      // first ones, so that the graph is the one that is built if a compact one is asked for.
      KITH_RETURN_IF_ERROR(BecomeCompact());
      graph_.entries = entries;
      KITH_RETURN_IF_ERROR(RefineFirst("refine again", first, chosen, &table));
    }
  } else {
    KITH_RETURN_IF_ERROR(PrepareCompact());
    KITH_RETURN_IF_ERROR(RefineFirst("refine", first, chosen, &table));
  }
  first = LinkTable(0, header.degree);
  KITH_RETURN_IF_ERROR(Bridge(&table));
  if (options_.inspect) KITH_RETURN_IF_ERROR(options_.inspect(graph_.order, PartsOf(table)));
  if (n_ < all_) KITH_RETURN_IF_ERROR(Insert(chosen.size(), &table));
  if (!packed_) graph_.links = std::move(table.links);
  return std::move(graph_);
}

}  // namespace

Result<Built> Build(const MatrixView& rows, const BuildRequest& options, ThreadPool& pool) {
  KITH_RETURN_IF_ERROR(CheckOptions(rows, options));
  BuildRequest chosen = options;
  const auto needed = [&] {
    return BuildMemory(rows.rows, rows.dim, rows.dtype, options.metric, chosen.graph);
  };
  if (chosen.graph.layout == GraphLayout::kAuto) {
    chosen.graph.layout =
        HasPackedLayout(options.metric, rows.dtype) ? GraphLayout::kPacked : GraphLayout::kCompact;
    if (options.memory != 0 && needed() > options.memory) {
      chosen.graph.layout = GraphLayout::kCompact;
    }
  }
  if (options.memory != 0 && needed() > options.memory) {
    return Status::InvalidArgument(
        StrCat("building a ", GraphLayoutName(chosen.graph.layout), " graph takes ", needed(),
               " bytes of memory, ", options.memory,
               " are allowed; allow more, or build a forest or exact search only"));
  }
  return Builder(rows, chosen, pool, options.graph.layout == GraphLayout::kAuto).Run();
}

}  // namespace kith::graph
