#include "scan/path.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/strings.h"
#include "quant/bounded_code.h"
#include "scan/exact.h"

namespace kith::scan {
namespace {

constexpr std::string_view kSections[] = {"scan_mean", "scan_codes"};
constexpr std::string_view kMean = kSections[0];
constexpr std::string_view kCodes = kSections[1];

class ExactPath final : public search::AccessPath {
 public:
  ExactPath(std::shared_ptr<const storage::ContainerReader> file,
            const search::StoredVectors& vectors, const quant::BoundedCodes& codes)
      : file_(std::move(file)), vectors_(vectors), codes_(codes) {}

  PathInfo Describe() const override {
    const bool coded = !codes_.empty();
    return {.kind = IndexKind::kExact,
            .summary = coded ? "exact, over 8-bit codes" : "exact",
            .bytes = coded ? codes_.blocks.size() + codes_.mean.size_bytes() : 0,
            .properties = {{"codes", coded ? 8u : 0u, ""}}};
  }

  Status Search(const search::Request& request, search::Hits* hits,
                SearchStats* stats) const override {
    return ExactSearch(vectors_, codes_, request, hits, stats);
  }

  // Whether every bound of the codes holds.
  Status Verify(const Verification& check) const override {
    if (codes_.empty()) return Status::Ok();
    if (!std::all_of(codes_.mean.begin(), codes_.mean.end(),
                     [](float x) { return std::isfinite(x); })) {
      return file_->Corrupt(kMean, "it is not finite");
    }
    constexpr size_t kPlacesAtOnce = 1024;
    const MatrixView& rows = vectors_.table.rows;
    const size_t places = quant::BoundedCodes::NumBlocks(rows.rows) * simd::kScreenRows;
    const auto test = [&](size_t begin, size_t end, int /*thread*/) {
      for (size_t i = begin; i < end; ++i) {
        const std::string fault = quant::FaultOfCode(codes_, rows, i);
        if (!fault.empty()) return file_->Corrupt(kCodes, StrCat("code ", i, ": ", fault));
      }
      return Status::Ok();
    };
    return check.Chunks("codes of the scan", places, kPlacesAtOnce, test);
  }

  bool walks() const override { return false; }

 private:
  std::shared_ptr<const storage::ContainerReader> file_;
  search::StoredVectors vectors_;
  quant::BoundedCodes codes_;
};

// Writes codes, if they are wanted; the vectors themselves are written for all paths.
class ExactBuilder final : public search::PathBuilder {
 public:
  ExactBuilder(const search::BuildInput& input, bool codes) : input_(input), codes_(codes) {}

  Status Build() override { return Status::Ok(); }
  const std::vector<uint32_t>& order() const override { return order_; }
  std::vector<uint32_t> hidden() const override { return {}; }

  std::unique_ptr<search::AccessPath> OpenPartial(
      const search::StoredVectors& vectors) const override {
    return std::make_unique<ExactPath>(nullptr, vectors, quant::BoundedCodes());
  }

  Status Write(storage::ContainerWriter* writer) const override {
    if (!codes_) return Status::Ok();
    std::vector<uint32_t> order(input_.rows.rows);
    std::iota(order.begin(), order.end(), 0u);
    KITH_ASSIGN_OR_RETURN(const quant::EncodedRows encoded,
                          quant::EncodeBounded(input_.rows, order, input_.metric, *input_.pool));
    KITH_RETURN_IF_ERROR(writer->AddSection(kMean, std::as_bytes(std::span(encoded.mean))));
    return writer->AddSection(
        kCodes, std::span(encoded.blocks.data(), encoded.blocks.size()),
        {.row_bytes = static_cast<uint32_t>(quant::BoundedCodes::BlockBytes(input_.rows.dim))});
  }

