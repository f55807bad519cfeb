#include "base/nearest_name.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "base/strings.h"

namespace kith {
inline namespace base {
namespace {

// Names are short; what is typed may be anything.
constexpr size_t kLongest = 64;

// Slips between two lower-case texts, a row of the usual table at a time.
size_t Slips(std::string_view a, std::string_view b) {
  std::array<std::vector<size_t>, 3> rows;  // of i - 2, i - 1 and i letters of `a`
  rows.fill(std::vector<size_t>(b.size() + 1));
  for (size_t j = 0; j <= b.size(); ++j) rows[2][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::rotate(rows.begin(), rows.begin() + 1, rows.end());
    rows[2][0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = rows[1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[2][j] = std::min({changed, rows[1][j] + 1, rows[2][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        rows[2][j] = std::min(rows[2][j], rows[0][j - 2] + 1);
      }
    }
  }
  return rows[2][b.size()];
}

}  // namespace

std::string Lowered(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lowered;
}

std::string_view NearestName(std::string_view typed, std::span<const std::string_view> names) {
  if (typed.empty() || typed.size() > kLongest) return {};
  const std::string meant = Lowered(typed);
  std::string_view best;
  size_t best_slips = 0;
  for (const std::string_view name : names) {
    const std::string lowered = Lowered(name);
    // Of one letter or two anything is the beginning of something.
    const bool begun = meant.size() > 2 && lowered.starts_with(meant);
    const size_t slips = std::min<size_t>(Slips(meant, lowered), begun ? 1 : lowered.size());
    if (slips * 3 > std::max<size_t>(3, name.size()) || slips >= name.size()) continue;
    if (!best.empty() && slips >= best_slips) continue;
    best = name;
    best_slips = slips;
  }
  return best;
}

std::string DidYouMean(std::string_view typed, std::span<const std::string_view> names) {
  const std::string_view name = NearestName(typed, names);
  return name.empty() ? "" : StrCat("; did you mean '", name, "'?");
}

}  // namespace base
}  // namespace kith
