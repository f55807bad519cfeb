// Small notes kept beside a file's contents, as extended attributes.
#ifndef KITH_BASE_FILE_ATTRIBUTE_H_
#define KITH_BASE_FILE_ATTRIBUTE_H_

#include <string>

namespace kith {
inline namespace base {

// Attaches a note to an open file. Best effort: file systems without attributes, and copies made
// without them, lose it, so nothing may depend on it.
void SetFileAttribute(int fd, const char* name, const std::string& value);

// The note, or "" if there is none.
std::string GetFileAttribute(const std::string& path, const char* name);

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_FILE_ATTRIBUTE_H_
