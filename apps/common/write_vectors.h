// Vectors and keys on their way to files of other formats.
#ifndef KITH_APPS_COMMON_WRITE_VECTORS_H_
#define KITH_APPS_COMMON_WRITE_VECTORS_H_

#include <string>

#include "kith/dataset.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::apps {

// Replaces the vectors by the same ones of another type. Errors: InvalidArgument (a value that it
// can't hold), OutOfMemory.
Status ChangeType(DataType to, Dataset* dataset);

// Writes a text: complete or not at all. Errors: those of AtomicFile.
Status WriteText(const std::string& path, const std::string& text);

// Writes keys, one a line: complete or not at all. Errors: InvalidArgument (a key with a line
// break), IoError.
Status WriteKeys(const std::string& path, const StringList& keys);

// Whether a file that WriteDataset(path, format, ...) writes holds keys. Errors: InvalidArgument
// (no such format). A name that means no format is the writer's to refuse.
Result<bool> TakesKeys(const std::string& path, const std::string& format);

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_WRITE_VECTORS_H_
