// Vectors of pictures: what a neural network sees in them, so that alike pictures are neighbours.
#ifndef KITH_PICTURES_H_
#define KITH_PICTURES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "kith/status.h"
#include "kith/types.h"

namespace kith {

// How pictures become vectors. What is left open is as the network's file says (its notes
// kith.size, kith.crop, kith.mean and kith.std, or the size of its input), else as is usual for
// networks trained with ImageNet: 224, 0.875, and that set's means and deviations.
struct PictureOptions {
  // The layer whose output is taken, by its name in the network's file; "": what goes into the last
  // fully connected layer, which is the pooled one before the classifier. Of a layer of planes, the
  // mean of each plane.
  std::string layer;
  std::optional<uint32_t> size;  // of the network's input, a square; 8 to 4096
  // The part of a picture's shorter side that the square in its middle takes, above 0 to 1.
  std::optional<double> crop;
  // Of red, green and blue, which are 0 to 255: the mean is subtracted, then divided by std.
  std::optional<std::array<double, 3>> mean;
  std::optional<std::array<double, 3>> std;
};

// A network in a file of ONNX, and how pictures are made ready for it. Every method is thread-safe.
// Networks run on one thread each, one picture at a time, so that a vector depends on its picture
// alone, and not on how many there are.
class PictureNetwork {
 public:
  // Cost: loads OpenCV the first time in a process (tens of milliseconds), and the network. Errors:
  // NotFound; Unsupported (kith was built, or is run, without OpenCV: the message says what to
  // install); InvalidArgument (no network that OpenCV reads; no such layer; options out of range).
  static Result<std::unique_ptr<PictureNetwork>> Open(const std::string& model,
                                                      const PictureOptions& options = {});
  // As vectors were made that have this origin (IndexInfo::origin). `model` is the network's file;
  // if it is empty, a file of the name that the origin tells is looked for in `folder`, and then
  // in the current one. Errors: those too of a model that is not the same to the byte;
  // InvalidArgument (an origin that tells of no pictures).
  static Result<std::unique_ptr<PictureNetwork>> OpenFor(std::string_view origin,
                                                         const std::string& folder,
                                                         const std::string& model = "");
  ~PictureNetwork();
  PictureNetwork(const PictureNetwork&) = delete;
  PictureNetwork& operator=(const PictureNetwork&) = delete;

  size_t dim() const;
  const std::string& layer() const;  // by name
  // For BuildOptions::origin: the name and checksum of the network and all options, as text.
  const std::string& origin() const;

  // The vector [dim()] of a picture in a file, or of its bytes. Errors: NotFound, InvalidArgument
  // (no JPEG, PNG or WebP, or a damaged one), OutOfMemory.
  Result<std::vector<float>> Embed(const std::string& path) const;
  Result<std::vector<float>> EmbedBytes(std::span<const std::byte> picture) const;

  struct Layer {
    std::string name;
    std::string kind;   // "Convolution"
    std::string shape;  // "144 x 6 x 6"
  };
  // In the order in which they are computed; those that were joined to others are not among them.
  std::vector<Layer> Layers() const;

  class State;  // of the library
  const State& state() const { return *state_; }

 private:
  explicit PictureNetwork(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct EmbedOptions {
  bool strict = false;   // a picture that cannot be embedded is an error, instead of skipped
  int threads = 0;       // 0: one for each core. The vectors do not depend on it.
  Progress progress;     // stages "listing", "pictures"
  std::stop_token stop;  // as in BuildOptions
};

struct EmbeddedPictures {
  size_t dim = 0;
  std::vector<float> vectors;  // [keys.size(), dim]
  StringList keys;             // paths
  StringList labels;           // the name of the folder that holds each; "" where there is none
  struct Skipped {
    std::string name;
    std::string why;
  };
  std::vector<Skipped> skipped;

  MatrixView view() const { return ViewOf(vectors.data(), keys.size(), dim); }
};

// The vectors of all pictures that `sources` name: files, folders (all .jpg, .jpeg, .png and .webp
// in them and in their folders, by name; hidden ones are left out), patterns with * and ?, and tar,
// .tar.gz and zip archives of such. Keys are paths as they were given, of what is in an archive the
// archive's path, a slash and the name there. The order is that of the sources, and within one that
// of the names' bytes. Cost: that of decoding and of the network, spread over the threads; memory
// for the vectors, and one picture and one network a thread; of .tar.gz all that is in it. Errors:
// NotFound; InvalidArgument (nothing there; an archive that is damaged or encrypted; no picture
// that can be embedded; with `strict` the first that cannot; cancelled), OutOfMemory.
Result<EmbeddedPictures> EmbedPictures(const std::vector<std::string>& sources,
                                       const PictureNetwork& network,
                                       const EmbedOptions& options = {});

}  // namespace kith

#endif  // KITH_PICTURES_H_
