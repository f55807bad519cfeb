#include "paths/registry.h"

#include <array>
#include <variant>

#include "forest/forest.h"
#include "graph/graph.h"
#include "scan/path.h"

namespace kith::paths {

std::span<const search::PathType* const> All() {
  static const std::array<const search::PathType*, 3> types = {
      &scan::Type(),
      &graph::Type(),
      &forest::Type(),
  };
  return types;
}

const search::PathType* TypeOf(IndexKind kind) {
  for (const search::PathType* type : All()) {
    if (type->kind() == kind) return type;
  }
  return nullptr;
}

std::vector<std::string_view> Sections() {
  std::vector<std::string_view> names;
  for (const search::PathType* type : All()) {
    names.insert(names.end(), type->sections().begin(), type->sections().end());
  }
  return names;
}

}  // namespace kith::paths

namespace kith {

const char* IndexKindName(IndexKind kind) {
  if (kind == IndexKind::kAuto) return "auto";
  const search::PathType* type = paths::TypeOf(kind);
  return type == nullptr ? "unknown" : type->name();
}

std::optional<IndexKind> ParseIndexKind(std::string_view name) {
  if (name == IndexKindName(IndexKind::kAuto)) return IndexKind::kAuto;
  for (const search::PathType* type : paths::All()) {
    if (name == type->name()) return type->kind();
  }
  return std::nullopt;
}

IndexKind KindOf(const PathSpec& spec) {
  // The type whose options are of the same kind as these.
  for (const search::PathType* type : paths::All()) {
    if (type->DefaultSpec().index() == spec.index()) return type->kind();
  }
  return IndexKind::kAuto;
}

}  // namespace kith
