// Fitting a reduction to vectors.
#ifndef KITH_REDUCTION_FIT_H_
#define KITH_REDUCTION_FIT_H_

#include <memory>

#include "base/thread_pool.h"
#include "kith/reduce.h"
#include "kith/status.h"
#include "kith/types.h"
#include "reduction/model.h"

namespace kith::reduction {

// Reducer::Fit().
Result<std::shared_ptr<const Model>> FitModel(const MatrixView& vectors,
                                              const ReduceOptions& options, ThreadPool& pool);

}  // namespace kith::reduction

#endif  // KITH_REDUCTION_FIT_H_
