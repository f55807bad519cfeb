// What a change that is to change nothing must not change: the bytes of files of every kind, what
// they answer and how much was done for it, against what same_bytes.txt records.
//
// Unlike the golden files, the record holds no promise to users. Where the bytes are meant to
// change, write it anew with `KITH_RECORD=1 build/release/bin/same_bytes_test` and say in the
// commit why.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crc32c.h"
#include "base/strings.h"
#include "kith/calibration.h"
#include "kith/index.h"
#include "matrix.h"
#include "same_bytes_cases.h"
#include "simd/kernels.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::Matrix;
using testing::ReadFile;
using testing::SameBytesCase;
using testing::TempDir;
using testing::WriteFile;

// What is said of the ways in.
std::string WaysOf(const IndexInfo& info) {
  const PathInfo* exact = info.path_of(IndexKind::kExact);
  const PathInfo* graph = info.path_of(IndexKind::kGraph);
  const PathInfo* forest = info.path_of(IndexKind::kForest);
  std::string text = exact->number("codes") > 0 ? "exact with codes" : "exact";
  if (graph != nullptr) {
    text += StrCat(", ", graph->text("layout"), " graph degree=", graph->number("degree"),
                   " bits=", graph->number("code_bits"), " nodes=", graph->number("nodes"),
                   " node_bytes=", graph->number("visit_bytes"), " bytes=", graph->bytes);
  }
  if (forest != nullptr) {
    text += StrCat(", forest trees=", forest->number("trees"), " leaf=", forest->number("leaf"));
  }
  return text;
}

uint32_t Crc(std::span<const std::byte> bytes) { return ExtendCrc32c(0, bytes); }

template <class T>
std::string CrcOf(const std::vector<T>& v) {
  char text[16];
  std::snprintf(text, sizeof(text), "%08x", Crc(std::as_bytes(std::span(v))));
  return text;
}

std::string CrcOf(std::string_view s) { return CrcOf(std::vector<char>(s.begin(), s.end())); }

std::string_view BytesOf(const Index& index) {
  const std::span<const std::byte> bytes = index.Bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Exact to the last bit.
std::string Exactly(double x) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.17g", x);
  return text;
}

// What is recorded: "case kind" and what it is, in the order found.
class Record {
 public:
  explicit Record(std::string name) : name_(std::move(name)) {}

  void Add(const std::string& kind, const std::string& value) {
    lines_.push_back(StrCat(name_, ' ', kind, ": ", value));
  }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::string name_;
  std::vector<std::string> lines_;
};

void AddFile(const Index& index, const std::string& kind, Record* record) {
  record->Add(kind, StrCat(index.info().file_bytes, " bytes, crc ", CrcOf(BytesOf(index))));
  // Where they differ is the first thing one wants to know.
  std::string sections;
  for (const IndexInfo::Section& section : index.info().sections) {
    const auto bytes = BytesOf(index).substr(section.offset, section.size);
    sections += StrCat(sections.empty() ? "" : " ", section.name, '=', CrcOf(bytes));
  }
  record->Add(kind + " sections", sections);
}

// Vectors, keys and ids by row, and rows by keys and ids.
void AddRows(const Index& index, Record* record) {
  const IndexInfo& info = index.info();
  std::vector<float> vectors(info.num_vectors * info.dim);
  std::vector<int64_t> ids;
  std::vector<uint64_t> found;
  std::string keys;
  for (uint64_t row = 0; row < info.num_vectors; ++row) {
    index.GetVector(row, vectors.data() + row * info.dim);
    ids.push_back(index.Id(row));
    keys += StrCat(index.Key(row), '\n');
    const auto by_id = index.FindId(ids.back());
    found.push_back(by_id.ok() ? *by_id : info.num_vectors);
    if (!info.has_keys) continue;
    const auto by_key = index.FindKey(index.Key(row));
    found.push_back(by_key.ok() ? *by_key : info.num_vectors);
  }
  record->Add("rows", StrCat("vectors ", CrcOf(vectors), " ids ", CrcOf(ids), " keys ", CrcOf(keys),
                             " found ", CrcOf(found)));
}

// One search; errors are recorded as well.
void AddSearch(const Index& index, const MatrixView& queries, const std::string& label,
               const SearchParams& params, Record* record) {
  SearchResult result;
  const std::string kind = StrCat(label, " k=", params.k);
  const Status status = index.Search(queries, params, &result);
  if (!status.ok()) {
    std::string message(status.message());
    const size_t path = message.find(index.info().path);
    if (path != std::string::npos) message.replace(path, index.info().path.size(), "FILE");
    return record->Add(kind, message);
  }
  const SearchStats& stats = result.stats;
  std::string value = StrCat("ids ", CrcOf(result.ids), " distances ", CrcOf(result.distances),
                             " stats ", stats.distances, ' ', stats.codes, ' ', stats.nodes, ' ',
                             stats.entries, ' ', stats.bytes);
  if (params.recall > 0 || params.index == IndexKind::kAuto) {
    value += StrCat(" plan ", IndexKindName(result.plan.index), ' ', Exactly(result.plan.effort),
                    ' ', Exactly(result.plan.recall));
  }
  record->Add(kind, value);
}

