#include "common/text.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>

namespace kith::apps {
namespace {

// The whole of a text as a number.
template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  T x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return x;
}

}  // namespace

std::string FormatFixed(double x, int decimals) {
  char buffer[400];  // the largest double has 309 digits before the point
  std::snprintf(buffer, sizeof(buffer), "%.*f", decimals, x);
  return buffer;
}

std::string FormatShort(double x) {
  if (x >= 99.95) return FormatCount(static_cast<uint64_t>(std::llround(x)));
  return FormatFixed(x, x >= 9.995 ? 1 : 2);
}

std::string FormatBytes(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return StrCat(bytes, " bytes");
  double x = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  for (; x >= 999.5 && unit + 1 < std::size(kUnits); ++unit) x /= 1000;
  return StrCat(FormatShort(x), " ", kUnits[unit]);
}

std::string FormatSeconds(double seconds) {
  if (seconds < 0.9995e-3) return StrCat(FormatShort(seconds * 1e6), " us");
  if (seconds < 0.9995) return StrCat(FormatShort(seconds * 1e3), " ms");
  if (seconds < 119.5) return StrCat(FormatShort(seconds), " s");
  if (seconds >= 7200) return StrCat(FormatShort(seconds / 3600), " h");
  const auto whole = static_cast<uint64_t>(std::llround(seconds));
  return StrCat(FormatCount(whole / 60), " min ", whole % 60, " s");
}

std::string FormatFloat(float x) {
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), x);
  return error == std::errc() ? std::string(buffer, end) : std::string("nan");
}

std::string ThreadsText(int threads) {
  return threads == 0 ? "all cores" : Plural(static_cast<uint64_t>(threads), "thread");
}

std::string ErrorText(const Status& status) {
  switch (status.remedy()) {
    case Remedy::kNone: break;
    case Remedy::kSearchExactly:
      return status.MessageWith("ask for less, or search exactly (--exact instead of --index)");
    case Remedy::kMeasureRecall:
      return status.MessageWith(
          "measure it (kith tune), give an effort (--effort), or search exactly (--exact instead "
          "of "
          "--index)");
  }
  return status.message();
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::optional<int64_t> ParseWhole(std::string_view text) { return ParseNumber<int64_t>(text); }
std::optional<double> ParseReal(std::string_view text) { return ParseNumber<double>(text); }

std::optional<uint64_t> ParseSize(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int shift = 0;
  switch (text.back()) {
    case 'k':
    case 'K': shift = 10; break;
    case 'm':
    case 'M': shift = 20; break;
    case 'g':
    case 'G': shift = 30; break;
    case 't':
    case 'T': shift = 40; break;
    default: break;
  }
  if (shift > 0) text.remove_suffix(1);
  const std::optional<int64_t> n = ParseWhole(text);
  if (!n || *n < 1 || *n > INT64_MAX >> shift) return std::nullopt;
  return static_cast<uint64_t>(*n) << shift;
}

std::optional<double> ParseDuration(std::string_view text) {
  constexpr double kMost = 1e9;
  if (text.empty()) return std::nullopt;
  double unit = 1;
  bool has_unit = true;
  switch (text.back()) {
    case 's': break;
    case 'm': unit = 60; break;
    case 'h': unit = 3600; break;
    default: has_unit = false;
  }
  if (has_unit) text.remove_suffix(1);
  const std::optional<double> x = ParseReal(text);
  if (!x || !(*x > 0 && *x * unit <= kMost)) return std::nullopt;
  return *x * unit;
}

}  // namespace kith::apps
