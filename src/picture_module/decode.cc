#include "picture_module/decode.h"

#include <png.h>
#include <turbojpeg.h>
#include <webp/decode.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "picture_module/exif.h"

namespace kith::picture_module {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 28;

bool Fail(std::string message, std::string* why) {
  *why = std::move(message);
  return false;
}

// Makes room for so many pixels of three bytes, unless these are too many.
bool SetSize(int64_t width, int64_t height, Picture* picture, std::string* why) {
  if (width <= 0 || height <= 0) return Fail("has no pixels", why);
  if (width > kMostPixels / height) {
    return Fail("has " + std::to_string(width) + " x " + std::to_string(height) +
                    " pixels; at most 2^28 are decoded",
                why);
  }
  picture->width = static_cast<int>(width);
  picture->height = static_cast<int>(height);
  picture->rgb.resize(static_cast<size_t>(width * height * 3));
  return true;
}

uint8_t Blend(uint32_t colour, uint32_t alpha, uint32_t below) {
  return static_cast<uint8_t>((colour * alpha + below * (255 - alpha) + 127) / 255);
}

// Four bytes a pixel that printers use, stored inverted as Adobe does it.
void ConvertCmyk(const std::vector<uint8_t>& cmyk, std::vector<uint8_t>* rgb) {
  for (size_t i = 0; i < cmyk.size() / 4; ++i) {
    for (size_t c = 0; c < 3; ++c) (*rgb)[3 * i + c] = Blend(cmyk[4 * i + c], cmyk[4 * i + 3], 0);
  }
}

// The smallest scale that leaves `least_side` pixels of the shorter side; whole if none does.
tjscalingfactor ScaleFor(int shorter, int least_side) {
  tjscalingfactor best = {1, 1};
  int count = 0;
  const tjscalingfactor* const all = tjGetScalingFactors(&count);
  for (int i = 0; all != nullptr && i < count; ++i) {
    const bool smaller = all[i].num * best.denom < best.num * all[i].denom;
    if (smaller && TJSCALED(shorter, all[i]) >= least_side) best = all[i];
  }
  return best;
}

bool DecodeJpeg(const uint8_t* bytes, size_t size, int least_side, Picture* picture,
                std::string* why) {
  const auto close = [](void* handle) { tjDestroy(handle); };
  const std::unique_ptr<void, decltype(close)> jpeg(tjInitDecompress(), close);
  if (jpeg == nullptr) throw std::bad_alloc();
  const auto fault = [&] {
    return Fail(std::string("damaged JPEG: ") + tjGetErrorStr2(jpeg.get()), why);
  };
  int width = 0;
  int height = 0;
  int sampling = 0;
  int colours = 0;
  if (tjDecompressHeader3(jpeg.get(), bytes, static_cast<unsigned long>(size), &width, &height,
                          &sampling, &colours) != 0) {
    return fault();
  }
  const tjscalingfactor scale = ScaleFor(std::min(width, height), least_side);
  if (!SetSize(TJSCALED(width, scale), TJSCALED(height, scale), picture, why)) return false;
  const bool cmyk = colours == TJCS_CMYK || colours == TJCS_YCCK;
  std::vector<uint8_t> four(cmyk ? picture->rgb.size() / 3 * 4 : 0);
  const int decoded = tjDecompress2(
      jpeg.get(), bytes, static_cast<unsigned long>(size), cmyk ? four.data() : picture->rgb.data(),
      picture->width, 0, picture->height, cmyk ? TJPF_CMYK : TJPF_RGB, TJFLAG_ACCURATEDCT);
  if (decoded != 0) {
    // Some cameras leave bytes between segments, which is only warned of.
    const bool warned = tjGetErrorCode(jpeg.get()) == TJERR_WARNING;
    const std::string_view message = tjGetErrorStr2(jpeg.get());
    if (!warned || message.find("remature end") != std::string_view::npos) return fault();
  }
  if (cmyk) ConvertCmyk(four, &picture->rgb);
  return true;
}

// Pixels of four bytes, the last of which says how much of the picture is seen, on white.
void LayOnWhite(const std::vector<uint8_t>& rgba, std::vector<uint8_t>* rgb) {
  for (size_t i = 0; i < rgba.size() / 4; ++i) {
    for (size_t c = 0; c < 3; ++c) (*rgb)[3 * i + c] = Blend(rgba[4 * i + c], rgba[4 * i + 3], 255);
  }
}

bool DecodePng(const uint8_t* bytes, size_t size, Picture* picture, std::string* why) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  const auto close = [](png_image* open) { png_image_free(open); };
  const std::unique_ptr<png_image, decltype(close)> guard(&image, close);
  const auto fault = [&] { return Fail(std::string("damaged PNG: ") + image.message, why); };
  if (png_image_begin_read_from_memory(&image, bytes, size) == 0) return fault();
  if (!SetSize(image.width, image.height, picture, why)) return false;
  // Of 16 bits that say nothing of their gamma, libpng would think that they are linear light, but
  // nearly all that is written so is sRGB as 8 bits are.
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  if ((image.format & PNG_FORMAT_FLAG_ALPHA) == 0) {
    image.format = PNG_FORMAT_RGB;
    return png_image_finish_read(&image, nullptr, picture->rgb.data(), 0, nullptr) != 0 || fault();
  }
  // libpng would blend in linear light, which others do not, and which of WebP is not done.
  image.format = PNG_FORMAT_RGBA;
  std::vector<uint8_t> rgba(picture->rgb.size() / 3 * 4);
  if (png_image_finish_read(&image, nullptr, rgba.data(), 0, nullptr) == 0) return fault();
  LayOnWhite(rgba, &picture->rgb);
  return true;
}

bool DecodeWebp(const uint8_t* bytes, size_t size, Picture* picture, std::string* why) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(bytes, size, &features) != VP8_STATUS_OK) return Fail("damaged WebP", why);
  if (features.has_animation != 0) {
    return Fail("is an animated WebP, which is no single picture", why);
  }
  if (!SetSize(features.width, features.height, picture, why)) return false;
  const int stride = 4 * picture->width;
  std::vector<uint8_t> rgba(picture->rgb.size() / 3 * 4);
  if (WebPDecodeRGBAInto(bytes, size, rgba.data(), rgba.size(), stride) == nullptr) {
    return Fail("damaged WebP", why);
  }
  LayOnWhite(rgba, &picture->rgb);
  return true;
}

}  // namespace

bool Decode(const uint8_t* bytes, size_t size, int least_side, Picture* picture, std::string* why) {
  const auto begins = [&](size_t at, std::string_view magic) {
    return size >= at + magic.size() && std::memcmp(bytes + at, magic.data(), magic.size()) == 0;
  };
  picture->orientation = OrientationOf(std::span(bytes, size));
  if (begins(0, "\xFF\xD8\xFF")) return DecodeJpeg(bytes, size, least_side, picture, why);
  if (begins(0, "\x89PNG\r\n\x1A\n")) return DecodePng(bytes, size, picture, why);
  if (begins(0, "RIFF") && begins(8, "WEBP")) return DecodeWebp(bytes, size, picture, why);
  return Fail(size == 0 ? "is empty" : "is no JPEG, PNG or WebP", why);
}

}  // namespace kith::picture_module
