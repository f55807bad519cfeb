#include "graph/build.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "graph/bridge.h"
#include "graph/candidates.h"
#include "graph/choose.h"
#include "graph/compact_draft.h"
#include "graph/connect.h"
#include "graph/entries.h"
#include "graph/frame.h"
#include "graph/link.h"
#include "graph/packed_draft.h"
#include "graph/refine.h"
#include "graph/repair.h"
#include "graph/shells.h"
#include "quant/geometry.h"
#include "search/metric_traits.h"

namespace kith::graph {
Result<std::unique_ptr<Builder>> Builder::Create(const MatrixView& rows,
                                                 const BuildRequest& request, ThreadPool& pool) {
  KITH_RETURN_IF_ERROR(CheckOptions(rows, request));
  GraphOptions options = request.graph;
  if (options.degree == 0) options.degree = kDefaultDegree;
  const auto fits = [&] {
    return request.memory == 0 ||
           BuildMemory(rows.rows, rows.dim, rows.dtype, request.metric, options) <= request.memory;
  };
  const bool automatic = options.layout == GraphLayout::kAuto;
  if (automatic) {
    options.layout =
        HasPackedLayout(request.metric, rows.dtype) ? GraphLayout::kPacked : GraphLayout::kCompact;
    if (!fits()) options.layout = GraphLayout::kCompact;
  }
  if (!fits()) {
    return Status::InvalidArgument(StrCat(
        "building a ", GraphLayoutName(options.layout), " graph takes ",
        BuildMemory(rows.rows, rows.dim, rows.dtype, request.metric, options), " bytes of memory, ",
        request.memory, " are allowed; allow more, or build a forest or exact search only"));
  }
  return std::unique_ptr<Builder>(new Builder(rows, request, options, automatic, pool));
}

Status Builder::Build() {
  if (search::TraitsOf(request_.metric).products) {
    KITH_ASSIGN_OR_RETURN(max_norm_, quant::LargestNorm(rows_, pool_));
  }
  const quant::Geometry geometry(request_.metric, rows_.dim, max_norm_);
  std::vector<uint8_t> shells;  // of rows
  KITH_RETURN_IF_ERROR(BuildShells(geometry, shells));
  for (size_t round = 1; round < kMaxShells; ++round) {
    KITH_ASSIGN_OR_RETURN(std::vector<uint8_t> better, BetterShells());
    if (better.empty()) break;
    shells = std::move(better);
    KITH_RETURN_IF_ERROR(BuildShells(geometry, shells));
  }
  KITH_RETURN_IF_ERROR(Adjust());
  if (RoundingMisses()) {
    in_floats_ = true;
    KITH_RETURN_IF_ERROR(BuildShells(geometry, shells));
    KITH_RETURN_IF_ERROR(Adjust());
  }
  KITH_ASSIGN_OR_RETURN(const bool codes_miss, CodesMiss());
  if (codes_miss) {
    options_.layout = GraphLayout::kCompact;
    KITH_RETURN_IF_ERROR(BuildShells(geometry, shells));
    KITH_RETURN_IF_ERROR(Adjust());
  }
  stored_.reset();
  if (edges_.table.size() == planted_.num_all) Seal();
  return Status::Ok();
}

// The nodes' vectors as they are stored, until nodes are others.
Result<const NodeVectors*> Builder::Stored() {
  if (!stored_.has_value()) {
    KITH_ASSIGN_OR_RETURN(stored_,
                          NodeVectors::Gather(rows_, request_.metric, planted_.nodes(), pool_));
  }
  return &*stored_;
}

// Makes walks find what is in the graph, and measures how far they do.
Status Builder::Repair() {
  KITH_ASSIGN_OR_RETURN(const NodeVectors* stored, Stored());
  draft_->Compare(&stored->table());
  KITH_ASSIGN_OR_RETURN(edges_, FindMissed(std::move(edges_), *stored, pool_, draft_.get()));
  draft_->Compare(nullptr);
  KITH_ASSIGN_OR_RETURN(const double missed, MissedShare(*draft_, *stored, pool_));
  // Not quite nothing, which would say that nobody looked.
  self_recall_ = static_cast<float>(std::max(1e-6, 1 - missed));
  return Status::Ok();
}

// Does so after every stage but the insertion of rows held out, and makes walks look farther if
// that was not enough: not later, for recall that is measured before an insertion must hold after
// it.
Status Builder::Adjust() {
  // Edges cost nothing, a farther reach costs every search.
  constexpr double kMany = 0.01;
  KITH_RETURN_IF_ERROR(Repair());
  // Of products, more than in other metrics is missed by every search; what is seen of the nearest
  // alone is no reason for another layout or for more effort.
  if (search::TraitsOf(request_.metric).products) return Status::Ok();
  if (1 - double{self_recall_} <= kMany) return Status::Ok();
  KITH_ASSIGN_OR_RETURN(const NodeVectors* stored, Stored());
  KITH_RETURN_IF_ERROR(ChooseReach(*stored, pool_, draft_.get()));
  return draft_->outline().reach == 1 ? Status::Ok() : Repair();
}

// Whether so many are missed as may be because of rounding: nodes, if only a few of them, are
// nearer to their neighbours than the space that edges were chosen in can tell.
bool Builder::RoundingMisses() const {
  constexpr double kMany = 0.01;
  const double missed = 1 - double{self_recall_};
  return missed > kMany && 2 * too_fine_ >= missed;
}

// Whether a packed graph misses many of its own vectors which the same edges without codes find:
// where neighbours are nearer than the rounding of a query can tell apart.
Result<bool> Builder::CodesMiss() {
  constexpr double kMany = 0.005;
  constexpr double kClearly = 0.5;
  const bool packed = header().layout == static_cast<uint32_t>(GraphLayout::kPacked);
  const double missed = 1 - double{self_recall_};
  if (search::TraitsOf(request_.metric).products) return false;
  if (!measures_ || !packed || missed <= kMany) return false;
  KITH_ASSIGN_OR_RETURN(const auto compact,
                        CompactDraft::Create(rows_, planted_.nodes(), request_.metric, max_norm_,
                                             options_.degree, space_, pool_));
  compact->SetReach(draft_->outline().reach);
  KITH_RETURN_IF_ERROR(compact->Show(edges_, pool_));
  KITH_ASSIGN_OR_RETURN(const NodeVectors* stored, Stored());
  KITH_ASSIGN_OR_RETURN(const double without, MissedShare(*compact, *stored, pool_));
  return without <= kClearly * missed;
}

// Everything but the insertion of rows held out, for shells of rows.
Status Builder::BuildShells(const quant::Geometry& geometry, std::span<const uint8_t> shells) {
  const std::vector<float> mean = MeanOf(rows_, geometry);
  draft_.reset();
  stored_.reset();
  edges_ = {};
  space_ = {};
  KITH_ASSIGN_OR_RETURN(planted_,
                        Plant(rows_, geometry, request_.held_out, shells, request_.seed, pool_));
  KITH_ASSIGN_OR_RETURN(Edges first, FirstEdges(geometry, mean));
  KITH_ASSIGN_OR_RETURN(edges_, RefineInLayout(first, mean));
  first = {};
  KITH_ASSIGN_OR_RETURN(edges_, BuildBridges(std::move(edges_), pool_, draft_.get()));
  return Status::Ok();
}

// The shells that rows should be in, where walks of the graph as it is miss too many; else nothing.
Result<std::vector<uint8_t>> Builder::BetterShells() {
  // Of ordinary sets, a few in a thousand are missed.
  constexpr double kMostMissed = 0.005;
  std::vector<uint8_t> of_rows;
  // Of products, the nearest to a vector need not be itself, and the longest are entries.
  if (search::TraitsOf(request_.metric).products) return of_rows;
  KITH_ASSIGN_OR_RETURN(const NodeVectors* stored, Stored());
  KITH_ASSIGN_OR_RETURN(const double missed, MissedShare(*draft_, *stored, pool_));
  if (missed <= kMostMissed) {
    KITH_ASSIGN_OR_RETURN(const bool hides,
                          HeldOutHide(space_, edges_.table, planted_.num_all, pool_));
    if (!hides) return of_rows;
  }
  ShellsOfNodes before = edges_.shells;
  before.resize(planted_.num_all, 0);
  KITH_ASSIGN_OR_RETURN(const ShellsOfNodes shells, PartCores(space_, before, pool_));
  if (shells == before) return of_rows;
  of_rows.resize(rows_.rows);
  for (size_t node = 0; node < shells.size(); ++node) of_rows[planted_.order[node]] = shells[node];
  return of_rows;
}

// Nothing will be linked any more.
void Builder::Seal() {
  space_ = {};
  draft_->Seal();
}

// Edges among the near nodes that trees find, which are gone then.
Result<Edges> Builder::FirstEdges(const quant::Geometry& geometry, const std::vector<float>& mean) {
  const Frame frame = MakeFrame(geometry, mean, SignsOf(geometry, request_.seed));
  KITH_ASSIGN_OR_RETURN(Candidates found, FindCandidates(rows_, request_.metric, planted_.nodes(),
                                                         frame, std::exchange(planted_.grove, {}),
                                                         in_floats_, request_.progress, pool_));
  space_ = std::move(found.space);
  too_fine_ = found.too_fine;
  KITH_ASSIGN_OR_RETURN(LinkTable table,
                        LinkCandidates(space_, std::move(found.lists), options_.degree, pool_));
  KITH_ASSIGN_OR_RETURN(chosen_,
                        ChooseEntries(rows_, request_.metric, planted_, planted_.num_nodes, pool_));
  return Connected({std::move(table), chosen_, planted_.shells}, pool_);
}

// Refines edges by searches in a draft that shows them, and then shows the result.
Result<Edges> Builder::RefineIn(Draft* draft, const Edges& first, std::string_view stage) const {
  KITH_ASSIGN_OR_RETURN(LinkTable table, Refine(*draft, space_, first,
                                                {options_.beam, stage, request_.progress}, pool_));
  KITH_ASSIGN_OR_RETURN(Edges refined,
                        Connected({std::move(table), chosen_, planted_.shells}, pool_));
  KITH_RETURN_IF_ERROR(draft->Show(refined, pool_));
  return refined;
}

// Refines the first edges in the layout that the graph will have. Where the codes turn out not to
// suit the data, edges that searches by them have chosen are dropped: so the graph is the one that
// is built if a compact one is asked for.
Result<Edges> Builder::RefineInLayout(const Edges& first, std::vector<float> mean) {
  std::string_view stage = "refine";
  if (options_.layout == GraphLayout::kPacked) {
    if (search::TraitsOf(request_.metric).products) mean.clear();
    KITH_ASSIGN_OR_RETURN(auto packed, NewPacked(std::move(mean)));
    KITH_ASSIGN_OR_RETURN(std::optional<Edges> refined, RefinePacked(packed.get(), first));
    if (refined.has_value()) {
      draft_ = std::move(packed);
      return std::move(*refined);
    }
    stage = "refine without codes";
  }
  KITH_ASSIGN_OR_RETURN(draft_, CompactDraft::Create(rows_, planted_.nodes(), request_.metric,
                                                     max_norm_, options_.degree, space_, pool_));
  KITH_RETURN_IF_ERROR(draft_->Show(first, pool_));
  return RefineIn(draft_.get(), first, stage);
}

Result<std::unique_ptr<PackedDraft>> Builder::NewPacked(std::vector<float> mean) const {
  return PackedDraft::Create(rows_, planted_.nodes(),
                             {.metric = request_.metric,
                              .max_norm = max_norm_,
                              .degree = options_.degree,
                              .code_bits = options_.code_bits,
                              .mean = std::move(mean),
                              .seed = request_.seed},
                             pool_);
}

// Nothing if the layout may be chosen and the compact one suits the data better: measured in the
// end, since better edges help both, but where it is clear before, nothing is refined in vain.
Result<std::optional<Edges>> Builder::RefinePacked(PackedDraft* draft, const Edges& first) const {
  KITH_RETURN_IF_ERROR(draft->Show(first, pool_));
  std::optional<LayoutMeter> meter;
  if (measures_) {
    MatrixView rotated = draft->rotated();
    rotated.rows = first.table.size();
    KITH_ASSIGN_OR_RETURN(meter,
                          LayoutMeter::Create(request_.metric, rotated, planted_.shells, pool_));
    KITH_ASSIGN_OR_RETURN(const LayoutRecall glance,
                          meter->Glance(draft->store(), first.table.links.data(), pool_));
    if (glance.ClearlyPrefersCompact()) return std::optional<Edges>();
  }
  KITH_ASSIGN_OR_RETURN(Edges refined, RefineIn(draft, first, "refine"));
  if (meter.has_value()) {
    KITH_ASSIGN_OR_RETURN(const LayoutRecall recall,
                          meter->Measure(draft->store(), refined.table.links.data(), pool_));
    if (recall.PrefersCompact()) return std::optional<Edges>();
  }
  return std::optional<Edges>(std::move(refined));
}

std::unique_ptr<Graph> Builder::Open(const search::StoredVectors& vectors) const {
  RowsOfNodes rows{vectors, planted_.copies, static_cast<uint32_t>(planted_.num_all)};
  return draft_->Open(header(), rows);
}

Status Builder::Finish() {
  if (edges_.table.size() == planted_.num_all) return Status::Ok();
  KITH_RETURN_IF_ERROR(InsertHeldOutRows());
  Seal();
  return Status::Ok();
}

// Links the nodes that are none yet, and repairs the edges.
Status Builder::InsertHeldOutRows() {
  const size_t n = planted_.num_all;
  KITH_ASSIGN_OR_RETURN(
      edges_, InsertHeldOut(std::move(edges_), n, options_.beam, space_, pool_, draft_.get()));
  if (search::TraitsOf(request_.metric).products) {
    // The longest may be others now. Entries of parts that no edge led to stay: some edge may lead
    // there now, from anywhere a walk has been, but hardly where the next one looks for it.
    const std::vector<uint32_t> before = std::move(edges_.entries.nodes);
    KITH_ASSIGN_OR_RETURN(edges_.entries,
                          ChooseEntries(rows_, request_.metric, planted_, n, pool_));
    std::vector<uint32_t>& entries = edges_.entries.nodes;
    for (size_t i = chosen_.nodes.size(); i < before.size(); ++i) {
      const bool known = std::find(entries.begin(), entries.end(), before[i]) != entries.end();
      if (!known) entries.push_back(before[i]);
    }
  }
  KITH_ASSIGN_OR_RETURN(edges_, Connected(std::move(edges_), pool_));
  KITH_RETURN_IF_ERROR(draft_->Show(edges_, pool_));
  KITH_ASSIGN_OR_RETURN(edges_, BuildBridges(std::move(edges_), pool_, draft_.get()));
  KITH_RETURN_IF_ERROR(Repair());
  stored_.reset();
  return Status::Ok();
}

Header Builder::header() const {
  Header header{};
  header.num_nodes = static_cast<uint32_t>(edges_.table.size());
  header.degree = options_.degree;
  header.num_entries = static_cast<uint32_t>(edges_.entries.nodes.size());
  header.shell_entries = edges_.entries.of_shells;
  header.reach = draft_->outline().reach;
  header.self_recall = self_recall_;
  header.max_norm = max_norm_;
  draft_->Describe(&header);
  return header;
}

Status Builder::Write(storage::ContainerWriter* writer) const {
  const Header written = header();
  const auto add = [&](std::string_view name, const std::vector<uint32_t>& v) {
    return writer->AddSection(name, std::as_bytes(std::span(v)));
  };
  KITH_RETURN_IF_ERROR(writer->AddSection(kHeaderSection, std::as_bytes(std::span(&written, 1))));
  KITH_RETURN_IF_ERROR(add(kEntriesSection, edges_.entries.nodes));
  if (!planted_.copies.empty()) KITH_RETURN_IF_ERROR(add(kCopiesSection, planted_.copies));
  return draft_->Write(writer);
}

}  // namespace kith::graph
