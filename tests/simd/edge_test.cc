// Codes of a graph's edges: estimates and encoding on every target.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/float16.h"
#include "base/rng.h"
#include "kith/types.h"
#include "simd/guarded_buffer.h"
#include "simd/kernels.h"

namespace kith::simd {
namespace {

using ::kith::testing::GuardedBuffer;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kAllBits[] = {1, 2, 4, 8};

int KernelOf(int bits) { return std::countr_zero(static_cast<unsigned>(bits)); }

// Targets without fused multiply-add round once more.
bool Fuses(const Kernels& kernels) {
  const std::string target = kernels.target;
  return target != "SCALAR" && target != "EMU128" && target.find("SSE") == std::string::npos;
}

// Code of one coordinate of one neighbour, by the layout that kernels.h documents.
int CodeAt(const std::byte* codes, int bits, size_t steps, size_t neighbour, size_t coordinate) {
  const size_t fields = 8 / static_cast<size_t>(bits);
  const size_t group = coordinate / 4;
  const size_t at = (neighbour / kEdgeLanes * steps + group / fields) * kEdgeStepBytes +
                    neighbour % kEdgeLanes * 4 + coordinate % 4;
  const auto shift = static_cast<int>(group % fields) * bits;
  return (static_cast<int>(codes[at]) >> shift) & ((1 << bits) - 1);
}

// What a vertex keeps, and a query, in memory that ends where they end.
struct Edges {
  Edges(int bits_in, size_t steps_in, size_t blocks_in)
      : bits(bits_in),
        steps(steps_in),
        blocks(blocks_in),
        query(coordinates()),
        codes(blocks * steps * kEdgeStepBytes),
        weights(neighbours() * sizeof(uint16_t)),
        offsets(neighbours() * sizeof(uint16_t)) {}

  size_t neighbours() const { return blocks * kEdgeLanes; }
  size_t coordinates() const { return steps * 32 / static_cast<size_t>(bits); }
  void SetFactors(size_t i, float weight, float offset) {
    const uint16_t w = F32ToBf16(weight);
    const uint16_t o = F32ToBf16(offset);
    std::memcpy(weights.data() + 2 * i, &w, 2);
    std::memcpy(offsets.data() + 2 * i, &o, 2);
  }
  float Factor(const GuardedBuffer& buffer, size_t i) const {
    uint16_t v;
    std::memcpy(&v, buffer.data() + 2 * i, 2);
    return Bf16ToF32(v);
  }
  void Randomise(Rng* rng) {
    for (size_t i = 0; i < coordinates(); ++i) query.data()[i] = std::byte(rng->Below(256));
    for (size_t i = 0; i < blocks * steps * kEdgeStepBytes; ++i) {
      codes.data()[i] = std::byte(rng->Below(256));
    }
    for (size_t i = 0; i < neighbours(); ++i) {
      SetFactors(i, static_cast<float>(rng->Uniform()), static_cast<float>(rng->Normal()));
    }
  }

  int64_t Dot(size_t neighbour) const {
    int64_t dot = 0;
    for (size_t c = 0; c < coordinates(); ++c) {
      dot += CodeAt(codes.data(), bits, steps, neighbour, c) *
             static_cast<int>(static_cast<int8_t>(query.data()[c]));
    }
    return dot;
  }
  // As fused multiply-adds round it.
  float Value(size_t i, const EdgeTerms& terms) const {
    const float dot = std::fma(static_cast<float>(Dot(i)), terms.scale, terms.shift);
    return std::fma(dot, Factor(weights, i), terms.base + Factor(offsets, i));
  }

