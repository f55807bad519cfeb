#include "data/data_test_util.h"
#include "data/fasttext_file.h"

namespace kith {
namespace {

// A version 1 header of 128 bytes in all.
std::string NpyHeader(const std::string& dict) {
  std::string out = Literal("\x93NUMPY\x01\x00\x76\x00") + dict;
  out.resize(127, ' ');
  return out + '\n';
}

}  // namespace

// Each is of two or three rows, of which the format's test checks the values.
std::vector<Golden> GoldenFiles() {
  return {
      {"fvecs", Literal("\x02\0\0\0\x00\x00\x80\x3f\x00\x00\x00\xc0"     // 1 -2
                        "\x02\0\0\0\x00\x00\x00\x3f\x00\x00\x40\x40")},  // 0.5 3
      {"bvecs", Literal("\x03\0\0\0\x00\x07\xff\x03\0\0\0\x01\x02\x03")},
      {"ivecs", Literal("\x02\0\0\0\xff\xff\xff\xff\x07\0\0\0"     // -1 7
                        "\x02\0\0\0\x00\0\0\0\x80\xff\xff\xff")},  // 0 -128
      {"fbin", Literal("\x02\0\0\0\x02\0\0\0\x00\x00\x80\x3f\x00\x00\x00\xc0"
                       "\x00\x00\x00\x3f\x00\x00\x40\x40")},
      {"u8bin", Literal("\x02\0\0\0\x03\0\0\0\x00\x07\xff\x01\x02\x03")},
      {"i8bin", Literal("\x02\0\0\0\x03\0\0\0\x00\x07\xff\x01\x80\x03")},
      {"ibin", Literal("\x02\0\0\0\x02\0\0\0\x2c\x01\0\0\x07\0\0\0\x00\0\0\0\x01\0\0\0")},
      {"npy", NpyHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }") +
                  Literal("\x00\x00\x80\x3f\x00\x00\x00\xc0\x00\x00\x00\x3f\x00\x00\x40\x40")},
      {"idx", Literal("\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x01\x00\xff\x07\x09")},
      {"fasttext-bin",
       testing::FastTextFile{.dim = 2, .bucket = 3, .words = {"cat", "dog"}}.Bytes()},
      {"word2vec-bin", Literal("2 2\ncat \x00\x00\x80\x3f\x00\x00\x00\xc0\n"
                               "dog \x00\x00\x00\x3f\x00\x00\x40\x40\n")},
      {"word2vec-text", "2 2\ncat 1 -2 \ndog 0.5 3 \n"},
      {"glove", "cat 1 -2\ndog 0.5 3\n"},
      {"csv", "word,x,y\ncat,1,-2\ndog,0.5,3\n"},
  };
}

}  // namespace kith
