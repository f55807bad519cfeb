// What the tests of readers and writers share.
#ifndef KITH_TESTS_DATA_DATA_TEST_UTIL_H_
#define KITH_TESTS_DATA_DATA_TEST_UTIL_H_

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "data/convert.h"
#include "data/read_input.h"
#include "kith/dataset.h"

namespace kith {

// A directory that is removed with the object.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "kith-data-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  size_t CountFiles() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline void WriteFile(const std::string& path, std::string_view contents) {
  std::ofstream out(path, std::ios::binary);
  out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  ASSERT_TRUE(out.good());
}

inline std::string ReadFile(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// Little-endian bytes of numbers, one after the other.
template <class T, class... Others>
std::string Raw(T first, Others... others) {
  std::string out;
  for (const T value : {first, static_cast<T>(others)...}) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  return out;
}

// A string literal with its zero bytes.
template <size_t kSize>
std::string Literal(const char (&text)[kSize]) {
  return std::string(text, kSize - 1);
}

// `contents` as a file in memory of exactly its size, so that sanitizers see reads beyond it.
inline data::Input MakeInput(const std::string& name, std::string_view contents) {
  const std::shared_ptr<std::byte[]> copy(new std::byte[contents.size()]);
  std::memcpy(copy.get(), contents.data(), contents.size());
  return {name, {copy.get(), contents.size()}, copy};
}

inline Result<Dataset> ReadBytes(const std::string& name, std::string_view contents,
                                 const ReadOptions& options = {}) {
  return data::ReadInput(MakeInput(name, contents), options);
}

inline Result<Dataset> ReadBytesAs(const std::string& format, std::string_view contents,
                                   const std::string& name = "file") {
  ReadOptions options;
  options.format = format;
  return ReadBytes(name, contents, options);
}

inline std::vector<float> Row(const MatrixView& m, size_t row) {
  std::vector<float> values(m.dim);
  data::RowToF32(m, row, values.data());
  return values;
}

inline std::vector<std::vector<float>> Rows(const MatrixView& m) {
  std::vector<std::vector<float>> rows;
  for (size_t i = 0; i < m.rows; ++i) rows.push_back(Row(m, i));
  return rows;
}

inline std::vector<std::string> Keys(const Dataset& set) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < set.keys.size(); ++i) keys.emplace_back(set.keys[i]);
  return keys;
}

using Matrix = std::vector<std::vector<float>>;
using Words = std::vector<std::string>;

// Expects a data set with this content.
inline void ExpectSet(const Result<Dataset>& set, const std::string& format, DataType dtype,
                      const Matrix& rows, const Words& keys = {}) {
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->format, format);
  EXPECT_EQ(set->vectors.dtype, dtype) << DataTypeName(set->vectors.dtype);
  EXPECT_EQ(Rows(set->vectors), rows);
  EXPECT_EQ(Keys(*set), keys);
}

// Expects an error of the code whose one-line message holds all the pieces.
template <class T>
void ExpectError(const T& result, StatusCode code, const std::vector<std::string>& pieces) {
  Status status;
  if constexpr (std::is_same_v<T, Status>) {
    status = result;
  } else {
    status = result.status();
  }
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_EQ(status.message().find('\n'), std::string::npos);
  for (const std::string& piece : pieces) {
    EXPECT_NE(status.message().find(piece), std::string::npos)
        << "'" << piece << "' is not in: " << status.message();
  }
}

inline std::string Gzip(std::string_view contents) {
  z_stream zlib = {};
  deflateInit2(&zlib, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&zlib, contents.size()) + 64, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(contents.data()));
  zlib.avail_in = static_cast<uInt>(contents.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&zlib, Z_FINISH), Z_STREAM_END);
  out.resize(zlib.total_out);
  deflateEnd(&zlib);
  return out;
}

// A small file of each format, written by hand.
struct Golden {
  std::string format;
  std::string contents;
};
std::vector<Golden> GoldenFiles();

}  // namespace kith

#endif  // KITH_TESTS_DATA_DATA_TEST_UTIL_H_
