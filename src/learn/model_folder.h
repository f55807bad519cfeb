// The folder that users' and items' vectors are kept in.
#ifndef KITH_LEARN_MODEL_FOLDER_H_
#define KITH_LEARN_MODEL_FOLDER_H_

#include <string>

#include "kith/factorize.h"
#include "kith/status.h"

namespace kith::learn {

struct ModelPaths {
  std::string users;
  std::string items;
  std::string history;
  std::string model;
};
ModelPaths PathsOf(const std::string& folder);

// Lines "name<TAB>value" of how vectors were made.
std::string SettingsText(const FactorizeOptions& options);
// Errors: NotFound, Corruption (naming the line).
Result<FactorizeOptions> ReadSettings(const std::string& path);

}  // namespace kith::learn

#endif  // KITH_LEARN_MODEL_FOLDER_H_
