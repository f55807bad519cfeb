// Models in files, sound and otherwise.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "kith/index.h"
#include "kith/reduce.h"
#include "reduction/model.h"
#include "reduction/reduction_data.h"
#include "reduction/section.h"

namespace kith {
namespace {

class ModelFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::path(::testing::TempDir()) /
        ("reduce_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string Path(const std::string& name) const { return (directory_ / name).string(); }

  std::filesystem::path directory_;
};

TEST_F(ModelFileTest, ComesBackAsItWas) {
  const Rows rows = SpectrumRows(200, 13, 1);
  for (const ReduceMethod method : {ReduceMethod::kPca, ReduceMethod::kGaussian,
                                    ReduceMethod::kSparse, ReduceMethod::kTruncate}) {
    ReduceOptions options;
    options.method = method;
    options.dim = 5;
    options.metric = Metric::kDot;
    options.whiten = method == ReduceMethod::kPca;
    const Reducer before = Fitted(rows, options);
    ASSERT_TRUE(before.Save(Path("m.kith")).ok());
    EXPECT_TRUE(IsReducerFile(Path("m.kith")));
    const auto after = Reducer::Open(Path("m.kith"));
    ASSERT_TRUE(after.ok()) << after.status().message();
    EXPECT_EQ(Reduced(before, rows), Reduced(*after, rows));
    EXPECT_EQ(after->method(), method);
    EXPECT_EQ(after->metric(), Metric::kDot);
    EXPECT_EQ(after->KeptVariance(3), before.KeptVariance(3));
    const Status sound = VerifyIndex(Path("m.kith"));
    EXPECT_TRUE(sound.ok()) << sound.message();
  }
}

TEST_F(ModelFileTest, IsNoIndexAndAnIndexIsNoModel) {
  const Rows rows = SpectrumRows(30, 4, 1);
  ASSERT_TRUE(Fitted(rows, {}).Save(Path("m.kith")).ok());
  const auto index = OpenIndex(Path("m.kith"));
  ExpectRefused(index.status(), {"m.kith", "model"});
  ASSERT_TRUE(BuildIndex(rows.view(), Path("i.kith"), {}).ok());
  EXPECT_FALSE(IsReducerFile(Path("i.kith")));
  ExpectRefused(Reducer::Open(Path("i.kith")).status(), {"i.kith", "not of a model"});
  EXPECT_EQ(Reducer::Open(Path("none.kith")).status().code(), StatusCode::kNotFound);
}

// A section whose bytes were changed, put in a container with right checksums.
Status OpenChanged(const std::string& path, const Reducer& reducer,
                   const std::function<void(std::vector<std::byte>*)>& change, bool verify) {
  std::vector<std::byte> bytes(reducer.model().bytes().begin(), reducer.model().bytes().end());
  change(&bytes);
  auto writer =
      storage::ContainerWriter::Create(path, 0, reducer.dim(), reducer.metric(), DataType::kF32);
  KITH_RETURN_IF_ERROR((*writer)->AddSection(reduction::kReductionSection, bytes));
  KITH_RETURN_IF_ERROR((*writer)->Finish());
  return verify ? VerifyIndex(path) : Reducer::Open(path).status();
}

TEST_F(ModelFileTest, HostileHeadersAreRefusedAsTheyAreOpened) {
  const Reducer reducer = Fitted(SpectrumRows(60, 9, 1), {});
  const auto with = [&](const std::function<void(reduction::ModelHeader*)>& change) {
    return OpenChanged(
        Path("x.kith"), reducer,
        [&](std::vector<std::byte>* bytes) {
          reduction::ModelHeader header;
          std::memcpy(&header, bytes->data(), sizeof(header));
          change(&header);
          std::memcpy(bytes->data(), &header, sizeof(header));
        },
        false);
  };
  EXPECT_TRUE(with([](auto*) {}).ok());
  EXPECT_EQ(with([](auto* h) { h->method = 4; }).code(), StatusCode::kUnsupported);
  EXPECT_EQ(with([](auto* h) { h->flags = 4; }).code(), StatusCode::kUnsupported);
  EXPECT_EQ(with([](auto* h) { h->metric = 5; }).code(), StatusCode::kUnsupported);
  EXPECT_EQ(with([](auto* h) { h->reserved[19] = 1; }).code(), StatusCode::kUnsupported);
  for (const uint32_t dim : {0u, 8u, 10u, 0x80000000u, 0xFFFFFFFFu}) {
    EXPECT_EQ(with([&](auto* h) { h->dim = dim; }).code(), StatusCode::kCorruption) << dim;
    EXPECT_EQ(with([&](auto* h) { h->source_dim = dim; }).code(), StatusCode::kCorruption) << dim;
  }
  EXPECT_EQ(with([](auto* h) { h->method = 3; }).code(), StatusCode::kCorruption);
  EXPECT_EQ(with([](auto* h) { h->method = 1, h->flags = 2; }).code(), StatusCode::kCorruption);
  for (const size_t size : {size_t{0}, size_t{63}, size_t{64}, size_t{500}}) {
    const Status status = OpenChanged(
        Path("x.kith"), reducer, [&](std::vector<std::byte>* b) { b->resize(size); }, false);
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << size;
    EXPECT_NE(status.message().find("reduction"), std::string::npos) << status.message();
  }
}

TEST_F(ModelFileTest, ContentsThatLieAreFoundByVerifying) {
  const Rows rows = SpectrumRows(60, 9, 1);
  const Reducer reducer = Fitted(rows, {});
  const size_t size = reducer.model().bytes().size();
  const size_t mean = 64 + 128;      // behind nine variances
  const size_t columns = mean + 64;  // behind nine floats
  const auto put = [&](size_t at, uint32_t bits) {
    return [at, bits](std::vector<std::byte>* b) { std::memcpy(b->data() + at, &bits, 4); };
  };
  constexpr uint32_t kNanHalf = 0x7FF80000;  // the upper half of a double, or a float
  constexpr uint32_t kMinusOne = 0xBF800000;
  constexpr uint32_t kThree = 0x40400000;
  constexpr uint32_t kHuge = 0x7A000000;  // 1.7e35
  for (const auto& [at, bits] :
       std::vector<std::pair<size_t, uint32_t>>{{36, kNanHalf},
                                                {36, kMinusOne},
                                                {64 + 4, kNanHalf},
                                                {64 + 4, kMinusOne},
                                                {64 + 12, 0x7F000000},  // above the one before
                                                {64 + 124, 1},
                                                {mean, kNanHalf},
                                                {mean + 60, 1},
                                                {columns, kNanHalf},
                                                {columns, kHuge},
                                                {columns, kThree},
                                                {size - 4, 1}}) {
    EXPECT_TRUE(OpenChanged(Path("x.kith"), reducer, put(at, bits), false).ok());
    const Status status = OpenChanged(Path("x.kith"), reducer, put(at, bits), true);
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << at << ' ' << bits;
  }
  // Whoever does not verify gets an error of what it gives, and no NaN.
  ASSERT_TRUE(OpenChanged(Path("x.kith"), reducer, put(columns, kNanHalf), false).ok());
  std::vector<float> out(rows.rows * 9);
  EXPECT_FALSE(Reducer::Open(Path("x.kith"))->Transform(rows.view(), out.data()).ok());
}

TEST_F(ModelFileTest, CutAndChangedFilesAreRefused) {
  ASSERT_TRUE(Fitted(SpectrumRows(60, 9, 1), {}).Save(Path("m.kith")).ok());
  std::ifstream in(Path("m.kith"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const auto write = [&](const std::string& content) {
    std::ofstream(Path("x.kith"), std::ios::binary) << content;
  };
  for (size_t size = 0; size < bytes.size(); size += 97) {
    write(bytes.substr(0, size));
    EXPECT_FALSE(Reducer::Open(Path("x.kith")).ok()) << size;
  }
  for (size_t at = 4096; at < bytes.size(); at += 53) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    write(changed);
    EXPECT_FALSE(VerifyIndex(Path("x.kith")).ok()) << at;
    (void)Reducer::Open(Path("x.kith"));
  }
}

}  // namespace
}  // namespace kith
