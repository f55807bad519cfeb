#include "learn/model_folder.h"

#include <charconv>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/edge.h"
#include "base/file.h"
#include "base/strings.h"
#include "kith/calibration.h"
#include "kith/index.h"
#include "kith/recommend.h"

namespace kith::learn {
namespace {

constexpr const char* kAlgorithms[] = {"als", "bpr"};
constexpr const char* kScales[] = {"log", "linear", "binary"};
constexpr size_t kMeasured = 4096;  // users whose searches tell the recall of items.kith
constexpr size_t kFewestMeasured = 32;

// The fewest digits that read back as the same number.
std::string Digits(double value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), value);
  return {text, end};
}

bool ParseNumber(std::string_view text, double* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

template <class T, size_t kCount>
bool ParseName(std::string_view text, const char* const (&names)[kCount], T* value) {
  for (size_t i = 0; i < kCount; ++i) {
    if (text != names[i]) continue;
    *value = static_cast<T>(i);
    return true;
  }
  return false;
}

// Takes one setting; false if the value is none. Settings of later versions are passed over.
bool Take(std::string_view name, std::string_view value, FactorizeOptions* options) {
  double number = 0;
  if (name == "algorithm") return ParseName(value, kAlgorithms, &options->algorithm);
  if (name == "scale") return ParseName(value, kScales, &options->scale);
  if (!ParseNumber(value, &number)) return false;
  if (name == "factors") options->factors = static_cast<uint32_t>(number);
  if (name == "regularization") options->regularization = number;
  if (name == "alpha") options->alpha = number;
  return number >= 0 && number < 4e9;
}

// Users' vectors, one of each stretch of them.
std::vector<float> SomeUsers(const Factors& factors, size_t num_users) {
  const size_t count = std::min(num_users, kMeasured);
  std::vector<float> some;
  for (size_t i = 0; i < count; ++i) {
    const float* row = factors.users.data() + i * num_users / count * factors.dim;
    some.insert(some.end(), row, row + factors.dim);
  }
  return some;
}

Status WriteItems(const std::string& path, const Interactions& interactions, const Factors& factors,
                  const WriteModelOptions& options) {
  const size_t dim = factors.dim;
  BuildOptions build;
  build.metric = ParseMetric("dot").value();
  build.dtype = DataType::kF32;
  build.keys = &interactions.items;
  build.calibrate = false;
  build.threads = options.threads;
  build.progress = options.progress;
  build.stop = options.stop;
  KITH_RETURN_IF_ERROR(
      BuildIndex(ViewOf(factors.items.data(), interactions.num_items(), dim), path, build));
  if (interactions.num_users() < kFewestMeasured) return Status::Ok();
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index, OpenIndex(path));
  if (!index->info().has_approximate()) return Status::Ok();
  // Items held out would be queries of another kind than users are.
  const std::vector<float> some = SomeUsers(factors, interactions.num_users());
  CalibrateOptions calibrate;
  calibrate.threads = options.threads;
  calibrate.progress = options.progress;
  calibrate.stop = options.stop;
  return CalibrateIndex(path, ViewOf(some.data(), some.size() / dim, dim), calibrate);
}

Status WriteUsers(const std::string& path, const Interactions& interactions, const Factors& factors,
                  const WriteModelOptions& options) {
  BuildOptions build;
  build.dtype = DataType::kF32;
  build.keys = &interactions.users;
  build.paths = {ExactOptions{}};
  build.calibrate = false;
  build.threads = options.threads;
  build.progress = options.progress;
  build.stop = options.stop;
  return BuildIndex(ViewOf(factors.users.data(), interactions.num_users(), factors.dim), path,
                    build);
}

}  // namespace

ModelPaths PathsOf(const std::string& folder) {
  const std::string place = folder.ends_with('/') ? folder : folder + "/";
  return {place + "users.kith", place + "items.kith", place + "history.mtx", place + "model.tsv"};
}

Status WriteSettings(const std::string& path, const FactorizeOptions& options) {
  const std::string text =
      StrCat("algorithm\t", kAlgorithms[static_cast<size_t>(options.algorithm)], "\nfactors\t",
             options.factors, "\nregularization\t", Digits(options.regularization), "\nalpha\t",
             Digits(options.alpha), "\nscale\t", kScales[static_cast<size_t>(options.scale)],
             "\niterations\t", options.iterations, "\nseed\t", options.seed, "\n");
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> file, AtomicFile::Create(path));
  KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(text))));
  return file->Commit();
}

Result<FactorizeOptions> ReadSettings(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  FactorizeOptions options;
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    const size_t tab = row.find('\t');
    if (tab != std::string_view::npos && row.starts_with("seed")) continue;
    if (tab != std::string_view::npos && Take(row.substr(0, tab), row.substr(tab + 1), &options)) {
      continue;
    }
    return Status::Corruption(StrCat(path, ": line ", line, ": expected a setting and its value, ",
                                     "got '", Printable(row), "'; factorize again"));
  }
  return options;
}

}  // namespace kith::learn

namespace kith {

Status WriteModel(const std::string& folder, const Interactions& interactions,
                  const Factors& factors, const WriteModelOptions& options) {
  return AtEdge(folder, "ask for fewer factors", [&]() -> Status {
    if (factors.dim == 0 || factors.users.size() != interactions.num_users() * factors.dim ||
        factors.items.size() != interactions.num_items() * factors.dim) {
      return Status::InvalidArgument("the factors are those of other users and items");
    }
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
      return Status::IoError(StrCat(folder, ": cannot make this folder: ", error.message()));
    }
    const learn::ModelPaths paths = learn::PathsOf(folder);
    KITH_RETURN_IF_ERROR(learn::WriteUsers(paths.users, interactions, factors, options));
    KITH_RETURN_IF_ERROR(learn::WriteItems(paths.items, interactions, factors, options));
    KITH_RETURN_IF_ERROR(WriteInteractions(paths.history, interactions));
    return learn::WriteSettings(paths.model, Resolved(options.factorize));
  });
}

}  // namespace kith
