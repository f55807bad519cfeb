// What is checked of every graph, however its nodes lie.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <vector>

#include "base/strings.h"
#include "graph/graph.h"
#include "quant/geometry.h"
#include "search/metric_traits.h"

namespace kith::graph {

Status Graph::VerifyHeader(const Verification& check) const {
  const auto fault = [&](const auto&... what) {
    return file_->Corrupt(kHeaderSection, StrCat(what...));
  };
  float expected = 0;
  if (search::TraitsOf(outline_.metric).products) {
    KITH_ASSIGN_OR_RETURN(expected, quant::LargestNorm(rows_.vectors.table.rows, *check.pool));
  }
  // Another machine may have rounded sums otherwise.
  if (!(std::abs(header_.max_norm - expected) <= 1e-6f * expected)) {
    return fault("max_norm ", header_.max_norm, ", expected ", expected);
  }
  if (header_.own_bytes > 1) return fault("own_bytes ", header_.own_bytes, ", expected 0 or 1");
  const bool packed = header_.layout == static_cast<uint32_t>(GraphLayout::kPacked);
  if (!packed && (header_.code_bits != 0 || header_.own_bytes != 0)) {
    return fault("a compact graph with codes");
  }
  if (!std::all_of(std::begin(header_.reserved), std::end(header_.reserved),
                   [](uint8_t byte) { return byte == 0; })) {
    return fault("its last bytes are not zero");
  }
  std::vector<bool> met(outline_.num_nodes);
  for (const uint32_t entry : outline_.entries) {
    if (met[entry])
      return file_->Corrupt(kEntriesSection, StrCat("node ", entry, " is there twice"));
    met[entry] = true;
  }
  return Status::Ok();
}

Status Graph::VerifyCopies(const Verification& check) const {
  constexpr size_t kNodesAtOnce = 1024;
  const std::span<const uint32_t> copies = rows_.copies;
  if (copies.empty()) return Status::Ok();
  const MatrixView& rows = rows_.vectors.table.rows;
  const size_t num_copies = rows.rows - outline_.num_nodes;
  if (copies.front() != 0 || copies.back() != num_copies ||
      !std::is_sorted(copies.begin(), copies.end())) {
    return file_->Corrupt(kCopiesSection, "it does not name every copy once");
  }
  const size_t row_bytes = RowBytes(rows.dtype, rows.dim);
  const auto compare = [&](size_t begin, size_t end, int /*thread*/) {
    for (size_t node = begin; node < end; ++node) {
      for (size_t copy = copies[node]; copy < copies[node + 1]; ++copy) {
        const size_t at = outline_.num_nodes + copy;
        if (std::memcmp(rows.row(node), rows.row(at), row_bytes) == 0) continue;
        return file_->Corrupt(kCopiesSection,
                              StrCat("the vector at ", at, " is no copy of node ", node));
      }
    }
    return Status::Ok();
  };
  return check.Chunks("copies", outline_.num_nodes, kNodesAtOnce, compare);
}

Status Graph::BadLink(std::string_view section, size_t node, const uint32_t* links) const {
  const uint32_t* const end = links + outline_.degree;
  for (const uint32_t* link = links; link != end; ++link) {
    if (*link == kNoNode) {
      if (std::all_of(link, end, [](uint32_t other) { return other == kNoNode; })) break;
      return file_->Corrupt(section, StrCat("node ", node, " has neighbours behind missing ones"));
    }
    if (*link < outline_.num_nodes) continue;
    return file_->Corrupt(section,
                          StrCat("node ", node, " names node ", *link, " of ", outline_.num_nodes));
  }
  return Status::Ok();
}

Status Graph::Unreached(std::string_view section, size_t node) const {
  return file_->Corrupt(section, StrCat("node ", node, " is never reached"));
}

Status Graph::Verify(const Verification& check) const {
  KITH_RETURN_IF_ERROR(VerifyHeader(check));
  KITH_RETURN_IF_ERROR(VerifyCopies(check));
  return VerifyStore(check);
}

}  // namespace kith::graph
