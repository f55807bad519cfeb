// Pairs of users and items as they are read, on their way to a sparse matrix.
#ifndef KITH_DATA_INTERACTIONS_H_
#define KITH_DATA_INTERACTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "data/byte_stream.h"
#include "data/text.h"
#include "kith/interactions.h"
#include "kith/status.h"

namespace kith::data {

// Names and the numbers that they got in the order in which they came.
class Names {
 public:
  // Errors: InvalidArgument (more than rows are numbered).
  Result<uint32_t> NumberOf(std::string_view name);
  StringList Take() { return std::move(list_); }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> numbers_;
  StringList list_;
};

// Pairs in the order of the file.
struct Pairs {
  std::vector<uint32_t> users;
  std::vector<uint32_t> items;
  std::vector<float> weights;
  std::vector<double> times;  // one for each pair, or none
};

// A file whose first line begins with %%MatrixMarket.
bool IsMatrixMarket(std::string_view head);
Result<Interactions> ReadMatrixMarket(ByteStream* stream, const Progress& progress);
// What WriteInteractions() writes, into an open file. Errors: those of writing to it.
Status AppendInteractions(const Interactions& interactions, AtomicFile* file);

// The status with the file's name before its message.
Status In(const std::string& path, const Status& status);

// A weight that may stand for itself: finite, not negative. Errors: InvalidArgument with the line.
Result<float> ParseWeight(const LineReader& lines, std::string_view field);

}  // namespace kith::data

#endif  // KITH_DATA_INTERACTIONS_H_
