// What all that is told of words needs first.
#ifndef KITH_LEARN_WORDS_H_
#define KITH_LEARN_WORDS_H_

#include "kith/index.h"
#include "kith/status.h"

namespace kith::learn {

// InvalidArgument, with a remedy, unless the index has keys and cosines are its metric.
Status CheckWords(const Index& index);

}  // namespace kith::learn

#endif  // KITH_LEARN_WORDS_H_
