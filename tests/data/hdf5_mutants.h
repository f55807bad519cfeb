// Small HDF5 files of many layouts, and changes to them that know what the pieces are: for the test
// of the reader and for its fuzz target. KITH_HDF5_FILES is the folder of the files.
#ifndef KITH_TESTS_DATA_HDF5_MUTANTS_H_
#define KITH_TESTS_DATA_HDF5_MUTANTS_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace kith::testing {

// A file, and where changing it means something.
class Hdf5Seed {
 public:
  explicit Hdf5Seed(const std::filesystem::path& path) : name_(path.filename().string()) {
    std::ifstream in(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
    // Zeros far from anything else are padding.
    constexpr size_t kNear = 16;
    size_t zeros = kNear;
    for (size_t i = 0; i < bytes_.size(); ++i) {
      zeros = bytes_[i] == 0 ? zeros + 1 : 0;
      if (zeros < kNear) places_.push_back(i);
    }
    for (const std::string_view piece : {"TREE", "SNOD", "HEAP", "GCOL", "OHDR", "OCHK"}) {
      for (size_t at = bytes_.find(piece); at != std::string::npos;
           at = bytes_.find(piece, at + 1)) {
        pieces_.push_back(at);
      }
    }
    for (size_t i = 0; i + 8 <= bytes_.size(); i += 8) {
      uint64_t word = 0;
      std::memcpy(&word, bytes_.data() + i, sizeof(word));
      if (word > 0 && word < bytes_.size() && word % 8 == 0) pieces_.push_back(word);
    }
    pieces_.push_back(0);
  }

  const std::string& name() const { return name_; }
  const std::string& bytes() const { return bytes_; }
  const std::vector<size_t>& places() const { return places_; }

  // Changes the place chosen by `place` in the way of `how`, which `value` says more of.
  void Change(uint32_t place, uint32_t how, uint32_t value, std::string* out) const {
    constexpr uint64_t kNumbers[] = {0,
                                     1,
                                     0xFF,
                                     0xFFFF,
                                     0x10000,
                                     0xFFFFFFFF,
                                     0x100000000,
                                     uint64_t{1} << 61,
                                     uint64_t{1} << 63,
                                     UINT64_MAX - 7,
                                     UINT64_MAX};
    const size_t at = places_[place % places_.size()];
    uint64_t word = kNumbers[value % std::size(kNumbers)];
    size_t width = 8;
    switch (how % 6) {
      case 0:
        width = 1;
        word = value;
        break;
      case 1:
        width = 1;
        word = static_cast<unsigned char>((*out)[at]) + (value % 2 == 0 ? 1u : 255u);
        break;
      case 2: word = pieces_[value % pieces_.size()]; break;  // an address: of that piece
      case 3: width = size_t{1} << (value / 16 % 4); break;
      case 4: word = out->size() - value % 64; break;
      default:  // what is elsewhere
        std::memcpy(&word, out->data() + std::min(places_[value % places_.size()], out->size() - 8),
                    8);
    }
    std::memcpy(out->data() + at, &word, std::min(width, out->size() - at));
  }

 private:
  std::string name_;
  std::string bytes_;
  std::vector<size_t> places_;
  std::vector<uint64_t> pieces_;  // addresses at which a piece may begin
};

inline const std::vector<Hdf5Seed>& Hdf5Seeds() {
  static const std::vector<Hdf5Seed> seeds = [] {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(KITH_HDF5_FILES)) {
      if (entry.path().extension() == ".h5") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return std::vector<Hdf5Seed>(paths.begin(), paths.end());
  }();
  return seeds;
}

}  // namespace kith::testing

#endif  // KITH_TESTS_DATA_HDF5_MUTANTS_H_
