// Numbers, sizes and times as people read and write them, beside what base/strings.h has: StrCat(),
// FormatCount(), Plural() and Printable(); and base/nearest_name.h: DidYouMean().
#ifndef KITH_APPS_COMMON_TEXT_H_
#define KITH_APPS_COMMON_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/nearest_name.h"  // IWYU pragma: export
#include "base/strings.h"       // IWYU pragma: export
#include "kith/status.h"

namespace kith::apps {

std::string FormatBytes(uint64_t bytes);    // 57.3 MB (powers of ten)
std::string FormatSeconds(double seconds);  // 85 us, 4.12 ms, 3.20 s, 2 min 5 s, 3.50 h
std::string FormatFixed(double x, int decimals);
std::string FormatShort(double x);  // three significant digits or all of the integer part
// The fewest digits that read back as the same float.
std::string FormatFloat(float x);

// "1 thread", "4 threads", "all cores".
std::string ThreadsText(int threads);

// {"a", "b"} as "a, b".
std::string Joined(const std::vector<std::string>& names);

// The message of an error, with its remedy in words of the shell.
std::string ErrorText(const Status& status);

// "12", or "0.95", and nothing around it.
std::optional<int64_t> ParseWhole(std::string_view text);
std::optional<double> ParseReal(std::string_view text);

// A positive number of bytes, with K, M, G or T for 2^10, 2^20, 2^30 or 2^40 of them: "800M".
std::optional<uint64_t> ParseSize(std::string_view text);

// A time as "90", "30s", "5m" or "2h", in seconds; more than 0.
std::optional<double> ParseDuration(std::string_view text);

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_TEXT_H_
