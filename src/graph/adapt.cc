#include "graph/adapt.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/math.h"
#include "base/strings.h"
#include "data/convert.h"
#include "graph/bridge.h"
#include "graph/compact_draft.h"
#include "graph/connect.h"
#include "graph/draft.h"
#include "graph/edges.h"
#include "graph/graph.h"
#include "graph/layout.h"
#include "graph/packed_draft.h"
#include "graph/stores.h"
#include "search/hits.h"
#include "search/metric_traits.h"

namespace kith::graph {
namespace {

// An edge leads to each of a query's nearest, as a wide beam finds them, which is not among what a
// narrow one finds. With a narrower one there are more of these than edges are worth
// (docs/recall.md).
struct Beams {
  size_t nearest;
  size_t narrow;
  double wide;
};
constexpr Beams kOfMany{30, 40, 300};
constexpr Beams kOfManyAgain{30, 80, 500};
constexpr Beams kOfFew{30, 40, 1000};
constexpr Beams kFarther{100, 80, 1000};
// Each query given is mixed with so many of its nearest at most.
constexpr size_t kMixed = 100;
constexpr size_t kMixedAtOnce = 20'000;
constexpr size_t kMixedChunk = 256;
// Nodes are searched for twice in so many parts, all but the first, each of which sees what those
// before it added.
constexpr size_t kPieces = 8;
// Edges leave from one of so many that are the nearest found.
constexpr size_t kEnds = 20;
// The graph is taken if others of the queries find more than before by this share for as many
// visits, and stored vectors, of which so many are asked, no less.
constexpr double kLeastGain = 0.005;
constexpr size_t kOwnJudged = 2000;

// The parts of a file that a draft of its layout is made of, which shows no edges yet. Errors:
// Corruption, OutOfMemory.
Result<std::unique_ptr<Draft>> DraftOf(const storage::ContainerReader& in, const Header& header,
                                       const search::VectorTable& nodes, ThreadPool& pool) {
  if (header.layout == static_cast<uint32_t>(GraphLayout::kCompact)) {
    return std::unique_ptr<Draft>(CompactDraft::Over(nodes, header.degree, header.max_norm));
  }
  PackedDraft::Options options{.metric = nodes.metric,
                               .max_norm = header.max_norm,
                               .degree = header.degree,
                               .code_bits = static_cast<int>(header.code_bits)};
  const std::span<const std::byte> signs = in.Bytes(kSignsSection);
  options.signs.resize(signs.size());
  std::memcpy(options.signs.data(), signs.data(), signs.size());
  // Of products there is none, whatever a damaged file has.
  const bool centred = !search::TraitsOf(nodes.metric).products;
  const std::span<const std::byte> mean =
      centred ? in.Bytes(kMeanSection) : std::span<const std::byte>();
  options.mean.resize(mean.size() / sizeof(float));
  std::memcpy(options.mean.data(), mean.data(), mean.size());
  std::vector<uint32_t> order(nodes.rows.rows);
  std::iota(order.begin(), order.end(), 0u);
  KITH_ASSIGN_OR_RETURN(auto draft, PackedDraft::Create(nodes.rows, order, options, pool));
  return std::unique_ptr<Draft>(std::move(draft));
}

// The graph of a file with other edges.
class AdaptedGraph final : public search::AdaptedPath {
 public:
  AdaptedGraph(const Header& header, const RowsOfNodes& rows) : header_(header), rows_(rows) {}

  // Takes the edges out of the file. Errors: Corruption, those of the pool's loops.
  Status Read(const storage::ContainerReader& in, const Graph& graph, ThreadPool& pool);

  // The graph as it is now, of nodes: what it finds are nodes, copies left out.
  std::unique_ptr<Graph> OfNodes() const {
    return draft_->Open(header_, {Nodes(), {}, header_.num_nodes});
  }
  // The nodes' vectors.
  search::StoredVectors Nodes() const {
    search::StoredVectors nodes{rows_.vectors.table, nullptr};
    nodes.table.rows.rows = header_.num_nodes;
    return nodes;
  }
  // Leads edges to the neighbours that these queries miss. Errors: those of searches.
  Status AddFor(const MatrixView& queries, const Beams& beams, ThreadPool& pool);
  // The same for halves of a query and of one of its nearest: others of the kind that there may be.
  // Of as many as there are nodes, at most.
  Status AddForMixtures(const MatrixView& queries, ThreadPool& pool);
  // Sees to it that every node is reached. Nothing is added any more. Errors: as Connected().
  Status Finish(ThreadPool& pool);

