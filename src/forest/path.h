// The forest as an access path.
#ifndef KITH_FOREST_PATH_H_
#define KITH_FOREST_PATH_H_

#include "search/access_path.h"

namespace kith::forest {

const search::PathType& Type();

}  // namespace kith::forest

#endif  // KITH_FOREST_PATH_H_
