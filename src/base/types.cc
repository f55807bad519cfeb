#include "kith/types.h"

#include <iterator>

namespace kith {
namespace {

constexpr const char* kMetricNames[] = {"angular", "euclidean", "dot", "manhattan", "hamming"};
constexpr const char* kDataTypeNames[] = {"f32", "f16", "bf16", "i8", "u8", "bit"};
static_assert(std::size(kMetricNames) == kNumMetrics, "a metric without a name");
static_assert(std::size(kDataTypeNames) == kNumDataTypes, "an element type without a name");

}  // namespace

const char* MetricName(Metric metric) {
  const auto i = static_cast<size_t>(metric);
  return i < kNumMetrics ? kMetricNames[i] : "unknown";
}

const char* DataTypeName(DataType dtype) {
  const auto i = static_cast<size_t>(dtype);
  return i < kNumDataTypes ? kDataTypeNames[i] : "unknown";
}

std::optional<Metric> ParseMetric(std::string_view name) {
  for (size_t i = 0; i < kNumMetrics; ++i) {
    if (name == kMetricNames[i]) return static_cast<Metric>(i);
  }
  return std::nullopt;
}

std::optional<DataType> ParseDataType(std::string_view name) {
  for (size_t i = 0; i < kNumDataTypes; ++i) {
    if (name == kDataTypeNames[i]) return static_cast<DataType>(i);
  }
  return std::nullopt;
}

}  // namespace kith
