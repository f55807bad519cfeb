// How kernels.cc collects the tables that each kernel file exports.
#ifndef KITH_SIMD_TARGETS_H_
#define KITH_SIMD_TARGETS_H_

#include "simd/kernels.h"

namespace kith::simd {

// Each writes its part of the table of the target that Highway has chosen at the time.
void FillFloatKernels(Kernels* kernels);
void FillIntegerKernels(Kernels* kernels);
void FillCodeKernels(Kernels* kernels);
void FillTreeKernels(Kernels* kernels);
void FillHadamardKernels(Kernels* kernels);
void FillMultiplyKernels(Kernels* kernels);
void FillOuterKernels(Kernels* kernels);
void FillSelectKernels(Kernels* kernels);
void FillScreenKernels(Kernels* kernels);
void FillEdgeKernels(Kernels* kernels);

}  // namespace kith::simd

#endif  // KITH_SIMD_TARGETS_H_
