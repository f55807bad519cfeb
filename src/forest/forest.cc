// Searching a forest.
#include "forest/forest.h"

#include <algorithm>

#include "base/strings.h"
#include "search/scorer.h"
#include "search/search_chunks.h"
#include "simd/kernels.h"

namespace kith::forest {
// What one search in flight needs; reused.
struct Forest::Scratch {
  explicit Scratch(size_t num_vectors) : walk(num_vectors) {}

  Walk walk;
  RoutingQuery routing;
  AlignedBuffer<float> query;  // in the geometry
  quant::CodeQuery code_query;
  std::vector<float> lower_bounds;
  std::vector<float> distances;
  std::vector<uint32_t> near;
  search::TopK top;
};

// What a forest is made of, wherever it lies.
struct Forest::Parts {
  Trees trees;
  std::span<const float> mean;
  std::span<const float> basis;
  std::span<const uint8_t> signs;
  std::span<const std::byte> codes;
};

Forest::Forest(const Header& header, const search::StoredVectors& vectors)
    : vectors_(vectors),
      header_(header),
      geometry_(vectors.table.metric, vectors.table.rows.dim, header.max_norm),
      code_shape_{geometry_.dim(), static_cast<int>(header.code_bits)} {}

Forest::~Forest() = default;

Result<std::unique_ptr<Forest>> Forest::Open(std::shared_ptr<const storage::ContainerReader> file,
                                             const search::StoredVectors& vectors) {
  const storage::ContainerReader& in = *file;
  KITH_ASSIGN_OR_RETURN(auto header, in.Array<Header>("forest", 1));
  const Header& h = header[0];
  std::unique_ptr<Forest> f(new Forest(h, vectors));
  f->file_ = std::move(file);
  const size_t n = vectors.table.rows.rows;
  const size_t dim = f->geometry_.dim();
  if (h.num_trees == 0 || h.num_nodes >= trees::kLeafBit || h.sketch_dim != quant::SketchDim(dim) ||
      (h.code_bits != 0 && h.code_bits != 1 && h.code_bits != 2 && h.code_bits != 4)) {
    return in.Corrupt("forest", "its header contradicts itself");
  }
  Parts parts;
  KITH_ASSIGN_OR_RETURN(parts.trees, Trees::Open(in, h, n));
  KITH_ASSIGN_OR_RETURN(parts.mean, in.Array<float>("mean", dim));
  if (h.sketch_dim != dim) {
    KITH_ASSIGN_OR_RETURN(parts.basis, in.Array<float>("basis", uint64_t{h.sketch_dim} * dim));
  }
  if (h.code_bits != 0) {
    const size_t sign_bytes = quant::Rotation::SignBytes(f->code_shape_.rotated_dim());
    KITH_ASSIGN_OR_RETURN(parts.signs, in.Array<uint8_t>("rotation", sign_bytes));
    KITH_RETURN_IF_ERROR(in.CheckSize("codes", f->code_shape_.total_bytes(n), 1));
    parts.codes = in.Bytes("codes");
  }
  f->SetUp(parts);
  return f;
}

std::unique_ptr<Forest> Forest::Create(const Grown& grown, const search::StoredVectors& vectors) {
  std::unique_ptr<Forest> f(new Forest(grown.header, vectors));
  f->SetUp({.trees = Trees(grown.header, grown.roots, grown.nodes, grown.leaves,
                           vectors.table.rows.rows),
            .mean = grown.sketch.mean,
            .basis = grown.sketch.basis,
            .signs = grown.signs,
            .codes = std::span(grown.codes.data(), grown.codes.size())});
  return f;
}

void Forest::SetUp(const Parts& parts) {
  trees_ = parts.trees;
  sketch_ = quant::SketchMap(parts.mean, parts.basis, header_.sketch_dim);
  if (header_.code_bits == 0) return;
  rotation_ = quant::Rotation(code_shape_.rotated_dim(), parts.signs);
  codes_ = parts.codes;
}

Result<std::unique_ptr<Forest::Scratch>> Forest::Borrow() const {
  if (std::unique_ptr<Scratch> scratch = scratch_.Take(); scratch != nullptr) return scratch;
  auto scratch = std::make_unique<Scratch>(vectors_.table.rows.rows);
  KITH_ASSIGN_OR_RETURN(scratch->query, AlignedBuffer<float>::Create(sketch_.ScratchFloats()));
  KITH_RETURN_IF_ERROR(scratch->routing.Init(header_));
  if (!codes_.empty()) KITH_RETURN_IF_ERROR(scratch->code_query.Init(code_shape_));
  return scratch;
}

// Keeps the candidates that may be among the k nearest, judging by their codes: those whose
// estimate less its error is at most the k-th smallest estimate plus error.
void Forest::Shortlist(size_t k, Scratch* s, SearchStats* stats) const {
  // How many standard errors of an estimate a candidate is given the benefit of.
  constexpr float kConfidence = 1.5f;
  std::vector<uint32_t>& candidates = s->walk.candidates();
  const size_t count = candidates.size();
  stats->codes += count;
  s->lower_bounds.resize(count);
  s->top.Reset(k);
  float estimates[quant::CodeQuery::kMaxBlock];
  float errors[quant::CodeQuery::kMaxBlock];
  for (size_t begin = 0; begin < count; begin += quant::CodeQuery::kMaxBlock) {
    const size_t block = std::min(quant::CodeQuery::kMaxBlock, count - begin);
    s->code_query.Estimate(codes_, candidates.data() + begin, block, estimates, errors);
    float threshold = s->top.threshold();
    for (size_t i = 0; i < block; ++i) {
      s->lower_bounds[begin + i] = estimates[i] - kConfidence * errors[i];
      const float upper = estimates[i] + kConfidence * errors[i];
      if (upper < threshold) {
        s->top.Offer(upper, candidates[begin + i]);
        threshold = s->top.threshold();
      }
    }
  }
  const float bound = s->top.threshold();
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    candidates[kept] = candidates[i];
    kept += s->lower_bounds[i] <= bound ? 1 : 0;
  }
  candidates.resize(kept);
}

