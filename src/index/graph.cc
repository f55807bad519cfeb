// Opening and searching a graph.
#include "index/graph.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/math.h"
#include "base/strings.h"
#include "data/convert.h"
#include "index/search_chunks.h"
#include "search/scorer.h"

namespace kith {
namespace {

constexpr size_t kQueriesAtOnce = 32;

constexpr std::string_view kSections[] = {
    kGraphSection,     kGraphNodesSection, kGraphLinksSection, kGraphEntriesSection,
    kGraphMeanSection, kGraphSignsSection, kGraphCopiesSection};

}  // namespace

struct Graph::Scratch {
  std::vector<GraphWalk> walks;
  std::vector<float> query;
  std::vector<Candidate> found;
  std::vector<uint32_t> ids;
  std::vector<float> distances;
};

Graph::~Graph() = default;

std::span<const std::string_view> GraphSections() { return kSections; }

Status WriteGraph(const BuiltGraph& graph, ContainerWriter* writer) {
  const auto add = [&](std::string_view name, const auto& v, size_t row_bytes = 0) {
    return writer->AddSection(name, std::as_bytes(std::span(v.data(), v.size())),
                              {.row_bytes = static_cast<uint32_t>(row_bytes)});
  };
  KITH_RETURN_IF_ERROR(
      writer->AddSection(kGraphSection, std::as_bytes(std::span(&graph.header, 1))));
  KITH_RETURN_IF_ERROR(add(kGraphEntriesSection, graph.entries));
  if (!graph.copies.empty()) KITH_RETURN_IF_ERROR(add(kGraphCopiesSection, graph.copies));
  if (graph.header.layout == static_cast<uint32_t>(GraphLayout::kCompact)) {
    return add(kGraphLinksSection, graph.links, graph.header.degree * sizeof(uint32_t));
  }
  KITH_RETURN_IF_ERROR(add(kGraphNodesSection, graph.nodes, graph.shape.bytes));
  if (!graph.mean.empty()) KITH_RETURN_IF_ERROR(add(kGraphMeanSection, graph.mean));
  return add(kGraphSignsSection, graph.signs);
}

Result<std::unique_ptr<Graph>> Graph::Open(std::shared_ptr<const ContainerReader> file,
                                           const StoredVectors& vectors) {
  std::unique_ptr<Graph> g(new Graph);
  g->file_ = std::move(file);
  g->vectors_ = vectors;
  const ContainerReader& in = *g->file_;
  KITH_ASSIGN_OR_RETURN(auto header, in.Array<GraphHeader>(kGraphSection, 1));
  g->header_ = header[0];
  const GraphHeader& h = g->header_;
  const size_t n = vectors.table.rows.rows;
  const auto layout = static_cast<GraphLayout>(h.layout);
  if (h.num_nodes == 0 || h.num_nodes > n || h.num_nodes >= kMaxNodes || h.degree == 0 ||
      h.degree % simd::kEdgeLanes != 0 || h.num_entries == 0 || h.num_entries > h.num_nodes ||
      (layout != GraphLayout::kPacked && layout != GraphLayout::kCompact) ||
      !std::isfinite(h.max_norm)) {
    return in.Corrupt(kGraphSection, "its header contradicts itself");
  }
  GraphView& view = g->view_;
  view.layout = layout;
  view.num_nodes = h.num_nodes;
  view.degree = h.degree;
  view.max_norm = h.max_norm;
  view.table = vectors.table;
  view.table.rows.rows = h.num_nodes;
  KITH_ASSIGN_OR_RETURN(view.entries, in.Array<uint32_t>(kGraphEntriesSection, h.num_entries));
  for (const uint32_t entry : view.entries) {
    if (entry >= h.num_nodes) {
      return in.Corrupt(kGraphEntriesSection, StrCat("there is no node ", entry));
    }
  }
  KITH_RETURN_IF_ERROR(layout == GraphLayout::kPacked ? g->OpenPacked() : g->OpenCompact());
  KITH_RETURN_IF_ERROR(g->OpenCopies());
  return g;
}

Status Graph::OpenPacked() {
  const ContainerReader& in = *file_;
  const MatrixView& rows = vectors_.table.rows;
  if (!IsEdgeBits(header_.code_bits) || !HasPackedLayout(view_.metric(), rows.dtype)) {
    return in.Corrupt(kGraphSection, "its header contradicts itself");
  }
  const size_t rotated = Rotation::PaddedDim(rows.dim);
  view_.shape = NodeShape(rows.dtype, rows.dim,
                          {rotated, static_cast<int>(header_.code_bits), header_.degree},
                          header_.own_bytes != 0);
  KITH_RETURN_IF_ERROR(in.CheckSize(kGraphNodesSection, header_.num_nodes, view_.shape.bytes));
  view_.nodes = in.Bytes(kGraphNodesSection).data();
  view_.own_bytes = header_.own_bytes != 0;
  if (!view_.own_bytes) {
    view_.table.rows = {view_.nodes, header_.num_nodes, rows.dim, view_.shape.bytes, rows.dtype};
    view_.table.padded_bytes = view_.shape.codes;
  }
  KITH_ASSIGN_OR_RETURN(auto signs,
                        in.Array<uint8_t>(kGraphSignsSection, Rotation::SignBytes(rotated)));
  rotation_ = Rotation(rotated, signs);
  view_.frame = {CodeGeometry(view_.metric(), rows.dim), {}, &rotation_};
  if (view_.metric() == Metric::kDot) return Status::Ok();
  KITH_ASSIGN_OR_RETURN(view_.frame.mean, in.Array<float>(kGraphMeanSection, rows.dim));
  return Status::Ok();
}

Status Graph::OpenCompact() {
  KITH_ASSIGN_OR_RETURN(
      auto links,
      file_->Array<uint32_t>(kGraphLinksSection, uint64_t{header_.num_nodes} * header_.degree));
  view_.links = links.data();
  return Status::Ok();
}

Status Graph::OpenCopies() {
  const size_t n = vectors_.table.rows.rows;
  if (file_->Find(kGraphCopiesSection) == nullptr) {
    if (header_.num_nodes == n) return Status::Ok();
    return file_->Corrupt(kGraphSection,
                          StrCat("it has ", header_.num_nodes, " nodes for ", n, " vectors"));
  }
  KITH_ASSIGN_OR_RETURN(
      copies_, file_->Array<uint32_t>(kGraphCopiesSection, uint64_t{header_.num_nodes} + 1));
  return Status::Ok();
}

Status Graph::UseHugePages() {
  const auto bytes =
      file_->Bytes(view_.layout == GraphLayout::kPacked ? kGraphNodesSection : kGraphLinksSection);
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
void Graph::Collect(const Scorer& scorer, size_t slot, TopK* found, size_t k, Scratch* scratch,
                    std::vector<Candidate>* nearest, SearchStats* stats) const {
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
    std::erase_if(scratch->found, [](const Candidate& c) { return std::isnan(c.distance); });
    stats->distances += count;
    stats->bytes += count * RowBytes(vectors_.table.rows.dtype, vectors_.table.rows.dim);
  }
  nearest->clear();
  for (const Candidate& c : scratch->found) {
    nearest->push_back({c.distance, vectors_.RowAt(c.row)});
    if (copies_.empty()) continue;
    // Clamped: a damaged file may count copies that are not there.
    const uint64_t first = uint64_t{header_.num_nodes} + copies_[c.row];
    const uint64_t end =
        std::min<uint64_t>({n, uint64_t{header_.num_nodes} + copies_[c.row + 1], first + k});
    for (uint64_t at = first; at < end; ++at) {
      nearest->push_back({c.distance, vectors_.RowAt(static_cast<uint32_t>(at))});
    }
  }
  std::sort(nearest->begin(), nearest->end());
  if (nearest->size() > k) nearest->resize(k);
}

Status Graph::SearchSome(const MatrixView& queries, size_t begin, size_t end, size_t k, size_t ef,
                         std::vector<std::vector<Candidate>>* nearest, SearchStats* stats) const {
  const size_t in_flight = std::min(kWalksAtOnce, end - begin);
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<Scratch> scratch, Borrow(in_flight));
  KITH_ASSIGN_OR_RETURN(const Scorer scorer, Scorer::Create(view_.table, queries, begin, end));
  const auto start = [&](GraphWalk* walk, size_t slot) {
    const size_t query = begin + scorer.order()[slot];
    walk->Prepare(queries, query);
    float norm = 0;
    if (view_.metric() == Metric::kDot) {
      RowToF32(queries, query, scratch->query.data());
      norm = static_cast<float>(std::sqrt(SquaredNorm(scratch->query.data(), queries.dim)));
    }
    const size_t nodes = std::min<size_t>(k, view_.num_nodes);
    walk->Start(&scorer, slot, MakeTerms(view_, norm, nodes, ef), stats);
  };
  const auto finish = [&](GraphWalk* walk, size_t slot) {
    Collect(scorer, slot, &walk->nearest(), k, scratch.get(),
            &(*nearest)[begin + scorer.order()[slot]], stats);
  };
  RunWalks(scratch->walks, in_flight, scorer.num_queries(), start, finish, stats);
  scratch_.Give(std::move(scratch));
  return Status::Ok();
}

