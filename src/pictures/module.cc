#include "pictures/module.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/strings.h"

#ifndef KITH_MODULE_PATHS
#define KITH_MODULE_PATHS
#endif

namespace kith::pictures {
namespace {

using picture_module::Functions;
using picture_module::Message;

constexpr char kInstall[] =
    "on Debian: apt-get install libopencv-dnn406 libopencv-imgproc406 libturbojpeg0 libwebp7 "
    "libpng16-16; to build it, libopencv-dnn-dev libopencv-imgproc-dev libturbojpeg0-dev "
    "libwebp-dev libpng-dev";

// Where the module may lie.
std::vector<std::string> Places() {
  constexpr char kFile[] = "kith_pictures.so";
  if (const char* const given = std::getenv("KITH_PICTURES_MODULE"); given != nullptr) {
    return {given};
  }
  std::vector<std::string> places;
  // This code is in the command, whose module is in a folder of libraries beside its own, or in
  // Python's module, whose is beside it. Relative paths are from the former to the latter.
  static constexpr const char* kFolders[] = {"", KITH_MODULE_PATHS};
  Dl_info own = {};
  std::error_code ignored;
  std::filesystem::path folder;
  if (dladdr(reinterpret_cast<const void*>(&LoadModule), &own) != 0 && own.dli_fname != nullptr) {
    folder = std::filesystem::canonical(own.dli_fname, ignored).parent_path();
  }
  // A program that was found along PATH is known to the loader by its bare name.
  if (folder.empty()) {
    folder = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  }
  for (const char* const way : kFolders) places.push_back((folder / way / kFile).string());
  return places;
}

Result<const Functions*> Load() {
  std::string fault = "there is no such file";
  for (const std::string& place : Places()) {
    std::error_code ignored;
    if (!std::filesystem::exists(place, ignored)) continue;
    void* const module = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module == nullptr) {
      fault = dlerror();
      continue;
    }
    const auto entry =
        reinterpret_cast<picture_module::Entry>(dlsym(module, picture_module::kEntry));
    const Functions* const functions = entry == nullptr ? nullptr : entry(picture_module::kVersion);
    if (functions != nullptr) return functions;
    fault = StrCat(place, " is of another version of kith");
  }
  return Status::Unsupported(
      StrCat("pictures need kith's module kith_pictures.so, which can't be "
             "loaded (",
             fault, "); ", kInstall));
}

Status StatusOf(bool failed, const Message& message) {
  if (failed) return Status::OutOfMemory(message.text);
  return Status::InvalidArgument(message.text);
}

}  // namespace

Result<const Functions*> LoadModule() {
  static const Result<const Functions*> loaded = Load();
  return loaded;
}

Result<Net> Net::Open(const std::string& name, std::span<const std::byte> model,
                      const Recipe& recipe) {
  KITH_ASSIGN_OR_RETURN(const Functions* const functions, LoadModule());
  picture_module::Settings settings = {};
  settings.model = reinterpret_cast<const uint8_t*>(model.data());
  settings.model_size = model.size();
  settings.layer = recipe.layer.c_str();
  settings.size = static_cast<int>(recipe.size);
  settings.crop = recipe.crop;
  for (size_t c = 0; c < 3; ++c) {
    settings.mean[c] = recipe.mean[c];
    settings.std[c] = recipe.std[c];
  }
  Message message = {};
  int failed = 0;
  Handle net(functions->open(&settings, &message, &failed), functions->close);
  if (net != nullptr) return Net(functions, std::move(net));
  if (failed != 0) return Status::OutOfMemory(StrCat(name, ": ", Printable(message.text)));
  return Status::InvalidArgument(
      StrCat(name, ": is no network that can be run (", Printable(message.text),
             "); give a file of ONNX, and a --size and --layer that it has"));
}

std::vector<PictureNetwork::Layer> Net::Layers() const {
  std::vector<PictureNetwork::Layer> layers;
  functions_->layers(
      net_.get(),
      [](void* to, const char* name, const char* kind, const char* shape) {
        static_cast<std::vector<PictureNetwork::Layer>*>(to)->push_back({name, kind, shape});
      },
      &layers);
  return layers;
}

Status Net::Embed(std::span<const std::byte> picture, float* out) const {
  Message message = {};
  const int outcome = functions_->embed(
      net_.get(), reinterpret_cast<const uint8_t*>(picture.data()), picture.size(), out, &message);
  if (outcome == picture_module::kDone) return Status::Ok();
  return StatusOf(outcome == picture_module::kFailed, message);
}

}  // namespace kith::pictures
