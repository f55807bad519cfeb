// What a kith.annoy.AnnoyIndex holds: an index in Annoy's layout, or an open .kith file.
#ifndef KITH_PYTHON_ANNOY_INDEX_H_
#define KITH_PYTHON_ANNOY_INDEX_H_

#include <nanobind/nanobind.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "annoy_kith.h"
#include "gil.h"
#include "kith/annoy.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::python {

// What a call was about, which decides the exception that its errors become:
//                                kItems         kFile
//   NotFound                     IndexError     FileNotFoundError
//   InvalidArgument              ValueError     OSError
//   Unsupported (wrong state)    RuntimeError   OSError
//   Corruption                   AnnoyFileError (an OSError and a CorruptFileError)
//   others                       as Throw() does
enum class AnnoyCall { kItems, kFile };
void ThrowIfAnnoyError(const Status& status, AnnoyCall call);

// The methods of Python's class that do more than call one of kith::AnnoyIndex. All of them are
// called with the GIL; those that may take long let go of it. Errors are thrown.
class PyAnnoyIndex {
 public:
  PyAnnoyIndex(nanobind::handle f, nanobind::handle metric);

  const AnnoyIndex& annoy() const { return *annoy_; }
  // The open .kith file, or null.
  std::shared_ptr<const KithAsAnnoy> kith() const;

  int64_t num_items() const;
  size_t num_trees() const;
  std::string path() const;
  std::string absolute_path() const;
  const char* state() const;

  void AddItem(nanobind::handle id, nanobind::handle vector);
  void Build(nanobind::handle num_trees, nanobind::handle num_jobs,
             const nanobind::object& progress);
  void Unbuild();
  void Unload();
  void Load(nanobind::handle path, nanobind::handle prefault);
  void Save(nanobind::handle path, nanobind::handle prefault);
  void OnDiskBuild(nanobind::handle path);
  void Verify() const;
  void SetSeed(nanobind::handle seed);
  void set_verbose(bool verbose) { verbose_ = verbose; }

  nanobind::object GetItem(nanobind::handle id) const;
  double Distance(nanobind::handle i, nanobind::handle j) const;
  nanobind::object SearchByItem(nanobind::handle id, nanobind::handle n, nanobind::handle search_k,
                                nanobind::handle include_distances) const;
  nanobind::object SearchByVector(nanobind::handle vector, nanobind::handle n,
                                  nanobind::handle search_k,
                                  nanobind::handle include_distances) const;
  // queries: float32 (m, f). Returns ids int64 (m, n) and distances float32 (m, n); -1 and
  // infinity, negative for dot, where nothing was found.
  nanobind::tuple SearchBatch(const nanobind::object& queries, nanobind::handle n,
                              nanobind::handle search_k, nanobind::handle threads) const;

  nanobind::bytes ToBytes() const;
  void FromBytes(const nanobind::bytes& bytes);
  // The numbers of the items that are there, int32, and their vectors, float32.
  std::pair<nanobind::bytes, nanobind::bytes> Items() const;
  // ids: integers (n,); vectors: float32 (n, f).
  void AddItems(const nanobind::object& ids, const nanobind::object& vectors);

 private:
  nanobind::object SearchKith(const KithAsAnnoy& kith, const float* query, int64_t n,
                              int64_t search_k, bool include_distances) const;
  void SaveKith(const std::string& name, bool prefault);
  void SetKith(std::shared_ptr<const KithAsAnnoy> kith);
  // Throws as Annoy does when a loaded index is to be changed.
  void RequireNoKith(const char* what) const;

  std::unique_ptr<AnnoyIndex> annoy_;
  // Once items go to a temporary file.
  std::unique_ptr<DroppedAtExit> on_disk_;
  // What annoy_ holds does not count while this is not null.
  std::shared_ptr<const KithAsAnnoy> kith_;
  mutable std::mutex mutex_;            // of kith_, for Pythons without a GIL
  std::atomic<bool> has_kith_ = false;  // spares most calls the lock
  bool verbose_ = false;
};

}  // namespace kith::python

#endif  // KITH_PYTHON_ANNOY_INDEX_H_
