#include "filters.h"

#include <cstring>
#include <string>
#include <utility>

#include "arrays.h"
#include "errors.h"
#include "gil.h"

namespace nb = nanobind;

namespace kith::python {
namespace {

std::string Shape(size_t rows, size_t columns, bool one) {
  return one ? "(" + std::to_string(columns) + ",)"
             : "(" + std::to_string(rows) + ", " + std::to_string(columns) + ")";
}

RowSet ToSet(const MatrixView& bits, size_t row) {
  std::vector<uint64_t> words((bits.dim + 63) / 64);
  std::memcpy(words.data(), bits.row(row), (bits.dim + 7) / 8);
  return RowSet::FromWords(std::move(words), bits.dim);
}

// Booleans: a set for all queries, or one for each.
std::unique_ptr<RowFilter> ToSets(const nb::object& where, uint64_t num_rows, size_t num_queries) {
  const InputMatrix input(where, "where");
  const MatrixView& bits = input.view();
  if (bits.dtype != DataType::kBit) {
    throw nb::type_error(
        "where is an array of booleans, one for each vector, as `years > 1990` gives it; for ids, "
        "use allow=");
  }
  const bool fits = bits.dim == num_rows && (input.one() || bits.rows == num_queries);
  if (!fits) {
    ThrowValueError("where has shape " + Shape(bits.rows, bits.dim, input.one()) + ", expected (" +
                    std::to_string(num_rows) + ",) or (" + std::to_string(num_queries) + ", " +
                    std::to_string(num_rows) + "): a boolean for each vector, or for each query " +
                    "and vector");
  }
  if (input.one()) return std::make_unique<RowSet>(ToSet(bits, 0));
  std::vector<RowSet> sets;
  sets.reserve(bits.rows);
  for (size_t q = 0; q < bits.rows; ++q) sets.push_back(ToSet(bits, q));
  return std::make_unique<RowSets>(std::move(sets), num_rows);
}

std::vector<uint64_t> RowsOf(const Index& index, const nb::object& ids, const char* name) {
  std::vector<uint64_t> rows;
  for (const int64_t id : ToIds(ids, name)) rows.push_back(ValueOrKeyError(index.FindId(id)));
  return rows;
}

// What a sparse matrix (queries, vectors) has entries for. Its columns are rows of the index.
std::unique_ptr<RowFilter> ExcludedOf(const nb::object& matrix, uint64_t num_rows,
                                      size_t num_queries) {
  const nb::object csr = CallPython([&] { return matrix.attr("tocsr")(); });
  const std::vector<int64_t> shape = ToIds(nb::object(csr.attr("shape")), "exclude.shape");
  if (shape.size() != 2 || shape[0] != static_cast<int64_t>(num_queries) ||
      shape[1] != static_cast<int64_t>(num_rows)) {
    ThrowValueError("exclude is a sparse matrix of another shape than (" +
                    std::to_string(num_queries) + ", " + std::to_string(num_rows) +
                    "), queries and vectors");
  }
  const std::vector<int64_t> ends = ToIds(nb::object(csr.attr("indptr")), "exclude.indptr");
  const std::vector<int64_t> columns = ToIds(nb::object(csr.attr("indices")), "exclude.indices");
  const auto broken = [] { ThrowValueError("exclude is a sparse matrix that contradicts itself"); };
  if (ends.size() != num_queries + 1 || ends[0] != 0) broken();
  auto excluded = std::make_unique<ExcludedRows>();
  std::vector<uint64_t> rows;
  for (size_t q = 0; q < num_queries; ++q) {
    if (ends[q + 1] < ends[q] || ends[q + 1] > static_cast<int64_t>(columns.size())) broken();
    rows.clear();
    for (int64_t i = ends[q]; i < ends[q + 1]; ++i) {
      const int64_t column = columns[static_cast<size_t>(i)];
      if (column < 0 || column >= shape[1]) broken();
      rows.push_back(static_cast<uint64_t>(column));
    }
    excluded->Add(rows);
  }
  return excluded;
}

// Ids for each query; of one query, they themselves.
std::unique_ptr<RowFilter> ToExcluded(const Index& index, const nb::object& exclude,
                                      size_t num_queries, bool one) {
  if (nb::hasattr(exclude, "tocsr")) {
    return ExcludedOf(exclude, index.info().num_vectors, num_queries);
  }
  auto excluded = std::make_unique<ExcludedRows>();
  if (one) {
    excluded->Add(RowsOf(index, exclude, "exclude"));
    return excluded;
  }
  ForEach(exclude, [&](nb::handle ids) {
    excluded->Add(RowsOf(index, nb::borrow(ids), "the ids of a query in exclude"));
  });
  if (excluded->num_queries() != num_queries) {
    ThrowValueError("exclude has ids for " + std::to_string(excluded->num_queries()) +
                    " queries, but there are " + std::to_string(num_queries) +
                    "; give a list of ids for each, an empty one where none are left out");
  }
  return excluded;
}

}  // namespace

Filters::Filters(const Index& index, const FilterArguments& arguments, size_t num_queries,
                 bool one) {
  const uint64_t n = index.info().num_vectors;
  if (!arguments.where.is_none()) Add(ToSets(arguments.where, n, num_queries));
  if (!arguments.allow.is_none()) {
    Add(std::make_unique<RowSet>(RowSet::Of(RowsOf(index, arguments.allow, "allow"), n)));
  }
  if (!arguments.deny.is_none()) {
    RowSet denied = RowSet::Of(RowsOf(index, arguments.deny, "deny"), n);
    Add(std::make_unique<RowSet>(denied.Invert()));
  }
  if (!arguments.exclude.is_none()) Add(ToExcluded(index, arguments.exclude, num_queries, one));
}

void Filters::Add(std::unique_ptr<RowFilter> filter) {
  const RowFilter* const before = filters_.empty() ? nullptr : filters_.back().get();
  const RowFilter* const added = filter.get();
  filters_.push_back(std::move(filter));
  if (before != nullptr) filters_.push_back(std::make_unique<BothPass>(*before, *added));
}

}  // namespace kith::python
