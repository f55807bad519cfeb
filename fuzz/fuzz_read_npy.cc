// NumPy arrays.
#include "read_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kith::ReadAndTouch("npy", data, size);
  (void)kith::data::ReadTruthInput(kith::FuzzInput("input.npy", data, size));
  return 0;
}
