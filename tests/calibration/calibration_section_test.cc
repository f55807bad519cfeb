// The calibration in a file: written and read back, damaged, and asked for the effort of a recall.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "calibration/drift.h"
#include "calibration/need_section.h"
#include "calibration/replace_calibration.h"
#include "calibration/section.h"
#include "memory_file.h"
#include "storage/container_image.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::ContainerImage;
using testing::ExpectError;
using testing::TempDir;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

CalibrationCurve Curve(IndexKind index, uint32_t k,
                       const std::vector<std::pair<float, float>>& effort_recall) {
  CalibrationCurve curve{index, k, {}};
  for (const auto& [effort, recall] : effort_recall) {
    curve.points.push_back({effort, recall, recall / 2, recall / 4, 3 * effort, 7 * effort});
  }
  return curve;
}

Calibration Sample() {
  Calibration c;
  c.source = CalibrationSource::kQueries;
  c.num_queries = 777;
  c.curves = {Curve(IndexKind::kGraph, 10, {{5, 0.5f}, {10, 0.8f}, {20, 0.9f}, {40, 0.98f}}),
              Curve(IndexKind::kGraph, 30, {{30, 0.7f}, {60, 0.9f}, {90, 0.95f}}),
              Curve(IndexKind::kForest, 10, {{100, 0.4f}, {400, 0.8f}})};
  c.curves[0].need = {
      4, {1, 2, 2}, {0.5f, 1, 3}, {{8, 0.6f, 0.2f}, {16, 0.8f, 0.2f}, {32, 0.9f, 0.75f}}};
  c.curves[0].wide = {4, {1, 2}, {0.75f, 0.25f}, {8, 16, 64}, {0.8f, 0.9f, 1, 0.5f, 0.5f, 0.75f}};
  c.curves[2].need.points = {{100, 0.5f, 0.25f}, {200, 0.75f, 0.5f}};
  for (int i = 0; i <= 32; ++i)
    c.nearest.push_back(0.25f * std::floor(0.5f * static_cast<float>(i)));
  return c;
}

Status WriteFile(const Calibration* calibration, const std::string& path) {
  KITH_ASSIGN_OR_RETURN(
      auto writer, storage::ContainerWriter::Create(path, 3, 2, Metric::kEuclidean, DataType::kU8));
  KITH_RETURN_IF_ERROR(writer->AddSection("vectors", testing::AsBytes("abcdef")));
  if (calibration != nullptr)
    KITH_RETURN_IF_ERROR(calibration::WriteCalibration(*calibration, writer.get()));
  return writer->Finish();
}

Result<Calibration> Read(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const auto file, storage::ContainerReader::Open(
                                             path, std::vector<std::string_view>{
                                                       "vectors", calibration::kCalibrationSection,
                                                       calibration::kNeedSection}));
  return calibration::ReadCalibration(*file);
}

void ExpectSameNeeds(const CalibrationCurve& a, const CalibrationCurve& b) {
  EXPECT_EQ(a.need.first, b.need.first);
  EXPECT_EQ(a.need.far, b.need.far);
  EXPECT_EQ(a.need.factors, b.need.factors);
  ASSERT_EQ(a.need.points.size(), b.need.points.size());
  for (size_t p = 0; p < a.need.points.size(); ++p) {
    EXPECT_EQ(a.need.points[p].effort, b.need.points[p].effort);
    EXPECT_EQ(a.need.points[p].recall, b.need.points[p].recall);
    EXPECT_EQ(a.need.points[p].recall_p5, b.need.points[p].recall_p5);
  }
  EXPECT_EQ(a.wide.first, b.wide.first);
  EXPECT_EQ(a.wide.far, b.wide.far);
  EXPECT_EQ(a.wide.weights, b.wide.weights);
  EXPECT_EQ(a.wide.efforts, b.wide.efforts);
  EXPECT_EQ(a.wide.recalls, b.wide.recalls);
}

