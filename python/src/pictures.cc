#include "kith/pictures.h"

#include <nanobind/nanobind.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arguments.h"
#include "arrays.h"
#include "errors.h"
#include "index.h"
#include "long_call.h"
#include "pictures.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

std::optional<std::array<double, 3>> ToColour(const nb::object& object, const char* name) {
  if (object.is_none()) return std::nullopt;
  const std::vector<double> values = ToNumbers(object, name);
  if (values.size() != 3) {
    ThrowValueError(std::string(name) + " must be three numbers, of red, green and blue");
  }
  return std::array<double, 3>{values[0], values[1], values[2]};
}

PictureOptions ToOptions(const nb::object& layer, const nb::object& size, const nb::object& crop,
                         const nb::object& mean, const nb::object& std) {
  PictureOptions options;
  if (!layer.is_none()) options.layer = ToText(layer, "layer");
  if (!size.is_none()) options.size = static_cast<uint32_t>(ToInteger(size, "size", 8, 4096));
  options.crop = ToOptionalNumber(crop, "crop");
  options.mean = ToColour(mean, "mean");
  options.std = ToColour(std, "std");
  return options;
}

nb::list FromKeys(const StringList& keys) {
  nb::list out;
  for (size_t i = 0; i < keys.size(); ++i) out.append(FromKey(keys[i]));
  return out;
}

// (vectors, keys, labels, what was skipped and why, origin). `like`: an index whose origin tells
// how, or None.
nb::tuple Embed(const nb::object& sources, const nb::object& model, const nb::object& like,
                const nb::object& layer, const nb::object& size, const nb::object& crop,
                const nb::object& mean, const nb::object& std, const nb::object& strict,
                const nb::object& n_jobs, const nb::object& progress) {
  const std::vector<std::string> names = ToMany(
      sources, "sources", [](nb::handle item, const char* /*name*/) { return ToPath(item); });
  const std::string file = model.is_none() ? "" : ToPath(model);
  const PictureOptions picture_options = ToOptions(layer, size, crop, mean, std);
  std::shared_ptr<const Index> index;
  if (!like.is_none()) {
    if (!nb::isinstance<IndexHandle>(like)) ThrowTypeError("like must be a kith.Index");
    index = nb::cast<const IndexHandle&>(like).Get();
  }
  EmbedOptions options;
  options.strict = ToBool(strict);
  options.threads = ToThreads(n_jobs);
  std::unique_ptr<PictureNetwork> network;
  EmbeddedPictures found;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.progress = report;
    options.stop = stop;
    if (index != nullptr) {
      const std::filesystem::path path = index->info().absolute_path;
      KITH_ASSIGN_OR_RETURN(network, PictureNetwork::OpenFor(index->info().origin,
                                                             path.parent_path().string(), file));
    } else {
      KITH_ASSIGN_OR_RETURN(network, PictureNetwork::Open(file, picture_options));
    }
    KITH_ASSIGN_OR_RETURN(found, EmbedPictures(names, *network, options));
    return Status::Ok();
  });
  nb::list skipped;
  for (const EmbeddedPictures::Skipped& one : found.skipped) {
    skipped.append(nb::make_tuple(FromKey(one.name), FromKey(one.why)));
  }
  return nb::make_tuple(ToArray(found.vectors, found.keys.size(), found.dim, false),
                        FromKeys(found.keys), FromKeys(found.labels), skipped,
                        nb::str(network->origin().c_str(), network->origin().size()));
}

}  // namespace

void BindPictures(nb::module_& m) {
  m.def("embed_pictures", &Embed, "sources"_a.none(), "model"_a.none(), "like"_a.none(),
        "layer"_a.none(), "size"_a.none(), "crop"_a.none(), "mean"_a.none(), "std"_a.none(),
        "strict"_a.none(), "n_jobs"_a.none(), "progress"_a.none(),
        nb::sig("def embed_pictures(sources: object, model: object, like: Handle | None, "
                "layer: str | None, size: int | None, crop: float | None, mean: object, "
                "std: object, strict: bool, n_jobs: int | None, progress: object) -> "
                "tuple[numpy.typing.NDArray[numpy.float32], list[str], list[str], "
                "list[tuple[str, str]], str]"));
}

}  // namespace kith::python
