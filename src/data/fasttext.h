// fastText's own binary models: words, and the n-grams of characters of which it makes the vector
// of any word (Bojanowski, Grave, Joulin, Mikolov, "Enriching word vectors with subword
// information", 2017).
#ifndef KITH_DATA_FASTTEXT_H_
#define KITH_DATA_FASTTEXT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data/byte_stream.h"
#include "kith/dataset.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::data {

// Whether a file begins as such models do, those without subwords and quantised ones too.
bool IsFastText(std::span<const std::byte> head);

// A model whose matrix stays in the file. Thread-safe once opened.
class FastTextModel {
 public:
  // Reads the arguments and the dictionary; appends its words to `words` unless that is null. Cost:
  // O(bytes of the dictionary). Errors: InvalidArgument (byte, expected and got), Unsupported
  // (quantised, or of another version).
  static Result<FastTextModel> Open(const Input& input, StringList* words);

  size_t dim() const { return dim_; }
  size_t num_words() const { return num_words_; }
  // Whether words are made of n-grams at all.
  bool has_subwords() const { return bucket_ > 0 && maxn_ > 0 && minn_ <= maxn_; }

  // The vector [dim] of a word of the dictionary: the mean of its own row and those of its n-grams.
  // REQUIRES: row < num_words(), of which `word` is the text.
  void WordVector(size_t row, std::string_view word, float* out) const;
  // The vector of any other word, the mean of its n-grams' rows; false if it has none.
  bool SubwordVector(std::string_view word, float* out) const;

 private:
  // Adds the rows of all n-grams of a word to a sum [dim]; returns how many these are.
  size_t AddSubwords(std::string_view word, float* sum) const;
  void AddRow(uint64_t row, float* sum) const;

  const std::byte* matrix_ = nullptr;  // f32 [num_words + bucket, dim], not aligned
  std::shared_ptr<const void> owner_;  // of these bytes
  size_t dim_ = 0;
  size_t num_words_ = 0;
  uint32_t bucket_ = 0;  // rows that n-grams share by their hashes
  int32_t minn_ = 0;     // characters of the shortest and the longest n-gram
  int32_t maxn_ = 0;
};

// The words of a model and their vectors.
Result<Dataset> ReadFastText(const Input& input, const ReadOptions& options);

}  // namespace kith::data

#endif  // KITH_DATA_FASTTEXT_H_
