// Opening and using an index without enough memory: OutOfMemory, and the index goes on.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <new>
#include <string>
#include <tuple>
#include <utility>

#include "base/pages.h"
#include "faults/failing_memory.h"
#include "faults/sweep.h"
#include "index/index_checks.h"
#include "kith/eval.h"
#include "kith/index.h"
#include "kith/query.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::ExpectSameAnswers;
using testing::FailingMemory;
using testing::Matrix;
using testing::ReadFile;
using testing::SearchOrFail;
using testing::Sweep;
using testing::TempDir;

// A file with keys, ids and every way in.
class UseFaultsTest : public ::testing::Test {
 protected:
  static constexpr size_t kRows = 600;
  static constexpr size_t kDim = 20;

  void SetUp() override {
    for (size_t i = 0; i < kRows; ++i) {
      keys_.Add("a key that is long enough not to lie in a string " + std::to_string(i));
      ids_.push_back(static_cast<int64_t>(1000 + i));
    }
    BuildOptions options;
    options.metric = Metric::kAngular;
    options.paths = {GraphOptions{}, ForestOptions{.num_trees = 4}};
    options.keys = &keys_;
    options.ids = &ids_;
    options.calibrate = true;
    index_ = BuildAndOpen(Path(), rows_, options);
    ASSERT_NE(index_, nullptr);
  }

  const std::string& Path() const { return path_; }

  TempDir dir_;
  const std::string path_ = dir_.File("x.kith");
  Matrix rows_ = Matrix::Random(DataType::kF32, kRows, kDim, 1);
  Matrix queries_ = Matrix::Random(DataType::kF32, 70, kDim, 2);
  StringList keys_;
  std::vector<int64_t> ids_;
  std::unique_ptr<Index> index_;
};

TEST_F(UseFaultsTest, Opening) {
  for (const bool huge_pages : {false, true}) {
    std::unique_ptr<Index> opened;
    Sweep(
        60,
        [&] {
          auto index = OpenIndex(Path(), {.huge_pages = huge_pages});
          if (index.ok()) opened = std::move(index).value();
          return index.status();
        },
        [&](const Status& status) {
          if (status.ok()) ASSERT_EQ(opened->info().num_vectors, kRows);
          opened.reset();
        });
  }
}

TEST_F(UseFaultsTest, OpeningBytes) {
  const std::string bytes = ReadFile(Path());
  Sweep(
      30, [&] { return OpenIndexBytes(std::as_bytes(std::span(bytes))).status(); },
      [](const Status&) {});
}

TEST_F(UseFaultsTest, WithoutHugePages) {
  for (const int64_t n : {0, 1}) {
    FailPagesForTesting(n);
    const auto index = OpenIndex(Path(), {.huge_pages = true});
    FailPagesForTesting(-1);
    if (n == 0) EXPECT_EQ(index.status().code(), StatusCode::kOutOfMemory);
  }
}

TEST_F(UseFaultsTest, Saving) {
  const std::string path = dir_.File("y.kith");
  Sweep(
      20, [&] { return SaveIndex(*index_, path); },
      [&](const Status& status) {
        ASSERT_EQ(dir_.NumFiles(), status.ok() ? 2u : 1u);
        std::filesystem::remove(path);
      });
}

TEST_F(UseFaultsTest, Verifying) {
  Sweep(
      40, [&] { return VerifyIndex(Path()); }, [](const Status&) {});
  Sweep(
      20, [&] { return VerifyIndex(*index_); }, [](const Status&) {});
}

TEST_F(UseFaultsTest, Evaluating) {
  EvalOptions options;
  options.threads = 3;
  // Rounds go on until a clock says so.
  options.progress = [](std::string_view stage, uint64_t, uint64_t) { return stage != "timing"; };
  int failed = 0;
  for (int64_t n = 0; n < 3000; n += 1 + n / 6) {
    for (const auto mode : {FailingMemory::Mode::kOnce, FailingMemory::Mode::kFromThereOn}) {
      StatusCode code{};
      {
        const FailingMemory failing(n, mode);
        code = Evaluate(*index_, queries_.view(), nullptr, options).status().code();
      }
      failed += code == StatusCode::kOutOfMemory ? 1 : 0;
      if (code != StatusCode::kOutOfMemory) ASSERT_EQ(code, StatusCode::kInvalidArgument) << n;
    }
  }
  EXPECT_GT(failed, 20);
}

