// word2vec, binary and text, GloVe and fastText: the first byte chooses the format.
#include "read_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr const char* kFormats[] = {"word2vec-bin", "word2vec-text", "glove", "fasttext-bin"};
  kith::ReadAndTouch(kFormats[data[0] % std::size(kFormats)], data + 1, size - 1);
  return 0;
}
