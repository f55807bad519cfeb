// A look at some of the vectors, before anything is built: how hard they are to search.
#ifndef KITH_PLAN_LOOK_H_
#define KITH_PLAN_LOOK_H_

#include "base/thread_pool.h"
#include "kith/plan.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::plan {

// Estimates the intrinsic dimension of vectors that will be stored as `dtype`: from the distances
// of 128 of them to their 20 nearest among 4,096, both spread evenly over all rows (fewer of long
// vectors, 32 MB at most). Of the i-th nearest at distance r_i, (k - 2) / sum(log(r_k / r_i)) is
// the maximum likelihood estimate for one vector (Levina & Bickel, NIPS 2004; Amsaleg et al., KDD
// 2015); of all, the mean of the inverses is taken (MacKay & Ghahramani, 2005). No more of a file
// is read than these rows. The same for any number of threads. Cost: half a million distances.
// Errors: InvalidArgument (values that are not finite or that dtype does not hold, with their
// place; cancelled), OutOfMemory.
Result<DataLook> LookAt(const MatrixView& vectors, DataType dtype, Metric metric, ThreadPool& pool);

}  // namespace kith::plan

#endif  // KITH_PLAN_LOOK_H_
