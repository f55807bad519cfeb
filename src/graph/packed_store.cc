#include "graph/packed_store.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/math.h"
#include "base/strings.h"
#include "quant/rabitq.h"
#include "search/metric_traits.h"

namespace kith::graph {

OwnFactors RoundOwn(const float* rotated, size_t dim, int8_t* bytes) {
  const quant::ByteSteps steps = quant::StepsOf(rotated, dim);
  quant::RoundToBytes(rotated, dim, steps, bytes);
  int64_t sum = 0;
  for (size_t i = 0; i < dim; ++i) sum += bytes[i] * bytes[i];
  return {steps.step, steps.step * steps.step * static_cast<float>(sum)};
}

PackedStore::PackedStore(const Outline& outline, const NodeShape& shape, const std::byte* nodes,
                         bool rounded, const search::VectorTable& vectors, Frame frame)
    : outline_(outline),
      shape_(shape),
      rounded_(rounded),
      table_(vectors),
      frame_(std::move(frame)),
      rounded_dot_(simd::GetKernels()
                       .f32[static_cast<size_t>(DataType::kI8)][static_cast<size_t>(simd::Op::kDot)]
                       .ids) {
  if (!rounded) {
    table_.rows.stride = shape.bytes;
    table_.padded_bytes = shape.codes;
  }
  set_bytes(nodes);
}

void PackedStore::set_bytes(const std::byte* nodes) {
  nodes_ = nodes;
  if (!rounded_) table_.rows.data = nodes;
}

Result<PackedStore> PackedStore::Open(const storage::ContainerReader& in, const Header& header,
                                      const Outline& outline, const search::VectorTable& vectors) {
  const MatrixView& rows = vectors.rows;
  if (!quant::IsEdgeBits(header.code_bits) || !HasPackedLayout(vectors.metric, rows.dtype)) {
    return in.Corrupt(kHeaderSection, "its header contradicts itself");
  }
  const quant::Geometry geometry = CodeGeometry(vectors.metric, rows.dim);
  const size_t dim = quant::Rotation::PaddedDim(geometry.dim());
  const bool rounded = header.own_bytes != 0;
  const NodeShape shape(rows.dtype, rows.dim,
                        {dim, static_cast<int>(header.code_bits), header.degree}, rounded);
  KITH_RETURN_IF_ERROR(in.CheckSize(kNodesSection, header.num_nodes, shape.bytes));
  KITH_ASSIGN_OR_RETURN(const auto signs,
                        in.Array<uint8_t>(kSignsSection, quant::Rotation::SignBytes(dim)));
  std::vector<float> mean;
  if (!search::TraitsOf(vectors.metric).products) {
    KITH_ASSIGN_OR_RETURN(const auto stored, in.Array<float>(kMeanSection, rows.dim));
    mean.assign(stored.begin(), stored.end());
  }
  return PackedStore(outline, shape, in.Bytes(kNodesSection).data(), rounded, vectors,
                     MakeFrame(geometry, std::move(mean), signs));
}

Result<PackedStore::Query> PackedStore::NewQuery() const {
  Query query;
  query.passing.resize(shape_.edges.blocks());
  KITH_ASSIGN_OR_RETURN(query.estimates, AlignedBuffer<float>::Create(outline_.degree));
  KITH_ASSIGN_OR_RETURN(query.rotated,
                        AlignedBuffer<float>::Create(RoundUp(shape_.codes, simd::kQueryPadding)));
  KITH_RETURN_IF_ERROR(query.codes.Init(shape_.edges, MeasureOf(outline_.metric)));
  return query;
}

void PackedStore::Take(const Batch& batch, size_t slot, Query* query) const {
  query->scorer = batch.scorer();
  query->slot = slot;
  const float* rotated = batch.rotated(slot);
  if (rotated == nullptr) {
    frame_.Map(batch.queries(), batch.query(slot), query->rotated.data());
    rotated = query->rotated.data();
  }
  query->codes.Prepare(rotated);
  if (!rounded_) return;
  const size_t dim = shape_.edges.dim;
  if (rotated != query->rotated.data()) std::copy_n(rotated, dim, query->rotated.data());
  query->squared_norm = static_cast<float>(SquaredNorm(rotated, dim));
}

void PackedStore::RoundedDistances(const Query& query, const uint32_t* nodes, size_t count,
                                   float* out) const {
  rounded_dot_(reinterpret_cast<const std::byte*>(query.rotated.data()), nodes_, shape_.bytes,
               nodes, count, shape_.codes, out);
  const search::MetricTraits& traits = search::TraitsOf(outline_.metric);
  for (size_t i = 0; i < count; ++i) {
    OwnFactors own{};
    std::memcpy(&own, Node(nodes[i]) + shape_.factors, sizeof(own));
    const float dot = own.step * out[i];
    out[i] = traits.products ? -dot
                             : std::max(0.0f, query.squared_norm + own.squared_norm - 2 * dot) /
                                   traits.geometry_scale;
  }
}

void PackedStore::Expand(uint32_t node, Query* query, Frontier* frontier,
                         SearchStats* stats) const {
  const std::byte* record = Node(node);
  float distance = 0;
  Distances(*query, &node, 1, &distance);
  frontier->Found(distance, node);
  const float limit = std::min(frontier->limit(), frontier->Reach());
  const float* estimates = query->estimates.data();
  query->codes.Estimate(
      record + shape_.codes, reinterpret_cast<const uint16_t*>(record + shape_.weights),
      reinterpret_cast<const uint16_t*>(record + shape_.offsets), frontier->Key(distance), limit,
      query->estimates.data(), query->passing.data());
  ++stats->distances;
  stats->codes += outline_.degree;
  stats->bytes += shape_.bytes;
  const uint32_t* links = Links(node);
  for (size_t block = 0; block < query->passing.size(); ++block) {
    for (uint32_t lanes = query->passing[block]; lanes != 0; lanes &= lanes - 1) {
      const size_t i = block * simd::kEdgeLanes + static_cast<size_t>(__builtin_ctz(lanes));
      if (frontier->Meet(links[i])) frontier->Offer(estimates[i], links[i]);
    }
  }
  frontier->Enter();
}

}  // namespace kith::graph
