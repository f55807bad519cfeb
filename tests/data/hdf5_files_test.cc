// Reading HDF5 files that others wrote (tests/golden/hdf5), and files that mean harm.
#include <gtest/gtest.h>

#include <random>

#include "data/data_test_util.h"
#include "data/hdf5_mutants.h"
#include "sanitized.h"

namespace kith {
namespace {

using testing::Hdf5Seed;
using testing::Hdf5Seeds;
using testing::kSanitized;

constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;

const Matrix kTrain = {{0, 1, 2},    {10, 11, 12}, {20, 21, 22}, {30, 31, 32},
                       {40, 41, 42}, {50, 51, 52}, {60, 61, 62}};

std::string Golden(const std::string& name) {
  return ReadFile(std::string(KITH_HDF5_FILES) + "/" + name + ".h5");
}

ReadOptions First(uint64_t rows) {
  ReadOptions options;
  options.max_rows = rows;
  return options;
}

// Puts a little-endian number where `what` begins in the file, and `offset` behind it.
template <class T>
void Put(std::string* bytes, std::string_view what, size_t offset, T value) {
  const size_t at = bytes->find(what);
  ASSERT_NE(at, std::string::npos) << what;
  ASSERT_LE(at + offset + sizeof(T), bytes->size());
  std::memcpy(bytes->data() + at + offset, &value, sizeof(T));
}

TEST(Hdf5Files, LayoutsThatAreRead) {
  const std::pair<const char*, DataType> files[] = {
      {"plain", DataType::kF32},      {"userblock", DataType::kF32},
      {"bigendian", DataType::kF32},  {"float64", DataType::kF32},
      {"float16", DataType::kF16},    {"int32", DataType::kU8},
      {"chunks", DataType::kF32},     {"gzip", DataType::kF32},
      {"growing", DataType::kF32},    {"fletcher32", DataType::kU8},
      {"many", DataType::kF32},       {"headers2", DataType::kF32},
      {"compact110", DataType::kF32}, {"single110", DataType::kF32},
      {"implicit110", DataType::kF32}};
  for (const auto& [name, dtype] : files) {
    SCOPED_TRACE(name);
    const std::string bytes = Golden(name);
    const Result<Dataset> set = ReadBytes("a.h5", bytes);
    ExpectSet(set, "hdf5", dtype, kTrain);
    if (!set.ok()) continue;
    EXPECT_EQ(set->metric, Metric::kEuclidean);
    // With 4 rows, chunks are cut; the type is then that of these rows.
    const Result<Dataset> four = ReadBytes("a.h5", bytes, First(4));
    ASSERT_TRUE(four.ok()) << four.status().message();
    EXPECT_EQ(Rows(four->vectors), Matrix(kTrain.begin(), kTrain.begin() + 4));
    const Result<GroundTruth> truth = data::ReadTruthInput(MakeInput("a.h5", bytes));
    ASSERT_TRUE(truth.ok()) << truth.status().message();
    EXPECT_EQ(truth->ids, (std::vector<int64_t>{0, 1, 1, -1}));
    EXPECT_EQ(truth->distances, (std::vector<float>{0, 3, 0, INFINITY}));
  }
  const Result<Dataset> bits = ReadBytes("a.h5", Golden("bool"));
  ASSERT_TRUE(bits.ok()) << bits.status().message();
  EXPECT_EQ(bits->vectors.dtype, DataType::kBit);
  EXPECT_EQ(Row(bits->vectors, 6), (std::vector<float>{0, 1, 0}));
}

TEST(Hdf5Files, PlainOnesAreReadInPlace) {
  const data::Input input = MakeInput("a.h5", Golden("plain"));
  const Result<Dataset> set = data::ReadInput(input, {});
  ASSERT_TRUE(set.ok());
  const auto* begin = static_cast<const std::byte*>(set->vectors.data);
  EXPECT_GE(begin, input.bytes.data());
  EXPECT_LT(begin, input.bytes.data() + input.bytes.size());
}

TEST(Hdf5Files, LayoutsThatAreNotReadAreNamed) {
  ExpectError(ReadBytes("a.h5", Golden("fixed110")), StatusCode::kUnsupported,
              {"a.h5", "chunks with an index of kind 3", "write the file anew"});
  ExpectError(ReadBytes("a.h5", Golden("lzf")), StatusCode::kUnsupported,
              {"a.h5", "'train' is packed by filter 32000", "write the file anew"});
}

// With one byte of this heap changed, the HDF5 library crashed, or never returned.
TEST(Hdf5Files, HeapOfTexts) {
  std::string bytes = Golden("plain");
  Put(&bytes, "GCOL", 25, uint8_t{255});  // a text longer than the heap
  ExpectError(ReadBytes("a.h5", bytes), kInvalid, {"a.h5: byte", "texts within their heap"});
  Put(&bytes, "GCOL", 25, uint8_t{1});  // one with room behind it
  const Result<Dataset> set = ReadBytes("a.h5", bytes);
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->metric, Metric::kEuclidean);
  bytes = Golden("plain");
  Put(&bytes, "GCOL", 16, uint16_t{7});
  ExpectError(ReadBytes("a.h5", bytes), kInvalid, {"text number 1 in a heap"});
}

TEST(Hdf5Files, ChunksThatLie) {
  // The first node of the tree of chunks in gzip.h5: 24 bytes, then 4 of the chunk's size.
  const std::string good = Golden("gzip");
  const size_t tree = good.find("TREE\1");
  ASSERT_NE(tree, std::string::npos);
  const auto changed = [&](size_t offset, uint64_t value, size_t width) {
    std::string bytes = good;
    std::memcpy(bytes.data() + tree + offset, &value, width);
    return bytes;
  };
  constexpr size_t kEntry = 4 + 4 + 3 * 8 + 8;
  ExpectError(ReadBytes("a.h5", changed(24, 1 << 30, 4)), kInvalid, {"bytes stored in a file of"});
  ExpectError(ReadBytes("a.h5", changed(24 + 8, 3, 8)), kInvalid, {"each chunk", "once"});
  ExpectError(ReadBytes("a.h5", changed(24 + 8, 4, 8)), kInvalid, {"chunk within the data set"});
  ExpectError(ReadBytes("a.h5", changed(24 + 32, good.size() - 2, 8)), kInvalid, {"a chunk of"});
  ExpectError(ReadBytes("a.h5", changed(6, 2, 2)), kInvalid, {"row 3", "never written"});
  // The first chunk's bytes are those of the second.
  uint64_t second = 0;
  std::memcpy(&second, good.data() + tree + 24 + kEntry + 32, sizeof(second));
  std::string bytes = good;
  bytes[second + 10] ^= 1;
  ExpectError(ReadBytes("a.h5", bytes), kInvalid, {"checksum"});
}

// In growing.h5 a chunk has 100 rows, more than there are. One of far more is refused before any
// memory is taken for it.
TEST(Hdf5Files, ChunksLargerThanTheDataSet) {
  std::string bytes = Golden("growing");
  const std::string shape = Raw<uint32_t>(100, 3, 4);
  Put(&bytes, shape, 0, uint32_t{0x10000000});
  ExpectError(ReadBytes("a.h5", bytes), kInvalid, {"chunks that a file of", "268435456 x 3"});
  bytes = Golden("growing");
  Put(&bytes, shape, 0, uint32_t{200});  // 2,400 bytes, of which the packed chunk has half
  ExpectError(ReadBytes("a.h5", bytes), kInvalid, {"a chunk packed from 2400 bytes"});
}

TEST(Hdf5Files, TreesAndHeadersThatLeadBackToThemselves) {
  std::string bytes = Golden("plain");
  const auto tree = static_cast<uint64_t>(bytes.find("TREE"));
  Put(&bytes, "TREE", 5, uint8_t{1});           // no leaf, but what is above one
  Put(&bytes, "TREE", 24 + 8, uint64_t{tree});  // its child is itself
  ExpectError(ReadBytes("a.h5", bytes), kInvalid, {"one level lower"});
  // The continuation of the messages in headers2.h5 says that it continues where it is.
  bytes = Golden("headers2");
  const auto more = static_cast<uint64_t>(bytes.find("OCHK"));
  const std::string address = Raw<uint64_t>(more);
  const size_t from = bytes.find(address);
  ASSERT_NE(from, std::string::npos);
  constexpr size_t kMessage = 4 + 16;
  bytes.replace(more + 4, kMessage, bytes.substr(from - 4, kMessage));
  bytes.replace(more + 4 + kMessage, 4, Literal("\0\x12\0\0"));  // the rest is an empty message
  ExpectError(ReadBytes("a.h5", bytes), kInvalid, {"messages of an object, and no others twice"});
}

// Every byte changed, and pieces changed by those who know them: a data set or an error, soon.
TEST(Hdf5Files, DamagedInEveryPlace) {
  size_t read = 0, refused = 0;
  const auto try_one = [&](const std::string& bytes) {
    const Result<Dataset> set = ReadBytes("a.h5", bytes);
    set.ok() ? ++read : ++refused;
    if (set.ok()) {
      EXPECT_LE(set->vectors.rows * set->vectors.dim, 64u * bytes.size());
    } else {
      EXPECT_NE(set.status().message().find("a.h5"), std::string::npos) << set.status().message();
    }
    (void)data::ReadTruthInput(MakeInput("a.h5", bytes));
  };
  std::mt19937 random(1);
  ASSERT_GE(Hdf5Seeds().size(), 18u);
  for (const Hdf5Seed& seed : Hdf5Seeds()) {
    SCOPED_TRACE(seed.name());
    const size_t step = kSanitized ? 11 : 1;
    for (size_t i = 0; i < seed.places().size(); i += step) {
      std::string bytes = seed.bytes();
      char& byte = bytes[seed.places()[i]];
      for (const char value : {'\0', '\1', '\xFF', static_cast<char>(byte ^ 0x80)}) {
        byte = value;
        try_one(bytes);
      }
    }
    for (int i = 0; i < (kSanitized ? 200 : 2000); ++i) {
      std::string bytes = seed.bytes();
      for (uint32_t n = random() % 4 + 1; n > 0; --n) {
        const auto place = static_cast<uint32_t>(random());
        const auto how = static_cast<uint32_t>(random());
        seed.Change(place, how, static_cast<uint32_t>(random()), &bytes);
      }
      if (random() % 8 == 0) bytes.resize(random() % bytes.size());
      try_one(bytes);
    }
  }
  EXPECT_GT(read, refused / 10);
  EXPECT_GT(refused, read / 10);
}

}  // namespace
}  // namespace kith