// The k nearest of the candidates that were compared, in s->top.
void Forest::SelectNearest(size_t k, Scratch* s) const {
  constexpr size_t kLargestBlock = 256;
  const simd::BelowFn below = simd::GetKernels().below;
  const std::vector<uint32_t>& candidates = s->walk.candidates();
  const float* distances = s->distances.data();
  const size_t count = candidates.size();
  s->near.resize(count);
  s->top.Reset(k);
  size_t block = 16;  // small as long as nearly all are near
  for (size_t begin = 0; begin < count; begin += block) {
    if (begin >= 4 * block) block = std::min(2 * block, kLargestBlock);
    const size_t near = below(distances + begin, std::min(block, count - begin), s->top.threshold(),
                              s->near.data());
    for (size_t i = 0; i < near; ++i) {
      const size_t candidate = begin + s->near[i];
      s->top.Offer(distances[candidate], static_cast<uint32_t>(candidate));
    }
  }
  // Looking up every candidate's row would cost a cache miss each; only ties need it before the
  // end.
  const size_t near = below(distances, count, s->top.threshold(), s->near.data());
  s->top.Reset(k);
  for (size_t i = 0; i < near; ++i) {
    const uint32_t candidate = s->near[i];
    s->top.Offer(distances[candidate], vectors_.RowAt(candidates[candidate]));
  }
}

// How many candidates a query is given.
size_t Forest::CandidatesFor(const search::Request& request, size_t query) const {
  // By default, for each tree and neighbour asked for. Annoy's default is 1; most data then gives a
  // recall of 0.6 to 0.8, and candidates are cheap here.
  constexpr size_t kDefaultCandidates = 8;
  // Fewer candidates than one for so many dimensions save nothing that a query would notice beside
  // the preparation it needs.
  constexpr size_t kDimsPerCandidate = 4;
  if (request.effort >= 0) {
    // A damaged calibration may name more than an integer holds.
    const auto wanted = static_cast<size_t>(std::min(request.effort, 0x1p62));
    return wanted == 0 ? 0 : std::max(wanted, request.queries.dim / kDimsPerCandidate);
  }
  const size_t k = request.SearchedK(query, vectors_.table.rows.rows);
  // Rows and trees, of which there may be 2^32, are no more than 2^63 of either times the other.
  const uint64_t wanted = uint64_t{k} * header_.num_trees;
  return std::max(kDefaultCandidates * std::min(wanted, ~uint64_t{0} / kDefaultCandidates),
                  request.queries.dim / kDimsPerCandidate);
}

