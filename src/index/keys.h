// Asking a file for its keys.
#ifndef KITH_INDEX_KEYS_H_
#define KITH_INDEX_KEYS_H_

#include "base/strings.h"
#include "kith/index.h"
#include "kith/status.h"

namespace kith::index {

// InvalidArgument, with a remedy, unless the index has keys.
inline Status CheckHasKeys(const Index& index) {
  if (index.info().has_keys) return Status::Ok();
  return Status::InvalidArgument(
      StrCat(index.info().path, " has no keys; build it with keys, or search with a vector"));
}

}  // namespace kith::index

#endif  // KITH_INDEX_KEYS_H_
