// Archives of arrays: every byte that numpy.load() looks at.
#include "data/npz.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "temp_dir.h"

namespace kith::data {
namespace {

uint64_t Number(const std::string& bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    value |= uint64_t{static_cast<unsigned char>(bytes.at(at + i))} << (8 * i);
  }
  return value;
}

struct Member {
  std::string name;
  std::string bytes;
};

// Reads an archive of stored members by its directory, as unzip does, and checks that what stands
// before each member agrees.
std::vector<Member> Unzip(const std::string& zip) {
  const size_t end = zip.size() - 22;
  EXPECT_EQ(Number(zip, end, 4), 0x06054b50u);
  const size_t locator = end - 20;
  EXPECT_EQ(Number(zip, locator, 4), 0x07064b50u);
  const size_t end64 = Number(zip, locator + 8, 8);
  EXPECT_EQ(Number(zip, end64, 4), 0x06064b50u);
  EXPECT_EQ(end64 + 12 + Number(zip, end64 + 4, 8), locator);
  const uint64_t count = Number(zip, end64 + 32, 8);
  size_t at = Number(zip, end64 + 48, 8);
  EXPECT_EQ(at + Number(zip, end64 + 40, 8), end64);
  std::vector<Member> members;
  for (uint64_t i = 0; i < count; ++i) {
    EXPECT_EQ(Number(zip, at, 4), 0x02014b50u);
    const size_t name_size = Number(zip, at + 28, 2);
    const size_t extra = at + 46 + name_size;
    EXPECT_EQ(Number(zip, extra, 2), 1u);
    const uint64_t size = Number(zip, extra + 4, 8);
    EXPECT_EQ(Number(zip, extra + 12, 8), size);
    const size_t local = Number(zip, extra + 20, 8);
    EXPECT_EQ(Number(zip, local, 4), 0x04034b50u);
    EXPECT_EQ(zip.substr(local + 6, 24 - 6 + 2), zip.substr(at + 8, 24 - 6 + 2));
    EXPECT_EQ(Number(zip, local + 26, 2), name_size);
    const size_t local_extra = local + 30 + name_size;
    EXPECT_EQ(Number(zip, local_extra + 4, 8), size);
    const size_t data = local_extra + Number(zip, local + 28, 2);
    members.push_back({zip.substr(at + 46, name_size), zip.substr(data, size)});
    EXPECT_EQ(zip.substr(local + 30, name_size), members.back().name);
    const auto& bytes = members.back().bytes;
    EXPECT_EQ(
        crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())),
        Number(zip, at + 16, 4));
    at = extra + Number(zip, at + 30, 2);
  }
  EXPECT_EQ(at, end64);
  return members;
}

TEST(Npz, HasWhatWasAdded) {
  const testing::TempDir dir;
  const std::string path = dir.File("a.npz");
  const float values[3] = {1.5f, -2, std::numeric_limits<float>::infinity()};
  const std::string text = "csr";
  auto npz = NpzWriter::Create(path);
  ASSERT_TRUE(npz.ok());
  const uint64_t three[1] = {3};
  const uint64_t matrix[2] = {3, 1};
  const uint64_t none[1] = {0};
  ASSERT_TRUE(npz->Add("values", "<f4", three, std::as_bytes(std::span(values))).ok());
  ASSERT_TRUE(npz->Add("matrix", "<f4", matrix, std::as_bytes(std::span(values))).ok());
  ASSERT_TRUE(npz->Add("format", "|S3", {}, std::as_bytes(std::span(text))).ok());
  ASSERT_TRUE(npz->Add("empty", "<i8", none, {}).ok());
  EXPECT_FALSE(std::ifstream(path).good()) << "it is there before it is whole";
  ASSERT_TRUE(npz->Commit().ok());
  std::ifstream in(path, std::ios::binary);
  const std::string zip{std::istreambuf_iterator<char>(in), {}};
  const std::vector<Member> members = Unzip(zip);
  ASSERT_EQ(members.size(), 4u);
  const char* const shapes[] = {"(3,)", "(3, 1)", "()", "(0,)"};
  const char* const names[] = {"values.npy", "matrix.npy", "format.npy", "empty.npy"};
  const std::string floats(reinterpret_cast<const char*>(values), sizeof(values));
  const std::string data[] = {floats, floats, text, ""};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(members[i].name, names[i]);
    const size_t header = 10 + Number(members[i].bytes, 8, 2);
    EXPECT_EQ(header % 64, 0u);
    EXPECT_NE(members[i].bytes.substr(0, header).find(std::string("'shape': ") + shapes[i] + ","),
              std::string::npos)
        << members[i].bytes.substr(0, header);
    EXPECT_EQ(members[i].bytes.substr(header), data[i]);
  }
}

TEST(Npz, IsNotThereUnlessItIsWhole) {
  const testing::TempDir dir;
  {
    auto npz = NpzWriter::Create(dir.File("b.npz"));
    ASSERT_TRUE(npz.ok());
    ASSERT_TRUE(npz->Add("x", "|S1", {}, std::as_bytes(std::span("y", 1))).ok());
  }
  EXPECT_FALSE(std::ifstream(dir.File("b.npz")).good());
  EXPECT_EQ(NpzWriter::Create(dir.File("none/c.npz")).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace kith::data
