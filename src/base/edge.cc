#include "base/edge.h"

#include "base/strings.h"

namespace kith {
inline namespace base {

Status Explained(Status status, std::string_view subject, std::string_view remedy) noexcept {
  if (status.code() != StatusCode::kOutOfMemory || status.message() != kOutOfMemory) return status;
  try {
    return Status::OutOfMemory(StrCat(subject, subject.empty() ? "" : ": ", kOutOfMemory,
                                      remedy.empty() ? "" : "; ", remedy));
  } catch (...) {
    return status;
  }
}

}  // namespace base
}  // namespace kith
