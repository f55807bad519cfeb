// What is checked of packed nodes: the vector, the codes of edges, which are made again, and zeros.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "base/float16.h"
#include "base/math.h"
#include "base/strings.h"
#include "graph/packed_store.h"

namespace kith::graph {
namespace {

constexpr size_t kNodesAtOnce = 256;

bool AllZero(const std::byte* begin, const std::byte* end) {
  return std::all_of(begin, end, [](std::byte b) { return b == std::byte{0}; });
}

// Vectors of nodes in the coordinates of codes: in a table, since each is a neighbour of many, but
// where that takes much memory.
class RotatedNodes {
 public:
  static Result<RotatedNodes> Create(const Frame& frame, const MatrixView& rows, size_t nodes,
                                     const Verification& check) {
    constexpr size_t kMostBytes = size_t{2} << 30;
    RotatedNodes rotated(frame, rows);
    if (nodes > kMostBytes / sizeof(float) / frame.dim()) return rotated;
    KITH_ASSIGN_OR_RETURN(rotated.table_, AlignedBuffer<float>::Create(nodes * frame.dim()));
    const auto map = [&](size_t begin, size_t end, int /*thread*/) {
      for (size_t node = begin; node < end; ++node) {
        frame.Map(rows, node, rotated.table_.data() + node * frame.dim());
      }
      return Status::Ok();
    };
    KITH_RETURN_IF_ERROR(check.Chunks("nodes", nodes, kNodesAtOnce, map));
    return rotated;
  }

  // [frame.dim()], in `scratch` where there is no table.
  const float* Of(size_t node, float* scratch) const {
    if (table_.size() > 0) return table_.data() + node * frame_->dim();
    frame_->Map(rows_, node, scratch);
    return scratch;
  }

 private:
  RotatedNodes(const Frame& frame, const MatrixView& rows) : frame_(&frame), rows_(rows) {}

