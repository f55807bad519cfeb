// What users did with items: who listened to what, and how often.
#ifndef KITH_INTERACTIONS_H_
#define KITH_INTERACTIONS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kith/status.h"
#include "kith/types.h"

namespace kith {

// A sparse matrix of users x items in compressed rows: the items of user u are
// columns[offsets[u]] to columns[offsets[u + 1]], ascending and each once.
struct Interactions {
  StringList users;  // names, in the order in which the file has them first; all differ
  StringList items;
  std::vector<uint64_t> offsets = {0};  // [users.size() + 1]
  std::vector<uint32_t> columns;
  std::vector<float> weights;  // > 0: plays, purchases, or 1
  std::vector<double> times;   // of each pair the latest; empty where the file has none
  uint64_t header_line = 0;    // of the file, from 1: what was taken for a header; 0: none

  size_t num_users() const { return offsets.size() - 1; }
  size_t num_items() const { return items.size(); }
  size_t size() const { return columns.size(); }
  std::span<const uint32_t> ItemsOf(size_t user) const {
    return {columns.data() + offsets[user], static_cast<size_t>(offsets[user + 1] - offsets[user])};
  }
  std::span<const float> WeightsOf(size_t user) const {
    return {weights.data() + offsets[user], static_cast<size_t>(offsets[user + 1] - offsets[user])};
  }
};

struct ReadInteractionsOptions {
  // A file of lines "id name ...", whose names become those of items; "": the ids are their names.
  // An id without a line keeps itself for a name; of ids with the same name, those after the first
  // get " (id)" behind it.
  std::string item_names;
  Progress progress;  // stage "read", in bytes
};

// Reads lines "user item [weight [time]]", separated by tabs, semicolons, commas or blanks, packed
// by gzip or not, or a Matrix Market file of coordinates (Boisvert et al. 1996), whose rows and
// columns are numbered from 1 and so named. Names are any text; fields separated by tabs are taken
// as they are, others may stand in quotes (RFC 4180). Lines before the first pair that begin with
// #, % or //, and a first line whose weight is nothing like a number, or of two fields that says
// "user", are headers. Without weights each line counts 1. Weights of pairs that are there more
// than once are added; pairs of weight 0 are left out. Cost: O(bytes); memory: about 40 bytes a
// line. Errors: NotFound, IoError, OutOfMemory; InvalidArgument naming file and line (no or another
// number of fields; a weight that is negative or no finite number; a place beyond a matrix; nothing
// in it).
Result<Interactions> ReadInteractions(const std::string& path,
                                      const ReadInteractionsOptions& options = {});

// Writes the matrix, without names and times, as Matrix Market: complete or not at all. Errors:
// those of writing a file.
Status WriteInteractions(const std::string& path, const Interactions& interactions);

// The same of arrays of pairs, which may come in any order, and are added up as in a file.
// `weights` and `times` may be empty. Errors: InvalidArgument (arrays of other lengths; a number
// beyond the names; a weight as above; no pairs), OutOfMemory.
Result<Interactions> MakeInteractions(StringList users, StringList items,
                                      std::span<const uint32_t> user_rows,
                                      std::span<const uint32_t> item_rows,
                                      std::span<const float> weights,
                                      std::span<const double> times = {});

// Which pairs are held out to see whether they are recommended.
enum class HeldOut : uint32_t {
  kRandom = 0,  // each with the same chance
  kSome = 1,    // so many of each user, at random
  kLatest = 2,  // so many of each user, the latest by time, ties by the larger item
};

struct SplitOptions {
  HeldOut held_out = HeldOut::kRandom;
  double share = 0.2;  // kRandom: the chance of each pair, above 0 and below 1
  uint32_t count = 5;  // else: of each user; one pair at least is left
  uint64_t seed = 42;
};

struct Split {
  Interactions train;  // users and items of both are those of the whole
  Interactions test;
};

// Errors: InvalidArgument (a share or count out of range; kLatest without times; nothing left to
// train or to test with), OutOfMemory.
Result<Split> SplitInteractions(const Interactions& interactions, const SplitOptions& options);

}  // namespace kith

#endif  // KITH_INTERACTIONS_H_