  int bits;
  size_t steps, blocks;
  GuardedBuffer query, codes, weights, offsets;
};

struct Estimates {
  explicit Estimates(size_t blocks)
      : values(AlignedBuffer<float>::Create(blocks * kEdgeLanes).value()), passing(blocks) {}
  bool Passes(size_t i) const { return (passing[i / kEdgeLanes] >> (i % kEdgeLanes) & 1) != 0; }
  AlignedBuffer<float> values;
  std::vector<uint16_t> passing;
};

Estimates Estimate(const Kernels& kernels, const Edges& e, const EdgeTerms& terms) {
  Estimates out(e.blocks);
  kernels.edge_estimate[KernelOf(e.bits)](reinterpret_cast<const int8_t*>(e.query.data()),
                                          e.codes.data(), e.steps, e.blocks,
                                          reinterpret_cast<const uint16_t*>(e.weights.data()),
                                          reinterpret_cast<const uint16_t*>(e.offsets.data()),
                                          terms, out.values.data(), out.passing.data());
  return out;
}

TEST(EdgeEstimateTest, EqualsThePlainLoop) {
  for (const int bits : kAllBits) {
    for (const size_t steps : {1, 2, 3, 4, 5, 8, 13, 25}) {
      for (const size_t blocks : {1, 2, 3, 4, 5}) {
        Rng rng(steps, blocks * 10 + static_cast<size_t>(bits));
        Edges edges(bits, steps, blocks);
        edges.Randomise(&rng);
        const EdgeTerms terms{1.5f, -0.01f, static_cast<float>(rng.Normal()), 1.75f};
        for (const Kernels& kernels : AvailableKernels()) {
          SCOPED_TRACE(::testing::Message() << kernels.target << ", " << bits << " bits, " << steps
                                            << " steps, " << blocks << " blocks");
          const Estimates got = Estimate(kernels, edges, terms);
          for (size_t i = 0; i < edges.neighbours(); ++i) {
            const float want = edges.Value(i, terms);
            if (Fuses(kernels)) {
              ASSERT_EQ(got.values[i], want) << i;
            } else {
              ASSERT_NEAR(got.values[i], want, 1e-5f * (1 + std::abs(want))) << i;
            }
            ASSERT_EQ(got.Passes(i), got.values[i] < terms.limit) << i;
          }
        }
      }
    }
  }
}

// The largest dot products of either sign, in the largest dimension.
TEST(EdgeEstimateTest, ExtremesDoNotOverflow) {
  for (const int bits : kAllBits) {
    const int most = (1 << bits) - 1;
    const size_t steps = kMaxDim * static_cast<size_t>(bits) / 32;
    Edges edges(bits, steps, 3);
    std::memset(edges.codes.data(), 0xFF, 3 * steps * kEdgeStepBytes);
    for (size_t i = 0; i < edges.neighbours(); ++i) edges.SetFactors(i, 1, 0);
    for (const int value : {-128, -127, 127}) {
      std::memset(edges.query.data(), value, edges.coordinates());
      const auto want = static_cast<float>(int64_t{kMaxDim} * value * most);
      for (const Kernels& kernels : AvailableKernels()) {
        const Estimates got = Estimate(kernels, edges, {0, 1, 0, 0});
        for (const size_t i : {0, 15, 16, 47}) {
          EXPECT_EQ(got.values[i], want) << kernels.target << ", " << bits << " bits, " << value;
        }
      }
    }
  }
}

TEST(EdgeEstimateTest, LimitInfinityAndNaN) {
  for (const int bits : kAllBits) {
    Edges edges(bits, 1, 2);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (size_t i = 0; i < edges.neighbours(); ++i) edges.SetFactors(i, 0, kInfinity);
    edges.SetFactors(1, 0, 1);
    edges.SetFactors(2, 0, 2);
    edges.SetFactors(3, nan, 0);
    edges.SetFactors(4, 0, nan);
    edges.SetFactors(5, 0, -kInfinity);
    edges.SetFactors(21, 0, 1.5f);
    edges.SetFactors(31, 0, 0);
    for (const Kernels& kernels : AvailableKernels()) {
      SCOPED_TRACE(kernels.target);
      const Estimates got = Estimate(kernels, edges, {0, 1, 1, 2});
      EXPECT_EQ(got.passing[0], 1 << 1 | 1 << 5);
      EXPECT_EQ(got.passing[1], 1 << 5 | 1 << 15);
      EXPECT_EQ(got.values[0], kInfinity);
      EXPECT_TRUE(std::isnan(got.values[3]));
      // Missing neighbours do not pass whatever the limit.
      const Estimates all = Estimate(kernels, edges, {0, 1, 1, kInfinity});
      EXPECT_EQ(all.passing[0], 1 << 1 | 1 << 2 | 1 << 5);
      const Estimates none = Estimate(kernels, edges, {0, 1, 1, nan});
      EXPECT_EQ(none.passing[0] | none.passing[1], 0);
      // Nor if the distance to the vertex is damaged.
      EXPECT_EQ(Estimate(kernels, edges, {-kInfinity, 1, 1, kInfinity}).passing[0] & 1, 0);
    }
  }
}

struct Encoded {
  EdgeSums sums{};
  std::vector<std::byte> block;
};

// One lane of a block full of ones.
Encoded Encode(const Kernels& kernels, int bits, const std::vector<float>& v,
               const std::vector<float>& y, float rounding, size_t steps, size_t lane) {
  GuardedBuffer from(v.size() * sizeof(float));
  GuardedBuffer to(y.size() * sizeof(float));
  std::memcpy(from.data(), v.data(), v.size() * sizeof(float));
  std::memcpy(to.data(), y.data(), y.size() * sizeof(float));
  Encoded out{{}, std::vector<std::byte>(steps * kEdgeStepBytes, std::byte{0xFF})};
  GuardedBuffer block(out.block.size());
  std::memcpy(block.data(), out.block.data(), out.block.size());
  out.sums = kernels.edge_encode[KernelOf(bits)](reinterpret_cast<const float*>(from.data()),
                                                 reinterpret_cast<const float*>(to.data()),
                                                 v.size(), rounding, block.data(), steps, lane);
  std::memcpy(out.block.data(), block.data(), out.block.size());
  return out;
}

// Codes are the levels of the specification but for coordinates that lie within rounding of the
// edge of one, and sums are those of the codes.
void ExpectCode(const Encoded& got, int bits, const std::vector<float>& v,
                const std::vector<float>& y, float rounding, size_t steps, size_t lane) {
  double rho2 = 0;
  for (size_t i = 0; i < v.size(); ++i) {
    const double r = static_cast<double>(y[i]) - v[i];
    rho2 += r * r;
  }
  ASSERT_NEAR(got.sums.rho2, rho2, 1e-5 * rho2);
  const int half = 1 << (bits - 1);
  double gr = 0;
  double gv = 0;
  double gv_terms = 0;
  for (size_t i = 0; i < v.size(); ++i) {
    const double r = static_cast<double>(y[i] - v[i]);
    const double a = std::abs(r) * rounding / std::sqrt(rho2);
    const int code = CodeAt(got.block.data(), bits, steps, lane, i);
    ASSERT_EQ(code >= half, r >= 0) << i;
    const int level = r >= 0 ? code - half : half - 1 - code;
    ASSERT_LE(level, a * (1 + 1e-5)) << i;
    ASSERT_GE(level, std::min(half - 1.0, a * (1 - 1e-5) - 1)) << i;
    const double g = code - (2.0 * half - 1) / 2;
    gr += g * r;
    gv += g * v[i];
    gv_terms += std::abs(g * v[i]);
  }
  EXPECT_NEAR(got.sums.gr, gr, 1e-5 * gr);
  EXPECT_NEAR(got.sums.gv, gv, 1e-5 * gv_terms);
  const size_t coordinates = steps * 32 / static_cast<size_t>(bits);
  for (size_t i = v.size(); i < coordinates; ++i) {
    ASSERT_EQ(CodeAt(got.block.data(), bits, steps, lane, i), 0) << i;
  }
  for (size_t at = 0; at < got.block.size(); ++at) {
    if (at % kEdgeStepBytes / 4 == lane) continue;
    ASSERT_EQ(got.block[at], std::byte{0xFF}) << at;
  }
}

TEST(EdgeEncodeTest, FollowsTheSpecification) {
  for (const int bits : kAllBits) {
    for (const size_t dim : {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100, 128, 130, 784}) {
      const size_t extra = dim % 3 == 0 ? 1 : 0;  // a step that no coordinate reaches
      const size_t steps = (dim * static_cast<size_t>(bits) + 31) / 32 + extra;
      Rng rng(dim, static_cast<uint64_t>(bits));
      std::vector<float> v(dim);
      std::vector<float> y(dim);
      for (size_t i = 0; i < dim; ++i) {
        v[i] = static_cast<float>(rng.Normal());
        y[i] = rng.Below(8) == 0 ? v[i] : v[i] + static_cast<float>(0.3 * rng.Normal());
      }
      y[0] = v[0] - 1;
      const float rounding = std::sqrt(static_cast<float>(dim)) * static_cast<float>(1 << bits) / 5;
      const size_t lane = dim % kEdgeLanes;
      const Kernels* first = nullptr;
      Encoded best;
      for (const Kernels& kernels : AvailableKernels()) {
        SCOPED_TRACE(::testing::Message() << kernels.target << ", " << bits << " bits, " << dim);
        const Encoded got = Encode(kernels, bits, v, y, rounding, steps, lane);
        ExpectCode(got, bits, v, y, rounding, steps, lane);
        if (!Fuses(kernels)) continue;
        if (first == nullptr) {
          first = &kernels;
          best = got;
        }
        EXPECT_EQ(got.block, best.block);
        EXPECT_EQ(got.sums.rho2, best.sums.rho2);
        EXPECT_EQ(got.sums.gr, best.sums.gr);
        EXPECT_EQ(got.sums.gv, best.sums.gv);
      }
    }
  }
}

TEST(EdgeEncodeTest, DuplicatesAreZeros) {
  for (const int bits : kAllBits) {
    const size_t steps = (50 * static_cast<size_t>(bits) + 31) / 32;
    const std::vector<float> v(50, 3.25f);
    for (const Kernels& kernels : AvailableKernels()) {
      const Encoded got = Encode(kernels, bits, v, v, 10, steps, 3);
      EXPECT_EQ(got.sums.rho2, 0);
      EXPECT_EQ(got.sums.gr, 0);
      EXPECT_EQ(got.sums.gv, 0);
      for (size_t at = 0; at < got.block.size(); ++at) {
        EXPECT_EQ(got.block[at], std::byte(at % kEdgeStepBytes / 4 == 3 ? 0 : 0xFF));
      }
    }
  }
}

}  // namespace
}  // namespace kith::simd