  uint32_t added() const { return added_; }
  const search::AccessPath& path() const override { return *path_; }
  Status Write(storage::ContainerWriter* writer) const override;

 private:
  Status Search(const MatrixView& queries, size_t k, double effort, ThreadPool& pool,
                search::Hits* hits) const;
  bool Add(std::span<const search::Candidate> ends, uint32_t node);

  Header header_;
  RowsOfNodes rows_;
  Edges edges_;
  std::vector<uint16_t> leaving_;  // edges added, of each node
  uint32_t added_ = 0;             // in all
  std::unique_ptr<Draft> draft_;   // shows edges_
  std::unique_ptr<Graph> path_;
};

Status AdaptedGraph::Read(const storage::ContainerReader& in, const Graph& graph,
                          ThreadPool& pool) {
  const size_t n = header_.num_nodes;
  edges_.table = LinkTable(n, header_.degree);
  leaving_.assign(n, 0);
  for (size_t node = 0; node < n; ++node) {
    if (node % 4096 == 0) KITH_RETURN_IF_ERROR(pool.CheckStop());
    const uint32_t* links = graph.LinksOf(static_cast<uint32_t>(node));
    uint32_t* const own = edges_.table.links.data() + node * header_.degree;
    uint32_t& count = edges_.table.counts[node];
    for (; count < header_.degree && links[count] != kNoNode; ++count) {
      if (links[count] >= n) {
        return in.Corrupt(kHeaderSection,
                          StrCat("node ", node, " leads to ", links[count], ", which is none"));
      }
      own[count] = links[count];
    }
  }
  KITH_ASSIGN_OR_RETURN(const auto entries,
                        in.Array<uint32_t>(kEntriesSection, header_.num_entries));
  edges_.entries.nodes.assign(entries.begin(), entries.end());
  edges_.entries.of_shells = header_.shell_entries;
  KITH_ASSIGN_OR_RETURN(draft_, DraftOf(in, header_, Nodes().table, pool));
  draft_->Describe(&header_);
  if (header_.reach != 0) draft_->SetReach(header_.reach);
  return draft_->Show(edges_, pool);
}

// An edge to a node from the nearest of the ends that has room for one, in the place of its least
// useful. None where one of them leads there: then the beam had no place for it, not the graph.
bool AdaptedGraph::Add(std::span<const search::Candidate> ends, uint32_t node) {
  const LinkTable& table = edges_.table;
  for (const search::Candidate& end : ends) {
    if (Leads(table, end.row, node)) return false;
  }
  for (const search::Candidate& end : ends) {
    if (end.row != node && LeadBridge(end.row, node, &leaving_, &edges_.table)) return true;
  }
  return false;
}

Status AdaptedGraph::Search(const MatrixView& queries, size_t k, double effort, ThreadPool& pool,
                            search::Hits* hits) const {
  SearchStats stats;
  return OfNodes()->Search(
      {.queries = queries, .wanted = search::Wanted::Nearest(k), .pool = &pool, .effort = effort},
      hits, &stats);
}

Status AdaptedGraph::AddFor(const MatrixView& queries, const Beams& beams, ThreadPool& pool) {
  search::Hits nearest;
  search::Hits ends;
  KITH_RETURN_IF_ERROR(Search(queries, beams.nearest, beams.wide, pool, &nearest));
  KITH_RETURN_IF_ERROR(
      Search(queries, beams.narrow, static_cast<double>(beams.narrow), pool, &ends));
  // In the order of the queries, whoever searched for them.
  bool changed = false;
  for (size_t q = 0; q < queries.rows; ++q) {
    const std::span<const search::Candidate> met = ends.of(q);
    for (const search::Candidate& near : nearest.of(q)) {
      const bool found = std::any_of(met.begin(), met.end(), [&](const search::Candidate& c) {
        return c.row == near.row || c.distance == near.distance;
      });
      if (found || !Add(met.first(std::min(met.size(), kEnds)), near.row)) continue;
      ++added_;
      changed = true;
    }
  }
  return changed ? draft_->Show(edges_, pool) : Status::Ok();
}

Status AdaptedGraph::AddForMixtures(const MatrixView& queries, ThreadPool& pool) {
  const search::VectorTable nodes = Nodes().table;
  const size_t n = nodes.rows.rows;
  const size_t of_each = std::min(kMixed, n / std::max<size_t>(1, queries.rows));
  // What lies between two values of other metrics is of no meaning.
  if (!search::TraitsOf(nodes.metric).euclidean || nodes.rows.dtype == DataType::kBit) {
    return Status::Ok();
  }
  search::Hits nearest;
  KITH_RETURN_IF_ERROR(Search(queries, kMixed, kOfFew.wide, pool, &nearest));
  std::vector<std::pair<uint32_t, uint32_t>> pairs;  // query, node
  for (uint32_t q = 0; q < queries.rows; ++q) {
    const std::span<const search::Candidate> of = nearest.of(q);
    for (size_t i = 0; i < std::min(of_each, of.size()); ++i) {
      pairs.emplace_back(q, of[i * of.size() / std::min(of_each, of.size())].row);
    }
  }
  const size_t dim = queries.dim;
  const bool unit = search::TraitsOf(nodes.metric).unit_length();
  const size_t at_once = std::min(kMixedAtOnce, pairs.size());
  KITH_ASSIGN_OR_RETURN(auto mixed, AlignedBuffer<float>::Create(at_once * dim));
  for (size_t first = 0; first < pairs.size(); first += at_once) {
    const size_t count = std::min(at_once, pairs.size() - first);
    KITH_RETURN_IF_ERROR(pool.Chunks(count, kMixedChunk, [&](size_t begin, size_t end, int) {
      std::vector<float> x(dim);
      for (size_t i = begin; i < end; ++i) {
        const auto [q, node] = pairs[first + i];
        float* const out = mixed.data() + i * dim;
        data::RowToF32(queries, q, out);
        data::RowToF32(nodes.rows, node, x.data());
        const float a = unit ? search::InverseNorm(out, dim) : 0.5f;
        const float b = unit ? search::InverseNorm(x.data(), dim) : 0.5f;
        for (size_t d = 0; d < dim; ++d) out[d] = a * out[d] + b * x[d];
      }
    }));
    KITH_RETURN_IF_ERROR(AddFor(ViewOf(mixed.data(), count, dim), kOfMany, pool));
  }
  return Status::Ok();
}

Status AdaptedGraph::Finish(ThreadPool& pool) {
  KITH_ASSIGN_OR_RETURN(edges_, Connected(std::move(edges_), pool));
  KITH_RETURN_IF_ERROR(draft_->Show(edges_, pool));
  draft_->Seal();
  header_.num_entries = static_cast<uint32_t>(edges_.entries.nodes.size());
  header_.shell_entries = edges_.entries.of_shells;
  header_.adapted += std::min(added_, std::numeric_limits<uint32_t>::max() - header_.adapted);
  path_ = draft_->Open(header_, rows_);
  return Status::Ok();
}

Status AdaptedGraph::Write(storage::ContainerWriter* writer) const {
  const auto add = [&](std::string_view name, std::span<const uint32_t> v) {
    return writer->AddSection(name, std::as_bytes(v));
  };
  KITH_RETURN_IF_ERROR(writer->AddSection(kHeaderSection, std::as_bytes(std::span(&header_, 1))));
  KITH_RETURN_IF_ERROR(add(kEntriesSection, edges_.entries.nodes));
  if (!rows_.copies.empty()) KITH_RETURN_IF_ERROR(add(kCopiesSection, rows_.copies));
  return draft_->Write(writer);
}

// Every step-th row, from the first-th on.
MatrixView EveryOf(MatrixView rows, size_t first, size_t step) {
  rows.rows = rows.rows > first ? (rows.rows - first + step - 1) / step : 0;
  rows.data = rows.rows > 0 ? rows.row(first) : rows.data;
  rows.stride *= step;
  return rows;
}

// What queries find of their nearest with an effort, and visit for it.
struct Found {
  double hits = 0;
  double nodes = 0;
};

// Whether queries find so much more, as a share, in a graph than in another for as many visits. The
// nearest are those that either finds with a wide beam.
Result<bool> Gains(const search::AccessPath& before, const search::AccessPath& now,
                   const MatrixView& queries, double share, ThreadPool& pool) {
  constexpr size_t kJudged = 10;
  constexpr double kEffort = 48;
  search::Hits hits;
  SearchStats stats;
  const auto search = [&](const search::AccessPath& path, double effort) {
    stats = {};
    return path.Search({.queries = queries,
                        .wanted = search::Wanted::Nearest(kJudged),
                        .pool = &pool,
                        .effort = effort},
                       &hits, &stats);
  };
  std::vector<float> limits(queries.rows, std::numeric_limits<float>::infinity());
  for (const search::AccessPath* path : {&before, &now}) {
    KITH_RETURN_IF_ERROR(search(*path, kOfFew.wide));
    for (size_t q = 0; q < queries.rows; ++q) {
      if (!hits.of(q).empty()) limits[q] = std::min(limits[q], hits.of(q).back().distance);
    }
  }
  const auto find = [&](const search::AccessPath& path, double effort) -> Result<Found> {
    KITH_RETURN_IF_ERROR(search(path, effort));
    Found found{0, static_cast<double>(stats.nodes)};
    for (size_t q = 0; q < queries.rows; ++q) {
      for (const search::Candidate& c : hits.of(q)) found.hits += c.distance <= limits[q] ? 1 : 0;
    }
    return found;
  };
  KITH_ASSIGN_OR_RETURN(const Found less, find(before, kEffort));
  KITH_ASSIGN_OR_RETURN(const Found more, find(before, 1.5 * kEffort));
  KITH_ASSIGN_OR_RETURN(const Found there, find(now, kEffort));
  const double step = more.nodes - less.nodes;
  const double part = step > 0 ? (there.nodes - less.nodes) / step : 0;
  return there.hits >= (1 + share) * (less.hits + part * (more.hits - less.hits));
}

}  // namespace

Result<std::unique_ptr<search::AdaptedPath>> AdaptGraph(const search::AdaptInput& input) {
  ThreadPool& pool = *input.pool;
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Graph> before,
                        Graph::Open(input.file, input.vectors));
  std::unique_ptr<search::AdaptedPath> none;
  if (before->outline().NumShells() > 1) return none;
  auto adapted = std::make_unique<AdaptedGraph>(before->header(), before->rows());
  KITH_RETURN_IF_ERROR(adapted->Read(*input.file, *before, pool));
  const auto report = [&](size_t pieces) {
    return pool.Report(input.progress, "edges for such queries", pieces, 2 * kPieces - 1);
  };
  const MatrixView nodes = adapted->Nodes().table.rows;
  size_t done = 0;
  for (const Beams& beams : {kOfMany, kOfManyAgain}) {
    // The first part tells in the end whether others like the vectors are as well off as before.
    for (size_t piece = 1; piece < kPieces; ++piece) {
      KITH_RETURN_IF_ERROR(report(done++));
      KITH_RETURN_IF_ERROR(adapted->AddFor(EveryOf(nodes, piece, kPieces), beams, pool));
    }
  }
  KITH_RETURN_IF_ERROR(report(done));
  KITH_RETURN_IF_ERROR(adapted->AddFor(input.queries, kOfFew, pool));
  KITH_RETURN_IF_ERROR(adapted->AddFor(input.queries, kFarther, pool));
  KITH_RETURN_IF_ERROR(adapted->AddForMixtures(input.queries, pool));
  if (adapted->added() == 0) return none;
  KITH_RETURN_IF_ERROR(adapted->Finish(pool));
  KITH_ASSIGN_OR_RETURN(const bool gains,
                        Gains(*before, adapted->path(), input.others, kLeastGain, pool));
  if (!gains) return none;
  const MatrixView kept = EveryOf(nodes, 0, kPieces);
  const MatrixView own = EveryOf(kept, 0, (kept.rows + kOwnJudged - 1) / kOwnJudged);
  KITH_ASSIGN_OR_RETURN(const bool keeps, Gains(*before, adapted->path(), own, 0, pool));
  if (!keeps) return none;
  return std::unique_ptr<search::AdaptedPath>(std::move(adapted));
}

}  // namespace kith::graph
