// Files that were made to do harm, each from a number alone, and everything that is done with one.
#ifndef KITH_TESTS_MUTANTS_MUTANT_H_
#define KITH_TESTS_MUTANTS_MUTANT_H_

#include <cstdint>
#include <string>

namespace kith::mutants {

// What became of a mutant.
struct Outcome {
  bool opened = false;
  bool sound = false;  // says verify
  std::string fault;   // what it or opening says else
};

// A kind of mutants. make(seed) is the same file for the same seed, in every run and on every
// machine with fused multiply-add. use() does everything with it that a user can do, and ends the
// process where an answer is not one that a search may give.
struct Kind {
  const char* name;
  const char* what;
  std::string (*make)(uint64_t seed);
  Outcome (*use)(const std::string& bytes, uint64_t seed);
};

// .kith files whose checksums are right and whose contents are not.
Kind LyingKith();
// .kith files that are as docs/file_format.md says, but as unlike those that kith writes as can be.
Kind StrangeKith();
// Annoy's files.
Kind Annoy();

// Ends the process, with words on what was wrong.
void Require(bool ok, const char* what);

Outcome UseKith(const std::string& bytes, uint64_t seed);

}  // namespace kith::mutants

#endif  // KITH_TESTS_MUTANTS_MUTANT_H_
