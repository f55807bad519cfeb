// What public functions do around their bodies.
#ifndef KITH_BASE_EDGE_H_
#define KITH_BASE_EDGE_H_

#include <string_view>
#include <type_traits>
#include <utility>

#include "base/thread_pool.h"
#include "kith/status.h"

namespace kith {
inline namespace base {

// "out of memory", as StatusOfException() says it, with the subject before it and the remedy behind
// it. Any other Status as it is, and that one too where there is no memory for more words.
Status Explained(Status status, std::string_view subject, std::string_view remedy) noexcept;

// As CatchAll(), for a caller who is to know what ran out of memory and what to do about it:
// "words.txt: out of memory; read fewer rows". Either may be empty.
template <class Fn>
auto AtEdge(std::string_view subject, std::string_view remedy, Fn&& fn) noexcept -> decltype(fn()) {
  auto result = CatchAll(fn);
  if (result.ok()) return result;
  if constexpr (std::is_same_v<decltype(result), Status>) {
    return Explained(std::move(result), subject, remedy);
  } else {
    return Explained(std::move(result).status(), subject, remedy);
  }
}

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_EDGE_H_
