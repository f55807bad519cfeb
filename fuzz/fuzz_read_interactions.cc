// Lines of users and items, and Matrix Market files, with themselves for names of the items.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "kith/interactions.h"
#include "memory_file.h"

namespace {

// Aborts where a matrix contradicts itself.
void Touch(const kith::Interactions& all) {
  if (all.users.size() != all.num_users() || all.size() != all.weights.size()) std::abort();
  if (all.offsets.back() != all.size() || all.size() == 0) std::abort();
  if (!all.times.empty() && all.times.size() != all.size()) std::abort();
  for (size_t user = 0; user < all.num_users(); ++user) {
    uint32_t least = 0;
    for (const uint32_t item : all.ItemsOf(user)) {
      if (item < least || item >= all.num_items()) std::abort();
      least = item + 1;
    }
    for (const float weight : all.WeightsOf(user)) {
      if (!(weight > 0)) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kith::testing::MemoryFile file;
  file.Write({reinterpret_cast<const char*>(data), size});
  for (const bool named : {false, true}) {
    kith::ReadInteractionsOptions options;
    if (named) options.item_names = file.path();
    const auto all = kith::ReadInteractions(file.path(), options);
    if (all.ok()) Touch(*all);
  }
  return 0;
}
