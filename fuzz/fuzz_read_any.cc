// Finding the format, and ground truth. HDF5 is left out: its parser is not kith's.
#include "read_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::string_view kHdf5 = "\x89HDF";
  if (std::string_view(reinterpret_cast<const char*>(data), size).find(kHdf5) !=
      std::string_view::npos) {
    return 0;
  }
  kith::ReadAndTouch("", data, size);
  (void)kith::data::ReadTruthInput(kith::FuzzInput("input", data, size));
  return 0;
}
