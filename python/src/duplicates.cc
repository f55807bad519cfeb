#include "kith/duplicates.h"

#include <nanobind/nanobind.h>

#include "arguments.h"
#include "arrays.h"
#include "duplicates.h"
#include "errors.h"
#include "index.h"
#include "long_call.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

nb::tuple Find(const IndexHandle& self, const nb::object& within, const nb::object& recall,
               const nb::object& index, const nb::object& n_jobs, const nb::object& progress) {
  const auto opened = self.Get();
  DuplicateOptions options;
  options.within = ToNumber(within, "within");
  options.recall = ToRecall(recall, "recall");
  options.index = ToIndexKind(index);
  options.threads = ToThreads(n_jobs);
  Duplicates found;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.progress = report;
    options.stop = stop;
    KITH_ASSIGN_OR_RETURN(found, FindDuplicates(*opened, options));
    return Status::Ok();
  });
  NewArray<int64_t> pairs(found.pairs.size(), 2, false);
  NewArray<float> distances(1, found.pairs.size(), true);
  for (size_t i = 0; i < found.pairs.size(); ++i) {
    pairs.data()[2 * i] = opened->Id(found.pairs[i].a);
    pairs.data()[2 * i + 1] = opened->Id(found.pairs[i].b);
    distances.data()[i] = found.pairs[i].distance;
  }
  nb::list groups;
  for (const auto& rows : found.groups) {
    nb::list group;
    for (const uint64_t row : rows) group.append(opened->Id(row));
    groups.append(group);
  }
  return nb::make_tuple(pairs.Take(), distances.Take(), groups);
}

}  // namespace

void BindDuplicates(nb::module_& m) {
  m.def("duplicates", &Find, "index"_a, "within"_a.none(), "recall"_a.none(), "way"_a.none(),
        "n_jobs"_a.none(), "progress"_a.none(),
        nb::sig("def duplicates(index: Handle, within: float, recall: float, way: str, "
                "n_jobs: int | None, progress: object) -> "
                "tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32], "
                "list[list[int]]]"));
}

}  // namespace kith::python
