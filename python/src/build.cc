// Building files from arrays.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "arrays.h"
#include "errors.h"
#include "index.h"
#include "kith/plan.h"
#include "kith/reduce.h"
#include "long_call.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

// What kith.build() was told of how to build.
struct Arguments {
  std::vector<IndexKind> kinds;  // empty: to be chosen
  std::optional<std::string> dtype;
  // 0: chosen
  uint32_t trees, leaf_size, degree, beam;
  std::string layout;
  std::optional<bool> calibrate;
  uint64_t expect_queries, memory;
  std::optional<double> build_seconds;
  std::optional<bool> scan_codes;
};

uint32_t ToCount(nb::handle value, const char* name) {
  if (value.is_none()) return 0;
  return static_cast<uint32_t>(ToInteger(value, name, 1, 1'000'000));
}

uint64_t ToAmount(nb::handle value, const char* name) {
  if (value.is_none()) return 0;
  return static_cast<uint64_t>(ToInteger(value, name, 1, std::numeric_limits<int64_t>::max()));
}

// The ways in that are asked for, which are none if they are to be chosen.
std::vector<IndexKind> ToKinds(nb::handle index) {
  const std::vector<IndexKind> given =
      ToMany(index, "index", [](nb::handle name, const char*) { return ToIndexKind(name); });
  if (given == std::vector{IndexKind::kAuto}) return {};
  std::vector<IndexKind> kinds;
  for (const IndexKind kind : given) {
    if (kind == IndexKind::kAuto || (kind == IndexKind::kExact && given.size() > 1)) {
      ThrowValueError(
          "index: auto and exact stand alone; exact search is always there, so leave it out");
    }
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  }
  return kinds;
}

// From the arguments of kith.build() by their names.
Arguments ToArguments(const nb::dict& given) {
  const auto of = [&](const char* name) { return nb::object(given[name]); };
  Arguments args;
  args.kinds = ToKinds(of("index"));
  if (!of("dtype").is_none()) args.dtype = ToText(of("dtype"), "dtype");
  args.trees = ToCount(of("trees"), "trees");
  args.leaf_size = ToCount(of("leaf_size"), "leaf_size");
  args.degree = ToCount(of("degree"), "degree");
  args.beam = ToCount(of("beam"), "beam");
  args.layout = ToText(of("layout"), "layout");
  args.calibrate = ToOptionalBool(of("calibrate"));
  args.expect_queries = ToAmount(of("expect_queries"), "expect_queries");
  args.memory = ToAmount(of("memory"), "memory");
  args.build_seconds = ToOptionalNumber(of("build_seconds"), "build_seconds");
  args.scan_codes = ToOptionalBool(of("scan_codes"));
  return args;
}

void SetPaths(const Arguments& args, BuildOptions* options) {
  const std::vector<IndexKind>& kinds = args.kinds;
  const auto asked = [&](IndexKind kind) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  GraphOptions graph;
  ForestOptions forest;
  const auto layout = ParseGraphLayout(args.layout);
  if (!layout) {
    ThrowValueError("layout is \"" + args.layout + "\"; it must be auto, packed or compact");
  }
  if ((args.trees > 0 || args.leaf_size > 0) && !asked(IndexKind::kForest)) {
    ThrowValueError(
        "trees and leaf_size are for forests; leave them out, or give index=\"forest\"");
  }
  if ((args.degree > 0 || args.beam > 0 || args.layout != "auto") && !asked(IndexKind::kGraph)) {
    ThrowValueError(
        "degree, beam and layout are for graphs; leave them out, or give index=\"graph\"");
  }
  graph.layout = *layout;
  graph.degree = args.degree;
  graph.beam = args.beam;
  forest.num_trees = args.trees;
  forest.leaf_size = args.leaf_size;
  const ExactOptions exact{args.scan_codes};
  if (asked(IndexKind::kGraph)) options->paths.push_back(graph);
  if (asked(IndexKind::kForest)) options->paths.push_back(forest);
  // Codes are for exact search alone, which is the library's to say.
  if (asked(IndexKind::kExact) || (!kinds.empty() && args.scan_codes.value_or(false))) {
    options->paths.push_back(exact);
  }
  if (kinds.empty()) options->if_chosen.push_back(exact);
}

BuildOptions ToOptions(const nb::object& metric, const Arguments& args, const nb::object& seed,
                       const nb::object& n_jobs) {
  BuildOptions options;
  options.metric = ToMetric(metric);
  if (args.dtype && *args.dtype != "auto") {
    options.dtype = ParseDataType(*args.dtype);
    if (!options.dtype) {
      ThrowValueError("dtype is \"" + *args.dtype +
                      "\"; it must be auto, f32, f16, bf16, i8, u8 or bit");
    }
  }
  SetPaths(args, &options);
  options.calibrate = args.calibrate;
  options.expected_queries = args.expect_queries;
  options.memory = args.memory;
  if (args.build_seconds) {
    if (!(*args.build_seconds > 0)) ThrowValueError("build_seconds must be positive");
    options.build_seconds = *args.build_seconds;
  }
  options.seed = ToSeed(seed, "seed");
  options.threads = ToThreads(n_jobs);
  return options;
}

// Builds a file, or, if `path` is None, an index in memory.
IndexHandle Build(const nb::object& vectors, const nb::object& path, const nb::object& metric,
                  const nb::typed<nb::dict, nb::str, nb::object>& arguments, const nb::object& keys,
                  const nb::object& ids, const nb::object& seed, const nb::object& n_jobs,
                  const nb::object& progress) {
  BuildOptions options = ToOptions(metric, ToArguments(arguments), seed, n_jobs);
  const auto reducer = nb::object(arguments["reducer"]);
  if (!reducer.is_none()) {
    if (!nb::isinstance<Reducer>(reducer)) ThrowTypeError("reducer must be a kith.Reducer");
    options.reducer = &nb::cast<const Reducer&>(reducer);
  }
  if (const auto origin = nb::object(arguments["origin"]); !origin.is_none()) {
    options.origin = ToText(origin, "origin");
  }
  const InputMatrix input(vectors, "vectors");
  if (input.one()) ThrowValueError("vectors have one axis; give an array (n, d)");
  StringList names;
  if (!keys.is_none()) {
    names = ToKeys(keys);
    options.keys = &names;
  }
  std::vector<int64_t> numbers;
  if (!ids.is_none()) {
    numbers = ToIds(ids, "ids");
    options.ids = &numbers;
  }
  const std::string name = path.is_none() ? "" : ToAbsolute(ToPath(path));
  std::unique_ptr<Index> index;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.progress = report;
    options.stop = stop;
    if (path.is_none()) {
      KITH_ASSIGN_OR_RETURN(index, BuildIndexInMemory(input.view(), options));
    } else {
      KITH_RETURN_IF_ERROR(BuildIndex(input.view(), name, options));
      KITH_ASSIGN_OR_RETURN(index, OpenIndex(name));
    }
    return Status::Ok();
  });
  return IndexHandle(std::move(index));
}

}  // namespace

void BindBuild(nb::module_& m) {
  m.def("build", &Build, "vectors"_a.none(), "path"_a.none(), "metric"_a.none(), "arguments"_a,
        "keys"_a.none(), "ids"_a.none(), "seed"_a.none(), "n_jobs"_a.none(), "progress"_a.none());
}

}  // namespace kith::python
