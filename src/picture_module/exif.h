// How the camera was held, from the EXIF data of a picture.
#ifndef KITH_PICTURE_MODULE_EXIF_H_
#define KITH_PICTURE_MODULE_EXIF_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace kith::picture_module {

// The orientation that the EXIF data of a JPEG, PNG or WebP tells, 1 to 8; 1 where there is none,
// or it is damaged.
int OrientationOf(std::span<const uint8_t> file);

}  // namespace kith::picture_module

#endif  // KITH_PICTURE_MODULE_EXIF_H_
