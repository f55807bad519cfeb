// The picture module, loaded, and networks that it runs.
#ifndef KITH_PICTURES_MODULE_H_
#define KITH_PICTURES_MODULE_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kith/pictures.h"
#include "kith/status.h"
#include "picture_module/interface.h"
#include "pictures/recipe.h"

namespace kith::pictures {

// Loads the module the first time, from the file that the environment variable
// KITH_PICTURES_MODULE names, or from where it lies beside the program or the library that this
// code is in, or from where it was installed. Never unloaded. Errors: Unsupported.
Result<const picture_module::Functions*> LoadModule();

// A network for one thread. Not thread-safe.
class Net {
 public:
  // `name` stands for the model in messages. Errors: Unsupported, InvalidArgument, OutOfMemory.
  static Result<Net> Open(const std::string& name, std::span<const std::byte> model,
                          const Recipe& recipe);

  size_t dim() const { return functions_->dim(net_.get()); }
  std::string layer() const { return functions_->layer(net_.get()); }
  std::vector<PictureNetwork::Layer> Layers() const;
  // Writes dim() numbers. Errors: InvalidArgument with nothing but what is wrong with the picture,
  // OutOfMemory.
  Status Embed(std::span<const std::byte> picture, float* out) const;

 private:
  using Handle = std::unique_ptr<picture_module::Net, void (*)(picture_module::Net*)>;
  Net(const picture_module::Functions* functions, Handle net)
      : functions_(functions), net_(std::move(net)) {}

  const picture_module::Functions* functions_;
  Handle net_;
};

}  // namespace kith::pictures

#endif  // KITH_PICTURES_MODULE_H_
