// HDF5 files. An input is a file of its own, or (any that does not begin as one) changes to one of
// the small files in tests/golden/hdf5: a byte that chooses it, then records of five bytes that say
// which piece is changed and how, which may make addresses that lead back to themselves.
#include "data/hdf5_mutants.h"
#include "read_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (data[0] != 0x89) {
    const auto& seeds = kith::testing::Hdf5Seeds();
    if (seeds.empty()) std::abort();
    const kith::testing::Hdf5Seed& seed = seeds[data[0] % seeds.size()];
    bytes = seed.bytes();
    for (size_t i = 1; i + 5 <= size; i += 5) {
      seed.Change(static_cast<uint32_t>(data[i] << 8 | data[i + 1]), data[i + 2],
                  static_cast<uint32_t>(data[i + 3] << 8 | data[i + 4]), &bytes);
    }
  }
  const auto* begin = reinterpret_cast<const uint8_t*>(bytes.data());
  kith::ReadAndTouch("hdf5", begin, bytes.size());
  (void)kith::data::ReadTruthInput(kith::FuzzInput("input.h5", begin, bytes.size()));
  return 0;
}
