// Comma-separated values.
#include "read_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kith::ReadAndTouch("csv", data, size);
  return 0;
}
