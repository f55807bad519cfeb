#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "data/data_test_util.h"
#include "sanitized.h"

namespace kith {
namespace {

constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;

Result<Dataset> ReadCsvText(const std::string& text) { return ReadBytesAs("csv", text, "a.csv"); }

void ExpectCsv(const std::string& text, const Matrix& rows, const Words& keys = {}) {
  SCOPED_TRACE(text);
  ExpectSet(ReadCsvText(text), "csv", DataType::kF32, rows, keys);
}

TEST(Csv, Separators) {
  const Matrix rows = {{1, 2}, {3, 4.5}};
  ExpectCsv("1,2\n3,4.5\n", rows);
  ExpectCsv("1;2\n3;4.5\n", rows);
  ExpectCsv("1\t2\n3\t4.5\n", rows);
  ExpectCsv("1 2\n3  4.5\n", rows);
  ExpectCsv(" 1 2 \n  3 4.5", rows);
  ExpectCsv("1, 2\n3 , 4.5 \n", rows);
  ExpectCsv("1,2\r\n3,4.5\r\n\r\n\n", rows);
  ExpectCsv(
      "\xEF\xBB\xBF"
      "1,2\n3,4.5",
      rows);
  ExpectCsv("1\n2\n", {{1}, {2}});
}

TEST(Csv, HeadersAndKeys) {
  const Matrix rows = {{1, 2}, {3, 4}};
  ExpectCsv("x,y\n1,2\n3,4\n", rows);
  ExpectCsv("a,1,2\nb,3,4\n", rows, {"a", "b"});
  ExpectCsv("word,x,y\na,1,2\nb,3,4\n", rows, {"a", "b"});
  ExpectCsv("id,x,y\n17,1,2\n18,3,4\n", rows, {"17", "18"});
  ExpectCsv("Label;x;y\n5;1;2\n0;3;4\n", rows, {"5", "0"});
  // A data frame's numeric column names after the empty name of its index.
  ExpectCsv(",0,1\n0,1,2\n1,3,4\n", rows, {"0", "1"});
  ExpectCsv("\"\",0,1\n\"0\",1,2\n\"1\",3,4\n", rows, {"0", "1"});
  // Some keys are numbers, not all.
  ExpectCsv("2007,1,2\nb,3,4\n", rows, {"2007", "b"});
  ExpectCsv("a,1,2", {{1, 2}}, {"a"});
}

TEST(Csv, ChosenColumns) {
  const std::string text =
      "city,country,lat,lon\nOslo,Norway,59.5,10.75\nQuito,Ecuador,-0.25,-78.5\n";
  const TempDir dir;
  const std::string path = dir / "cities.csv";
  WriteFile(path, text);
  const auto read = [&](const std::string& columns, const std::string& keys) {
    ReadOptions options;
    options.columns = columns;
    options.key_column = keys;
    return ReadDataset(path, options);
  };
  const Matrix places = {{59.5, 10.75}, {-0.25, -78.5}};
  ExpectSet(read("lat,lon", ""), "csv", DataType::kF32, places, {"Oslo", "Quito"});
  // Chosen columns are measurements.
  EXPECT_EQ(read("lat,lon", "")->metric, Metric::kEuclidean);
  ExpectSet(read("3,4", "country"), "csv", DataType::kF32, places, {"Norway", "Ecuador"});
  ExpectSet(read("lon, lat", "city"), "csv", DataType::kF32, {{10.75, 59.5}, {-78.5, -0.25}},
            {"Oslo", "Quito"});
  ExpectError(read("", ""), kInvalid, {"line 2", "field 2", "'Norway'"});
  ExpectError(read("lat,height", ""), kInvalid,
              {"cities.csv", "city, country, lat, lon", "height"});
  // A fault of the choice is on no line of the file.
  for (const char* wrong : {"city,lat,logn", "5", "lat,lat"}) {
    EXPECT_EQ(read(wrong, "").status().message().find("line"), std::string::npos) << wrong;
  }
  ExpectError(read("lat,longitud", ""), kInvalid, {"got 'longitud'"});
  ExpectError(read("lat,lno", ""), kInvalid, {"got 'lno'; did you mean 'lon'?"});
  ExpectError(read("5", ""), kInvalid, {"cities.csv", "'5'"});
  ExpectError(read("lat", "0"), kInvalid, {"cities.csv", "'0'"});
}

// What a column chosen twice left uninitialised went into the output.
TEST(Csv, RefusesAColumnChosenTwice) {
  const TempDir dir;
  const std::string path = dir / "a.csv";
  WriteFile(path, "name,x,y\na,1,2\nb,3,4\n");
  const auto read = [&](const std::string& columns, const std::string& keys) {
    ReadOptions options;
    options.columns = columns;
    options.key_column = keys;
    return ReadDataset(path, options);
  };
  for (const char* columns : {"x,x,y", "x,y,x", "x,2", "2,2", "y,y"}) {
    ExpectError(read(columns, ""), kInvalid, {path, "each column chosen once", "twice"});
  }
  ExpectError(read("x,y", "x"), kInvalid, {path, "'x' as coordinate and as key"});
  ExpectError(read("2,3", "2"), kInvalid, {path, "'2' as coordinate and as key"});
  // That the first column holds keys is a guess, which choosing it corrects.
  WriteFile(path, "id,x,y\n1,2,3\n4,5,6\n");
  ExpectSet(read("id,y", ""), "csv", DataType::kF32, {{1, 3}, {4, 6}});
}

TEST(Csv, QuotedFields) {
  ExpectCsv("\"a, b\",1,\"2\"\n\"say \"\"hi\"\"\",\"3\" , 4\n", {{1, 2}, {3, 4}},
            {"a, b", "say \"hi\""});
  ExpectError(ReadCsvText("a,1\n\"b,2\n"), kInvalid, {"a.csv: line 2", "closing quote"});
  ExpectError(ReadCsvText("a,1\n\"b\"c,2\n"), kInvalid, {"a.csv: line 2", "closing quote"});
}

TEST(Csv, RefusesRaggedRows) {
  ExpectError(ReadCsvText("1,2,3\n4,5\n"), kInvalid,
              {"a.csv: line 2", "expected 3 fields", "got 2"});
  ExpectError(ReadCsvText("1,2\n4,5,6\n"), kInvalid,
              {"a.csv: line 2", "expected 2 fields", "got 3"});
  ExpectError(ReadCsvText("x,y\n1,2\n3\n"), kInvalid, {"a.csv: line 3", "2 fields", "got 1"});
  ExpectError(ReadCsvText("1,2\n\n3,4\n"), kInvalid, {"a.csv: line 2", "empty line"});
}

TEST(Csv, RefusesWhatIsNoFiniteNumber) {
  for (const char* bad : {"nan", "inf", "", "x", "1e39", "1 2", "1_000"}) {
    ExpectError(ReadCsvText(std::string("1,2\n3,") + bad + "\n"), kInvalid,
                {"a.csv: line 2", "expected a finite number in field 2", bad});
  }
  ExpectError(ReadCsvText("x,y\n"), kInvalid, {"a.csv: line 1"});
  ExpectError(ReadCsvText("x,y\nz\n"), kInvalid, {"a.csv: line 2"});
  ExpectError(ReadCsvText(""), kInvalid, {"a.csv", "at least one vector"});
}

TEST(Csv, RefusesTooManyColumns) {
  std::string line = "1";
  for (int i = 0; i < 65536; ++i) line += ",1";
  ExpectError(ReadCsvText(line), kInvalid, {"a.csv", "1 to 65536", "65537"});
}

// Such a line once took 32 times its size.
TEST(Csv, LinesOfSeparatorsTakeLittleMemory) {
  if (testing::kSanitized) GTEST_SKIP() << "sanitizers have memory of their own";
  const auto read_in_little = [](const std::string& text) {
    rlimit limit{};
    std::ifstream statm("/proc/self/statm");
    statm >> limit.rlim_cur;
    limit.rlim_cur = limit.rlim_cur * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (400 << 20);
    limit.rlim_max = limit.rlim_cur;
    setrlimit(RLIMIT_AS, &limit);
    std::cerr << ReadCsvText(text).status().message() << '\n';
    _exit(0);
  };
  for (const char* before : {"", "x,y\n1,2\n"}) {
    const std::string text = before + std::string(size_t{40} << 20, ',');
    EXPECT_EXIT(read_in_little(text), ::testing::ExitedWithCode(0),
                "a.csv: line [13]: expected (at most 1048576 fields|2 fields as in the first row|"
                "a finite number)");
  }
}

TEST(Csv, LongLinesBehindALongHeader) {
  std::string header = "name";
  std::string row = "a";
  for (int i = 0; i < 20000; ++i) {
    header += ",x" + std::to_string(i);
    row += ",0.125";
  }
  const Result<Dataset> set = ReadCsvText(header + "\n" + row + "\n" + row + "\n");
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->vectors.rows, 2u);
  EXPECT_EQ(set->vectors.dim, 20000u);
  EXPECT_EQ(Keys(*set), (Words{"a", "a"}));
}

}  // namespace
}  // namespace kith
