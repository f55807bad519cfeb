// What a file of ONNX says about its network without running it.
#ifndef KITH_PICTURES_ONNX_NOTES_H_
#define KITH_PICTURES_ONNX_NOTES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace kith::pictures {

struct OnnxNotes {
  std::map<std::string, std::string> notes;  // metadata_props of the model
  // Of the first input that has four: pictures, channels, rows, columns; 0 for one that is open.
  std::array<uint64_t, 4> input = {};
};

// Reads as far as the bytes make sense: a file of something else says nothing. Cost: O(fields), of
// which weights are skipped.
OnnxNotes ReadOnnxNotes(std::span<const std::byte> model);

}  // namespace kith::pictures

#endif  // KITH_PICTURES_ONNX_NOTES_H_
