// Names of files to write that would take the place of what is read, or of one another.
#ifndef KITH_APPS_COMMON_OUTPUT_FILES_H_
#define KITH_APPS_COMMON_OUTPUT_FILES_H_

#include <string>
#include <vector>

#include "kith/status.h"

namespace kith::apps {

// Every command asks this before it starts to work, with all files that it reads and all that it
// writes: what it wrote would otherwise take the place of what the user gave it. Names that are ""
// are options that were not given, and "-" is standard input or output. Files that a command is
// meant to rewrite, as `kith tune` does, are left out of `inputs`. Devices and pipes may have
// several names on both sides.
// Errors: InvalidArgument (an output is an input, or another output), naming the file.
Status CheckOutputs(const std::vector<std::string>& inputs,
                    const std::vector<std::string>& outputs);

// The files of the folder that `kith factorize` writes and `kith recommend` reads.
std::vector<std::string> FilesOfModel(const std::string& folder);

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_OUTPUT_FILES_H_
