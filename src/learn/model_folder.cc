#include "learn/model_folder.h"

#include <charconv>
#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/edge.h"
#include "base/file.h"
#include "base/strings.h"
#include "data/interactions.h"
#include "index/layout.h"
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

BuildOptions BuildOptionsOf(const StringList& keys, const WriteModelOptions& options) {
  BuildOptions build;
  build.dtype = DataType::kF32;
  build.keys = &keys;
  build.calibrate = false;
  build.threads = options.threads;
  build.progress = options.progress;
  build.stop = options.stop;
  return build;
}

Result<std::unique_ptr<Index>> BuildItems(const Interactions& interactions, const Factors& factors,
                                          const WriteModelOptions& options) {
  const size_t dim = factors.dim;
  BuildOptions build = BuildOptionsOf(interactions.items, options);
  build.metric = ParseMetric("dot").value();
  KITH_ASSIGN_OR_RETURN(
      std::unique_ptr<Index> index,
      BuildIndexInMemory(ViewOf(factors.items.data(), interactions.num_items(), dim), build));
  if (interactions.num_users() < kFewestMeasured || !index->info().has_approximate()) return index;
  // Items held out would be queries of another kind than users are.
  const std::vector<float> some = SomeUsers(factors, interactions.num_users());
  CalibrateOptions calibrate;
  calibrate.threads = options.threads;
  calibrate.progress = options.progress;
  calibrate.stop = options.stop;
  return CalibrateInMemory(*index, ViewOf(some.data(), some.size() / dim, dim), calibrate);
}

Result<std::unique_ptr<Index>> BuildUsers(const Interactions& interactions, const Factors& factors,
                                          const WriteModelOptions& options) {
  BuildOptions build = BuildOptionsOf(interactions.users, options);
  build.paths = {ExactOptions{}};
  return BuildIndexInMemory(ViewOf(factors.users.data(), interactions.num_users(), factors.dim),
                            build);
}

// A folder that is made with those that it is to lie in. Those made are removed again, if they are
// empty, unless they are kept.
class MadeFolder {
 public:
  MadeFolder() = default;
  MadeFolder(const MadeFolder&) = delete;
  MadeFolder& operator=(const MadeFolder&) = delete;
  ~MadeFolder() {
    std::error_code ignored;
    for (auto each = made_.rbegin(); each != made_.rend(); ++each) {
      std::filesystem::remove(*each, ignored);
    }
  }

  void Keep() { made_.clear(); }

  // Errors: InvalidArgument (a file has the name), IoError.
  Status Make(const std::string& folder) {
    std::filesystem::path so_far;
    for (const std::filesystem::path& part : std::filesystem::path(folder)) {
      so_far /= part;
      std::error_code error;
      if (so_far.empty() || std::filesystem::is_directory(so_far, error)) continue;
      if (std::filesystem::exists(so_far, error)) {
        return Status::InvalidArgument(StrCat(
            folder, ": ", so_far.string(), " is a file, not a folder; give the name of a folder"));
      }
      if (std::filesystem::create_directory(so_far, error)) made_.push_back(so_far);
      if (error) {
        return Status::IoError(StrCat(folder, ": cannot make the folder ", so_far.string(), ": ",
                                      error.message(), "; choose one that you may write to"));
      }
    }
    return Status::Ok();
  }

 private:
  std::vector<std::filesystem::path> made_;
};

using Files = std::vector<std::unique_ptr<AtomicFile>>;

// The files of a model, in the order of ModelPaths.
Result<Files> CreateFiles(const std::string& folder) {
  const ModelPaths paths = PathsOf(folder);
  Files files;
  for (const std::string* path : {&paths.users, &paths.items, &paths.history, &paths.model}) {
    KITH_ASSIGN_OR_RETURN(files.emplace_back(), AtomicFile::Create(*path));
  }
  return files;
}

using Clock = std::chrono::steady_clock;

std::string SecondsSince(Clock::time_point start) {
  return StrCat(std::chrono::duration<double>(Clock::now() - start).count());
}

}  // namespace

ModelPaths PathsOf(const std::string& folder) {
  const std::string place = folder.ends_with('/') ? folder : folder + "/";
  return {place + "users.kith", place + "items.kith", place + "history.mtx", place + "model.tsv"};
}

std::string SettingsText(const FactorizeOptions& options) {
  return StrCat("algorithm\t", kAlgorithms[static_cast<size_t>(options.algorithm)], "\nfactors\t",
                options.factors, "\nregularization\t", Digits(options.regularization), "\nalpha\t",
                Digits(options.alpha), "\nscale\t", kScales[static_cast<size_t>(options.scale)],
                "\niterations\t", options.iterations, "\nseed\t", options.seed, "\n");
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

Status CheckModelFolder(const std::string& folder) {
  return AtEdge(folder, "", [&]() -> Status {
    learn::MadeFolder made;
    KITH_RETURN_IF_ERROR(made.Make(folder));
    return learn::CreateFiles(folder).status();
  });
}

Status WriteModel(const std::string& folder, const Interactions& interactions,
                  const Factors& factors, const WriteModelOptions& options) {
  return AtEdge(folder, "ask for fewer factors", [&]() -> Status {
    if (factors.dim == 0 || factors.users.size() != interactions.num_users() * factors.dim ||
        factors.items.size() != interactions.num_items() * factors.dim) {
      return Status::InvalidArgument("the factors are those of other users and items");
    }
    // All that takes long is done in memory, so that what ends it early leaves no file behind and
    // an older model whole.
    learn::Clock::time_point start = learn::Clock::now();
    KITH_ASSIGN_OR_RETURN(const auto users, learn::BuildUsers(interactions, factors, options));
    const std::string users_seconds = learn::SecondsSince(start);
    start = learn::Clock::now();
    KITH_ASSIGN_OR_RETURN(const auto items, learn::BuildItems(interactions, factors, options));
    const std::string items_seconds = learn::SecondsSince(start);
    const std::string settings = learn::SettingsText(Resolved(options.factorize));
    learn::MadeFolder made;
    KITH_RETURN_IF_ERROR(made.Make(folder));
    KITH_ASSIGN_OR_RETURN(const learn::Files files, learn::CreateFiles(folder));
    KITH_RETURN_IF_ERROR(files[0]->WriteLong(users->Bytes(), options.stop));
    KITH_RETURN_IF_ERROR(files[1]->WriteLong(items->Bytes(), options.stop));
    KITH_RETURN_IF_ERROR(data::AppendInteractions(interactions, files[2].get()));
    KITH_RETURN_IF_ERROR(files[3]->Write(std::as_bytes(std::span(settings))));
    files[0]->SetAttribute(index::kBuildSecondsAttribute, users_seconds);
    files[1]->SetAttribute(index::kBuildSecondsAttribute, items_seconds);
    KITH_RETURN_IF_ERROR(AtomicFile::CommitTogether(files));
    made.Keep();
    return Status::Ok();
  });
}

}  // namespace kith
