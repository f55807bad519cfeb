// idx files.
#include "read_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kith::ReadAndTouch("idx", data, size);
  return 0;
}
