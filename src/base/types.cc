#include "kith/types.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/nearest_name.h"
#include "base/strings.h"
#include "kith/metric_names.h"

namespace kith {
namespace {

constexpr const char* kMetricNames[] = {"angular", "euclidean", "dot", "manhattan", "hamming"};
constexpr const char* kDataTypeNames[] = {"f32", "f16", "bf16", "i8", "u8", "bit"};
// What else metrics are called, without what Plain() takes off. No two of the same name differ in
// more than a constant: distances are what the name says.
constexpr struct {
  std::string_view name;
  Metric metric;
} kSynonyms[] = {
    {"cosine", Metric::kAngular},         {"cos", Metric::kAngular},
    {"cosinedistance", Metric::kAngular}, {"cosinesimilarity", Metric::kAngular},
    {"l2", Metric::kEuclidean},           {"ip", Metric::kDot},
    {"innerproduct", Metric::kDot},       {"dotproduct", Metric::kDot},
    {"l1", Metric::kManhattan},           {"cityblock", Metric::kManhattan},
    {"taxicab", Metric::kManhattan},
};
// Names of the square of the euclidean distance.
constexpr std::string_view kSquares[] = {
    "sqeuclidean", "squaredeuclidean", "euclideansquared", "sql2",
    "l2sq",        "l2squared",        "squaredl2"};
static_assert(std::size(kMetricNames) == kNumMetrics, "a metric without a name");
static_assert(std::size(kDataTypeNames) == kNumDataTypes, "an element type without a name");

// In lower case, without spaces, '-' and '_'.
std::string Plain(std::string_view name) {
  std::string plain = Lowered(name);
  std::erase_if(plain, [](char c) { return c == ' ' || c == '-' || c == '_'; });
  return plain;
}

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
  const std::string plain = Plain(name);
  for (size_t i = 0; i < kNumMetrics; ++i) {
    if (plain == kMetricNames[i]) return static_cast<Metric>(i);
  }
  for (const auto& synonym : kSynonyms) {
    if (plain == synonym.name) return synonym.metric;
  }
  return std::nullopt;
}

std::string UnknownMetric(std::string_view name) {
  const std::string plain = Plain(name);
  const std::string fault = StrCat("unknown metric '", Printable(name), "'");
  if (std::find(std::begin(kSquares), std::end(kSquares), plain) != std::end(kSquares)) {
    return StrCat(fault,
                  "; take euclidean, whose neighbours are the same and whose distances are "
                  "the roots of its");
  }
  std::vector<std::string_view> names(std::begin(kMetricNames), std::end(kMetricNames));
  for (const auto& synonym : kSynonyms) names.push_back(synonym.name);
  return StrCat(fault, DidYouMean(plain, names),
                DidYouMean(plain, names).empty() ? "; expected " : " Expected ",
                "angular (cosine), euclidean (l2), dot (ip), manhattan (l1) or hamming");
}

std::optional<DataType> ParseDataType(std::string_view name) {
  for (size_t i = 0; i < kNumDataTypes; ++i) {
    if (name == kDataTypeNames[i]) return static_cast<DataType>(i);
  }
  return std::nullopt;
}

}  // namespace kith
