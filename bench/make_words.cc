// Makes a large file of words in word2vec's binary format out of a real one: the shape of the
// GoogleNews vectors, 3,000,000 x 300, most of whose keys are phrases. The first words are the real
// ones; the others are phrases of two of them, drawn as often as words are used (Zipf), whose
// vectors are the sum of both and noise. The real vectors lie in the first dimensions of a random
// basis, noise whose spectrum falls as that of word vectors does in the rest, so that neither
// dimension nor number alone is what makes the set easy or hard.
//
//   make_words FROM.bin TO.bin [WORDS [DIM]]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/file.h"
#include "base/rng.h"
#include "base/strings.h"
#include "bench_util.h"
#include "kith/dataset.h"
#include "linalg/matrix.h"

namespace kith::bench {
namespace {

constexpr float kPhraseNoise = 0.6F;  // length of what a phrase is beside its words
constexpr float kRestNoise = 0.7F;    // and of what lies outside of the real dimensions

class Maker {
 public:
  Maker(const Dataset& from, size_t dim) : from_(from), dim_(dim), rng_(1) {
    const MatrixView& real = from.vectors;
    basis_ = Check(linalg::Matrix::Create(dim, dim));
    for (size_t i = 0; i < dim; ++i) {
      for (size_t j = 0; j < dim; ++j) basis_.row(i)[j] = static_cast<float>(rng_.Normal());
    }
    linalg::Orthonormalise(&basis_);
    spectrum_.resize(dim - real.dim);
    double energy = 0;
    for (size_t i = 0; i < spectrum_.size(); ++i) {
      spectrum_[i] = static_cast<float>(1 / std::sqrt(static_cast<double>(i + 10)));
      energy += static_cast<double>(spectrum_[i]) * spectrum_[i];
    }
    for (float& x : spectrum_) x = static_cast<float>(x * kRestNoise / std::sqrt(energy));
  }

  // The next word and its vector.
  std::string Make(size_t number, float* out) {
    const size_t real = from_.vectors.dim;
    std::vector<float> own(dim_, 0.0F);
    std::string word;
    if (number < from_.vectors.rows) {
      word = from_.keys[number];
      AddUnit(number, 1, own.data());
    } else {
      size_t first = 0;
      size_t second = 0;
      do {
        first = Draw();
        second = Draw();
        word = StrCat(from_.keys[first], "_", from_.keys[second]);
      } while (first == second || !made_.insert(word).second);
      const auto share = static_cast<float>(0.3 + 0.4 * rng_.Uniform());
      AddUnit(first, share, own.data());
      AddUnit(second, 1 - share, own.data());
      for (size_t i = 0; i < real; ++i) {
        own[i] += kPhraseNoise * static_cast<float>(rng_.Normal() / std::sqrt(real));
      }
    }
    for (size_t i = real; i < dim_; ++i) {
      own[i] = spectrum_[i - real] * static_cast<float>(rng_.Normal());
    }
    // The rows of the basis, so many of each.
    std::fill_n(out, dim_, 0.0F);
    for (size_t i = 0; i < dim_; ++i) {
      for (size_t j = 0; j < dim_; ++j) out[j] += own[i] * basis_.row(i)[j];
    }
    return word;
  }

 private:
  // A word about as often as it is used: its rank falls off as 1 / rank does.
  size_t Draw() {
    const auto n = static_cast<double>(from_.vectors.rows - 1);
    return 1 + std::min(from_.vectors.rows - 2, static_cast<size_t>(std::pow(n, rng_.Uniform())));
  }
  void AddUnit(size_t row, float weight, float* out) const {
    const auto* const vector = reinterpret_cast<const float*>(from_.vectors.row(row));
    double squares = 0;
    for (size_t i = 0; i < from_.vectors.dim; ++i) {
      squares += static_cast<double>(vector[i]) * vector[i];
    }
    const auto scale = static_cast<float>(weight / std::sqrt(squares));
    for (size_t i = 0; i < from_.vectors.dim; ++i) out[i] += scale * vector[i];
  }

  const Dataset& from_;
  size_t dim_;
  Rng rng_;
  linalg::Matrix basis_;
  std::vector<float> spectrum_;
  std::unordered_set<std::string> made_;
};

int Main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: make_words FROM.bin TO.bin [WORDS [DIM]]\n");
    return 2;
  }
  const size_t words = argc > 3 ? std::stoul(argv[3]) : 3'000'000;
  const size_t dim = argc > 4 ? std::stoul(argv[4]) : 300;
  const Dataset from = Check(ReadDataset(argv[1]));
  if (from.vectors.dtype != DataType::kF32 || from.vectors.dim > dim || from.keys.empty()) {
    Check(Status::InvalidArgument(
        StrCat(argv[1], ": expected words of float32 and of at most ", dim, " dimensions")));
  }
  Maker maker(from, dim);
  const auto file = Check(AtomicFile::Create(argv[2]));
  const std::string header = StrCat(words, " ", dim, "\n");
  Check(file->Write(std::as_bytes(std::span(header))));
  std::vector<float> vector(dim);
  for (size_t i = 0; i < words; ++i) {
    const std::string word = maker.Make(i, vector.data()) + " ";
    Check(file->Write(std::as_bytes(std::span(word))));
    Check(file->Write(std::as_bytes(std::span(vector))));
    Check(file->Write(std::as_bytes(std::span("\n", 1))));
  }
  Check(file->Commit());
  return 0;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