void ExpectSame(const Calibration& a, const Calibration& b) {
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.num_queries, b.num_queries);
  EXPECT_EQ(a.nearest, b.nearest);
  ASSERT_EQ(a.curves.size(), b.curves.size());
  for (size_t i = 0; i < a.curves.size(); ++i) {
    EXPECT_EQ(a.curves[i].index, b.curves[i].index);
    EXPECT_EQ(a.curves[i].k, b.curves[i].k);
    EXPECT_EQ(a.curves[i].end, b.curves[i].end);
    ASSERT_EQ(a.curves[i].points.size(), b.curves[i].points.size());
    for (size_t p = 0; p < a.curves[i].points.size(); ++p) {
      const CalibrationPoint& x = a.curves[i].points[p];
      const CalibrationPoint& y = b.curves[i].points[p];
      SCOPED_TRACE(::testing::Message() << "curve " << i << ", point " << p);
      EXPECT_EQ(x.effort, y.effort);
      EXPECT_EQ(x.recall, y.recall);
      EXPECT_EQ(x.recall_p5, y.recall_p5);
      EXPECT_EQ(x.recall_worst, y.recall_worst);
      EXPECT_EQ(x.nodes, y.nodes);
      EXPECT_EQ(x.distances, y.distances);
    }
    ExpectSameNeeds(a.curves[i], b.curves[i]);
  }
}

TEST(CalibrationSectionTest, IsReadAsItWasWritten) {
  const TempDir dir;
  const Calibration written = Sample();
  ASSERT_TRUE(WriteFile(&written, dir.File("x.kith")).ok());
  const auto read = Read(dir.File("x.kith"));
  ASSERT_TRUE(read.ok()) << read.status().message();
  ExpectSame(*read, written);
  EXPECT_FALSE(read->empty());
}

TEST(CalibrationSectionTest, MayHoldNoCurvesAndNoDistances) {
  const TempDir dir;
  Calibration written;
  written.source = CalibrationSource::kHeldOut;
  ASSERT_TRUE(WriteFile(&written, dir.File("x.kith")).ok());
  const auto read = Read(dir.File("x.kith"));
  ASSERT_TRUE(read.ok()) << read.status().message();
  ExpectSame(*read, written);
}

TEST(CalibrationSectionTest, IsEmptyWhereThereIsNone) {
  const TempDir dir;
  ASSERT_TRUE(WriteFile(nullptr, dir.File("x.kith")).ok());
  const auto read = Read(dir.File("x.kith"));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_TRUE(read->empty());
  EXPECT_TRUE(read->curves.empty());
}

TEST(CalibrationSectionTest, IsReplacedAndNothingElse) {
  const TempDir dir;
  const Calibration before = Sample();
  Calibration after = Sample();
  after.curves.pop_back();
  after.source = CalibrationSource::kHeldOut;
  for (const Calibration* first : {&before, static_cast<const Calibration*>(nullptr)}) {
    ASSERT_TRUE(WriteFile(first, dir.File("x.kith")).ok());
    const std::vector<std::string_view> known = {"vectors", calibration::kCalibrationSection,
                                                 calibration::kNeedSection};
    const auto file = storage::ContainerReader::Open(dir.File("x.kith"), known);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(testing::ReplaceCalibration(**file, after, dir.File("y.kith")).ok());
    // Writing what a build with this calibration would have written.
    ASSERT_TRUE(WriteFile(&after, dir.File("z.kith")).ok());
    EXPECT_EQ(testing::ReadFile(dir.File("y.kith")), testing::ReadFile(dir.File("z.kith")));
  }
}

// ---- Damage that checksums do not see.

struct Damage {
  std::string name;
  std::function<void(Calibration*)> change;
};

// Each is refused by an error that names the section and the file.
void ExpectRefused(const std::vector<Damage>& damages, const char* section) {
  const TempDir dir;
  for (const Damage& damage : damages) {
    SCOPED_TRACE(damage.name);
    Calibration calibration = Sample();
    damage.change(&calibration);
    ASSERT_TRUE(WriteFile(&calibration, dir.File("x.kith")).ok());
    const auto read = Read(dir.File("x.kith"));
    ASSERT_FALSE(read.ok());
    ExpectError(read.status(), StatusCode::kCorruption, section);
    ExpectError(read.status(), StatusCode::kCorruption, "x.kith");
  }
}

