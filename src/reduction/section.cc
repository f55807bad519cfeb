#include "reduction/section.h"

#include <cstring>
#include <utility>

#include "base/file.h"
#include "base/strings.h"

namespace kith::reduction {
namespace {

constexpr std::string_view kKnown[] = {kReductionSection};

Result<std::shared_ptr<const storage::ContainerReader>> OpenContainer(const std::string& path) {
  if (storage::IsKithFile(path) && !IsModelFile(path)) {
    return Status::InvalidArgument(StrCat(
        path, ": is a .kith file of vectors, not of a model; make one with: kith reduce --save"));
  }
  return storage::ContainerReader::Open(path, kKnown);
}

// REQUIRES: the file has the section.
Result<std::shared_ptr<const Model>> ModelOf(
    const std::shared_ptr<const storage::ContainerReader>& file) {
  const storage::SectionEntry* entry = file->Find(kReductionSection);
  if (entry == nullptr) return file->Corrupt(kReductionSection, "is missing");
  KITH_RETURN_IF_ERROR(file->CheckSize(kReductionSection, entry->size, 1));
  auto model = Model::Open(file->Bytes(kReductionSection), file);
  if (model.ok()) return model;
  if (model.status().code() == StatusCode::kUnsupported) {
    return Status::Unsupported(
        StrCat(file->path(), ": section \"", kReductionSection, "\": ", model.status().message()));
  }
  return file->Corrupt(kReductionSection, model.status().message());
}

}  // namespace

Result<std::shared_ptr<const Model>> OpenSection(
    const std::shared_ptr<const storage::ContainerReader>& file) {
  if (file->Find(kReductionSection) == nullptr) return std::shared_ptr<const Model>();
  KITH_ASSIGN_OR_RETURN(auto model, ModelOf(file));
  if (model->dim() != file->header().dim) {
    return file->Corrupt(kReductionSection,
                         StrCat("reduces to ", model->dim(), " dimensions, but the header says ",
                                file->header().dim));
  }
  return model;
}

Status WriteSection(const Model& model, storage::ContainerWriter* writer) {
  return writer->AddSection(kReductionSection, model.bytes());
}

Status WriteModelFile(const Model& model, const std::string& path) {
  const auto metric = static_cast<Metric>(model.header().metric);
  KITH_ASSIGN_OR_RETURN(const auto writer, storage::ContainerWriter::Create(
                                               path, 0, model.dim(), metric, DataType::kF32));
  KITH_RETURN_IF_ERROR(WriteSection(model, writer.get()));
  return writer->Finish();
}

Result<std::shared_ptr<const Model>> OpenModelFile(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const auto file, OpenContainer(path));
  KITH_ASSIGN_OR_RETURN(auto model, OpenSection(file));
  if (model == nullptr) return file->Corrupt(kReductionSection, "is missing");
  return model;
}

Status VerifyModelFile(const std::string& path, const Verification& check) {
  KITH_ASSIGN_OR_RETURN(const auto file, OpenContainer(path));
  KITH_RETURN_IF_ERROR(file->VerifyChecksums(check));
  KITH_ASSIGN_OR_RETURN(const auto model, OpenSection(file));
  if (model == nullptr) return file->Corrupt(kReductionSection, "is missing");
  const Status sound = model->Verify();
  return sound.ok() ? sound : file->Corrupt(kReductionSection, sound.message());
}

bool IsModelFile(const std::string& path) {
  if (!storage::IsKithFile(path)) return false;
  const auto file = MappedFile::Open(path);
  if (!file.ok() || (*file)->bytes().size() < storage::kPageBytes) return false;
  storage::FileHeader header{};
  storage::SectionEntry first{};
  std::memcpy(&header, (*file)->bytes().data(), sizeof(header));
  std::memcpy(&first, (*file)->bytes().data() + sizeof(header), sizeof(first));
  return header.num_vectors == 0 && header.section_count == 1 &&
         storage::SectionName(first) == kReductionSection;
}

}  // namespace kith::reduction