  const Frame* frame_;
  MatrixView rows_;
  AlignedBuffer<float> table_;
};

// The level of coordinate i of neighbour `lane` of a block of codes (docs/file_format.md).
unsigned LevelOf(const std::byte* block, size_t lane, size_t i, int bits) {
  const auto b = static_cast<size_t>(bits);
  const size_t at = i / 4 * b;
  const auto byte =
      std::to_integer<unsigned>(block[at / 8 * simd::kEdgeStepBytes + 4 * lane + i % 4]);
  return byte >> (at % 8) & ((1u << bits) - 1);
}

// One edge, as its code says it.
struct CodedEdge {
  const std::byte* block;
  size_t lane;
  float weight;
  float offset;
};

// Whether an edge's code is that of the vectors v and y, but for what sums of floats that were
// rounded otherwise may change.
bool IsCodeOfEdge(const CodedEdge& edge, const float* v, const float* y,
                  const quant::EdgeShape& shape, quant::EdgeMeasure measure) {
  double rho2 = 0;
  double size2 = 0;  // of what was subtracted
  for (size_t i = 0; i < shape.dim; ++i) {
    const double r = double{y[i]} - v[i];
    rho2 += r * r;
    size2 += double{y[i]} * y[i] + double{v[i]} * v[i];
  }
  if (!std::isfinite(static_cast<float>(rho2))) return true;  // nothing is known so far out
  // How much of r rounding may have taken or added; where that is all of it, anything goes.
  const double blur = 1e-3 + 1e-6 * std::sqrt(size2 / std::max(rho2, 1e-300));
  if (blur > 0.1) return true;
  const double scale = quant::EdgeRounding(shape.dim, shape.bits) / std::sqrt(rho2);
  const double half = 1 << (shape.bits - 1);
  double gr = 0;
  double gv = 0;
  for (size_t i = 0; i < shape.dim; ++i) {
    const double r = double{y[i]} - v[i];
    const unsigned level = LevelOf(edge.block, edge.lane, i, shape.bits);
    const double at = r * scale;
    const double slack = blur * (1 + std::abs(at));
    const auto level_of = [&](double x) {
      return std::clamp(std::floor(x) + half, 0.0, 2 * half - 1);
    };
    if (level < level_of(at - slack) || level > level_of(at + slack)) return false;
    gr += (level - half + 0.5) * r;
    gv += (level - half + 0.5) * v[i];
  }
  // bfloat16 has eight bits.
  constexpr double kRounding = 0.01;
  if (!(std::abs(edge.weight * gr - rho2) <= (kRounding + blur) * rho2)) return false;
  if (measure == quant::EdgeMeasure::kDot) return edge.offset == 0;
  const double expected = 2 * edge.weight * (gv + gr) - rho2;
  const double terms = 2 * edge.weight * (std::abs(gv) + std::abs(gr)) + rho2;
  return std::abs(edge.offset - expected) <= kRounding * std::abs(expected) + 1e-4 * terms;
}

// What comparing the nodes of one chunk needs.
struct Scratch {
  std::vector<float> vectors;  // [degree + 1, dim]
  std::vector<const float*> neighbours;
  std::vector<std::byte> codes;  // with weights and offsets, as they lie in nodes
};

}  // namespace

// Whether a node holds the vector at its position, or what that is rounded to. Sums of floats may
// differ in their last bits from those of the machine that built the graph, and so a byte by one.
bool PackedStore::Holds(uint32_t node, const MatrixView& rows, float* rotated,
                        int8_t* bytes) const {
  if (!rounded_) {
    return std::memcmp(Node(node), rows.row(node), RowBytes(rows.dtype, rows.dim)) == 0;
  }
  const size_t dim = shape_.edges.dim;
  frame_.Map(rows, node, rotated);
  const OwnFactors own = RoundOwn(rotated, dim, bytes);
  OwnFactors stored{};
  std::memcpy(&stored, Node(node) + shape_.factors, sizeof(stored));
  const auto near = [](float a, float b) { return std::fabs(a - b) <= 1e-3f * std::fabs(b); };
  return near(stored.step, own.step) && near(stored.squared_norm, own.squared_norm) &&
         std::equal(bytes, bytes + dim, reinterpret_cast<const int8_t*>(Node(node)),
                    [](int a, int b) { return std::abs(a - b) <= 1; });
}

// Whether the codes, weights and offsets of a node are those of its links, which name nodes.
// `vectors`: of the node, then of its neighbours, `count` of them.
bool PackedStore::HoldsEdges(uint32_t node, const float* v, const float* const* neighbours,
                             size_t count, std::byte* scratch) const {
  const quant::EdgeShape& shape = shape_.edges;
  const quant::EdgeMeasure measure = MeasureOf(outline_.metric);
  const std::byte* const stored = Node(node) + shape_.codes;
  const size_t weights = shape_.weights - shape_.codes;
  const size_t offsets = shape_.offsets - shape_.codes;
  std::memset(scratch, 0, shape_.links - shape_.codes);
  const auto halves = [](std::byte* bytes) { return reinterpret_cast<uint16_t*>(bytes); };
  quant::EdgeEncoder(shape, measure)
      .Encode(v, neighbours, count, scratch, halves(scratch + weights), halves(scratch + offsets));
  if (std::memcmp(scratch, stored, shape_.links - shape_.codes) == 0) return true;
  const auto half = [](const std::byte* bytes, size_t i) {
    uint16_t value = 0;
    std::memcpy(&value, bytes + i * sizeof(value), sizeof(value));
    return Bf16ToF32(value);
  };
  for (size_t i = 0; i < shape.degree; ++i) {
    const size_t block = i / simd::kEdgeLanes * shape.block_bytes();
    const CodedEdge edge{stored + block, i % simd::kEdgeLanes, half(stored + weights, i),
                         half(stored + offsets, i)};
    const bool same =
        std::equal(neighbours[i < count ? i : 0], neighbours[i < count ? i : 0] + shape.dim, v);
    if (i < count && !same) {
      if (!IsCodeOfEdge(edge, v, neighbours[i], shape, measure)) return false;
      continue;
    }
    const float offset = i < count ? 0 : std::numeric_limits<float>::infinity();
    if (edge.weight != 0 || edge.offset != offset) return false;
    for (size_t c = 0; c < shape.dim; ++c) {
      if (LevelOf(edge.block, edge.lane, c, shape.bits) !=
          LevelOf(scratch + block, edge.lane, c, shape.bits))
        return false;
    }
  }
  return true;
}

Status PackedStore::VerifyEdges(const storage::ContainerReader& in, const MatrixView& rows,
                                const Verification& check) const {
  const size_t dim = shape_.edges.dim;
  const size_t degree = outline_.degree;
  KITH_ASSIGN_OR_RETURN(const RotatedNodes rotated,
                        RotatedNodes::Create(frame_, rows, outline_.num_nodes, check));
  const auto compare = [&](size_t begin, size_t end, int /*thread*/) -> Status {
    Scratch scratch{std::vector<float>((degree + 1) * dim), std::vector<const float*>(degree),
                    std::vector<std::byte>(shape_.links - shape_.codes)};
    for (size_t i = begin; i < end; ++i) {
      const auto node = static_cast<uint32_t>(i);
      const float* v = rotated.Of(node, scratch.vectors.data());
      const uint32_t* links = Links(node);
      size_t count = 0;
      for (; count < degree && links[count] != kNoNode; ++count) {
        scratch.neighbours[count] =
            rotated.Of(links[count], scratch.vectors.data() + (count + 1) * dim);
      }
      if (HoldsEdges(node, v, scratch.neighbours.data(), count, scratch.codes.data())) continue;
      return in.Corrupt(kSection,
                        StrCat("the codes of node ", node, " are not those of its edges"));
    }
    return Status::Ok();
  };
  return check.Chunks("codes of the graph", outline_.num_nodes, kNodesAtOnce, compare);
}

Status PackedStore::Verify(const storage::ContainerReader& in, const search::VectorTable& vectors,
                           const Verification& check) const {
  const auto finite = [](float v) { return std::isfinite(v); };
  if (!std::all_of(frame_.mean.begin(), frame_.mean.end(), finite)) {
    return in.Corrupt(kMeanSection, "it is not finite");
  }
  const size_t end_of_parts = shape_.factors + (rounded_ ? sizeof(OwnFactors) : 0);
  const auto compare = [&](size_t begin, size_t end, int /*thread*/) -> Status {
    std::vector<float> rotated(frame_.dim());
    std::vector<int8_t> bytes(frame_.dim());
    for (size_t i = begin; i < end; ++i) {
      const auto node = static_cast<uint32_t>(i);
      if (!Holds(node, vectors.rows, rotated.data(), bytes.data())) {
        return in.Corrupt(kSection, StrCat("node ", node, " is not the vector at its position"));
      }
      const std::byte* record = Node(node);
      if (!AllZero(record + shape_.row_bytes, record + shape_.codes) ||
          !AllZero(record + end_of_parts, record + shape_.bytes)) {
        return in.Corrupt(kSection, StrCat("node ", node, " has no zeros between its parts"));
      }
    }
    return Status::Ok();
  };
  KITH_RETURN_IF_ERROR(check.Chunks("nodes", outline_.num_nodes, kNodesAtOnce, compare));
  return VerifyEdges(in, vectors.rows, check);
}

}  // namespace kith::graph