TEST(CalibrationSectionTest, ContradictionsAreCorruption) {
  const std::vector<Damage> damages = {
      {"no source", [](Calibration* c) { c->source = CalibrationSource::kNone; }},
      {"unknown source", [](Calibration* c) { c->source = static_cast<CalibrationSource>(3); }},
      {"exact curve", [](Calibration* c) { c->curves[0].index = IndexKind::kExact; }},
      {"auto curve", [](Calibration* c) { c->curves[2].index = IndexKind::kAuto; }},
      {"unknown way in", [](Calibration* c) { c->curves[1].index = static_cast<IndexKind>(9); }},
      {"k 0", [](Calibration* c) { c->curves[1].k = 0; }},
      {"k too large", [](Calibration* c) { c->curves[1].k = calibration::kMostCalibratedK + 1; }},
      {"no points", [](Calibration* c) { c->curves[2].points.clear(); }},
      {"too many points",
       [](Calibration* c) {
         for (int i = 0; i < 1025; ++i) {
           CalibrationPoint p = c->curves[0].points.back();
           p.effort += 1;
           c->curves[0].points.push_back(p);
         }
       }},
      {"too many curves",
       [](Calibration* c) {
         while (c->curves.size() < 65) c->curves.push_back(c->curves[0]);
       }},
      {"too many distances", [](Calibration* c) { c->nearest.assign(2000, 1.0f); }},
      {"unknown end", [](Calibration* c) { c->curves[1].end = static_cast<CalibrationEnd>(4); }},
      {"effort NaN", [](Calibration* c) { c->curves[0].points[1].effort = kNan; }},
      {"effort infinite", [](Calibration* c) { c->curves[0].points[3].effort = kInf; }},
      {"effort 0", [](Calibration* c) { c->curves[0].points[0].effort = 0; }},
      {"effort negative", [](Calibration* c) { c->curves[0].points[0].effort = -1; }},
      {"effort falling", [](Calibration* c) { c->curves[0].points[2].effort = 9; }},
      {"effort twice", [](Calibration* c) { c->curves[0].points[2].effort = 10; }},
      {"recall NaN", [](Calibration* c) { c->curves[0].points[1].recall = kNan; }},
      {"recall above 1", [](Calibration* c) { c->curves[0].points[3].recall = 1.01f; }},
      {"recall negative", [](Calibration* c) { c->curves[0].points[0].recall = -0.01f; }},
      {"recall falling", [](Calibration* c) { c->curves[0].points[1].recall = 0.4f; }},
      {"recall of 95 % NaN", [](Calibration* c) { c->curves[1].points[1].recall_p5 = kNan; }},
      {"recall of 95 % above 1", [](Calibration* c) { c->curves[1].points[1].recall_p5 = 2; }},
      {"worst recall negative", [](Calibration* c) { c->curves[1].points[0].recall_worst = -1; }},
      {"nodes NaN", [](Calibration* c) { c->curves[2].points[0].nodes = kNan; }},
      {"distances infinite", [](Calibration* c) { c->curves[2].points[0].distances = kInf; }},
      {"distance NaN", [](Calibration* c) { c->nearest[7] = kNan; }},
      {"only distance NaN", [](Calibration* c) { c->nearest = {kNan}; }},
      {"distances falling", [](Calibration* c) { std::swap(c->nearest[3], c->nearest[20]); }}};
  ExpectRefused(damages, "calibration");
}