TEST_F(UseFaultsTest, Calibrating) {
  const std::string before = ReadFile(Path());
  for (const int threads : {1, 3}) {
    const CalibrateOptions options{.ks = {1, 5}, .output = "", .threads = threads};
    Sweep(
        10, [&] { return CalibrateIndex(Path(), queries_.view(), options); },
        [&](const Status& status) {
          ASSERT_EQ(dir_.NumFiles(), 1u);
          ASSERT_EQ(ReadFile(Path()) == before, !status.ok());
          if (status.ok()) testing::WriteFile(dir_.File("other"), before);
          if (status.ok()) std::filesystem::rename(dir_.File("other"), Path());
        });
    Sweep(
        4, [&] { return CalibrateInMemory(*index_, queries_.view(), options).status(); },
        [](const Status&) {});
  }
}

TEST_F(UseFaultsTest, LookingUp) {
  const std::string known(keys_[3]);
  const std::string unknown = known + " not";
  const auto expect = [](const Status& status, StatusCode code) {
    return status.code() == code ? Status::Ok() : status;
  };
  for (const std::string& key : {known, unknown}) {
    Sweep(
        6,
        [&] {
          return expect(index_->FindKey(key).status(),
                        key == known ? StatusCode::kOk : StatusCode::kNotFound);
        },
        [](const Status&) {});
    Sweep(
        40,
        [&] {
          return expect(ParseQuery(*index_, key).status(),
                        key == known ? StatusCode::kOk : StatusCode::kNotFound);
        },
        [](const Status&) {});
  }
  for (const int64_t id : {7, 1007}) {
    Sweep(
        6,
        [&] {
          return expect(index_->FindId(id).status(),
                        id == 1007 ? StatusCode::kOk : StatusCode::kNotFound);
        },
        [](const Status&) {});
  }
}

