// PictureNetwork: a model, its recipe, and networks that threads take turns with.
#include "pictures/network.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/edge.h"
#include "base/strings.h"
#include "kith/pictures.h"
#include "pictures/sources.h"

namespace kith {

Result<pictures::Net> PictureNetwork::State::Take() const {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      pictures::Net net = std::move(idle_.back());
      idle_.pop_back();
      return net;
    }
  }
  return pictures::Net::Open(model_->path(), model_->bytes(), recipe_);
}

void PictureNetwork::State::GiveBack(pictures::Net net) const {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(net));
}

Result<std::unique_ptr<PictureNetwork::State>> PictureNetwork::State::Create(
    std::shared_ptr<const MappedFile> model, pictures::Recipe recipe) {
  std::unique_ptr<State> state(new State);
  state->model_ = std::move(model);
  state->recipe_ = std::move(recipe);
  KITH_ASSIGN_OR_RETURN(pictures::Net net, state->Take());
  state->dim_ = net.dim();
  state->recipe_.layer = net.layer();
  if (Printable(state->recipe_.layer) != state->recipe_.layer) {
    return Status::InvalidArgument(
        StrCat(state->model_->path(), ": the layer ", Printable(state->recipe_.layer),
               " has a name that no file can keep; take another one, whose name is plain text"));
  }
  state->origin_ = TextOf(state->recipe_);
  state->GiveBack(std::move(net));
  return state;
}

PictureNetwork::PictureNetwork(std::unique_ptr<State> state) : state_(std::move(state)) {}
PictureNetwork::~PictureNetwork() = default;
size_t PictureNetwork::dim() const { return state_->dim(); }
const std::string& PictureNetwork::layer() const { return state_->recipe().layer; }
const std::string& PictureNetwork::origin() const { return state_->origin(); }

Result<std::unique_ptr<PictureNetwork>> PictureNetwork::Open(const std::string& model,
                                                             const PictureOptions& options) {
  return AtEdge(model, "give a smaller network", [&]() -> Result<std::unique_ptr<PictureNetwork>> {
    KITH_ASSIGN_OR_RETURN(auto file, MappedFile::Open(model));
    KITH_ASSIGN_OR_RETURN(pictures::Recipe recipe,
                          pictures::MakeRecipe(model, file->bytes(), options));
    KITH_ASSIGN_OR_RETURN(auto state, State::Create(std::move(file), std::move(recipe)));
    return std::unique_ptr<PictureNetwork>(new PictureNetwork(std::move(state)));
  });
}

Result<std::unique_ptr<PictureNetwork>> PictureNetwork::OpenFor(std::string_view origin,
                                                                const std::string& folder,
                                                                const std::string& model) {
  return AtEdge(model, "give a smaller network", [&]() -> Result<std::unique_ptr<PictureNetwork>> {
    KITH_ASSIGN_OR_RETURN(pictures::Recipe recipe, pictures::ParseRecipe(origin));
    std::string path = model;
    if (path.empty()) {
      path = (std::filesystem::path(folder) / recipe.model).string();
      std::error_code ignored;
      if (!std::filesystem::exists(path, ignored)) path = recipe.model;
      if (!std::filesystem::exists(path, ignored)) {
        return Status::NotFound(StrCat("the network that made the vectors, ", recipe.model,
                                       ", is neither beside their file nor in this folder; say "
                                       "where it is with --model"));
      }
    }
    KITH_ASSIGN_OR_RETURN(auto file, MappedFile::Open(path));
    KITH_RETURN_IF_ERROR(pictures::CheckModel(recipe, path, file->bytes()));
    KITH_ASSIGN_OR_RETURN(auto state, State::Create(std::move(file), std::move(recipe)));
    return std::unique_ptr<PictureNetwork>(new PictureNetwork(std::move(state)));
  });
}

Result<std::vector<float>> PictureNetwork::EmbedBytes(std::span<const std::byte> picture) const {
  return CatchAll([&]() -> Result<std::vector<float>> {
    KITH_ASSIGN_OR_RETURN(pictures::Net net, state_->Take());
    std::vector<float> vector(dim());
    const Status embedded = net.Embed(picture, vector.data());
    state_->GiveBack(std::move(net));
    KITH_RETURN_IF_ERROR(embedded);
    return vector;
  });
}

Result<std::vector<float>> PictureNetwork::Embed(const std::string& path) const {
  return CatchAll([&]() -> Result<std::vector<float>> {
    KITH_ASSIGN_OR_RETURN(const auto file, MappedFile::Open(path));
    Result<std::vector<float>> vector = EmbedBytes(file->bytes());
    if (vector.ok()) return vector;
    return Status(vector.status().code(), StrCat(path, ": ", vector.status().message()));
  });
}

std::vector<PictureNetwork::Layer> PictureNetwork::Layers() const {
  Result<pictures::Net> net = state_->Take();
  if (!net.ok()) return {};
  std::vector<Layer> layers = net->Layers();
  state_->GiveBack(std::move(net).value());
  return layers;
}

}  // namespace kith