TEST(NeedSectionTest, ContradictionsAreCorruption) {
  const auto need = [](Calibration* c) -> NeedCurve& { return c->curves[0].need; };
  const auto wide = [](Calibration* c) -> WideCurve& { return c->curves[0].wide; };
  const std::vector<Damage> damages = {
      {"no short walk", [&](Calibration* c) { need(c).first = 0; }},
      {"short walk NaN", [&](Calibration* c) { need(c).first = kNan; }},
      {"short walk infinite", [&](Calibration* c) { need(c).first = kInf; }},
      {"short walk of none", [&](Calibration* c) { c->curves[2].need.first = 3; }},
      {"no points", [&](Calibration* c) { need(c).points.clear(); }},
      {"distances falling", [&](Calibration* c) { need(c).far[1] = 0.5f; }},
      {"distance NaN", [&](Calibration* c) { need(c).far[1] = kNan; }},
      {"distance infinite", [&](Calibration* c) { need(c).far[2] = kInf; }},
      {"factor 0", [&](Calibration* c) { need(c).factors[0] = 0; }},
      {"factor negative", [&](Calibration* c) { need(c).factors[0] = -1; }},
      {"factor NaN", [&](Calibration* c) { need(c).factors[1] = kNan; }},
      {"factor too large", [&](Calibration* c) { need(c).factors[2] = 65; }},
      {"effort twice", [&](Calibration* c) { need(c).points[1].effort = 8; }},
      {"effort 0", [&](Calibration* c) { need(c).points[0].effort = 0; }},
      {"effort NaN", [&](Calibration* c) { need(c).points[2].effort = kNan; }},
      {"recall falling", [&](Calibration* c) { need(c).points[1].recall = 0.5f; }},
      {"recall above 1", [&](Calibration* c) { need(c).points[2].recall = 1.5f; }},
      {"recall of 95 % falling", [&](Calibration* c) { need(c).points[1].recall_p5 = 0.1f; }},
      {"recall of 95 % NaN", [&](Calibration* c) { need(c).points[0].recall_p5 = kNan; }},
      {"too many points",
       [&](Calibration* c) {
         while (need(c).points.size() < 1025) {
           need(c).points.push_back(need(c).points.back());
           need(c).points.back().effort += 1;
         }
       }},
      {"too many groups",
       [&](Calibration* c) {
         need(c).far.assign(65, 1);
         need(c).factors.assign(65, 1);
       }},
      {"wide: no short walk", [&](Calibration* c) { wide(c).first = 0; }},
      {"wide: short walk of none", [&](Calibration* c) { c->curves[1].wide.first = 1; }},
      {"wide: distances falling", [&](Calibration* c) { wide(c).far[1] = 0; }},
      {"wide: weight negative", [&](Calibration* c) { wide(c).weights[0] = -0.5f; }},
      {"wide: weight NaN", [&](Calibration* c) { wide(c).weights[1] = kNan; }},
      {"wide: no weight",
       [&](Calibration* c) {
         wide(c).weights = {0, 0};
       }},
      {"wide: effort falling", [&](Calibration* c) { wide(c).efforts[1] = 1; }},
      {"wide: effort infinite", [&](Calibration* c) { wide(c).efforts[2] = kInf; }},
      {"wide: recall falling", [&](Calibration* c) { wide(c).recalls[5] = 0.25f; }},
      {"wide: recall above 1", [&](Calibration* c) { wide(c).recalls[2] = 2; }},
      {"wide: groups without efforts", [&](Calibration* c) {
         wide(c).efforts.clear();
         wide(c).recalls.clear();
       }}};
  ExpectRefused(damages, "query_efforts");
}

// An older kith that measures a file anew copies the section, which it does not know.
TEST(NeedSectionTest, OfAnotherCalibrationCountsForNothing) {
  const TempDir dir;
  const Calibration before = Sample();
  ASSERT_TRUE(WriteFile(&before, dir.File("x.kith")).ok());
  ContainerImage image(testing::ReadFile(dir.File("x.kith")));
  const uint32_t queries = before.num_queries + 1;
  std::memcpy(image.bytes().data() + image.OffsetOf(calibration::kCalibrationSection) + 4, &queries,
              sizeof(queries));
  image.Seal();
  testing::MemoryFile file;
  file.Write(image.bytes());
  const auto read = Read(file.path());
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->num_queries, queries);
  for (const CalibrationCurve& curve : read->curves) {
    EXPECT_TRUE(curve.need.empty());
    EXPECT_TRUE(curve.wide.empty());
  }
}

TEST(NeedSectionTest, IsNotThereWhereNothingIsKnown) {
  const TempDir dir;
  Calibration written = Sample();
  for (CalibrationCurve& curve : written.curves) {
    curve.need = {};
    curve.wide = {};
  }
  ASSERT_TRUE(WriteFile(&written, dir.File("x.kith")).ok());
  const auto read = Read(dir.File("x.kith"));
  ASSERT_TRUE(read.ok()) << read.status().message();
  ExpectSame(*read, written);
  EXPECT_EQ(testing::ReadFile(dir.File("x.kith")).find("query_efforts"), std::string::npos);
}

// What may be there may be counted: a drift meter has a place for each distance.
TEST(CalibrationSectionTest, HoldsNoMoreDistancesThanADriftMeterCounts) {
  const TempDir dir;
  for (const bool more : {false, true}) {
    Calibration calibration = Sample();
    calibration.nearest.assign(calibration::DriftMeter::kMostQuantiles + (more ? 1 : 0), 1.0f);
    ASSERT_TRUE(WriteFile(&calibration, dir.File("x.kith")).ok());
    EXPECT_EQ(Read(dir.File("x.kith")).ok(), !more);
  }
}

class CalibrationBytesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const TempDir dir;
    const Calibration written = Sample();
    ASSERT_TRUE(WriteFile(&written, dir.File("x.kith")).ok());
    image_ = ContainerImage(testing::ReadFile(dir.File("x.kith")));
    for (size_t i = 0; i < image_.header().section_count; ++i) {
      if (storage::SectionName(image_.entry(i)) == calibration::kCalibrationSection) at_ = i;
      if (storage::SectionName(image_.entry(i)) == calibration::kNeedSection) need_at_ = i;
    }
    ASSERT_TRUE(Use(image_).ok());
  }
  Result<Calibration> Use(ContainerImage image) {
    image.Seal();
    file_.Write(image.bytes());
    return Read(file_.path());
  }

  testing::MemoryFile file_;
  ContainerImage image_;
  size_t at_ = 0;       // of the section in the table
  size_t need_at_ = 0;  // of the one of needs
};

TEST_F(CalibrationBytesTest, EveryOtherSizeIsCorruption) {
  for (const size_t at : {at_, need_at_}) {
    const std::string name(storage::SectionName(image_.entry(at)));
    const uint64_t size = image_.entry(at).size;
    for (uint64_t cut = 0; cut <= size + 4; ++cut) {
      if (cut == size) continue;
      SCOPED_TRACE(::testing::Message() << name << " " << cut);
      ContainerImage image = image_;
      storage::SectionEntry entry = image.entry(at);
      entry.size = cut;
      image.SetEntry(at, entry);
      const auto read = Use(image);
      ASSERT_FALSE(read.ok());
      ExpectError(read.status(), StatusCode::kCorruption, name);
    }
  }
}

TEST_F(CalibrationBytesTest, CountsThatLieAreCorruption) {
  struct Place {
    std::string_view section;
    size_t offset;
  };
  // num_curves, num_quantiles, and each curve's num_points; num_curves and each curve's counts.
  std::vector<Place> places;
  for (const size_t at : {8, 12, 32 + 8, 32 + 16 + 8, 32 + 32 + 8}) {
    places.push_back({calibration::kCalibrationSection, at});
  }
  places.push_back({calibration::kNeedSection, 0});
  for (const size_t curve : {0, 1, 2}) {
    for (const size_t at : {0, 4, 8, 12}) {
      places.push_back({calibration::kNeedSection, 16 + 24 * curve + at});
    }
  }
  for (const Place& place : places) {
    for (const uint32_t change : {1u, 2u, 1000u, 0x7FFFFFFFu, 0xFFFFFFFFu}) {
      SCOPED_TRACE(::testing::Message()
                   << place.section << ", byte " << place.offset << ", change " << change);
      ContainerImage image = image_;
      char* at = image.bytes().data() + image.OffsetOf(place.section) + place.offset;
      uint32_t value = 0;
      std::memcpy(&value, at, sizeof(value));
      value += change;
      std::memcpy(at, &value, sizeof(value));
      const auto read = Use(image);
      ASSERT_FALSE(read.ok());
      ExpectError(read.status(), StatusCode::kCorruption, place.section);
    }
  }
}

// ---- The effort of a recall.

EffortForRecall Find(IndexKind index, size_t k, double recall) {
  return FindEffort(Sample(), index, k, recall);
}

void ExpectEffort(const EffortForRecall& found, double effort, double recall, bool reachable) {
  EXPECT_TRUE(found.known);
  EXPECT_EQ(found.reachable, reachable);
  EXPECT_NEAR(found.effort, effort, 1e-4);
  EXPECT_NEAR(found.recall, recall, 1e-6);
}

TEST(FindEffortTest, IsThatOfAMeasuredPoint) {
  ExpectEffort(Find(IndexKind::kGraph, 10, 0.9f), 20, 0.9, true);
  ExpectEffort(Find(IndexKind::kGraph, 10, 0.98f), 40, 0.98, true);
  ExpectEffort(Find(IndexKind::kGraph, 30, 0.9f), 60, 0.9, true);
  ExpectEffort(Find(IndexKind::kForest, 10, 0.8f), 400, 0.8, true);
}

