#include "common/output_files.h"

#include <filesystem>
#include <system_error>

#include "common/files.h"
#include "common/text.h"
#include "learn/model_folder.h"

namespace kith::apps {
namespace {

// Whether a name is that of a file, or of one that is not there yet.
bool CanBeReplaced(const std::string& path) {
  if (path.empty() || path == "-") return false;
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  return !std::filesystem::exists(status) || std::filesystem::is_regular_file(status);
}

// Whether two names are those of one place, where nothing may be yet.
bool IsSamePlace(const std::string& a, const std::string& b) {
  if (IsSameFile(a, b)) return true;
  std::error_code error;
  // Of a relative name whose folders are not there, the standard leaves open whether it is made
  // absolute.
  const auto place = [&](const std::string& path) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  };
  const std::filesystem::path place_a = place(a);
  return !place_a.empty() && place_a == place(b);
}

}  // namespace

Status CheckOutputs(const std::vector<std::string>& inputs,
                    const std::vector<std::string>& outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!CanBeReplaced(outputs[i])) continue;
    for (const std::string& input : inputs) {
      if (input.empty() || input == "-" || !IsSamePlace(input, outputs[i])) continue;
      return Status::InvalidArgument(
          StrCat(outputs[i], " is a file that is read; choose another name for what is written"));
    }
    for (size_t j = 0; j < i; ++j) {
      if (!CanBeReplaced(outputs[j]) || !IsSamePlace(outputs[j], outputs[i])) continue;
      return Status::InvalidArgument(
          StrCat(outputs[i],
                 " would be written twice, and only the last kept; choose another name for "
                 "one of the outputs"));
    }
  }
  return Status::Ok();
}

std::vector<std::string> FilesOfModel(const std::string& folder) {
  const learn::ModelPaths paths = learn::PathsOf(folder);
  return {paths.users, paths.items, paths.history, paths.model};
}

}  // namespace kith::apps
