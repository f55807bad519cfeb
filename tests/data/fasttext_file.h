// Small models of fastText, made by the tests themselves, and what their words' vectors must be.
#ifndef KITH_TESTS_DATA_FASTTEXT_FILE_H_
#define KITH_TESTS_DATA_FASTTEXT_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace kith::testing {

struct FastTextFile {
  int32_t version = 12;
  int32_t dim = 3;
  int32_t kind = 1;  // 1: cbow, 2: skipgram, 3: supervised
  int32_t bucket = 50;
  int32_t minn = 2;
  int32_t maxn = 3;
  std::vector<std::string> words = {"</s>", "cat", "Z\xc3\xbcrich", "a"};
  std::vector<std::string> labels;
  int64_t pruned = -1;
  uint8_t quantised = 0;

  // Element `column` of `row` of the matrix of words and n-grams: small, and no two rows alike.
  static float Element(uint64_t row, int32_t column) {
    return static_cast<float>((row * 37 + static_cast<uint64_t>(column) * 101 + 5) % 211) / 64 -
           1.5F;
  }

  std::string Bytes() const {
    std::string out;
    Add<int32_t>(793712314, &out);
    Add(version, &out);
    for (const int32_t value : {dim, 5, 1, 1, 5, 1, 2, kind, bucket, minn, maxn, 100}) {
      Add(value, &out);
    }
    Add(1e-4, &out);
    Add(static_cast<int32_t>(words.size() + labels.size()), &out);
    Add(static_cast<int32_t>(words.size()), &out);
    Add(static_cast<int32_t>(labels.size()), &out);
    Add<int64_t>(1000, &out);
    Add(pruned, &out);
    for (const auto* const list : {&words, &labels}) {
      for (const std::string& word : *list) {
        out += word;
        out += '\0';
        Add<int64_t>(7, &out);
        Add<int8_t>(list == &labels ? 1 : 0, &out);
      }
    }
    for (int64_t i = 0; i < pruned; ++i) Add<int64_t>(i, &out);
    Add(quantised, &out);
    const size_t rows = words.size() + static_cast<size_t>(bucket);
    Add(static_cast<int64_t>(rows), &out);
    Add<int64_t>(dim, &out);
    for (size_t row = 0; row < rows; ++row) {
      for (int32_t column = 0; column < dim; ++column) Add(Element(row, column), &out);
    }
    Add<uint8_t>(0, &out);
    Add<int64_t>(1, &out);
    Add<int64_t>(dim, &out);
    for (int32_t column = 0; column < dim; ++column) Add(0.0F, &out);
    return out;
  }

  // The n-grams of a word between the marks < and >: of minn to maxn characters of UTF-8, which are
  // found first, where kith goes byte by byte.
  std::vector<std::string> Ngrams(const std::string& word) const {
    std::vector<std::string> characters;
    for (const char c : "<" + word + ">") {
      if ((static_cast<unsigned char>(c) >> 6) == 2 && !characters.empty()) {
        characters.back() += c;
      } else {
        characters.emplace_back(1, c);
      }
    }
    std::vector<std::string> ngrams;
    for (size_t begin = 0; begin < characters.size(); ++begin) {
      for (size_t n = static_cast<size_t>(minn); n <= static_cast<size_t>(maxn); ++n) {
        if (n == 0 || begin + n > characters.size()) continue;
        if (n == 1 && (begin == 0 || begin + 1 == characters.size())) continue;
        std::string ngram;
        for (size_t i = begin; i < begin + n; ++i) ngram += characters[i];
        ngrams.push_back(ngram);
      }
    }
    return ngrams;
  }

  // The mean of the rows of these n-grams, and of row `own` of the word itself unless that is -1.
  std::vector<double> Mean(const std::vector<std::string>& ngrams, int64_t own) const {
    std::vector<uint64_t> rows;
    if (own >= 0) rows.push_back(static_cast<uint64_t>(own));
    for (const std::string& ngram : ngrams) {
      uint64_t hash = 2166136261;
      for (const char c : ngram) {
        // A byte of 128 or more is negative, and so has its upper 24 bits set.
        const auto byte = static_cast<uint64_t>(static_cast<unsigned char>(c));
        hash =
            ((hash ^ (byte >= 128 ? byte | 0xFFFFFF00U : byte)) * 16777619) % (uint64_t{1} << 32);
      }
      rows.push_back(words.size() + hash % static_cast<uint64_t>(bucket));
    }
    std::vector<double> mean(static_cast<size_t>(dim), 0.0);
    for (const uint64_t row : rows) {
      for (int32_t column = 0; column < dim; ++column) {
        mean[static_cast<size_t>(column)] +=
            static_cast<double>(Element(row, column)) / static_cast<double>(rows.size());
      }
    }
    return mean;
  }
  // Of a word that is in the file, and of one that is not.
  std::vector<double> WordMean(size_t row) const {
    const bool marked = words[row] != "</s>" && bucket > 0;
    return Mean(marked ? Ngrams(words[row]) : std::vector<std::string>{},
                static_cast<int64_t>(row));
  }
  std::vector<double> SubwordMean(const std::string& word) const { return Mean(Ngrams(word), -1); }

 private:
  template <class T>
  static void Add(T value, std::string* out) {
    out->append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
};

}  // namespace kith::testing

#endif  // KITH_TESTS_DATA_FASTTEXT_FILE_H_