 private:
  search::BuildInput input_;
  bool codes_;
  std::vector<uint32_t> order_;  // as they came
};

search::Costs CostsOf(const search::CostShape& shape, bool codes) {
  search::Costs costs = search::BaseCosts(shape, false);
  auto rows = static_cast<double>(shape.rows);
  uint64_t scanned = shape.rows * RowBytes(shape.dtype, shape.dim);
  if (codes) {
    scanned =
        quant::BoundedCodes::NumBlocks(shape.rows) * quant::BoundedCodes::BlockBytes(shape.dim);
    costs.file_bytes += scanned;
    costs.memory += scanned;
    costs.parallel_seconds += rows * static_cast<double>(shape.dim) * 5e-9;
    rows = 0;  // bounds of many rows are tested at once
  }
  search::AddWriting(&costs);
  costs.query_us = 1e-3 * QueryNs(rows, static_cast<double>(scanned), 1);
  return costs;
}

class ExactType final : public search::PathType {
 public:
  ExactType() = default;

  IndexKind kind() const override { return IndexKind::kExact; }
  const char* name() const override { return "exact"; }
  std::span<const std::string_view> sections() const override { return kSections; }

  Result<std::unique_ptr<search::AccessPath>> Open(
      std::shared_ptr<const storage::ContainerReader> file,
      const search::StoredVectors& vectors) const override {
    quant::BoundedCodes codes;
    const bool coded =
        std::any_of(std::begin(kSections), std::end(kSections),
                    [&](std::string_view name) { return file->Find(name) != nullptr; });
    if (coded) {
      KITH_ASSIGN_OR_RETURN(codes, OpenCodes(*file));
    }
    return std::unique_ptr<search::AccessPath>(
        std::make_unique<ExactPath>(std::move(file), vectors, codes));
  }

  Result<std::unique_ptr<search::PathBuilder>> NewBuilder(const search::BuildInput& input,
                                                          const PathSpec& spec) const override {
    const bool codes = std::get<ExactOptions>(spec).codes.value_or(false);
    if (codes && !quant::HasBoundedCodes(input.metric, input.rows.dtype)) {
      return Status::InvalidArgument(StrCat(
          "no scan codes for ", MetricName(input.metric), " over ", DataTypeName(input.rows.dtype),
          "; they are for angular, euclidean or dot over f32, f16 or bf16: leave them out"));
    }
    return std::unique_ptr<search::PathBuilder>(std::make_unique<ExactBuilder>(input, codes));
  }

  std::vector<std::vector<search::BuildWay>> Ways(const search::CostShape& shape,
                                                  const PathSpec& spec,
                                                  bool /*counted*/) const override {
    const bool codes = std::get<ExactOptions>(spec).codes.value_or(
        quant::BoundedCodesPay(shape.metric, shape.dtype, shape.rows, shape.dim));
    return {{{ExactOptions{codes}, CostsOf(shape, codes)}}};
  }
  PathSpec DefaultSpec() const override { return ExactOptions(); }

 private:
  static Result<quant::BoundedCodes> OpenCodes(const storage::ContainerReader& file) {
    const storage::FileHeader& header = file.header();
    quant::BoundedCodes codes;
    codes.metric = static_cast<Metric>(header.metric);
    codes.dim = header.dim;
    if (!quant::HasBoundedCodes(codes.metric, static_cast<DataType>(header.dtype))) {
      return file.Corrupt(kCodes, "vectors of this type and metric have none");
    }
    KITH_ASSIGN_OR_RETURN(codes.mean, file.Array<float>(kMean, header.dim));
    KITH_RETURN_IF_ERROR(file.CheckSize(kCodes, quant::BoundedCodes::NumBlocks(header.num_vectors),
                                        quant::BoundedCodes::BlockBytes(header.dim)));
    codes.blocks = file.Bytes(kCodes);
    return codes;
  }
};

}  // namespace

const search::PathType& Type() {
  static const ExactType type;
  return type;
}

double QueryNs(double rows, double bytes, size_t num_queries) {
  // Queries of one call that share what is read.
  constexpr size_t kMany = 16;
  // What a core reads at the speed of caches; the rest comes from memory.
  constexpr double kCachedBytes = 16e6;
  constexpr double kQuery = 3000;
  if (num_queries >= kMany) return kQuery + std::max(rows * 0.25, bytes * 0.0035);
  return kQuery + rows * 0.9 + bytes * 0.0115 + std::max(0.0, bytes - kCachedBytes) * 0.012;
}

}  // namespace kith::scan
