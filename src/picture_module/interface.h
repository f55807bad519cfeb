// Between the library and its picture module, a shared library of its own that is loaded when
// pictures are first embedded: OpenCV and the decoders of pictures are in it, and nobody else waits
// for them or needs them. Plain types only, so that either side may be built by another compiler.
#ifndef KITH_PICTURE_MODULE_INTERFACE_H_
#define KITH_PICTURE_MODULE_INTERFACE_H_

#include <cstddef>
#include <cstdint>

namespace kith::picture_module {

// Changes with anything below.
inline constexpr int kVersion = 1;
inline constexpr char kEntry[] = "KithPictures";

struct Settings {
  const uint8_t* model;  // the bytes of a file of ONNX, needed by open() alone
  size_t model_size;
  const char* layer;  // a layer's name; "": what goes into the last fully connected layer
  int size;           // the network's input is size x size
  double crop;        // the part of a picture's shorter side that is looked at, in the middle
  double mean[3];     // of red, green and blue, 0 to 255: subtracted first
  double std[3];      // then divided by
};

// Where text about what went wrong is put, cut to fit.
struct Message {
  char text[512];
};

enum Outcome : int {
  kDone = 0,
  kBroken = 1,  // the picture or the model is at fault, as the message says
  kFailed = 2,  // the machine is: no memory, say
};

struct Net;  // a network made ready for one thread

struct Functions {
  int version;
  // nullptr and a message if there is none. `failed` is set if the machine is at fault.
  Net* (*open)(const Settings* settings, Message* message, int* failed);
  void (*close)(Net* net);
  size_t (*dim)(const Net* net);
  const char* (*layer)(const Net* net);  // the name of the layer that is taken
  // Writes dim() numbers for a picture (JPEG, PNG or WebP). Returns an Outcome.
  int (*embed)(Net* net, const uint8_t* picture, size_t size, float* out, Message* message);
  // Tells the name, the kind and the shape ("144 x 6 x 6") of each layer in turn.
  void (*layers)(Net* net,
                 void (*tell)(void* to, const char* name, const char* kind, const char* shape),
                 void* to);
};

// What the module exports under the name kEntry: nullptr for a version it has not.
using Entry = const Functions* (*)(int version);

}  // namespace kith::picture_module

#endif  // KITH_PICTURE_MODULE_INTERFACE_H_