void AddSearches(const Index& index, const MatrixView& queries, Record* record) {
  const IndexInfo& info = index.info();
  const bool measured = !info.calibration.empty();
  MatrixView one = queries;
  one.rows = 1;
  for (const size_t k : {size_t{1}, size_t{10}}) {
    AddSearch(index, queries, "exact", {.k = k, .index = IndexKind::kExact}, record);
    for (const IndexKind kind : {IndexKind::kGraph, IndexKind::kForest}) {
      if (!info.has(kind)) continue;
      const std::string name = IndexKindName(kind);
      const int64_t effort = kind == IndexKind::kGraph ? 12 : 60;
      AddSearch(index, queries, name, {.k = k, .index = kind}, record);
      AddSearch(index, queries, StrCat(name, " effort=", effort),
                {.k = k, .index = kind, .effort = effort}, record);
      if (!measured) continue;
      AddSearch(index, queries, name + " recall=0.9", {.k = k, .index = kind, .recall = 0.9},
                record);
    }
    AddSearch(index, queries, "auto", {.k = k}, record);
    AddSearch(index, one, "auto of one", {.k = k}, record);
    if (!info.has(IndexKind::kGraph) && !info.has(IndexKind::kForest)) continue;
    AddSearch(index, one, "auto of one recall=0.9", {.k = k, .recall = 0.9}, record);
  }
  if (!measured) return;
  const QueryDrift drift = index.Drift();
  record->Add("drift", StrCat(drift.queries, " queries, ", Exactly(drift.distance),
                              drift.unlike ? ", unlike" : ""));
}

// Builds it in memory with one thread and as a file with three: the same bytes.
Record Measure(const SameBytesCase& c) {
  Record record(c.name);
  const Matrix all = testing::VectorsOf(c, KITH_WORDS);
  MatrixView rows = all.view();
  rows.rows = c.rows;
  MatrixView queries = all.Row(c.rows);
  queries.rows = testing::kSameBytesQueries;
  StringList keys;
  std::vector<int64_t> ids;
  for (size_t r = 0; r < c.rows; ++r) {
    keys.Add(StrCat("row ", r / 2));
    ids.push_back(static_cast<int64_t>((r * 7919) % 1000003 + 5));
  }
  BuildOptions options = testing::OptionsOf(c);
  if (c.Asks("named")) options.keys = &keys;
  if (c.Asks("named")) options.ids = &ids;
  options.threads = 1;
  const auto index = BuildIndexInMemory(rows, options);
  if (!index.ok()) {
    record.Add("file", std::string(index.status().message()));
    return record;
  }
  options.threads = 3;
  const TempDir dir;
  const Status built = BuildIndex(rows, dir.File("x.kith"), options);
  EXPECT_TRUE(built.ok()) << built.message();
  EXPECT_TRUE(ReadFile(dir.File("x.kith")) == BytesOf(**index)) << "threads change the bytes";
  const Status sound = VerifyIndex(**index);
  EXPECT_TRUE(sound.ok()) << sound.message();
  record.Add("ways", WaysOf((*index)->info()));
  AddFile(**index, "file", &record);
  AddRows(**index, &record);
  AddSearches(**index, queries, &record);
  if (!c.Asks("tuned")) return record;
  const auto tuned = CalibrateInMemory(**index, queries, {.ks = {1, 10}, .threads = 1});
  EXPECT_TRUE(tuned.ok()) << tuned.status().message();
  if (tuned.ok()) AddFile(**tuned, "tuned", &record);
  return record;
}

// The lines of each case, by its name.
std::map<std::string, std::vector<std::string>> ReadRecord() {
  std::map<std::string, std::vector<std::string>> by_case;
  std::istringstream in(ReadFile(KITH_RECORD_FILE));
  for (std::string line; std::getline(in, line);) {
    by_case[line.substr(0, line.find(' '))].push_back(line);
  }
  return by_case;
}

void Rewrite(const Record& record, const std::string& name) {
  auto by_case = ReadRecord();
  by_case[name] = record.lines();
  std::string text;
  for (const SameBytesCase& c : testing::AllSameBytesCases()) {
    for (const std::string& line : by_case[c.name]) text += line + '\n';
  }
  WriteFile(KITH_RECORD_FILE, text);
}

class SameBytesTest : public ::testing::TestWithParam<SameBytesCase> {};

TEST_P(SameBytesTest, AsRecorded) {
  // Without fused multiply-add the last bits of sums of floats differ.
  const std::string target = simd::GetKernels().target;
  if (target == "SCALAR" || target == "EMU128") GTEST_SKIP() << "no fused multiply-add";
  const std::string& name = GetParam().name;
  const Record record = Measure(GetParam());
  const char* wanted = getenv("KITH_RECORD");
  if (wanted != nullptr && std::string(wanted) == "1") return Rewrite(record, name);
  const std::vector<std::string> recorded = ReadRecord()[name];
  const std::vector<std::string>& now = record.lines();
  for (size_t i = 0; i < std::max(recorded.size(), now.size()); ++i) {
    const std::string before = i < recorded.size() ? recorded[i] : "nothing";
    const std::string after = i < now.size() ? now[i] : "nothing";
    if (before != after) ADD_FAILURE() << "was " << before << "\nis  " << after;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, SameBytesTest, ::testing::ValuesIn(testing::SameBytesCases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace kith
