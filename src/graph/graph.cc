// Opening and searching a graph.
#include "graph/graph.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/math.h"
#include "base/rng.h"
#include "base/strings.h"
#include "data/convert.h"
#include "search/scorer.h"
#include "search/search_chunks.h"

namespace kith::graph {
namespace {

constexpr size_t kQueriesAtOnce = 32;

constexpr std::string_view kSections[] = {kHeaderSection,  kNodesSection, kLinksSection,
                                          kEntriesSection, kMeanSection,  kSignsSection,
                                          kCopiesSection};

NodeShape ShapeOf(const Header& header, const MatrixView& rows) {
  return NodeShape(
      rows.dtype, rows.dim,
      {quant::Rotation::PaddedDim(rows.dim), static_cast<int>(header.code_bits), header.degree},
      header.own_bytes != 0);
}

// In [0, 1), by the query's values alone. Not all of a long one are looked at: it need not be
// perfectly fair.
double Coin(const float* query, size_t dim) {
  constexpr size_t kMost = 32;
  const size_t step = (dim + kMost - 1) / kMost;
  uint64_t hash = dim;
  for (size_t i = 0; i < dim; i += step) {
    hash = (hash ^ std::bit_cast<uint32_t>(query[i] + 0.0f)) * 0x9E3779B97F4A7C15u;  // -0 is 0
    hash ^= hash >> 32;
  }
  return static_cast<double>(Mix64(hash) >> 11) * 0x1p-53;
}

}  // namespace

struct Graph::Scratch {
  std::vector<Walk> walks;
  std::vector<float> query;
  std::vector<search::Candidate> found;
  std::vector<uint32_t> ids;
  std::vector<float> distances;
};

Graph::~Graph() = default;

std::span<const std::string_view> Sections() { return kSections; }

Status Write(const Built& graph, storage::ContainerWriter* writer) {
  const auto add = [&](std::string_view name, const auto& v, size_t row_bytes = 0) {
    return writer->AddSection(name, std::as_bytes(std::span(v.data(), v.size())),
                              {.row_bytes = static_cast<uint32_t>(row_bytes)});
  };
  KITH_RETURN_IF_ERROR(
      writer->AddSection(kHeaderSection, std::as_bytes(std::span(&graph.header, 1))));
  KITH_RETURN_IF_ERROR(add(kEntriesSection, graph.entries));
  if (!graph.copies.empty()) KITH_RETURN_IF_ERROR(add(kCopiesSection, graph.copies));
  if (graph.header.layout == static_cast<uint32_t>(GraphLayout::kCompact)) {
    return add(kLinksSection, graph.links, graph.header.degree * sizeof(uint32_t));
  }
  KITH_RETURN_IF_ERROR(add(kNodesSection, graph.nodes, graph.shape.bytes));
  if (!graph.mean.empty()) KITH_RETURN_IF_ERROR(add(kMeanSection, graph.mean));
  return add(kSignsSection, graph.signs);
}

Status Graph::ReadParts(const storage::ContainerReader& in, const search::StoredVectors& vectors,
                        Parts* parts) {
  KITH_ASSIGN_OR_RETURN(auto header, in.Array<Header>(kHeaderSection, 1));
  parts->header = header[0];
  const Header& h = parts->header;
  const MatrixView& rows = vectors.table.rows;
  const size_t n = rows.rows;
  const bool packed = h.layout == static_cast<uint32_t>(GraphLayout::kPacked);
  if (h.num_nodes == 0 || h.num_nodes > n || h.num_nodes >= kMaxNodes || h.degree == 0 ||
      h.degree % simd::kEdgeLanes != 0 || h.num_entries == 0 || h.num_entries > h.num_nodes ||
      (!packed && h.layout != static_cast<uint32_t>(GraphLayout::kCompact)) ||
      !std::isfinite(h.max_norm) ||
      (packed &&
       (!quant::IsEdgeBits(h.code_bits) || !HasPackedLayout(vectors.table.metric, rows.dtype)))) {
    return in.Corrupt(kHeaderSection, "its header contradicts itself");
  }
  KITH_ASSIGN_OR_RETURN(parts->entries, in.Array<uint32_t>(kEntriesSection, h.num_entries));
  for (const uint32_t entry : parts->entries) {
    if (entry >= h.num_nodes) {
      return in.Corrupt(kEntriesSection, StrCat("there is no node ", entry));
    }
  }
  if (packed) {
    const size_t rotated = quant::Rotation::PaddedDim(rows.dim);
    KITH_RETURN_IF_ERROR(in.CheckSize(kNodesSection, h.num_nodes, ShapeOf(h, rows).bytes));
    parts->nodes = in.Bytes(kNodesSection);
    KITH_ASSIGN_OR_RETURN(parts->signs,
                          in.Array<uint8_t>(kSignsSection, quant::Rotation::SignBytes(rotated)));
    if (vectors.table.metric != Metric::kDot) {
      KITH_ASSIGN_OR_RETURN(parts->mean, in.Array<float>(kMeanSection, rows.dim));
    }
  } else {
    KITH_ASSIGN_OR_RETURN(parts->links,
                          in.Array<uint32_t>(kLinksSection, uint64_t{h.num_nodes} * h.degree));
  }
  parts->first_copy = h.num_nodes;
  if (in.Find(kCopiesSection) != nullptr) {
    KITH_ASSIGN_OR_RETURN(parts->copies,
                          in.Array<uint32_t>(kCopiesSection, uint64_t{h.num_nodes} + 1));
  } else if (h.num_nodes != n) {
    return in.Corrupt(kHeaderSection, StrCat("it has ", h.num_nodes, " nodes for ", n, " vectors"));
  }
  return Status::Ok();
}

void Graph::Use(const Parts& parts, const search::StoredVectors& vectors) {
  parts_ = parts;
  vectors_ = vectors;
  const Header& h = parts_.header;
  View& view = view_;
  view.layout = static_cast<GraphLayout>(h.layout);
  view.num_nodes = h.num_nodes;
  view.degree = h.degree;
  view.max_norm = h.max_norm;
  view.entries = parts_.entries;
  view.links = parts_.links.data();
  view.table = vectors.table;
  view.table.rows.rows = h.num_nodes;
  if (view.layout == GraphLayout::kCompact) return;
  const MatrixView& rows = vectors.table.rows;
  view.shape = ShapeOf(h, rows);
  view.nodes = parts_.nodes.data();
  view.own_bytes = h.own_bytes != 0;
  if (!view.own_bytes) {
    view.table.rows = {view.nodes, h.num_nodes, rows.dim, view.shape.bytes, rows.dtype};
    view.table.padded_bytes = view.shape.codes;
  }
  rotation_ = quant::Rotation(quant::Rotation::PaddedDim(rows.dim), parts_.signs);
  view.frame = {CodeGeometry(view.metric(), rows.dim), parts_.mean, &rotation_};
}

Result<std::unique_ptr<Graph>> Graph::Open(std::shared_ptr<const storage::ContainerReader> file,
                                           const search::StoredVectors& vectors) {
  Parts parts;
  KITH_RETURN_IF_ERROR(ReadParts(*file, vectors, &parts));
  std::unique_ptr<Graph> g = Create(parts, vectors);
  g->file_ = std::move(file);
  return g;
}

std::unique_ptr<Graph> Graph::Create(const Parts& parts, const search::StoredVectors& vectors) {
  std::unique_ptr<Graph> g(new Graph);
  g->Use(parts, vectors);
  return g;
}

Status Graph::UseHugePages() {
  const auto bytes =
      view_.layout == GraphLayout::kPacked ? parts_.nodes : std::as_bytes(parts_.links);
  KITH_ASSIGN_OR_RETURN(huge_, HugeBuffer::CopyOf(bytes));
  if (view_.layout == GraphLayout::kPacked) {
    view_.nodes = huge_.data();
    if (!view_.own_bytes) view_.table.rows.data = huge_.data();
  } else {
    view_.links = reinterpret_cast<const uint32_t*>(huge_.data());
  }
  return Status::Ok();
}

Result<std::unique_ptr<Graph::Scratch>> Graph::Borrow(size_t walks) const {
  std::unique_ptr<Scratch> scratch = scratch_.Take();
  if (scratch == nullptr) {
    scratch = std::make_unique<Scratch>();
    scratch->query.resize(vectors_.table.rows.dim);
  }
  while (scratch->walks.size() < walks) {
    scratch->walks.emplace_back();
    KITH_RETURN_IF_ERROR(scratch->walks.back().Init(view_));
  }
  return scratch;
}

// From nodes to rows, copies included; distances to rounded vectors are replaced by true ones.
void Graph::Collect(const search::Scorer& scorer, size_t slot, search::TopK* found, size_t k,
                    Scratch* scratch, std::vector<search::Candidate>* nearest,
                    SearchStats* stats) const {
  const size_t n = vectors_.table.rows.rows;
  scratch->found = found->Sorted();
  if (view_.own_bytes) {
    const size_t count = scratch->found.size();
    scratch->ids.resize(count);
    scratch->distances.resize(count);
    for (size_t i = 0; i < count; ++i) scratch->ids[i] = scratch->found[i].row;
    scorer.ScoreIds(slot, scratch->ids.data(), count, scratch->distances.data());
    for (size_t i = 0; i < count; ++i) scratch->found[i].distance = scratch->distances[i];
    // Of a damaged file; nothing could be sorted among them.
    std::erase_if(scratch->found,
                  [](const search::Candidate& c) { return std::isnan(c.distance); });
    stats->distances += count;
    stats->bytes += count * RowBytes(vectors_.table.rows.dtype, vectors_.table.rows.dim);
  }
  nearest->clear();
  for (const search::Candidate& c : scratch->found) {
    nearest->push_back({c.distance, vectors_.RowAt(c.row)});
    if (parts_.copies.empty()) continue;
    // Clamped: a damaged file may count copies that are not there.
    const uint64_t first = uint64_t{parts_.first_copy} + parts_.copies[c.row];
    const uint64_t end =
        std::min<uint64_t>({n, uint64_t{parts_.first_copy} + parts_.copies[c.row + 1], first + k});
    for (uint64_t at = first; at < end; ++at) {
      nearest->push_back({c.distance, vectors_.RowAt(static_cast<uint32_t>(at))});
    }
  }
  std::sort(nearest->begin(), nearest->end());
  if (nearest->size() > k) nearest->resize(k);
}

Status Graph::SearchSome(const MatrixView& queries, size_t begin, size_t end, size_t k, double ef,
                         const ThreadPool& pool,
                         std::vector<std::vector<search::Candidate>>* nearest,
                         SearchStats* stats) const {
  const size_t in_flight = std::min(kWalksAtOnce, end - begin);
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<Scratch> scratch, Borrow(in_flight));
  KITH_ASSIGN_OR_RETURN(const search::Scorer scorer,
                        search::Scorer::Create(view_.table, queries, begin, end));
  const auto start = [&](Walk* walk, size_t slot) {
    const size_t query = begin + scorer.order()[slot];
    walk->Prepare(queries, query);
    float norm = 0;
    double width = ef;
    const bool dot = view_.metric() == Metric::kDot;
    const double part = ef - std::floor(ef);
    const size_t nodes = std::min<size_t>(k, view_.num_nodes);
    const bool toss = part > 0 && ef > static_cast<double>(nodes);
    if (dot || toss) data::RowToF32(queries, query, scratch->query.data());
    if (dot) norm = static_cast<float>(std::sqrt(SquaredNorm(scratch->query.data(), queries.dim)));
    if (toss) width += (Coin(scratch->query.data(), queries.dim) < part ? 1 : 0) - part;
    walk->Start(&scorer, slot, MakeTerms(view_, norm, nodes, width), stats);
  };
  const auto finish = [&](Walk* walk, size_t slot) {
    Collect(scorer, slot, &walk->nearest(), k, scratch.get(),
            &(*nearest)[begin + scorer.order()[slot]], stats);
  };
  KITH_RETURN_IF_ERROR(
      RunWalks(scratch->walks, in_flight, scorer.num_queries(), pool, start, finish, stats));
  scratch_.Give(std::move(scratch));
  return Status::Ok();
}

