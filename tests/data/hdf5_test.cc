// HDF5 files made with the HDF5 library itself.
#include <gtest/gtest.h>
#include <hdf5.h>

#include <chrono>
#include <thread>

#include "data/data_test_util.h"

namespace kith {
namespace {

constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;

// A file under construction.
class Hdf5File {
 public:
  explicit Hdf5File(const std::string& path)
      : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  ~Hdf5File() { H5Fclose(file_); }
  hid_t id() const { return file_; }

  void Add(const char* name, hid_t type, std::vector<hsize_t> lengths, const void* data,
           bool packed = false) {
    const hid_t space = H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (packed) {
      H5Pset_chunk(creation, static_cast<int>(lengths.size()), lengths.data());
      H5Pset_deflate(creation, 9);
    }
    const hid_t set = H5Dcreate2(file_, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (data != nullptr) {
      EXPECT_GE(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), 0);
    }
    H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
  }

  void AddDistance(const std::string& name, bool variable) {
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, variable ? H5T_VARIABLE : name.size());
    const hid_t attribute = H5Acreate2(file_, "distance", type, space, H5P_DEFAULT, H5P_DEFAULT);
    const char* text = name.c_str();
    EXPECT_GE(H5Awrite(attribute, type, variable ? static_cast<const void*>(&text) : text), 0);
    H5Aclose(attribute);
    H5Tclose(type);
    H5Sclose(space);
  }