TEST(FindEffortTest, IsLinearBetweenPoints) {
  ExpectEffort(Find(IndexKind::kGraph, 10, 0.85), 15, 0.85, true);
  ExpectEffort(Find(IndexKind::kGraph, 10, 0.96), 35, 0.96, true);
  ExpectEffort(Find(IndexKind::kForest, 10, 0.5), 175, 0.5, true);
}

TEST(FindEffortTest, OfLittleRecallIsTheLeastMeasuredAndSaysWhatItGives) {
  ExpectEffort(Find(IndexKind::kGraph, 10, 0.2), 5, 0.5, true);
  ExpectEffort(Find(IndexKind::kForest, 10, 0.01), 100, 0.4, true);
}

TEST(FindEffortTest, BeyondTheLastPointIsNotReached) {
  ExpectEffort(Find(IndexKind::kGraph, 10, 0.99), 40, 0.98, false);
  ExpectEffort(Find(IndexKind::kForest, 10, 1.0), 400, 0.8, false);
}

TEST(FindEffortTest, IsLinearBetweenKs) {
  // 0.9 takes 20 for k = 10 and 60 for k = 30.
  ExpectEffort(Find(IndexKind::kGraph, 20, 0.9f), 40, 0.9, true);
  ExpectEffort(Find(IndexKind::kGraph, 15, 0.9f), 30, 0.9, true);
  // The lowest points: 5 with 0.5 and 30 with 0.7. Both give more than asked for.
  ExpectEffort(Find(IndexKind::kGraph, 20, 0.1), 17.5, 0.6, true);
  // Of 0.6, the one gives just that, the other 0.7.
  ExpectEffort(Find(IndexKind::kGraph, 20, 0.6), (5 + 5.0 / 3 + 30) / 2, 0.65, true);
  // Reached by k = 10 only.
  const EffortForRecall found = Find(IndexKind::kGraph, 20, 0.97);
  EXPECT_FALSE(found.reachable);
  EXPECT_TRUE(found.known);
  EXPECT_NEAR(found.recall, 0.95, 1e-6);
}

TEST(FindEffortTest, BelowTheSmallestKIsThatOfTheSmallest) {
  ExpectEffort(Find(IndexKind::kGraph, 1, 0.9f), 20, 0.9, true);
  ExpectEffort(Find(IndexKind::kForest, 3, 0.8f), 400, 0.8, true);
}

TEST(FindEffortTest, GrowsWithKBeyondTheLargest) {
  ExpectEffort(Find(IndexKind::kGraph, 60, 0.9f), 120, 0.9, true);
  ExpectEffort(Find(IndexKind::kForest, 25, 0.8f), 1000, 0.8, true);
  EXPECT_FALSE(Find(IndexKind::kGraph, 60, 0.96).reachable);
}

TEST(FindEffortTest, OfWhatWasNotMeasuredIsUnknown) {
  Calibration graph_only = Sample();
  graph_only.curves.pop_back();
  const EffortForRecall found = FindEffort(graph_only, IndexKind::kForest, 10, 0.5);
  EXPECT_FALSE(found.known);
  EXPECT_FALSE(found.reachable);
  EXPECT_FALSE(FindEffort({}, IndexKind::kGraph, 10, 0.5).known);
}

// Equal recall at several efforts: the least, and no division by nothing.
TEST(FindEffortTest, OfAFlatCurveIsItsBeginning) {
  Calibration flat;
  flat.source = CalibrationSource::kHeldOut;
  flat.curves = {Curve(IndexKind::kGraph, 10, {{10, 0.7f}, {20, 0.9f}, {30, 0.9f}, {40, 0.9f}})};
  const EffortForRecall found = FindEffort(flat, IndexKind::kGraph, 10, 0.9f);
  EXPECT_EQ(found.effort, 20);
  EXPECT_TRUE(found.reachable);
}

// Whatever the k, more recall takes no less effort.
TEST(FindEffortTest, IsMonotoneInTheRecall) {
  for (const size_t k : {1, 10, 13, 20, 30, 31, 500}) {
    double last = 0;
    for (double recall = 0.01; recall < 0.95; recall += 0.003) {
      const EffortForRecall found = Find(IndexKind::kGraph, k, recall);
      ASSERT_GE(found.effort, last) << "k " << k << ", recall " << recall;
      ASSERT_GE(found.recall, recall - 1e-6) << "k " << k << ", recall " << recall;
      last = found.effort;
    }
  }
}

}  // namespace
}  // namespace kith