Status Graph::Search(const MatrixView& queries, size_t k, double ef, ThreadPool& pool,
                     std::vector<std::vector<search::Candidate>>* nearest,
                     SearchStats* stats) const {
  const size_t n = vectors_.table.rows.rows;
  const size_t kept = std::min(k, n);
  const double width =
      std::min(static_cast<double>(n), ef >= 0 ? ef : static_cast<double>(DefaultWidth(kept)));
  nearest->assign(queries.rows, {});
  return search::SearchChunks(
      queries.rows, kQueriesAtOnce, pool, stats, [&](size_t begin, size_t end, SearchStats* part) {
        return SearchSome(queries, begin, end, kept, width, pool, nearest, part);
      });
}

Status Graph::Verify(const ThreadPool& pool) const {
  const uint32_t n = view_.num_nodes;
  const bool packed = view_.layout == GraphLayout::kPacked;
  const std::string_view section = packed ? kNodesSection : kLinksSection;
  std::vector<bool> reached(n);
  std::vector<uint32_t> open(view_.entries.begin(), view_.entries.end());
  for (const uint32_t entry : open) reached[entry] = true;
  while (!open.empty()) {
    KITH_RETURN_IF_ERROR(pool.CheckStop());
    const uint32_t node = open.back();
    open.pop_back();
    const uint32_t* links =
        packed ? reinterpret_cast<const uint32_t*>(view_.nodes + size_t{node} * view_.shape.bytes +
                                                   view_.shape.links)
               : view_.links + size_t{node} * view_.degree;
    for (size_t i = 0; i < view_.degree; ++i) {
      if (links[i] == kNoNode) continue;
      if (links[i] >= n) {
        return file_->Corrupt(section, StrCat("node ", node, " names node ", links[i], " of ", n));
      }
      if (!reached[links[i]]) open.push_back(links[i]);
      reached[links[i]] = true;
    }
  }
  const auto lost = std::find(reached.begin(), reached.end(), false);
  if (lost != reached.end()) {
    return file_->Corrupt(section, StrCat("node ", lost - reached.begin(), " is never reached"));
  }
  const MatrixView& rows = vectors_.table.rows;
  for (uint32_t node = 0; packed && node < n; ++node) {
    KITH_RETURN_IF_ERROR(pool.CheckStop());
    if (std::memcmp(view_.table.rows.row(node), rows.row(node), RowBytes(rows.dtype, rows.dim)) !=
        0) {
      return file_->Corrupt(section, StrCat("node ", node, " is not the vector at its position"));
    }
  }
  const auto finite = [](float v) { return std::isfinite(v); };
  if (!std::all_of(view_.frame.mean.begin(), view_.frame.mean.end(), finite)) {
    return file_->Corrupt(kMeanSection, "it is not finite");
  }
  const size_t num_rows = rows.rows;
  for (size_t i = 0; i < parts_.copies.size(); ++i) {
    const uint32_t least = i == 0 ? 0 : parts_.copies[i - 1];
    const bool last = i + 1 == parts_.copies.size();
    if (parts_.copies[i] < least || parts_.copies[i] > num_rows - n ||
        (i == 0 && parts_.copies[0] != 0) || (last && parts_.copies[i] != num_rows - n)) {
      return file_->Corrupt(kCopiesSection, "it does not name every copy once");
    }
  }
  return Status::Ok();
}

}  // namespace kith::graph
