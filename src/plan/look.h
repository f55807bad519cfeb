// A look at some of the vectors, before anything is built: how hard they are to search.
#ifndef KITH_PLAN_LOOK_H_
#define KITH_PLAN_LOOK_H_

#include "base/thread_pool.h"
#include "kith/plan.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::plan {

// Looks at 32,768 of the vectors, 64 MB at most, spread evenly over all rows, as they will be
// stored; no more of a file is read. What is found are the 20 nearest among these of 128 of them.
//
// Intrinsic dimension: of the i-th nearest at distance r_i, (k - 2) / sum(log(r_k / r_i)) is the
// maximum likelihood estimate for one vector (Levina & Bickel, NIPS 2004; Amsaleg et al., KDD
// 2015); of all, the mean of the inverses is taken, of 5, 10 or 20 neighbours the least (MacKay &
// Ghahramani, 2005). Rounding: the median over the 128. Among all vectors, neighbours are nearer
// than among some; by how much follows from the dimension.
//
// Nothing of fewer than 256 vectors. The same for any number of threads. Cost: four million
// distances. Errors: InvalidArgument (values that are not finite or that dtype does not hold, with
// their place; cancelled), OutOfMemory.
Result<DataLook> LookAt(const MatrixView& vectors, DataType dtype, Metric metric, ThreadPool& pool);

}  // namespace kith::plan

#endif  // KITH_PLAN_LOOK_H_
