// kith._core.Index: an open file, as Python has it.
#ifndef KITH_PYTHON_INDEX_H_
#define KITH_PYTHON_INDEX_H_

#include <nanobind/nanobind.h>

#include <memory>
#include <string>

#include "kith/index.h"

namespace kith::python {

// Immutable but for Close() and Replace(), which need the GIL, as does Get(). Whoever got the index
// keeps it open for as long as they use it, so closing is safe while other threads search.
class IndexHandle {
 public:
  explicit IndexHandle(std::shared_ptr<const Index> index) : index_(std::move(index)) {}

  // Throws ValueError if it was closed.
  std::shared_ptr<const Index> Get() const;
  bool closed() const { return index_ == nullptr; }
  void Close() { index_.reset(); }
  void Replace(std::shared_ptr<const Index> index) { index_ = std::move(index); }

 private:
  std::shared_ptr<const Index> index_;
};

void BindIndex(nanobind::module_& m);
void BindBuild(nanobind::module_& m);

// `path` from the root, as it is understood now: for calls during which another thread may change
// the current directory. As it is if it is empty or that directory has no name.
std::string ToAbsolute(const std::string& path);

// No file holds more vectors.
inline constexpr int64_t kMostNeighbours = static_cast<int64_t>(kMaxRows);

// Throws ValueError unless the index has keys.
void CheckHasKeys(const Index& index);

}  // namespace kith::python

#endif  // KITH_PYTHON_INDEX_H_
