// The graph: every vector linked to near ones, walked best first (docs/graph.md).
#ifndef KITH_GRAPH_GRAPH_H_
#define KITH_GRAPH_GRAPH_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "graph/batch.h"
#include "graph/layout.h"
#include "graph/rows.h"
#include "graph/terms.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/access_path.h"
#include "search/hits.h"
#include "search/request.h"
#include "search/stored_vectors.h"
#include "search/top_k.h"
#include "storage/container.h"

namespace kith::graph {

inline constexpr uint32_t kDefaultDegree = 32;

// The names of all sections that graphs have.
std::span<const std::string_view> Sections();

// An open graph: the layout is known where it is opened (stores.h), and then no more. Immutable,
// thread-safe.
class Graph : public search::AccessPath {
 public:
  // Opens the graph of a mapped file. O(1). Errors: Corruption.
  static Result<std::unique_ptr<Graph>> Open(std::shared_ptr<const storage::ContainerReader> file,
                                             const search::StoredVectors& vectors);

  const Header& header() const { return header_; }
  virtual GraphLayout layout() const = 0;
  // What a visit reads of the graph; of distances to vectors, more is read.
  virtual size_t node_bytes() const = 0;
  // The neighbours of a node, [degree] of them, kNoNode where there are fewer.
  virtual const uint32_t* LinksOf(uint32_t node) const = 0;
  const Outline& outline() const { return outline_; }
  const RowsOfNodes& rows() const { return rows_; }

  // The width of the beam where nobody says.
  static size_t DefaultWidth(size_t k) { return std::max<size_t>(64, 2 * k); }

  PathInfo Describe() const override;

  // Walks with a beam that is as wide as the effort says. A fraction is the share of queries,
  // chosen by their values, whose beam is one wider. Where the effort is below k, beams are as wide
  // as k and walks end the sooner. A filter makes walks look for as many neighbours more as it
  // leaves out, or, where there is a ladder, go as far as what they find shows that they have to
  // (docs/filter.md); where comparing with all rows of the filter's set takes less, that is done.
  Status Search(const search::Request& request, search::Hits* hits,
                SearchStats* stats) const override;

  // Checks that links name nodes, that every vector is reached from the entries, that copies
  // are copies, and that nodes hold what belongs to their vectors, codes of edges included, which
  // are made again. Cost: O(nodes * degree), times the dimension for codes. Errors: Corruption,
  // OutOfMemory, InvalidArgument (cancelled). REQUIRES: opened in a file.
  Status Verify(const Verification& check) const override;

 protected:
  // What all queries of a call have in common.
  struct Asked {
    MatrixView queries;
    size_t k = 0;                                           // at most the number of rows
    double ef = 0;                                          // < 0: the default
    const RowFilter* filter = nullptr;                      // nullptr: all rows pass
    const QueryEfforts* efforts = nullptr;                  // of single queries, or nullptr
    float* far = nullptr;                                   // Request::far
    std::optional<uint64_t> first_position = std::nullopt;  // search::Request
    const search::EffortLadder* ladder = nullptr;           // search::Request
  };

  Graph(const Header& header, const RowsOfNodes& rows, const Outline& outline,
        std::shared_ptr<const storage::ContainerReader> file)
      : header_(header), rows_(rows), outline_(outline), file_(std::move(file)) {}

  // nullptr: it is not in a file.
  const std::shared_ptr<const storage::ContainerReader>& file() const { return file_; }

  // Nanoseconds of a visit, roughly: how they compare with those of scan::MatchesNs() matters.
  virtual double VisitNs() const = 0;
  // What a query of a set makes of the ladder.
  Collecting CollectingOf(const Asked& asked, size_t query, size_t nodes) const;
  // Whether a query is compared with all of its set at once.
  bool ComparesSet(const Asked& asked, size_t query) const;
  // Compares the queries of some slots with all of their sets.
  Status CompareSets(const Asked& asked, const Batch& batch, std::span<const size_t> slots,
                     const ThreadPool& pool, search::HitsBuilder* found, SearchStats* stats) const;

  // What a query makes of what is asked; `scratch` has room for its coordinates.
  Terms TermsOf(const Asked& asked, size_t query, float* scratch) const;
  NodeFilter FilterOf(const Asked& asked, size_t query) const {
    return {asked.filter, query, &rows_, rows_.num_rows()};
  }
  // The node that a query is known to be, if it is one: the vector of the node, or of none but
  // copies. Shells of other lengths are far from it, so that where there are some, none is told.
  std::optional<uint32_t> OwnNode(const Asked& asked, size_t query) const {
    if (!asked.first_position || outline_.NumShells() > 1) return std::nullopt;
    const uint64_t position = *asked.first_position + query;
    if (position >= outline_.num_nodes) return std::nullopt;
    return static_cast<uint32_t>(position);
  }
  // The answer, of nodes: the nearest of their rows, copies included, that pass. Of many copies, no
  // more are looked at or kept than an answer may need.
  void ToRows(const Asked& asked, size_t query, const std::vector<search::Candidate>& nodes,
              std::vector<search::Candidate>* nearest) const;

  // Answers queries [begin, end).
  virtual Status SearchSome(const Asked& asked, size_t begin, size_t end, const ThreadPool& pool,
                            search::HitsBuilder* found, SearchStats* stats) const = 0;
  // Verify() but for what all graphs have.
  virtual Status VerifyStore(const Verification& check) const = 0;
  // What is wrong with the links of a node, [degree], or OK.
  Status BadLink(std::string_view section, size_t node, const uint32_t* links) const;
  Status Unreached(std::string_view section, size_t node) const;

 private:
  // Parts of Verify().
  Status VerifyHeader(const Verification& check) const;
  Status VerifyCopies(const Verification& check) const;

  Header header_;
  RowsOfNodes rows_;
  Outline outline_;
  std::shared_ptr<const storage::ContainerReader> file_;
};

// The graph as a kind of access path.
const search::PathType& Type();

}  // namespace kith::graph

#endif  // KITH_GRAPH_GRAPH_H_
