// What VerifyIndex finds in a graph whose checksums are right.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "graph/layout.h"
#include "index/victims.h"
#include "kith/index.h"
#include "memory_file.h"
#include "quant/rotation.h"
#include "storage/container_image.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::ContainerImage;
using testing::MemoryFile;
using testing::TempDir;
using testing::Victim;

class GraphVerifyTest : public ::testing::TestWithParam<GraphLayout> {
 protected:
  // 100 rows, 10 of them copies: 90 nodes of degree 16.
  static constexpr uint32_t kNodes = 90;
  static constexpr uint32_t kDegree = 16;

  void SetUp() override { Make(20); }

  void Make(size_t dim) {
    const TempDir dir;
    image_ =
        ContainerImage(testing::MakeVictim(Victim{"", Metric::kEuclidean, DataType::kF32, 100, dim,
                                                  false, false, false, false, GetParam(), 10},
                                           dir.File("x.kith")));
    file_.Write(image_.bytes());
    const Status sound = VerifyIndex(file_.path());
    ASSERT_TRUE(sound.ok()) << sound.message();
  }

  bool packed() const { return GetParam() == GraphLayout::kPacked; }
  std::byte* At(std::string_view section, size_t at) {
    return reinterpret_cast<std::byte*>(image_.bytes().data()) +
           image_.OffsetOf(std::string(section)) + at;
  }
  std::byte* Node(size_t node) {
    return At(graph::kNodesSection,
              node * graph::NodeShape(DataType::kF32, 20, Edges(), false).bytes);
  }
  std::byte* Link(size_t node, size_t i) {
    const size_t at = i * sizeof(uint32_t);
    if (!packed()) return At(graph::kLinksSection, node * kDegree * sizeof(uint32_t) + at);
    return Node(node) + graph::NodeShape(DataType::kF32, 20, Edges(), false).links + at;
  }
  quant::EdgeShape Edges() {
    graph::Header header{};
    std::memcpy(&header, At(graph::kHeaderSection, 0), sizeof(header));
    return {quant::Rotation::PaddedDim(20), static_cast<int>(header.code_bits), header.degree};
  }

  void ExpectFound(std::string_view what) {
    image_.Seal();
    file_.Write(image_.bytes());
    const Status status = VerifyIndex(file_.path());
    EXPECT_EQ(status.code(), StatusCode::kCorruption);
    EXPECT_NE(status.message().find(what), std::string::npos) << status.message();
    testing::UseEverything(file_.path());
  }

  ContainerImage image_;
  MemoryFile file_;
};

TEST_P(GraphVerifyTest, NodesThatAreNotThere) {
  const uint32_t link = kNodes;
  std::memcpy(Link(31, 0), &link, sizeof(link));
  ExpectFound("node 31 names node 90 of 90");
}

TEST_P(GraphVerifyTest, NodesThatAreNotReached) {
  for (size_t node = 0; node < kNodes; ++node) {
    std::memset(Link(node, 0), 0xFF, kDegree * sizeof(uint32_t));
  }
  ExpectFound("is never reached");
}

TEST_P(GraphVerifyTest, EntriesThatAreNotThere) {
  const uint32_t entry = kNodes;
  std::memcpy(At(graph::kEntriesSection, 12), &entry, sizeof(entry));
  ExpectFound("there is no node 90");
}

TEST_P(GraphVerifyTest, CopiesThatAreNotNamed) {
  uint32_t end = 9;
  std::memcpy(At(graph::kCopiesSection, kNodes * sizeof(end)), &end, sizeof(end));
  ExpectFound("every copy once");
  end = 11;
  std::memcpy(At(graph::kCopiesSection, kNodes * sizeof(end)), &end, sizeof(end));
  ExpectFound("every copy once");
}

class PackedVerifyTest : public GraphVerifyTest {};

TEST_P(PackedVerifyTest, NodesThatAreOtherVectors) {
  const float other = 1000;
  std::memcpy(Node(17), &other, sizeof(other));
  ExpectFound("node 17 is not the vector");
}

// Long vectors are in their nodes as bytes, and two factors behind all else.
TEST_P(PackedVerifyTest, RoundedNodesThatAreOtherVectors) {
  constexpr size_t kDim = 200;
  const auto node = [&](size_t i) {
    const quant::EdgeShape edges{kDim, Edges().bits, kDegree};
    const graph::NodeShape shape(DataType::kF32, kDim, edges, true);
    return std::pair(At(graph::kNodesSection, i * shape.bytes), shape.factors);
  };
  for (const bool bytes : {true, false}) {
    Make(kDim);
    const auto [record, factors] = node(17);
    if (bytes) {
      // What another machine may round the other way is no fault.
      auto& byte = reinterpret_cast<int8_t&>(record[5]);
      byte = static_cast<int8_t>(byte > 0 ? byte - 1 : byte + 1);
      image_.Seal();
      file_.Write(image_.bytes());
      EXPECT_TRUE(VerifyIndex(file_.path()).ok());
      byte = static_cast<int8_t>(byte > 0 ? byte - 1 : byte + 1);
    } else {
      float step = 0;
      std::memcpy(&step, record + factors, sizeof(step));
      step *= 1.01f;
      std::memcpy(record + factors, &step, sizeof(step));
    }
    ExpectFound("node 17 is not the vector");
  }
}

TEST_P(PackedVerifyTest, MeansThatAreNoNumbers) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(At(graph::kMeanSection, 8), &nan, sizeof(nan));
  ExpectFound("not finite");
}

INSTANTIATE_TEST_SUITE_P(All, GraphVerifyTest,
                         ::testing::Values(GraphLayout::kPacked, GraphLayout::kCompact),
                         [](const auto& test) { return std::string(GraphLayoutName(test.param)); });

INSTANTIATE_TEST_SUITE_P(All, PackedVerifyTest, ::testing::Values(GraphLayout::kPacked),
                         [](const auto& test) { return std::string(GraphLayoutName(test.param)); });

}  // namespace
}  // namespace kith
