// Building files from arrays.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "errors.h"
#include "index.h"
#include "kith/plan.h"
#include "long_call.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

uint32_t ToCount(const std::optional<int64_t>& value, const char* name) {
  if (!value) return 0;
  if (*value < 1 || *value > 1'000'000) {
    ThrowValueError(std::string(name) + " is " + std::to_string(*value) +
                    "; it must be from 1 to 1000000");
  }
  return static_cast<uint32_t>(*value);
}

struct Arguments {
  std::vector<std::string> index;  // empty: to be chosen
  std::optional<std::string> dtype;
  std::optional<int64_t> trees, leaf_size, degree, beam;
  std::string layout = "auto";
  std::optional<bool> calibrate;
  std::optional<int64_t> expect_queries, memory;
  std::optional<double> build_seconds;
  std::optional<bool> scan_codes;
};

uint64_t ToAmount(const std::optional<int64_t>& value, const char* name) {
  if (!value) return 0;
  if (*value < 1) {
    ThrowValueError(std::string(name) + " is " + std::to_string(*value) + "; it must be positive");
  }
  return static_cast<uint64_t>(*value);
}

// The ways in that are asked for, which are none if they are to be chosen.
std::vector<IndexKind> ToKinds(const std::vector<std::string>& names) {
  std::vector<IndexKind> kinds;
  for (const std::string& name : names) {
    const IndexKind kind = ToIndexKind(name);
    if (kind == IndexKind::kAuto || (kind == IndexKind::kExact && names.size() > 1)) {
      ThrowValueError(
          "index: auto and exact stand alone; exact search is always there, so leave it out");
    }
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  }
  return kinds;
}

void SetPaths(const Arguments& args, BuildOptions* options) {
  const std::vector<IndexKind> kinds = ToKinds(args.index);
  const auto asked = [&](IndexKind kind) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  GraphOptions graph;
  ForestOptions forest;
  const auto layout = ParseGraphLayout(args.layout);
  if (!layout) {
    ThrowValueError("layout is \"" + args.layout + "\"; it must be auto, packed or compact");
  }
  if ((args.trees || args.leaf_size) && !asked(IndexKind::kForest)) {
    ThrowValueError(
        "trees and leaf_size are for forests; leave them out, or give index=\"forest\"");
  }
  if ((args.degree || args.beam || args.layout != "auto") && !asked(IndexKind::kGraph)) {
    ThrowValueError(
        "degree, beam and layout are for graphs; leave them out, or give index=\"graph\"");
  }
  graph.layout = *layout;
  graph.degree = ToCount(args.degree, "degree");
  graph.beam = ToCount(args.beam, "beam");
  forest.num_trees = ToCount(args.trees, "trees");
  forest.leaf_size = ToCount(args.leaf_size, "leaf_size");
  const ExactOptions exact{args.scan_codes};
  if (asked(IndexKind::kGraph)) options->paths.push_back(graph);
  if (asked(IndexKind::kForest)) options->paths.push_back(forest);
  // Codes are for exact search alone, which is the library's to say.
  if (asked(IndexKind::kExact) || (!kinds.empty() && args.scan_codes.value_or(false))) {
    options->paths.push_back(exact);
  }
  if (kinds.empty()) options->if_chosen.push_back(exact);
}

BuildOptions ToOptions(const std::string& metric, const Arguments& args, uint64_t seed,
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
  options.expected_queries = ToAmount(args.expect_queries, "expect_queries");
  options.memory = ToAmount(args.memory, "memory");
  if (args.build_seconds) {
    if (!(*args.build_seconds > 0)) ThrowValueError("build_seconds must be positive");
    options.build_seconds = *args.build_seconds;
  }
  options.seed = seed;
  options.threads = ToThreads(n_jobs);
  return options;
}

// Builds a file, or, if `path` is None, an index in memory.
IndexHandle Build(const nb::object& vectors, const nb::object& path, const std::string& metric,
                  const Arguments& args, const nb::object& keys, const nb::object& ids,
                  uint64_t seed, const nb::object& n_jobs, const nb::object& progress) {
  BuildOptions options = ToOptions(metric, args, seed, n_jobs);
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
  nb::class_<Arguments>(m, "BuildArguments", "What kith.build() was told of how to build.")
      .def(nb::init<>())
      .def_rw("index", &Arguments::index)
      .def_rw("dtype", &Arguments::dtype, nb::none())
      .def_rw("trees", &Arguments::trees, nb::none())
      .def_rw("leaf_size", &Arguments::leaf_size, nb::none())
      .def_rw("degree", &Arguments::degree, nb::none())
      .def_rw("beam", &Arguments::beam, nb::none())
      .def_rw("layout", &Arguments::layout)
      .def_rw("calibrate", &Arguments::calibrate, nb::none())
      .def_rw("expect_queries", &Arguments::expect_queries, nb::none())
      .def_rw("memory", &Arguments::memory, nb::none())
      .def_rw("build_seconds", &Arguments::build_seconds, nb::none())
      .def_rw("scan_codes", &Arguments::scan_codes, nb::none());
  m.def("build", &Build, "vectors"_a.none(), "path"_a.none(), "metric"_a, "arguments"_a,
        "keys"_a.none(), "ids"_a.none(), "seed"_a, "n_jobs"_a.none(), "progress"_a.none());
}

}  // namespace kith::python
