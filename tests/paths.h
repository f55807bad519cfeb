// Ways in to be built, and those that a file says it has.
#ifndef KITH_TESTS_PATHS_H_
#define KITH_TESTS_PATHS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kith/index.h"

namespace kith::testing {

// The specification of a way in, which is asked for from now on. Valid until the next is.
template <class Spec>
Spec& Ask(BuildOptions* options) {
  for (PathSpec& spec : options->paths) {
    if (Spec* found = std::get_if<Spec>(&spec)) return *found;
  }
  return std::get<Spec>(options->paths.emplace_back(Spec{}));
}

// Asks for graph and forest, or for exact search alone.
inline void AskFor(bool graph, bool forest, BuildOptions* options) {
  options->paths.clear();
  if (graph) Ask<GraphOptions>(options);
  if (forest) Ask<ForestOptions>(options);
  if (!graph && !forest) Ask<ExactOptions>(options);
}

// A figure of a way in, as "degree"; 0 if the file has not got it.
inline uint64_t PathNumber(const IndexInfo& info, IndexKind kind, std::string_view name) {
  const PathInfo* path = info.path_of(kind);
  return path == nullptr ? 0 : path->number(name);
}

inline uint64_t GraphNumber(const IndexInfo& info, std::string_view name) {
  return PathNumber(info, IndexKind::kGraph, name);
}

// kAuto if there is no graph.
inline GraphLayout LayoutOf(const IndexInfo& info) {
  const PathInfo* graph = info.path_of(IndexKind::kGraph);
  if (graph == nullptr) return GraphLayout::kAuto;
  return ParseGraphLayout(graph->text("layout")).value_or(GraphLayout::kAuto);
}

// The ways in of a file that is only made up.
inline std::vector<PathInfo> MadeUpPaths(bool graph, bool forest) {
  std::vector<PathInfo> paths{{.kind = IndexKind::kExact}};
  if (graph) paths.push_back({.kind = IndexKind::kGraph});
  if (forest) paths.push_back({.kind = IndexKind::kForest});
  return paths;
}

}  // namespace kith::testing

#endif  // KITH_TESTS_PATHS_H_
