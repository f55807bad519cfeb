// The vecs and bin families: the first byte chooses the format.
#include "read_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr const char* kFormats[] = {"fvecs", "bvecs", "ivecs", "fbin", "u8bin", "i8bin", "ibin"};
  kith::ReadAndTouch(kFormats[data[0] % std::size(kFormats)], data + 1, size - 1);
  return 0;
}
