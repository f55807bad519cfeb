// Packed files, of words and of a fixed layout.
#include "read_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kith::ReadAndTouch("glove", data, size);
  kith::ReadAndTouch("fvecs", data, size);
  return 0;
}
