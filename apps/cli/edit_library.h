// Lines by libedit: what edit_library.cc, the only user of that library, has for line_editor.cc.
#ifndef KITH_APPS_CLI_EDIT_LIBRARY_H_
#define KITH_APPS_CLI_EDIT_LIBRARY_H_

#include <memory>
#include <string>

#include "line_editor.h"

namespace kith::apps::cli {

// Lines that libedit reads, which is loaded now, so that nothing else waits for it; nullptr where
// it is not installed or kith was built without it.
std::unique_ptr<LineEditor> CreateEditedLines(const std::string& prompt,
                                              LineEditor::Complete complete,
                                              std::string history_path);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_EDIT_LIBRARY_H_
