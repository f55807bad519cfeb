// A file with another calibration, as calibrating one writes it.
#ifndef KITH_TESTS_CALIBRATION_REPLACE_CALIBRATION_H_
#define KITH_TESTS_CALIBRATION_REPLACE_CALIBRATION_H_

#include <string>

#include "calibration/section.h"
#include "storage/container.h"

namespace kith::testing {

inline Status ReplaceCalibration(const storage::ContainerReader& in, const Calibration& calibration,
                                 const std::string& to) {
  const storage::FileHeader& header = in.header();
  KITH_ASSIGN_OR_RETURN(const auto writer,
                        storage::ContainerWriter::Create(to, header.num_vectors, header.dim,
                                                         static_cast<Metric>(header.metric),
                                                         static_cast<DataType>(header.dtype)));
  KITH_RETURN_IF_ERROR(calibration::CopyCalibrated(in, calibration, {}, writer.get()));
  return writer->Finish();
}

}  // namespace kith::testing

#endif  // KITH_TESTS_CALIBRATION_REPLACE_CALIBRATION_H_
