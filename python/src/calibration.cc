#include "calibration.h"

#include "kith/index.h"

namespace nb = nanobind;

namespace kith::python {
namespace {

// Why no larger efforts were measured.
nb::object EndOf(CalibrationEnd end) {
  switch (end) {
    case CalibrationEnd::kUnknown: break;
    case CalibrationEnd::kFound: return nb::str("found");
    case CalibrationEnd::kExactCheaper: return nb::str("exact-cheaper");
    case CalibrationEnd::kAllSearched: return nb::str("all-searched");
  }
  return nb::none();
}

nb::dict CurveOf(const CalibrationCurve& curve) {
  nb::list points;
  for (const CalibrationPoint& point : curve.points) {
    nb::dict p;
    p["effort"] = point.effort;
    p["recall"] = point.recall;
    p["recall_p5"] = point.recall_p5;
    p["recall_worst_decile"] = point.recall_worst;
    p["nodes"] = point.nodes;
    p["distances"] = point.distances;
    points.append(p);
  }
  nb::list needs;
  for (const NeedPoint& point : curve.need.points) {
    nb::dict p;
    p["effort"] = point.effort;
    p["recall"] = point.recall;
    p["recall_p5"] = point.recall_p5;
    needs.append(p);
  }
  nb::dict out;
  out["index"] = IndexKindName(curve.index);
  out["k"] = curve.k;
  out["end"] = EndOf(curve.end);
  out["points"] = points;
  out["need"] = needs;
  return out;
}

}  // namespace

nb::object CalibrationOf(const Calibration& calibration) {
  if (calibration.empty()) return nb::none();
  nb::dict out;
  out["source"] =
      calibration.source == CalibrationSource::kQueries ? "queries" : "held-out vectors";
  out["num_queries"] = calibration.num_queries;
  nb::list curves;
  for (const CalibrationCurve& curve : calibration.curves) curves.append(CurveOf(curve));
  out["curves"] = curves;
  return out;
}

}  // namespace kith::python
