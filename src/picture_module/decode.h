// Pictures as rows of red, green and blue.
#ifndef KITH_PICTURE_MODULE_DECODE_H_
#define KITH_PICTURE_MODULE_DECODE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kith::picture_module {

struct Picture {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;  // [height, width, 3]
  // As EXIF numbers the ways a camera may have been held: 1 is upright, 2 to 8 mirrored and turned.
  int orientation = 1;
};

// Decodes a JPEG, PNG or WebP, whichever its first bytes say. Grey becomes three equal channels,
// transparent parts are laid on white, CMYK is converted. A JPEG may come at an eighth to seven
// eighths of its size where its shorter side still has `least_side` pixels. False and why, if it is
// none of these, damaged, cut short, or of more than 2^28 pixels. Throws std::bad_alloc.
bool Decode(const uint8_t* bytes, size_t size, int least_side, Picture* picture, std::string* why);

}  // namespace kith::picture_module

#endif  // KITH_PICTURE_MODULE_DECODE_H_
