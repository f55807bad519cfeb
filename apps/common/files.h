// Files that appear under their names complete or not at all: AtomicFile, and what removes the
// halves of them when a signal ends the program, RemoveTemporaryFilesOnSignal().
#ifndef KITH_APPS_COMMON_FILES_H_
#define KITH_APPS_COMMON_FILES_H_

#include "base/file.h"  // IWYU pragma: export

#endif  // KITH_APPS_COMMON_FILES_H_
