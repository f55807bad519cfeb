#include "base/nearest_name.h"

#include <algorithm>

#include "base/spelling.h"
#include "base/strings.h"

namespace kith {
inline namespace base {
namespace {

// Names are short; what is typed may be anything.
constexpr size_t kLongest = 64;

}  // namespace

std::string Lowered(std::string_view text) {
  std::string lowered(text);
  std::transform(lowered.begin(), lowered.end(), lowered.begin(), LowerAscii);
  return lowered;
}

std::string_view NearestName(std::string_view typed, std::span<const std::string_view> names) {
  if (typed.empty() || typed.size() > kLongest) return {};
  const SpellingPattern pattern(typed);
  const std::string meant = Lowered(typed);
  std::string_view best;
  size_t best_slips = 0;
  for (const std::string_view name : names) {
    const std::string lowered = Lowered(name);
    // Of one letter or two anything is the beginning of something.
    const bool begun = meant.size() > 2 && lowered.starts_with(meant);
    const size_t wrong = pattern.Distance(name, kLongest);
    const size_t slips = std::min<size_t>(wrong, begun ? 1 : name.size());
    if (slips * 3 > std::max<size_t>(3, name.size()) || slips >= name.size()) continue;
    if (!best.empty() && slips >= best_slips) continue;
    best = name;
    best_slips = slips;
  }
  return best;
}

std::string DidYouMean(std::span<const std::string> near) {
  std::string text;
  for (size_t i = 0; i < near.size(); ++i) {
    text += StrCat(i == 0                ? "; did you mean '"
                   : i + 1 < near.size() ? "', '"
                                         : "' or '",
                   Printable(near[i]));
  }
  return near.empty() ? text : text + "'?";
}

std::string DidYouMean(std::string_view typed, std::span<const std::string_view> names) {
  const std::string_view name = NearestName(typed, names);
  return name.empty() ? "" : StrCat("; did you mean '", name, "'?");
}

}  // namespace base
}  // namespace kith