// Calls add(), which throws std::bad_alloc for want of memory and nothing else, with each of its
// allocations failing; unchanged() is called after each failure.
template <class Add, class Unchanged>
void SweepThrowing(Add add, Unchanged unchanged) {
  int failed = 0;
  for (int64_t n = 0; n < 100; ++n) {
    bool threw = false;
    {
      const FailingMemory failing(n, FailingMemory::Mode::kOnce);
      try {
        add();
      } catch (const std::bad_alloc&) {
        threw = true;
      }
    }
    if (!threw) {
      EXPECT_EQ(n, failed) << "an allocation failed, and nobody was told";
      break;
    }
    ++failed;
    unchanged();
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(failed, 0);
}

TEST_F(UseFaultsTest, StringListsStayAsTheyWere) {
  const std::string text(100, 'x');
  StringList list;
  for (size_t size = 0; size < 40; ++size) {
    StringList grown = list;  // without room for more
    const auto check = [&](const StringList& of, size_t count) {
      ASSERT_EQ(of.size(), count);
      for (size_t i = 0; i < count; ++i) ASSERT_EQ(of[i], text + std::to_string(i));
    };
    const std::string next = text + std::to_string(size);
    SweepThrowing([&] { grown.Add(next); }, [&] { check(grown, size); });
    check(grown, size + 1);
    list.Add(next);
  }
}

TEST_F(UseFaultsTest, ExcludedRowsStayAsTheyWere) {
  const std::vector<uint64_t> rows{5, 3, 5, 9};
  const std::vector<uint64_t> sorted{3, 5, 9};
  ExcludedRows filter;
  for (size_t size = 0; size < 20; ++size) {
    ExcludedRows grown = filter;
    const auto check = [&](const ExcludedRows& of, size_t count) {
      ASSERT_EQ(of.num_queries(), count);
      for (size_t q = 0; q < count; ++q) {
        ASSERT_EQ(std::vector<uint64_t>(of.Of(q).begin(), of.Of(q).end()), sorted);
      }
    };
    SweepThrowing([&] { grown.Add(rows); }, [&] { check(grown, size); });
    check(grown, size + 1);
    filter.Add(rows);
  }
}

TEST_F(UseFaultsTest, BatchesOfQueriesStayAsTheyWere) {
  const std::vector<QueryTerm> one{{.row = 3}};
  const std::vector<QueryTerm> two{{.row = 3}, {.row = 7, .weight = -1}};
  const std::vector<float> vector(kDim, 0.5F);
  const std::vector<std::function<void(QueryBatch*)>> ways{
      [&](QueryBatch* batch) { batch->Add(one); }, [&](QueryBatch* batch) { batch->Add(two); },
      [](QueryBatch* batch) { batch->AddRow(8); },
      [&](QueryBatch* batch) { batch->AddVector(vector); }};
  QueryBatch batch(*index_);
  for (size_t size = 0; size < 16; ++size) {
    const auto& way = ways[size % ways.size()];
    QueryBatch grown = batch;
    SweepThrowing([&] { way(&grown); },
                  [&] {
                    ASSERT_EQ(grown.size(), size);
                    ASSERT_EQ(grown.excluded().num_queries(), size);
                  });
    way(&batch);
    SearchResult whole;
    SearchResult found;
    ASSERT_TRUE(batch.Search({.k = 5}, &whole).ok());
    ASSERT_TRUE(grown.Search({.k = 5}, &found).ok());
    ExpectSameAnswers(found, whole);
  }
}

TEST_F(UseFaultsTest, RecallTakesNoMemory) {
  const std::vector<float> distances(100, 1.0F);
  const FailingMemory failing(0, FailingMemory::Mode::kFromThereOn);
  EXPECT_EQ(RecallAtK(distances.data(), 10, distances.data(), 10, 10, 10), 1.0);
}

class SearchFaultsTest : public UseFaultsTest,
                         public ::testing::WithParamInterface<std::tuple<IndexKind, size_t, int>> {
};

TEST_P(SearchFaultsTest, TheNextSearchGoesWell) {
  const auto [kind, k, threads] = GetParam();
  const SearchParams params{.k = k, .index = kind, .threads = threads};
  for (const MatrixView& queries : {queries_.view(), queries_.Row(0)}) {
    const SearchResult whole = SearchOrFail(*index_, queries, params);
    SearchResult found;
    Sweep(
        24, [&] { return index_->Search(queries, params, &found); },
        [&](const Status& status) {
          if (status.ok()) ExpectSameAnswers(found, whole);
          ExpectSameAnswers(SearchOrFail(*index_, queries, params), whole);
        });
  }
}

// With a recall, queries are observed; with a filter, there are several runs of them.
TEST_P(SearchFaultsTest, FilteredToo) {
  const auto [kind, k, threads] = GetParam();
  SearchParams params{.k = k, .index = kind, .threads = threads};
  if (kind != IndexKind::kExact) params.recall = 0.8;
  ExcludedRows filter;
  for (size_t q = 0; q < queries_.rows(); ++q) {
    const std::vector<uint64_t> rows(q % 3, q);
    filter.Add(rows);
  }
  params.filter = &filter;
  const SearchResult whole = SearchOrFail(*index_, queries_.view(), params);
  SearchResult found;
  Sweep(
      16, [&] { return index_->Search(queries_.view(), params, &found); },
      [&](const Status& status) {
        if (status.ok()) ExpectSameAnswers(found, whole);
      });
}

INSTANTIATE_TEST_SUITE_P(All, SearchFaultsTest,
                         ::testing::Combine(::testing::Values(IndexKind::kExact, IndexKind::kGraph,
                                                              IndexKind::kForest),
                                            ::testing::Values(1, 10), ::testing::Values(1, 3)),
                         [](const auto& test) {
                           return std::string(IndexKindName(std::get<0>(test.param))) + "_" +
                                  std::to_string(std::get<1>(test.param)) + "_" +
                                  std::to_string(std::get<2>(test.param)) + "_threads";
                         });

}  // namespace
}  // namespace kith