 private:
  hid_t file_;
};

const float kTrain[6] = {1, -2, 0.5, 3, 4, 5};
const float kTest[2] = {7, 8};

ReadOptions QueryPart() {
  ReadOptions options;
  options.part = DatasetPart::kQueries;
  return options;
}

TEST(Hdf5, AnnBenchmarksLayout) {
  for (bool packed : {false, true}) {
    const TempDir dir;
    const std::string path = dir / "a.hdf5";
    const int32_t neighbors[2] = {2, 0};
    const float distances[2] = {0.5, 1};
    {
      Hdf5File file(path);
      file.Add("train", H5T_NATIVE_FLOAT, {3, 2}, kTrain, packed);
      file.Add("test", H5T_NATIVE_FLOAT, {1, 2}, kTest, packed);
      file.Add("neighbors", H5T_NATIVE_INT32, {1, 2}, neighbors, packed);
      file.Add("distances", H5T_NATIVE_FLOAT, {1, 2}, distances, packed);
      file.AddDistance("angular", packed);
    }
    const Result<Dataset> train = ReadDataset(path);
    ExpectSet(train, "hdf5", DataType::kF32, {{1, -2}, {0.5, 3}, {4, 5}});
    EXPECT_EQ(train->metric, Metric::kAngular);
    ExpectSet(ReadDataset(path, QueryPart()), "hdf5", DataType::kF32, {{7, 8}});
    const Result<GroundTruth> truth = ReadGroundTruth(path);
    ASSERT_TRUE(truth.ok()) << truth.status().message();
    EXPECT_EQ(truth->ids, (std::vector<int64_t>{2, 0}));
    EXPECT_EQ(truth->distances, (std::vector<float>{0.5, 1}));
    ReadOptions two;
    two.max_rows = 2;
    ExpectSet(ReadDataset(path, two), "hdf5", DataType::kF32, {{1, -2}, {0.5, 3}});
  }
}

TEST(Hdf5, DatasetsByName) {
  const TempDir dir;
  const std::string path = dir / "a.h5";
  {
    Hdf5File file(path);
    file.Add("vectors", H5T_NATIVE_FLOAT, {3, 2}, kTrain);
    file.Add("asked", H5T_NATIVE_FLOAT, {1, 2}, kTest);
    for (const char* group : {"deep", "deep/er"}) {
      H5Gclose(H5Gcreate2(file.id(), group, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    }
    file.Add("deep/er/asked", H5T_NATIVE_FLOAT, {2, 1}, kTest);
  }
  const auto read = [&](const std::string& name, DatasetPart part = DatasetPart::kBase) {
    ReadOptions options;
    options.dataset = name;
    options.part = part;
    return ReadDataset(path, options);
  };
  ExpectSet(read("vectors"), "hdf5", DataType::kF32, {{1, -2}, {0.5, 3}, {4, 5}});
  ExpectSet(read("vectors", DatasetPart::kQueries), "hdf5", DataType::kF32,
            {{1, -2}, {0.5, 3}, {4, 5}});
  ExpectSet(read("/asked"), "hdf5", DataType::kF32, {{7, 8}});
  ExpectSet(read("deep/er/asked"), "hdf5", DataType::kF32, {{7}, {8}});
  for (const char* name : {"", "nope", "vector", "deep/asked", "/"}) {
    const Result<Dataset> set = read(name);
    if (name == std::string("/")) {
      ExpectError(set, kInvalid, {path, "got another object"});
      continue;
    }
    ExpectError(set, kInvalid, {path, "the file has 'asked', 'deep', 'vectors'"});
  }
  ExpectError(read("deep"), kInvalid, {path, "dataset 'deep'", "got another object"});
  ExpectError(read("vectors/x"), kInvalid, {path, "dataset 'vectors/x'"});
}

TEST(Hdf5, ManyDatasetsAreListedInPart) {
  const TempDir dir;
  const std::string path = dir / "a.h5";
  {
    Hdf5File file(path);
    for (char c = 'a'; c < 'a' + 20; ++c) {
      file.Add(std::string(1, c).c_str(), H5T_NATIVE_FLOAT, {3, 2}, kTrain);
    }
  }
  ExpectError(ReadDataset(path), kInvalid, {"the file has 'a', 'b',", "'l' and 8 more"});
}

TEST(Hdf5, OtherFormatsHaveNoDatasets) {
  const TempDir dir;
  const std::string path = dir / "a.csv";
  WriteFile(path, "1,2\n3,4\n");
  ReadOptions options;
  options.dataset = "train";
  ExpectError(ReadDataset(path, options), kInvalid, {path, "only hdf5 files have datasets", "csv"});
}

TEST(Hdf5, ElementTypes) {
  const TempDir dir;
  const std::string path = dir / "a.h5";
  const double doubles[2] = {0.5, -3};
  const uint8_t bytes[4] = {0, 200, 1, 1};
  const int8_t signed_bytes[2] = {-128, 127};
  Hdf5File(path).Add("train", H5T_NATIVE_DOUBLE, {1, 2}, doubles);
  ExpectSet(ReadDataset(path), "hdf5", DataType::kF32, {{0.5, -3}});
  Hdf5File(path).Add("train", H5T_NATIVE_UINT8, {2, 2}, bytes);
  ExpectSet(ReadDataset(path), "hdf5", DataType::kU8, {{0, 200}, {1, 1}});
  Hdf5File(path).Add("train", H5T_NATIVE_INT8, {1, 2}, signed_bytes);
  ExpectSet(ReadDataset(path), "hdf5", DataType::kI8, {{-128, 127}});
  const double wide[2] = {1, 1e300};
  Hdf5File(path).Add("train", H5T_NATIVE_DOUBLE, {1, 2}, wide);
  ExpectError(ReadDataset(path), kInvalid, {path, "row 0, column 1"});
  const int32_t integers[2] = {1, 2};
  Hdf5File(path).Add("train", H5T_NATIVE_INT32, {1, 2}, integers);
  ExpectSet(ReadDataset(path), "hdf5", DataType::kU8, {{1, 2}});
  const hid_t opaque = H5Tcreate(H5T_OPAQUE, 4);
  Hdf5File(path).Add("train", opaque, {1, 2}, integers);
  H5Tclose(opaque);
  ExpectError(ReadDataset(path), StatusCode::kUnsupported, {path, "class 5, 4 bytes"});
}

TEST(Hdf5, BoolsBecomeBits) {
  const TempDir dir;
  const std::string path = dir / "a.h5";
  const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);  // as h5py makes it
  const int8_t no = 0;
  const int8_t yes = 1;
  H5Tenum_insert(type, "FALSE", &no);
  H5Tenum_insert(type, "TRUE", &yes);
  const int8_t data[4] = {1, 0, 0, 1};
  Hdf5File(path).Add("train", type, {2, 2}, data);
  H5Tclose(type);
  ExpectSet(ReadDataset(path), "hdf5", DataType::kBit, {{1, 0}, {0, 1}});
}

TEST(Hdf5, MetricNames) {
  const TempDir dir;
  const std::string path = dir / "a.h5";
  for (bool variable : {false, true}) {
    for (const auto& [name, metric] : {std::pair("euclidean", std::optional(Metric::kEuclidean)),
                                       std::pair("hamming", std::optional(Metric::kHamming)),
                                       std::pair("jaccard", std::optional<Metric>())}) {
      {
        Hdf5File file(path);
        file.Add("train", H5T_NATIVE_FLOAT, {3, 2}, kTrain);
        file.AddDistance(name, variable);
      }
      EXPECT_EQ(ReadDataset(path)->metric, metric) << name;
    }
  }
}

TEST(Hdf5, PackedWithGzip) {
  const TempDir dir;
  const std::string path = dir / "a.h5";
  Hdf5File(path).Add("train", H5T_NATIVE_FLOAT, {3, 2}, kTrain);
  WriteFile(path + ".gz", Gzip(ReadFile(path)));
  ExpectSet(ReadDataset(path + ".gz"), "hdf5", DataType::kF32, {{1, -2}, {0.5, 3}, {4, 5}});
}

TEST(Hdf5, RefusesWhatIsMissingOrLies) {
  const TempDir dir;
  const std::string path = dir / "a.h5";
  Hdf5File(path).Add("train", H5T_NATIVE_FLOAT, {3, 2}, kTrain);
  ExpectError(ReadDataset(path, QueryPart()), kInvalid, {path, "expected a dataset 'test'"});
  ExpectError(ReadGroundTruth(path), kInvalid, {path, "'neighbors'"});
  Hdf5File(path).Add("train", H5T_NATIVE_FLOAT, {6}, kTrain);
  ExpectError(ReadDataset(path), kInvalid, {"2 axes", "got 1"});
  Hdf5File(path).Add("train", H5T_NATIVE_FLOAT, {1000000000, 60000}, nullptr);
  ExpectError(ReadDataset(path), kInvalid, {"got 0 bytes stored"});
  ASSERT_GE(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), 0);
  {
    Hdf5File file(path);
    H5Lcreate_external("elsewhere.h5", "/train", file.id(), "train", H5P_DEFAULT, H5P_DEFAULT);
  }
  ExpectError(ReadDataset(path), kInvalid, {"expected a dataset 'train'"});
}

// HDF5 would store the second in which an object was made.
TEST(Hdf5, WrittenBytesDoNotDependOnTheTime) {
  const TempDir dir;
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const auto write = [&](const std::string& name) {
    const Status status = WriteDataset(dir / name, "hdf5", ViewOf(values.data(), 3, 2), {});
    EXPECT_TRUE(status.ok()) << status.message();
    return ReadFile(dir / name);
  };
  const std::string first = write("a.h5");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_TRUE(write("b.h5") == first);
}

TEST(Hdf5, TruncationsAreErrors) {
  const TempDir dir;
  const std::string path = dir / "a.h5";
  Hdf5File(path).Add("train", H5T_NATIVE_FLOAT, {3, 2}, kTrain);
  const std::string contents = ReadFile(path);
  for (size_t size = 8; size < contents.size(); size += 97) {
    WriteFile(dir / "cut.h5", std::string_view(contents).substr(0, size));
    ExpectError(ReadDataset(dir / "cut.h5"), kInvalid, {"cut.h5"});
  }
}

}  // namespace
}  // namespace kith
