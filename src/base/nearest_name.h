// "Did you mean ...?": the name that a mistyped one was probably meant to be.
#ifndef KITH_BASE_NEAREST_NAME_H_
#define KITH_BASE_NEAREST_NAME_H_

#include <span>
#include <string>
#include <string_view>

namespace kith {
inline namespace base {

// With the letters of ASCII in lower case; all else stays.
std::string Lowered(std::string_view text);

// The name of `names` that takes the fewest slips to type as `typed`: a letter changed, left out,
// added, or swapped with the next one (the optimal string alignment distance), capital or not. ""
// if it takes more than a third of its letters, or none is at all near. A name of which `typed` is
// the beginning counts as one slip. Of names that are equally near, the first.
std::string_view NearestName(std::string_view typed, std::span<const std::string_view> names);

// "; did you mean 'a', 'b' or 'c'?", with what cannot be printed escaped; "" of no names.
std::string DidYouMean(std::span<const std::string> near);

// "; did you mean 'search'?", or "" if no name is near.
std::string DidYouMean(std::string_view typed, std::span<const std::string_view> names);

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_NEAREST_NAME_H_
