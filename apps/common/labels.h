// Labels and values of vectors, and the indexes that classify and regress by them.
#ifndef KITH_APPS_COMMON_LABELS_H_
#define KITH_APPS_COMMON_LABELS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kith/dataset.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::apps {

// An index in memory of vectors and their keys: one that searches exactly, or one that also gives
// a `recall` above 0 sooner, where building that makes up for it.
// Errors: those of BuildIndexInMemory().
Result<std::unique_ptr<Index>> IndexOf(const MatrixView& vectors, const StringList& keys,
                                       Metric metric, double recall, int threads);

// A .kith file, opened; of any other file of vectors, an index in memory of them.
// Errors: those of OpenIndex(), LoadVectors() and BuildIndexInMemory(); InvalidArgument (another
// metric is asked for than a .kith file has).
Result<std::unique_ptr<Index>> OpenOrIndex(const std::string& path,
                                           const std::optional<Metric>& metric,
                                           const ReadOptions& options, double recall, int threads);

// The same for what looks for the neighbours of all rows (kith/neighbour_graph.h): an index that is
// not calibrated, since that measures its own recall. `exact`: one that searches exactly.
Result<std::unique_ptr<Index>> OpenOrIndexForAll(const std::string& path,
                                                 const std::optional<Metric>& metric,
                                                 const ReadOptions& options, bool exact,
                                                 int threads);

// The keys of all rows of an index.
StringList KeysOf(const Index& index);

// The different names among labels, and the place of each label's among these. Names that are all
// whole numbers are in the order of the numbers, others in that of their bytes.
class LabelNames {
 public:
  explicit LabelNames(const StringList& labels);

  size_t size() const { return names_.size(); }
  const std::string& operator[](uint32_t label) const { return names_[label]; }
  // nullopt of a name that is none of these.
  std::optional<uint32_t> Find(std::string_view name) const;
  // Of labels that are all among these. REQUIRES: they are.
  std::vector<uint32_t> Numbers(const StringList& labels) const;

 private:
  bool whole_ = false;  // all of them are numbers
  std::vector<std::string> names_;
};

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_LABELS_H_
