// Building files from arrays.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

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

void SetIndexes(const std::vector<std::string>& names, BuildOptions* options) {
  if (names.empty()) return;  // to be chosen
  options->graph = options->forest = false;
  for (const std::string& name : names) {
    const IndexKind kind = ToIndexKind(name);
    if (kind == IndexKind::kAuto || (kind == IndexKind::kExact && names.size() > 1)) {
      ThrowValueError(
          "index: auto and exact stand alone; exact search is always there, so leave it out");
    }
    if (kind == IndexKind::kGraph) options->graph = true;
    if (kind == IndexKind::kForest) options->forest = true;
  }
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

BuildOptions ToOptions(const std::string& metric, const Arguments& args, uint64_t seed,
                       const nb::object& n_jobs) {
  BuildOptions options;
  options.metric = ToMetric(metric);
  SetIndexes(args.index, &options);
  if (args.dtype && *args.dtype != "auto") {
    options.dtype = ParseDataType(*args.dtype);
    if (!options.dtype) {
      ThrowValueError("dtype is \"" + *args.dtype +
                      "\"; it must be auto, f32, f16, bf16, i8, u8 or bit");
    }
  }
  const auto layout = ParseGraphLayout(args.layout);
  if (!layout) {
    ThrowValueError("layout is \"" + args.layout + "\"; it must be auto, packed or compact");
  }
  if ((args.trees || args.leaf_size) && options.forest != true) {
    ThrowValueError(
        "trees and leaf_size are for forests; leave them out, or give index=\"forest\"");
  }
  if ((args.degree || args.beam || args.layout != "auto") && options.graph != true) {
    ThrowValueError(
        "degree, beam and layout are for graphs; leave them out, or give index=\"graph\"");
  }
  options.graph_options.layout = *layout;
  options.graph_options.degree = ToCount(args.degree, "degree");
  options.graph_options.beam = ToCount(args.beam, "beam");
  options.forest_options.num_trees = ToCount(args.trees, "trees");
  options.forest_options.leaf_size = ToCount(args.leaf_size, "leaf_size");
  options.calibrate = args.calibrate;
  options.scan_codes = args.scan_codes;
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
  const std::string name = path.is_none() ? "" : ToPath(path);
  std::unique_ptr<Index> index;
  RunLong(progress, [&](const Progress& report) -> Status {
    options.progress = report;
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
