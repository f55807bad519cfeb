// Opening and searching a graph.
#include "graph/graph.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/math.h"
#include "base/rng.h"
#include "base/strings.h"
#include "data/convert.h"
#include "graph/stores.h"
#include "scan/matches.h"
#include "search/metric_traits.h"
#include "search/search_chunks.h"

namespace kith::graph {
namespace {

constexpr size_t kQueriesAtOnce = 32;

constexpr std::string_view kSections[] = {kHeaderSection,  kNodesSection, kLinksSection,
                                          kEntriesSection, kMeanSection,  kSignsSection,
                                          kCopiesSection};

// A number in [0, 1) that depends on the query's values alone. It need not be perfectly fair, so at
// most 32 of the values are looked at.
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

std::span<const std::string_view> Sections() { return kSections; }

Result<std::unique_ptr<Graph>> Graph::Open(std::shared_ptr<const storage::ContainerReader> file,
                                           const search::StoredVectors& vectors) {
  const storage::ContainerReader& in = *file;
  KITH_ASSIGN_OR_RETURN(const auto headers, in.Array<Header>(kHeaderSection, 1));
  const Header& header = headers[0];
  const size_t n = vectors.table.rows.rows;
  const OpenFn open = OpenerOf(header.layout);
  if (header.num_nodes == 0 || header.num_nodes > n || header.num_nodes >= kMaxNodes ||
      header.degree == 0 || header.degree % simd::kEdgeLanes != 0 || header.num_entries == 0 ||
      header.num_entries > header.num_nodes || !std::isfinite(header.max_norm) ||
      !(header.reach >= 0 && header.reach <= kMostReach) ||
      !(header.self_recall >= 0 && header.self_recall <= 1) || open == nullptr) {
    return in.Corrupt(kHeaderSection, "its header contradicts itself");
  }
  Outline outline{header.num_nodes, header.degree, {}, vectors.table.metric, header.max_norm};
  KITH_ASSIGN_OR_RETURN(outline.entries, in.Array<uint32_t>(kEntriesSection, header.num_entries));
  outline.shell_entries = header.shell_entries;
  if (header.reach != 0) outline.reach = header.reach;
  uint64_t of_shells = 0;
  for (size_t i = 0; i < outline.NumShells(); ++i) of_shells += header.shell_entries[i];
  if (of_shells != (header.shell_entries[0] == 0 ? 0 : header.num_entries) ||
      (header.shell_entries[0] == 0 && outline.NumShells() > 1)) {
    return in.Corrupt(kHeaderSection, "its shells do not share the entries");
  }
  for (const uint32_t entry : outline.entries) {
    if (entry >= header.num_nodes) {
      return in.Corrupt(kEntriesSection, StrCat("there is no node ", entry));
    }
  }
  RowsOfNodes rows{vectors, {}, header.num_nodes};
  if (in.Find(kCopiesSection) != nullptr) {
    KITH_ASSIGN_OR_RETURN(rows.copies,
                          in.Array<uint32_t>(kCopiesSection, uint64_t{header.num_nodes} + 1));
  } else if (header.num_nodes != n) {
    return in.Corrupt(kHeaderSection,
                      StrCat("it has ", header.num_nodes, " nodes for ", n, " vectors"));
  }
  return open(header, outline, rows, std::move(file));
}

bool Graph::ComparesSet(const Asked& asked, size_t query) const {
  if (asked.ladder == nullptr) return false;
  const Collecting of = CollectingOf(asked, query, asked.k);
  return of.wanted == 0 || of.most_visits < 1.5 * static_cast<double>(of.first_width);
}

Collecting Graph::CollectingOf(const Asked& asked, size_t query, size_t nodes) const {
  const MatrixView& rows = rows_.vectors.table.rows;
  const uint64_t matching = asked.filter->within(query)->count();
  Collecting of;
  of.ladder = asked.ladder;
  of.wanted = static_cast<size_t>(std::min<uint64_t>(nodes, matching));
  of.most_visits = scan::MatchesNs(static_cast<double>(matching),
                                   static_cast<double>(RowBytes(rows.dtype, rows.dim)), 1) /
                   VisitNs();
  const double first = asked.ladder->At(static_cast<double>(asked.k));
  of.first_width = static_cast<size_t>(
      std::clamp<double>(first, static_cast<double>(nodes), outline_.num_nodes));
  return of;
}

Status Graph::CompareSets(const Asked& asked, const Batch& batch, std::span<const size_t> slots,
                          const ThreadPool& pool, search::HitsBuilder* found,
                          SearchStats* stats) const {
  std::vector<float> distances(scan::kMatchesAtOnce);
  for (size_t begin = 0, end = 0; begin < slots.size(); begin = end) {
    const RowSet* const set = asked.filter->within(batch.query(slots[begin]));
    while (end < slots.size() && asked.filter->within(batch.query(slots[end])) == set) ++end;
    const std::vector<uint32_t> positions =
        scan::PositionsOf(rows_.vectors, *set, end - begin >= 4);
    std::vector<search::TopK> nearest(end - begin, search::TopK(asked.k));
    for (size_t first = 0; first < positions.size(); first += scan::kMatchesAtOnce) {
      KITH_RETURN_IF_ERROR(pool.CheckStop());
      const auto block = std::span(positions).subspan(
          first, std::min(scan::kMatchesAtOnce, positions.size() - first));
      for (size_t i = begin; i < end; ++i) {
        scan::OfferMatches(*batch.scorer(), slots[i], rows_.vectors, block, *asked.filter,
                           batch.query(slots[i]), distances.data(), &nearest[i - begin]);
      }
    }
    for (size_t i = begin; i < end; ++i) {
      found->at(batch.query(slots[i])) = nearest[i - begin].Sorted();
    }
    stats->distances += positions.size() * (end - begin);
  }
  return Status::Ok();
}

Terms Graph::TermsOf(const Asked& asked, size_t query, float* scratch) const {
  const MatrixView& queries = asked.queries;
  const size_t n = rows_.vectors.table.rows.rows;
  const bool collects = asked.ladder != nullptr;
  const bool leads_over = asked.filter != nullptr && !asked.filter->absent() && !collects;
  const size_t excluded =
      leads_over ? static_cast<size_t>(std::min<uint64_t>(n, asked.filter->NumExcluded(query))) : 0;
  const size_t wanted = std::min(n, asked.k + excluded);
  const bool decides = asked.efforts != nullptr && !collects;
  const double most = decides ? std::ceil(asked.efforts->most()) : asked.ef;
  const double ef = std::min(static_cast<double>(n),
                             most >= 0 ? most : static_cast<double>(DefaultWidth(wanted)));
  const size_t nodes = std::min<size_t>(wanted, outline_.num_nodes);
  const double part = ef - std::floor(ef);
  const bool toss = decides || (part > 0 && ef > static_cast<double>(nodes));
  const bool needs_norm = search::TraitsOf(outline_.metric).products;
  if (needs_norm || toss) data::RowToF32(queries, query, scratch);
  const float norm =
      needs_norm ? static_cast<float>(std::sqrt(SquaredNorm(scratch, queries.dim))) : 0.0f;
  const double coin = toss ? Coin(scratch, queries.dim) : 0;
  const double width = toss && !decides ? std::floor(ef) + (coin < part ? 1 : 0) : ef;
  Terms terms = MakeTerms(outline_, norm, nodes, width);
  terms.excluded = excluded;
  if (collects) {
    terms.collecting = CollectingOf(asked, query, nodes);
    // Room for what the share of rows that pass makes likely.
    constexpr double kMostRoom = 16384;
    const double first = static_cast<double>(terms.collecting.first_width);
    const double likely = asked.ladder->At(std::min(
        static_cast<double>(n),
        static_cast<double>(asked.k) * static_cast<double>(n) /
            static_cast<double>(std::max<uint64_t>(1, asked.filter->within(query)->count()))));
    const double room = std::min({1.5 * likely + 32, kMostRoom, terms.collecting.most_visits});
    terms.most = ExtentOf(outline_, nodes, first);
    terms.most.width = static_cast<size_t>(
        std::clamp<double>(room, first, std::max<double>(first, outline_.num_nodes)));
    terms.shortlist = std::min(nodes + nodes / 2 + 8, terms.most.width);
  }
  if (decides) {
    terms.need = {asked.efforts, asked.far == nullptr ? nullptr : asked.far + query,
                  ExtentOf(outline_, nodes, asked.efforts->first), coin,
                  norm > 0 ? 1 / norm : 1.0f};
  }
  return terms;
}

void Graph::ToRows(const Asked& asked, size_t query, const std::vector<search::Candidate>& nodes,
                   std::vector<search::Candidate>* nearest) const {
  search::TopK top(asked.k);
  uint64_t rows_left = rows_.num_rows();
  for (const search::Candidate& c : nodes) {
    if (c.distance > top.threshold()) continue;
    size_t wanted = asked.k;
    rows_.Each(c.row, &rows_left, [&](uint32_t row) {
      if (asked.filter != nullptr && !asked.filter->Passes(query, row)) return true;
      top.Offer(c.distance, row);
      return --wanted > 0;
    });
  }
  *nearest = top.Sorted();
}

Status Graph::Search(const search::Request& request, search::Hits* hits, SearchStats* stats) const {
  if (request.wanted.within_radius()) {
    return Status::Unsupported(
        "a graph finds the nearest, not all within a radius; search exactly");
  }
  const Asked asked{
      request.queries,
      std::min(request.wanted.k, rows_.vectors.table.rows.rows),
      request.effort,
      request.filter->passes_all() ? nullptr : request.filter,
      request.efforts != nullptr && !request.efforts->empty() ? request.efforts : nullptr,
      request.far,
      request.first_position,
      request.filter->passes_all() ? nullptr : request.ladder};
  search::HitsBuilder found(request.queries.rows);
  KITH_RETURN_IF_ERROR(
      search::SearchChunks(request.queries.rows, kQueriesAtOnce, *request.pool, stats,
                           [&](size_t begin, size_t end, SearchStats* part) {
                             return SearchSome(asked, begin, end, *request.pool, &found, part);
                           }));
  *hits = found.Take();
  return Status::Ok();
}

PathInfo Graph::Describe() const {
  const char* layout_name = GraphLayoutName(layout());
  PathInfo info{.kind = IndexKind::kGraph,
                .summary = StrCat(layout_name, " graph of degree ", header_.degree),
                .properties = {{"layout", 0, layout_name},
                               {"degree", header_.degree, ""},
                               {"code_bits", header_.code_bits, ""},
                               {"nodes", header_.num_nodes, ""},
                               {"visit_bytes", node_bytes(), ""}}};
  if (header_.code_bits > 0) info.summary += StrCat(" with ", header_.code_bits, "-bit codes");
  if (header_.self_recall > 0) {
    info.properties.push_back({"self_recall", 0, "", double{header_.self_recall}});
  }
  if (header_.adapted > 0) info.properties.push_back({"adapted_edges", header_.adapted, ""});
  for (const std::string_view name : Sections()) {
    if (file_ != nullptr) info.bytes += file_->Bytes(name).size();
  }
  return info;
}

}  // namespace kith::graph
