// What a calibration says, as Python's dicts.
#ifndef KITH_PYTHON_CALIBRATION_H_
#define KITH_PYTHON_CALIBRATION_H_

#include <nanobind/nanobind.h>

#include "kith/calibration.h"

namespace kith::python {

// None if it is empty.
nanobind::object CalibrationOf(const Calibration& calibration);

}  // namespace kith::python

#endif  // KITH_PYTHON_CALIBRATION_H_