// Leaves in s->top what is wanted.
Status Forest::SearchOne(const search::Scorer& scorer, size_t slot, const search::Request& request,
                         size_t query, Scratch* s, SearchStats* stats) const {
  constexpr size_t kScoredAtOnce = 1 << 14;  // between two questions whether to go on
  const ThreadPool& pool = *request.pool;
  geometry_.Query(request.queries, query, s->query.data());
  if (!codes_.empty()) s->code_query.Prepare(s->query.data(), sketch_.mean(), rotation_);
  sketch_.Project(s->query.data(), s->routing.sketch());
  const MatrixView& rows = vectors_.table.rows;
  const size_t k = std::min(request.wanted.k, rows.rows);
  const CandidateRows next =
      codes_.empty() ? CandidateRows::Of(rows.data, rows.stride, RowBytes(rows.dtype, rows.dim))
                     : CandidateRows::Of(codes_.data(), code_shape_.row_bytes(),
                                         code_shape_.code_bytes() + sizeof(quant::CodeFactors));
  s->routing.Prepare();
  const Admission admission{request.filter->passes_all() ? nullptr : request.filter, &vectors_,
                            query};
  s->walk.Run(trees_, s->routing, admission, CandidatesFor(request, query), next, pool, stats);
  if (!codes_.empty()) Shortlist(k, s, stats);

  const std::vector<uint32_t>& candidates = s->walk.candidates();
  const size_t count = candidates.size();
  s->distances.resize(count);
  for (size_t begin = 0; begin < count; begin += kScoredAtOnce) {
    KITH_RETURN_IF_ERROR(pool.CheckStop());
    scorer.ScoreIds(slot, candidates.data() + begin, std::min(kScoredAtOnce, count - begin),
                    s->distances.data() + begin);
  }
  stats->distances += count;
  SelectNearest(k, s);
  return pool.CheckStop();
}

Status Forest::Search(const search::Request& request, search::Hits* hits,
                      SearchStats* stats) const {
  if (request.wanted.within_radius()) {
    return Status::Unsupported(
        "a forest finds the nearest, not all within a radius; search exactly");
  }
  constexpr size_t kQueriesAtOnce = 64;
  search::HitsBuilder found(request.queries.rows);
  const auto search = [&](size_t begin, size_t end, SearchStats* part) -> Status {
    KITH_ASSIGN_OR_RETURN(std::unique_ptr<Scratch> scratch, Borrow());
    KITH_ASSIGN_OR_RETURN(const search::Scorer scorer,
                          search::Scorer::Create(vectors_.table, request.queries, begin, end));
    for (size_t slot = 0; slot < scorer.num_queries(); ++slot) {
      const size_t query = begin + scorer.order()[slot];
      KITH_RETURN_IF_ERROR(SearchOne(scorer, slot, request, query, scratch.get(), part));
      found.at(query) = scratch->top.Sorted();
    }
    scratch_.Give(std::move(scratch));
    return Status::Ok();
  };
  KITH_RETURN_IF_ERROR(
      search::SearchChunks(request.queries.rows, kQueriesAtOnce, *request.pool, stats, search));
  *hits = found.Take();
  return Status::Ok();
}

PathInfo Forest::Describe() const {
  PathInfo info{.kind = IndexKind::kForest,
                .summary = StrCat("forest of ", Plural(header_.num_trees, "tree"), " with up to ",
                                  Plural(header_.leaf_size, "vector"), " a leaf"),
                .properties = {{"trees", header_.num_trees, ""}, {"leaf", header_.leaf_size, ""}}};
  for (const std::string_view name : Sections()) {
    if (file_ != nullptr) info.bytes += file_->Bytes(name).size();
  }
  return info;
}

}  // namespace kith::forest
