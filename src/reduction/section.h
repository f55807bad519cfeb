// The section "reduction" of a .kith file, and files that have nothing else.
#ifndef KITH_REDUCTION_SECTION_H_
#define KITH_REDUCTION_SECTION_H_

#include <memory>
#include <string>
#include <string_view>

#include "kith/status.h"
#include "reduction/model.h"
#include "storage/container.h"

namespace kith::reduction {

inline constexpr std::string_view kReductionSection = "reduction";

// The model in a file; nullptr if there is none. O(1). Errors: Corruption, Unsupported.
Result<std::shared_ptr<const Model>> OpenSection(
    const std::shared_ptr<const storage::ContainerReader>& file);

// Errors: those of the writer.
Status WriteSection(const Model& model, storage::ContainerWriter* writer);

// Files of a model alone: no vectors, and the dimension that it reduces to.
Status WriteModelFile(const Model& model, const std::string& path);
Result<std::shared_ptr<const Model>> OpenModelFile(const std::string& path);
// Checksums and contents. Errors: as VerifyIndex().
Status VerifyModelFile(const std::string& path, const Verification& check);
bool IsModelFile(const std::string& path);

}  // namespace kith::reduction

#endif  // KITH_REDUCTION_SECTION_H_
