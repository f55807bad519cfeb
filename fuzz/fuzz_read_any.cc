// Finding the format, and ground truth.
#include "read_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kith::ReadAndTouch("", data, size);
  (void)kith::data::ReadTruthInput(kith::FuzzInput("input", data, size));
  return 0;
}
