// What can be told of a file in which nothing says what it is.
#ifndef KITH_ANNOY_CHECK_H_
#define KITH_ANNOY_CHECK_H_

#include <cstddef>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "annoy/layout.h"
#include "kith/annoy.h"
#include "kith/status.h"

namespace kith::annoy {

// Finds items, trees and roots in a file's bytes and checks a sample of them; `name` begins
// messages. Cost: O(trees). Errors: Corruption.
Result<Nodes> ReadNodes(Metric metric, size_t dim, std::span<const std::byte> bytes,
                        const std::string& name);

// Whether a file of so many bytes can be of nodes of the shape.
bool MayFit(Metric metric, size_t dim, size_t bytes);

// Every node of an index. Cost: O(nodes). Errors: Corruption, InvalidArgument (cancelled).
Status CheckNodes(const Nodes& nodes, const std::string& name, const std::stop_token& stop);

}  // namespace kith::annoy

#endif  // KITH_ANNOY_CHECK_H_
