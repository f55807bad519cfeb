#include "annoy/check.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/edge.h"
#include "base/file.h"
#include "base/math.h"
#include "base/strings.h"
#include "kith/annoy.h"

namespace kith::annoy {
namespace {

constexpr size_t kSampledItems = 64;
constexpr size_t kSampledRoots = 8;

double VectorNorm(const Layout& layout, const std::byte* node) {
  // Aligned for floats: nodes and the offset of their vectors are multiples of 4.
  return SquaredNorm(reinterpret_cast<const float*>(node + layout.vector), layout.dim);
}

bool VectorIsZero(const Layout& layout, const std::byte* node) {
  return std::all_of(node + layout.vector, node + layout.node_size,
                     [](std::byte b) { return b == std::byte{0}; });
}

// "" or what is wrong with an item.
std::string ItemFault(const Layout& layout, const std::byte* node) {
  const int32_t descendants = ReadInt(node);
  if (descendants == 0) return "";
  if (descendants != 1) return StrCat("is an item and has ", descendants, " items below it");
  // Where the squared length lies over the first child, the second tells as much.
  const size_t first = layout.norm == kNoField ? 0 : 1;
  for (size_t i = first; i < 2; ++i) {
    if (ReadInt(node + layout.children + i * 4) != 0) return "is an item and has children";
  }
  if (layout.bits()) {
    const size_t used = layout.dim % 64;
    const uint64_t last = ReadWord(node + layout.node_size - 8);
    if (used != 0 && last >> used != 0) return "is an item with bits beyond the dimension";
    return "";
  }
  const double norm = VectorNorm(layout, node);
  if (!std::isfinite(norm)) return "is an item with a coordinate that is no number";
  if (layout.norm != kNoField) {
    const float said = ReadFloat(node + layout.norm);
    if (said != 0 && !(std::abs(said - norm) <= 1e-3 * norm)) {
      return StrCat("is an item whose squared length is ", norm, ", not ", said, " as it says");
    }
  }
  if (layout.factor != kNoField && !(ReadFloat(node + layout.factor) >= 0)) {
    return StrCat("is an item with the factor ", ReadFloat(node + layout.factor));
  }
  return "";
}

// "" or what is wrong with a node of a tree.
std::string TreeNodeFault(const Nodes& nodes, const std::byte* node) {
  const Layout& layout = nodes.layout;
  const int32_t descendants = ReadInt(node);
  if (descendants < 0 || static_cast<size_t>(descendants) > nodes.num_items) {
    return StrCat("has ", descendants, " of ", nodes.num_items, " items below it");
  }
  const bool leaf = static_cast<size_t>(descendants) <= layout.max_leaf;
  const size_t children = leaf ? static_cast<size_t>(descendants) : 2;
  const size_t limit = leaf ? nodes.num_items : nodes.num_nodes;
  for (size_t i = 0; i < children; ++i) {
    const int32_t child = ReadInt(node + layout.children + i * sizeof(int32_t));
    if (child < 0 || static_cast<size_t>(child) >= limit) {
      return StrCat(leaf ? "lists item " : "has child ", child, ", but there are only ", limit);
    }
  }
  if (leaf) return "";
  if (layout.bits()) {
    const uint64_t bit = ReadWord(node + layout.vector);
    return bit < layout.vector_bytes * 8 ? "" : StrCat("splits by bit ", bit);
  }
  const double norm = VectorNorm(layout, node);
  const double least = layout.factor == kNoField ? 0.98 : 0;  // its last coordinate is elsewhere
  if (norm == 0 || (norm >= least && norm <= 1.02)) return "";
  return StrCat("splits by a normal of squared length ", norm, " instead of 1");
}

// All vectors of dot are equally long together with their factors.
bool FactorsFit(const Layout& layout, const std::vector<const std::byte*>& items) {
  double least = HUGE_VAL;
  double most = 0;
  for (const std::byte* item : items) {
    const double factor = ReadFloat(item + layout.factor);
    const double length = VectorNorm(layout, item) + factor * factor;
    least = std::min(least, length);
    most = std::max(most, length);
  }
  return items.empty() || least >= 0.98 * most;
}

// Nodes of the other metrics of one dimension less are as large as angular ones. Where these have
// the squared length, theirs have zeros, as old angular files do; where these have the first
// coordinate, theirs have another zero, or dot's factor, with which all are equally long.
std::string OtherThanAngular(const Layout& layout, const std::vector<const std::byte*>& items) {
  constexpr size_t kEnough = 8;
  bool zero = true;
  bool factor = items.size() >= kEnough;
  double least = HUGE_VAL;
  double most = 0;
  for (const std::byte* item : items) {
    if (ReadInt(item + layout.norm) != 0) return "";
    zero = zero && ReadInt(item + layout.vector) == 0;
    factor = factor && ReadFloat(item + layout.vector) >= 0;
    const double norm = VectorNorm(layout, item);
    least = std::min(least, norm);
    most = std::max(most, norm);
  }
  // Squares too small for a float are 0 in angular files too.
  if (static_cast<float>(most) == 0) return "";
  if (zero) {
    return StrCat("its items look like euclidean or manhattan ones of dimension ", layout.dim - 1);
  }
  if (factor && least >= 0.999 * most) {
    return StrCat("its items look like those of dot of dimension ", layout.dim - 1);
  }
  return "";
}

std::string SampleFault(const Nodes& nodes) {
  const Layout& layout = nodes.layout;
  const size_t roots = std::min(nodes.num_roots, kSampledRoots);
  for (size_t i = 0; i < roots; ++i) {
    const size_t number = nodes.num_nodes - 1 - i * (nodes.num_roots / roots);
    // The only item may be among the roots.
    if (number < nodes.num_items) continue;
    const std::string fault = TreeNodeFault(nodes, nodes.node(number));
    if (!fault.empty()) return StrCat("node ", number, " ", fault);
  }
  const size_t sampled = std::min(nodes.num_items, kSampledItems);
  std::vector<const std::byte*> items;
  std::string first_fault;
  size_t faults = 0;
  for (size_t i = 0; i < sampled; ++i) {
    const size_t number = static_cast<size_t>(uint64_t{i} * nodes.num_items / sampled);
    const std::string fault = ItemFault(layout, nodes.node(number));
    if (!fault.empty()) {
      if (faults++ == 0) first_fault = StrCat("node ", number, " ", fault);
    } else if (ReadInt(nodes.node(number)) == 1) {
      items.push_back(nodes.node(number));
    }
  }
  // Single nodes may be what is left of an index that was unbuilt and got holes.
  if (faults * 8 > sampled) return first_fault;
  if (layout.factor != kNoField && !FactorsFit(layout, items)) {
    return "its items' factors do not make them equally long";
  }
  return layout.norm != kNoField ? OtherThanAngular(layout, items) : "";
}

// Annoy's rules: the last nodes that say the same number of items below them are the roots, and
// that number is the number of items; the first of them is left out if it is the same as the last.
std::string FindRoots(Nodes* nodes) {
  const Layout& layout = nodes->layout;
  const size_t n = nodes->num_nodes;
  const auto descendants = [&](size_t i) { return ReadInt(nodes->items + i * layout.node_size); };
  const auto first_child = [&](size_t i) {
    return ReadInt(nodes->items + i * layout.node_size + layout.children);
  };
  const int32_t most = descendants(n - 1);
  if (most < 0 || static_cast<size_t>(most) > n) {
    return StrCat("its last node says that there are ", most, " items, of ", n, " nodes");
  }
  nodes->num_items = static_cast<size_t>(most);
  const std::byte* const last = nodes->items + (n - 1) * layout.node_size;
  if (most == 0 &&
      std::any_of(last, last + layout.node_size, [](std::byte b) { return b != std::byte{0}; })) {
    return "its last node says that there are no items, but is not empty";
  }
  if (most == 1 && n > 1 && !VectorIsZero(layout, last)) {
    nodes->num_items = n;  // no trees at all
    return "";
  }
  size_t roots = 1;
  while (roots < n && descendants(n - 1 - roots) == most) ++roots;
  if (roots > 1 && first_child(n - 1) == first_child(n - roots)) --roots;
  nodes->num_roots = roots;
  if (most > 1 && nodes->num_items > n - roots) {
    return StrCat("there are ", most, " items and ", roots, " trees, but only ", n, " nodes");
  }
  return "";
}

}  // namespace

Result<Nodes> ReadNodes(Metric metric, size_t dim, std::span<const std::byte> bytes,
                        const std::string& name) {
  if (bytes.empty()) return Status::Corruption(StrCat(name, ": Size of file is zero"));
  std::string fault;
  for (const Dialect dialect : {Dialect::kReleased, Dialect::kUnreleased}) {
    if (dialect == Dialect::kUnreleased && metric != Metric::kDot) break;
    Nodes nodes;
    nodes.layout = MakeLayout(metric, dim, dialect);
    const size_t size = nodes.layout.node_size;
    std::string why;
    if (bytes.size() % size != 0) {
      why = StrCat(
          "Index size is not a multiple of vector size. Ensure you are opening using the same "
          "metric you used to create the index. (",
          bytes.size(), " bytes, ", size, " a node)");
    } else if (bytes.size() / size > kMaxNodes) {
      why = StrCat("it has ", bytes.size() / size, " nodes; no more than 2^31 - 1 can be numbered");
    } else {
      nodes.items = bytes.data();
      nodes.num_nodes = bytes.size() / size;
      why = FindRoots(&nodes);
      nodes.trees = nodes.items + nodes.num_items * size;
      if (why.empty()) why = SampleFault(nodes);
    }
    if (why.empty()) return nodes;
    if (fault.empty()) fault = std::move(why);
  }
  return Status::Corruption(StrCat(name, ": not an Annoy index of metric ", MetricName(metric),
                                   " and dimension ", dim, ": ", fault,
                                   "; give the metric and the dimension it was built with"));
}

bool MayFit(Metric metric, size_t dim, size_t bytes) {
  const auto fits = [&](Dialect dialect) {
    return bytes % MakeLayout(metric, dim, dialect).node_size == 0;
  };
  return bytes > 0 &&
         (fits(Dialect::kReleased) || (metric == Metric::kDot && fits(Dialect::kUnreleased)));
}

Status CheckNodes(const Nodes& nodes, const std::string& name, const std::stop_token& stop) {
  for (size_t i = 0; i < nodes.num_nodes; ++i) {
    if (stop.stop_requested()) return Cancelled();
    const std::byte* const node = nodes.node(i);
    std::string fault =
        i < nodes.num_items ? ItemFault(nodes.layout, node) : TreeNodeFault(nodes, node);
    if (fault.empty() && i >= nodes.num_items &&
        static_cast<size_t>(ReadInt(node)) > nodes.layout.max_leaf) {
      for (size_t side = 0; side < 2; ++side) {
        const int32_t child = ReadInt(node + nodes.layout.children + side * sizeof(int32_t));
        if (static_cast<size_t>(child) >= i) fault = "has a child that comes after it";
      }
    }
    if (!fault.empty()) return Status::Corruption(StrCat(name, ": node ", i, " ", fault));
  }
  return Status::Ok();
}

}  // namespace kith::annoy

namespace kith {

Result<std::vector<AnnoyShape>> GuessAnnoyShapes(const std::string& path) {
  return CatchAll([&]() -> Result<std::vector<AnnoyShape>> {
    KITH_ASSIGN_OR_RETURN(const auto file, MappedFile::Open(path));
    std::vector<AnnoyShape> shapes;
    for (const Metric metric : {Metric::kAngular, Metric::kEuclidean, Metric::kManhattan,
                                Metric::kDot, Metric::kHamming}) {
      size_t words = 0;  // of the last shape found
      for (size_t dim = 1; dim <= kMaxDim; ++dim) {
        const bool bits = metric == Metric::kHamming;
        if (bits && (dim + 63) / 64 == words) continue;
        if (!annoy::MayFit(metric, dim, file->bytes().size())) continue;
        // A single node tells too little: every item is a file of its own without a tree.
        const auto nodes = annoy::ReadNodes(metric, dim, file->bytes(), path);
        if (!nodes.ok() || nodes->num_nodes < 2) continue;
        shapes.push_back({metric, dim});
        words = bits ? (dim + 63) / 64 : 0;
      }
    }
    return shapes;
  });
}

}  // namespace kith