Status Graph::Search(const MatrixView& queries, size_t k, int64_t ef, int threads,
                     std::vector<std::vector<Candidate>>* nearest, SearchStats* stats) const {
  const size_t n = vectors_.table.rows.rows;
  const size_t kept = std::min(k, n);
  const size_t width = std::min<size_t>(n, ef >= 0 ? static_cast<size_t>(ef) : DefaultWidth(kept));
  nearest->assign(queries.rows, {});
  return SearchChunks(queries.rows, kQueriesAtOnce, threads, stats,
                      [&](size_t begin, size_t end, SearchStats* part) {
                        return SearchSome(queries, begin, end, kept, width, nearest, part);
                      });
}

Status Graph::Verify() const {
  const uint32_t n = view_.num_nodes;
  const bool packed = view_.layout == GraphLayout::kPacked;
  const std::string_view section = packed ? kGraphNodesSection : kGraphLinksSection;
  std::vector<bool> reached(n);
  std::vector<uint32_t> open(view_.entries.begin(), view_.entries.end());
  for (const uint32_t entry : open) reached[entry] = true;
  while (!open.empty()) {
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
    if (std::memcmp(view_.table.rows.row(node), rows.row(node), RowBytes(rows.dtype, rows.dim)) !=
        0) {
      return file_->Corrupt(section, StrCat("node ", node, " is not the vector at its position"));
    }
  }
  const auto finite = [](float v) { return std::isfinite(v); };
  if (!std::all_of(view_.frame.mean.begin(), view_.frame.mean.end(), finite)) {
    return file_->Corrupt(kGraphMeanSection, "it is not finite");
  }
  const size_t num_rows = rows.rows;
  for (size_t i = 0; i < copies_.size(); ++i) {
    const uint32_t least = i == 0 ? 0 : copies_[i - 1];
    const bool last = i + 1 == copies_.size();
    if (copies_[i] < least || copies_[i] > num_rows - n || (i == 0 && copies_[0] != 0) ||
        (last && copies_[i] != num_rows - n)) {
      return file_->Corrupt(kGraphCopiesSection, "it does not name every copy once");
    }
  }
  return Status::Ok();
}

}  // namespace kith
