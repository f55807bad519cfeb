// Finding formats, files on disk, labels, and what all readers have in common.
#include "kith/dataset.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/file.h"
#include "base/rng.h"
#include "data/data_test_util.h"
#include "test_pool.h"

namespace kith {
namespace {

constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;

// Reads everything that a result shows, so that sanitizers see views beyond their memory.
void TouchAll(const Result<Dataset>& set) {
  if (!set.ok()) return;
  const MatrixView& m = set->vectors;
  ASSERT_GT(m.rows, 0u);
  ASSERT_GT(m.dim, 0u);
  ASSERT_LE(m.dim, kMaxDim);
  ASSERT_GE(m.stride, RowBytes(m.dtype, m.dim));
  ASSERT_TRUE(set->keys.empty() || set->keys.size() == m.rows);
  for (size_t i = 0; i < m.rows; ++i) Row(m, i);
}

std::string ExtensionOf(const std::string& format) {
  if (format == "word2vec-bin") return "bin";
  if (format == "word2vec-text") return "vec";
  return format;
}

TEST(FindFormat, ByContentWithTheExtension) {
  for (const Golden& golden : GoldenFiles()) {
    const Result<Dataset> set = ReadBytes("a." + ExtensionOf(golden.format), golden.contents);
    ASSERT_TRUE(set.ok()) << golden.format << ": " << set.status().message();
    EXPECT_EQ(set->format, golden.format);
  }
}

TEST(FindFormat, ByContentAloneWhereItSuffices) {
  for (const Golden& golden : GoldenFiles()) {
    const Result<Dataset> set = ReadBytes("a", golden.contents);
    if (golden.format == "u8bin" || golden.format == "i8bin") {
      ExpectError(set, kInvalid, {"a: its content could be u8bin or i8bin", "name its format"});
      continue;
    }
    ASSERT_TRUE(set.ok()) << golden.format << ": " << set.status().message();
    EXPECT_EQ(set->format, golden.format);
  }
}

TEST(FindFormat, ContentGoesBeforeAWrongExtension) {
  for (const Golden& golden : GoldenFiles()) {
    if (golden.format == "u8bin" || golden.format == "i8bin") continue;
    // An extension decides only between formats that the content leaves open.
    for (const char* name : {"a.npy", "a.hdf5", "a.idx", "a.bvecs", "a.u8bin", "a.txt"}) {
      const Result<Dataset> set = ReadBytes(name, golden.contents);
      ASSERT_TRUE(set.ok()) << golden.format << " as " << name << ": " << set.status().message();
      EXPECT_EQ(set->format, golden.format) << name;
    }
  }
}

TEST(FindFormat, PlainNumbersAreCsvAndNotWords) {
  EXPECT_EQ(ReadBytes("a.txt", "1 2 3\n4 5 6\n")->format, "csv");
  EXPECT_EQ(ReadBytes("a.txt", "1 2\n4 5\n")->format, "csv");
  EXPECT_EQ(ReadBytes("a.txt", "1\n2\n")->format, "csv");
  EXPECT_EQ(ReadBytes("a.txt", "1,2\n3,4\n")->format, "csv");
  EXPECT_EQ(ReadBytes("glove.2d.txt", "1 2 3\n4 5 6\n")->format, "glove");
  EXPECT_EQ(ReadBytes("a.txt", "New York\t1\t2\nRome\t3\t4\n")->format, "csv");
}

TEST(FindFormat, BadFilesKeepTheirExtensionsReader) {
  ExpectError(ReadBytes("a.fvecs", Raw<int32_t>(2, 1, 2, 2, 1)), kInvalid, {"byte 12"});
  ExpectError(ReadBytes("a.npy", Literal("\0\1\2")), kInvalid, {"magic number of npy"});
}

TEST(FindFormat, RefusesWhatItDoesNotKnow) {
  ExpectError(ReadBytes("a", ""), kInvalid, {"a: byte 0", "empty file"});
  ExpectError(ReadBytes("a.npy", ""), kInvalid, {"empty file"});
  ExpectError(ReadBytes("a", Literal("\x7f\x45LF\1\1\1\0\0\0\0\0")), kInvalid, {"name its format"});
  ExpectError(ReadBytes("a", Literal("\x89KITH\r\n\x1a\0\0\0\0")), kInvalid, {".kith file"});
  ExpectError(ReadBytesAs("parquet", "x"), kInvalid, {"'parquet'", "fvecs", "csv"});
}

TEST(AllReaders, EveryTruncationIsAnErrorOrFewerWholeRows) {
  const std::set<std::string> may_be_shorter = {"fvecs", "bvecs", "ivecs",
                                                "glove", "csv",   "word2vec-text"};
  for (const Golden& golden : GoldenFiles()) {
    for (size_t size = 0; size < golden.contents.size(); ++size) {
      const std::string cut = golden.contents.substr(0, size);
      const Result<Dataset> set = ReadBytesAs(golden.format, cut);
      TouchAll(set);
      TouchAll(ReadBytes("a." + ExtensionOf(golden.format), cut));
      TouchAll(ReadBytes("a", cut));
      // The last newline of word2vec may be missing.
      const bool whole = golden.format == "word2vec-bin" && size + 1 == golden.contents.size();
      if (may_be_shorter.count(golden.format) == 0 && !whole) {
        EXPECT_FALSE(set.ok()) << golden.format << " of " << size << " bytes";
      }
    }
  }
}

TEST(AllReaders, DamagedBytesNeverCrash) {
  Rng rng(7);
  for (const Golden& golden : GoldenFiles()) {
    for (int i = 0; i < 2000; ++i) {
      std::string bad = golden.contents;
      for (uint32_t flips = 1 + rng.Below(4); flips > 0; --flips) {
        bad[rng.Below(static_cast<uint32_t>(bad.size()))] = static_cast<char>(rng.Below(256));
      }
      TouchAll(ReadBytesAs(golden.format, bad));
      TouchAll(ReadBytes("a", bad));
      const Result<GroundTruth> truth = data::ReadTruthInput(MakeInput("a", bad));
      if (truth.ok()) {
        EXPECT_EQ(truth->ids.size(), truth->num_queries * truth->k);
      }
    }
  }
}

// Vectors of a type, with keys, for writing.
struct Sample {
  std::vector<std::byte> bytes;
  MatrixView view;
  StringList keys;
};

Sample MakeSample(DataType dtype, size_t rows, size_t dim) {
  Rng rng(3);
  std::vector<float> values(rows * dim);
  for (float& v : values) {
    const float number = static_cast<float>(rng.Normal());
    v = dtype == DataType::kBit  ? (number > 0 ? 1.0f : 0.0f)
        : dtype == DataType::kU8 ? static_cast<float>(rng.Below(256))
        : dtype == DataType::kI8 ? static_cast<float>(rng.Below(256)) - 128
                                 : number;
  }
  Sample sample;
  const size_t stride = RowBytes(dtype, dim) + 5;  // rows need not be dense
  sample.bytes.resize(rows * stride);
  EXPECT_TRUE(data::ConvertRows(ViewOf(values.data(), rows, dim), dtype, 0, rows,
                                sample.bytes.data(), stride)
                  .ok());
  sample.view = {sample.bytes.data(), rows, dim, stride, dtype};
  for (size_t i = 0; i < rows; ++i) sample.keys.Add("w\xc3\xb6rt-" + std::to_string(i));
  return sample;
}

bool CanHold(const std::string& format, DataType dtype) {
  if (format == "bvecs" || format == "u8bin" || format == "idx") {
    return dtype == DataType::kU8 || dtype == DataType::kBit;
  }
  if (format == "i8bin") return dtype == DataType::kI8 || dtype == DataType::kBit;
  if (format == "ivecs" || format == "ibin") {
    return dtype == DataType::kU8 || dtype == DataType::kI8 || dtype == DataType::kBit;
  }
  return true;
}

bool HasKeys(const std::string& format) {
  return format.starts_with("word2vec") || format == "glove" || format == "csv";
}

class RoundTrip : public testing::TestWithParam<std::tuple<std::string, DataType>> {};

TEST_P(RoundTrip, ReadsWhatWasWritten) {
  const auto& [format, dtype] = GetParam();
  const TempDir dir;
  const Sample sample = MakeSample(dtype, 23, 13);
  const std::string path = dir / ("a." + ExtensionOf(format));
  const StringList none;
  const Status written =
      WriteDataset(path, format, sample.view, HasKeys(format) ? sample.keys : none);
  if (format == "hdf5" && written.code() == StatusCode::kUnsupported) {
    GTEST_SKIP() << "KITH IS BUILT WITHOUT HDF5";
  }
  if (!CanHold(format, dtype)) {
    ExpectError(written, kInvalid, {path, "row 0, column ", "can't hold"});
    EXPECT_EQ(dir.CountFiles(), 0u);
    return;
  }
  ASSERT_TRUE(written.ok()) << written.message();
  EXPECT_EQ(dir.CountFiles(), 1u);
  const Result<Dataset> set = ReadDataset(path);
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->format, format);
  EXPECT_EQ(Rows(set->vectors), Rows(sample.view));
  ASSERT_EQ(set->keys.size(), HasKeys(format) ? 23u : 0u);
  for (size_t i = 0; i < set->keys.size(); ++i) EXPECT_EQ(set->keys[i], sample.keys[i]);
  // The same bytes are written again.
  const std::string again = dir / ("b." + ExtensionOf(format));
  ASSERT_TRUE(WriteDataset(again, "", set->vectors, set->keys).ok());
  EXPECT_EQ(ReadFile(again), ReadFile(path));
}

// All but the one that is only read.
std::vector<std::string> WrittenFormats() {
  std::vector<std::string> formats = DatasetFormats();
  std::erase(formats, "fasttext-bin");
  return formats;
}

INSTANTIATE_TEST_SUITE_P(AllFormats, RoundTrip,
                         testing::Combine(testing::ValuesIn(WrittenFormats()),
                                          testing::Values(DataType::kF32, DataType::kF16,
                                                          DataType::kBF16, DataType::kI8,
                                                          DataType::kU8, DataType::kBit)),
                         [](const testing::TestParamInfo<RoundTrip::ParamType>& test) {
                           std::string name = std::get<0>(test.param) + "_" +
                                              DataTypeName(std::get<1>(test.param));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(WriteDataset, NpyKeepsTheTypesItHas) {
  const TempDir dir;
  for (DataType dtype :
       {DataType::kF32, DataType::kF16, DataType::kI8, DataType::kU8, DataType::kBit}) {
    const Sample sample = MakeSample(dtype, 3, 5);
    ASSERT_TRUE(WriteDataset(dir / "a.npy", "", sample.view, {}).ok());
    const Result<Dataset> set = ReadDataset(dir / "a.npy");
    ASSERT_TRUE(set.ok());
    EXPECT_EQ(set->vectors.dtype, dtype);
    EXPECT_EQ(ReadFile(dir / "a.npy").find('\n') % 64, 63u);
  }
}

TEST(WriteDataset, RefusesWhatTheFormatCannotHold) {
  const TempDir dir;
  const float values[4] = {1, 2, 3, 2.5};
  const MatrixView view = ViewOf(values, 2, 2);
  const std::string bvecs = dir / "a.bvecs";
  ExpectError(WriteDataset(bvecs, "", view, {}), kInvalid, {bvecs, "row 1, column 1", "2.5"});
  ExpectError(WriteDataset(dir / "a.ibin", "", view, {}), kInvalid, {"row 1, column 1", "2.5"});
  StringList keys;
  keys.Add("a");
  keys.Add("b c");
  ExpectError(WriteDataset(dir / "a.npy", "", view, keys), kInvalid, {"npy", "keys"});
  ExpectError(WriteDataset(dir / "a.vec", "", view, {}), kInvalid, {"needs a word"});
  ExpectError(WriteDataset(dir / "a.bin", "", view, keys), kInvalid, {"row 1", "'b c'"});
  EXPECT_TRUE(WriteDataset(dir / "ok.vec", "", view, keys).ok());
  keys.Add("c");
  ExpectError(WriteDataset(dir / "a.csv", "", view, keys), kInvalid, {"2 keys", "got 3"});
  ExpectError(WriteDataset(dir / "a", "", view, {}), kInvalid, {"extension"});
  ExpectError(WriteDataset(dir / "a.npy.gz", "", view, {}), kInvalid, {"gzip"});
  ExpectError(WriteDataset(dir / "a.npy", "x", view, {}), kInvalid, {"'x'"});
  ExpectError(WriteDataset(dir / "no/a.npy", "", view, {}), StatusCode::kNotFound, {"no"});
  ExpectError(WriteDataset(dir / "a.npy", "", ViewOf(values, 0, 2), {}), kInvalid, {"none"});
  const float nan[1] = {NAN};
  ExpectError(WriteDataset(dir / "a.csv", "", ViewOf(nan, 1, 1), {}), kInvalid, {"NaN"});
  EXPECT_EQ(dir.CountFiles(), 1u);
}

TEST(WriteDataset, WordsThatTextCouldNotTellApart) {
  const TempDir dir;
  const float values[4] = {1, 2, 3, 4};
  const auto write = [&](const char* first, const char* second, const char* name) {
    StringList keys;
    keys.Add(first);
    keys.Add(second);
    const Status status = WriteDataset(dir / name, "", ViewOf(values, 2, 2), keys);
    if (!status.ok()) return false;
    const Result<Dataset> set = ReadDataset(dir / name);
    EXPECT_EQ(Keys(*set), (Words{first, second}));
    return true;
  };
  EXPECT_TRUE(write("a b", "c", "a.glove"));
  EXPECT_TRUE(write("a", "", "a.glove"));
  EXPECT_TRUE(write("7", "8", "a.glove"));
  EXPECT_FALSE(write("a", "b 7", "a.glove"));
  EXPECT_FALSE(write("a", "b\nc", "a.glove"));
  EXPECT_TRUE(write("a, \"b\" 7", "", "a.csv"));
  EXPECT_FALSE(write("a", "b\nc", "a.csv"));
  EXPECT_TRUE(write("a, b", "c d", "a.tsv"));
  EXPECT_EQ(ReadFile(dir / "a.tsv"), "key\tx0\tx1\n\"a, b\"\t1\t2\n\"c d\"\t3\t4\n");
  EXPECT_TRUE(write("", "7", "a.bin"));
}

TEST(WriteDataset, ADiskFullLeavesTheOldFile) {
  const TempDir dir;
  const Sample sample = MakeSample(DataType::kF32, 20, 8);
  const std::string path = dir / "a.fvecs";
  WriteFile(path, "old");
  FailWriteForTesting(0);
  const Status status = WriteDataset(path, "", sample.view, {});
  FailWriteForTesting(-1);
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_EQ(ReadFile(path), "old");
  EXPECT_EQ(dir.CountFiles(), 1u);
}

TEST(ReadDataset, NamesMissingFiles) {
  const TempDir dir;
  ExpectError(ReadDataset(dir / "none.npy"), StatusCode::kNotFound, {dir / "none.npy"});
  ExpectError(ReadDataset(dir / ""), kInvalid, {"directory"});
}

TEST(Labels, FromTextAndIdx) {
  const TempDir dir;
  WriteFile(dir / "a.fvecs", Raw<int32_t>(1, 0, 1, 0, 1, 0));
  WriteFile(dir / "labels.txt", "red\r\ngreen apple\n\n");
  WriteFile(dir / "labels.idx", Literal("\0\0\x08\x01\0\0\0\x03\x05\x00\xff"));
  WriteFile(dir / "labels.gz", Gzip(Literal("\0\0\x08\x01\0\0\0\x03\x05\x00\xff")));
  ReadOptions options;
  options.labels_path = dir / "labels.txt";
  EXPECT_EQ(Keys(*ReadDataset(dir / "a.fvecs", options)), (Words{"red", "green apple", ""}));
  for (const char* name : {"labels.idx", "labels.gz"}) {
    options.labels_path = dir / name;
    EXPECT_EQ(Keys(*ReadDataset(dir / "a.fvecs", options)), (Words{"5", "0", "255"}));
  }
  options.max_rows = 2;
  EXPECT_EQ(Keys(*ReadDataset(dir / "a.fvecs", options)), (Words{"5", "0"}));
  WriteFile(dir / "short.txt", "red\n");
  options = {};
  options.labels_path = dir / "short.txt";
  ExpectError(ReadDataset(dir / "a.fvecs", options), kInvalid,
              {"short.txt", "expected 3 labels", "a.fvecs", "got 1"});
  options.labels_path = dir / "none.txt";
  ExpectError(ReadDataset(dir / "a.fvecs", options), StatusCode::kNotFound, {"none.txt"});
}

TEST(Labels, FoundBesideMnistsImages) {
  const TempDir dir;
  WriteFile(dir / "t10k-images-idx3-ubyte.gz",
            Gzip(Literal("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x01\x07\x09")));
  const std::string images = dir / "t10k-images-idx3-ubyte.gz";
  EXPECT_TRUE(ReadDataset(images)->keys.empty());
  WriteFile(dir / "t10k-labels-idx1-ubyte", Literal("\0\0\x08\x01\0\0\0\x02\x03\x04"));
  EXPECT_EQ(Keys(*ReadDataset(images)), (Words{"3", "4"}));
  WriteFile(dir / "t10k-labels-idx1-ubyte.gz", Gzip(Literal("\0\0\x08\x01\0\0\0\x02\x05\x06")));
  EXPECT_EQ(Keys(*ReadDataset(images)), (Words{"5", "6"}));
  WriteFile(dir / "t10k-labels-idx1-ubyte.gz", Gzip(Literal("\0\0\x08\x01\0\0\0\x01\x05")));
  ExpectError(ReadDataset(images), kInvalid, {"labels-idx1", "expected 2 labels", "got 1"});
}

// The real files, where they are at hand.
std::string RealData(const std::string& name) {
  const char* directory = std::getenv("KITH_DATA");
  return directory == nullptr ? "" : std::string(directory) + "/" + name;
}

TEST(RealFiles, Mnist) {
  const std::string path = RealData("mnist/t10k-images-idx3-ubyte.gz");
  if (path.empty()) GTEST_SKIP() << "KITH_DATA IS NOT SET: MNIST IS NOT TESTED";
  const Result<Dataset> set = ReadDataset(path);
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->vectors.rows, 10000u);
  EXPECT_EQ(set->vectors.dim, 784u);
  EXPECT_EQ(set->vectors.dtype, DataType::kU8);
  ASSERT_EQ(set->keys.size(), 10000u);
  const Words first = {"7", "2", "1", "0", "4", "1", "4", "9", "5", "9"};
  for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(set->keys[i], first[i]);
}

TEST(RealFiles, Words) {
  const std::string path = RealData("words/words-en-100d.bin");
  if (path.empty()) GTEST_SKIP() << "KITH_DATA IS NOT SET: THE WORDS ARE NOT TESTED";
  const Result<Dataset> set = ReadDataset(path);
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->format, "word2vec-bin");
  EXPECT_EQ(set->vectors.rows, 108904u);
  EXPECT_EQ(set->vectors.dim, 100u);
  ASSERT_EQ(set->keys.size(), 108904u);
  EXPECT_EQ(set->keys[0], "</s>");
  EXPECT_TRUE(data::CheckFinite(set->vectors, TestPool()).ok());
  EXPECT_EQ(data::SmallestLossless(set->vectors, TestPool()).value(), DataType::kF32);
}

TEST(RealFiles, Descriptors) {
  const std::string path = RealData("descriptors/base.u8bin");
  if (path.empty()) GTEST_SKIP() << "KITH_DATA IS NOT SET: THE DESCRIPTORS ARE NOT TESTED";
  const Result<Dataset> set = ReadDataset(path);
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->vectors.rows, 400224u);
  EXPECT_EQ(set->vectors.dim, 128u);
  EXPECT_EQ(set->vectors.stride, 128u);
  EXPECT_EQ(set->vectors.dtype, DataType::kU8);
}

}  // namespace
}  // namespace kith
