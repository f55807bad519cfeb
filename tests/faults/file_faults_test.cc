// Reading and writing files of vectors without enough memory.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "faults/sweep.h"
#include "kith/dataset.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::Matrix;
using testing::Sweep;
using testing::TempDir;

class FileFaultsTest : public ::testing::TestWithParam<std::string> {
 protected:
  FileFaultsTest() {
    const bool words = GetParam() == "glove.txt" || GetParam() == "w2v.txt" ||
                       GetParam() == "w2v.bin" || GetParam() == "csv";
    for (size_t i = 0; words && i < rows_.rows(); ++i) keys_.Add("word" + std::to_string(i));
  }

  // What WriteDataset() calls it.
  static std::string Format() {
    if (GetParam() == "glove.txt") return "glove";
    if (GetParam() == "w2v.txt") return "word2vec-text";
    if (GetParam() == "w2v.bin") return "word2vec-bin";
    return "";
  }

  TempDir dir_;
  Matrix rows_ = Matrix::Random(DataType::kU8, 300, 9, 1);
  StringList keys_;
};

TEST_P(FileFaultsTest, ReadingAndWriting) {
  const std::string path = dir_.File("x." + GetParam());
  const Status written = WriteDataset(path, Format(), rows_.view(), keys_);
  if (written.code() == StatusCode::kUnsupported) GTEST_SKIP() << written.message();
  ASSERT_TRUE(written.ok()) << written.message();
  Sweep(
      40,
      [&] {
        const auto read = ReadDataset(path);
        if (read.ok()) EXPECT_EQ(read->vectors.rows, rows_.rows());
        return read.status();
      },
      [](const Status&) {});
  std::filesystem::remove(path);
  Sweep(
      30, [&] { return WriteDataset(path, Format(), rows_.view(), keys_); },
      [&](const Status& status) {
        ASSERT_EQ(dir_.NumFiles(), status.ok() ? 1u : 0u);
        std::filesystem::remove(path);
      });
}

INSTANTIATE_TEST_SUITE_P(Formats, FileFaultsTest,
                         ::testing::Values("csv", "npy", "fvecs", "bvecs", "u8bin", "glove.txt",
                                           "w2v.txt", "w2v.bin", "hdf5"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name) c = c == '.' ? '_' : c;
                           return name;
                         });

TEST(TruthFileFaultsTest, ReadingAndWriting) {
  const TempDir dir;
  GroundTruth truth{
      .num_queries = 50, .k = 6, .ids = std::vector<int64_t>(300, 3), .distances = {}};
  for (const char* const extension : {"ivecs", "ibin", "npy"}) {
    const std::string path = dir.File(std::string("x.") + extension);
    Sweep(
        20, [&] { return WriteGroundTruth(path, truth); },
        [&](const Status& status) {
          ASSERT_EQ(dir.NumFiles(), status.ok() ? 1u : 0u);
          std::filesystem::remove(path);
        });
    ASSERT_TRUE(WriteGroundTruth(path, truth).ok());
    Sweep(
        20, [&] { return ReadGroundTruth(path).status(); }, [](const Status&) {});
    std::filesystem::remove(path);
  }
}

}  // namespace
}  // namespace kith
