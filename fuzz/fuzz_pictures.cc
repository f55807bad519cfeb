// What src/pictures reads itself: zip and tar archives, what a file of ONNX says of itself, and the
// origin of vectors. The first byte says which.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pictures/onnx_notes.h"
#include "pictures/recipe.h"
#include "pictures/sources.h"

namespace kith::pictures {
namespace {

void ReadArchive(const std::shared_ptr<std::vector<std::byte>>& bytes, bool zip) {
  Sources sources;
  const Status listed =
      zip ? ListZip("it", bytes, *bytes, &sources) : ListTar("it", bytes, *bytes, &sources);
  if (!listed.ok()) return;
  uint64_t sum = 0;
  std::vector<std::byte> buffer;
  for (size_t i = 0; i < std::min<size_t>(sources.size(), 100); ++i) {
    const auto content = sources[i]->Read(&buffer);
    if (!content.ok()) continue;
    for (const std::byte b : *content) sum += std::to_integer<uint64_t>(b);
  }
  if (sum == ~uint64_t{0}) std::abort();  // so that all is read
}

}  // namespace
}  // namespace kith::pictures

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith::pictures;
  if (size == 0) return 0;
  const auto* const begin = reinterpret_cast<const std::byte*>(data + 1);
  const auto bytes = std::make_shared<std::vector<std::byte>>(begin, begin + size - 1);
  if (data[0] % 4 < 2) {
    ReadArchive(bytes, data[0] % 4 == 0);
  } else if (data[0] % 4 == 2) {
    ReadOnnxNotes(*bytes);
  } else {
    const auto recipe = ParseRecipe({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
    // What was read is written and read again.
    if (recipe.ok() && TextOf(*ParseRecipe(TextOf(*recipe))) != TextOf(*recipe)) std::abort();
  }
  return 0;
}
