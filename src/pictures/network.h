// What a PictureNetwork holds.
#ifndef KITH_PICTURES_NETWORK_H_
#define KITH_PICTURES_NETWORK_H_

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "kith/pictures.h"
#include "pictures/module.h"
#include "pictures/recipe.h"

namespace kith {

class PictureNetwork::State {
 public:
  // Errors: those of pictures::Net::Open().
  static Result<std::unique_ptr<State>> Create(std::shared_ptr<const MappedFile> model,
                                               pictures::Recipe recipe);

  size_t dim() const { return dim_; }
  const pictures::Recipe& recipe() const { return recipe_; }
  const std::string& origin() const { return origin_; }

  // A network for one thread, made where none is left of those given back. Errors: as Create().
  Result<pictures::Net> Take() const;
  void GiveBack(pictures::Net net) const;

 private:
  State() = default;

  std::shared_ptr<const MappedFile> model_;
  pictures::Recipe recipe_;
  std::string origin_;
  size_t dim_ = 0;
  mutable std::mutex mutex_;
  mutable std::vector<pictures::Net> idle_;
};

}  // namespace kith

#endif  // KITH_PICTURES_NETWORK_H_
