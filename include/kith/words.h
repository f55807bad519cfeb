// Words and their vectors: files of them, queries made of words, and what word2vec's tools and
// gensim's KeyedVectors tell of words. Nearness is the cosine of two vectors, 1 for the same
// direction; the word a is to b as c is to d where b - a + c, each of length 1, is near d.
//
// The functions take an Index whose metric is angular and whose keys are the words, as OpenWords()
// gives it. All are thread-safe. Errors of all but OpenWords(), beside those named: InvalidArgument
// (another metric, no keys), OutOfMemory; InvalidArgument "cancelled" where a stop token may ask.
#ifndef KITH_WORDS_H_
#define KITH_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "kith/index.h"
#include "kith/query.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

struct OpenWordsOptions {
  // The .kith file made of a file of words. "": the name of the file with ".kith" added, or where
  // its folder cannot be written, a file in the user's cache ($XDG_CACHE_HOME or ~/.cache, in
  // kith/words).
  std::string index_path;
  uint64_t memory = 0;  // of the build: as BuildOptions
  int threads = 0;      // of the build; 0: one for each core
  Progress progress;
  std::stop_token stop;
};

// The vectors that a model of fastText makes of the n-grams of characters of any word, those too
// that it never saw. They stay in the model's file, which is mapped. Thread-safe.
class Subwords {
 public:
  virtual ~Subwords() = default;
  virtual const std::string& path() const = 0;  // of the model
  // The vector of a word that is none of the model's. The first call reads the model's dictionary.
  // Errors: NotFound (it has no n-gram as long as the model's); as ReadDataset() of a damaged one.
  virtual Result<std::vector<float>> VectorOf(std::string_view word) const = 0;
};

// Maps the subwords of a file; nullptr if it is no binary model of fastText, or a packed one. Cost:
// O(1). Errors: NotFound, IoError.
Result<std::shared_ptr<const Subwords>> OpenSubwords(const std::string& path);

struct OpenedWords {
  std::unique_ptr<Index> index;
  std::string index_path;  // the .kith file that is mapped
  bool built = false;      // by this call; else it was there
  // Of words that are not there: nullptr unless the file of words is a binary model of fastText. Of
  // FILE.kith, those of FILE, if it is still there as it was read.
  std::shared_ptr<const Subwords> subwords;
};

// Opens a file of words: a .kith file as it is; of any other file that ReadDataset() reads and that
// names its vectors (word2vec, GloVe, fastText, csv, gzipped or not), the .kith file made of it.
// The first call builds that, later ones map it in microseconds. It is built anew when the size or
// the time of the file of words is another than when it was read, which is noted beside its
// contents (base/file_attribute.h); where that note was lost, when the file of words is the later
// one. A .kith file without a note that is too old is left alone: it may be somebody's own. A build
// that is ended leaves nothing, and an older file as it was. Errors: as ReadDataset, BuildIndex,
// OpenIndex; InvalidArgument (no words; not angular; something else has the name of the .kith
// file; cancelled).
Result<OpenedWords> OpenWords(const std::string& path, const OpenWordsOptions& options = {});

// A word that was asked for and is not there.
struct UnknownWord {
  std::string word;
  std::vector<std::string> nearest;  // keys of near spelling, as NearestKeys() finds them
};

// A word that is not there, but that subwords gave a vector.
struct SubwordTerm {
  UnknownWord word;
  std::vector<float> vector;  // [dim]
  double weight = 1;
};

// A query made of words: what there is of it, what is made of subwords, and what is not there.
struct WordQuery {
  std::vector<QueryTerm> terms;
  std::vector<SubwordTerm> subwords;
  std::vector<UnknownWord> unknown;
};

// Reads "chinese river", "king - man + woman", "+king -man", "2*king -0.5*man", "new york".
// If all of the text is a key as it stands, or one behind + or -, that alone. Else its words,
// parted by white space (of ASCII): a word is a key, or a key behind + or -, or behind a number and
// *; a + or - that stands alone belongs to the word after it. Words without a sign of their own
// that follow each other are one where they are a key if _, a space or - joins them, as typed or in
// small, Capital or CAPITAL letters; the longest run counts. A word that is no key is one in small,
// Capital or CAPITAL letters, or as it is spelled but for the case of its letters, if that is a
// key. Any other gets the vector that `subwords` make of it, unless these are nullptr; else it is
// unknown, and the rest of the query still stands. `threads` search for spellings. Errors:
// InvalidArgument (nothing but white space; subwords of another dimension), those of Subwords.
Result<WordQuery> ParseWords(const Index& index, std::string_view text, int threads = 1,
                             const Subwords* subwords = nullptr);

// The row of one word or phrase, read as ParseWords() does. Errors: NotFound (says which spellings
// are near); InvalidArgument (more than one word, or one with a weight).
Result<uint64_t> FindWord(const Index& index, std::string_view text, int threads = 1);

// "no word 'kign'; did you mean 'king', 'kin'?"
std::string UnknownWordText(const UnknownWord& unknown);
// "no word 'kign', so its subwords are asked for; did you mean 'king', 'kin'?"
std::string SubwordText(const SubwordTerm& term);

// Adds the query to a batch, as QueryBatch::Add() of its terms. Errors: NotFound (it has no terms:
// none of its words is there); InvalidArgument (its words cancel out, so that nothing is near).
Status AddWords(const WordQuery& query, QueryBatch* batch);

// The cosine of two queries' sums, each of vectors of length 1. Errors: as AddWords().
Result<double> WordSimilarity(const Index& index, const WordQuery& a, const WordQuery& b);

// Of some words, the one whose cosine to the mean of all of them, each of length 1, is the least;
// of equal ones the first.
struct OddWord {
  size_t odd = 0;               // its place
  std::vector<double> cosines;  // to the mean, for each word
};
// REQUIRES: rows of the index. Errors: InvalidArgument (fewer than three words).
Result<OddWord> OddOneOut(const Index& index, std::span<const uint64_t> rows);

struct WordCosine {
  uint64_t row = 0;
  double cosine = 0;
};

// All words that are closer to `row` than `other` is, nearest first, ties by row; so the rank of
// the other among the neighbours is their number and 1. Cost: one pass over all vectors.
// REQUIRES: rows of the index. Errors: InvalidArgument (both are the same).
Result<std::vector<WordCosine>> CloserWords(const Index& index, uint64_t row, uint64_t other,
                                            int threads = 1, const std::stop_token& stop = {});

// What becomes of the analogies of one section of a file.
struct AnalogySection {
  std::string name;
  uint64_t asked = 0;      // questions in the file
  uint64_t seen = 0;       // of which all four words are there
  uint64_t right_add = 0;  // answered rightly by 3CosAdd
  uint64_t right_mul = 0;  // and by 3CosMul
  uint64_t line = 0;       // where it begins
};

struct AnalogyOptions {
  uint64_t vocabulary = 0;  // only the first so many words count; 0: all
  int threads = 0;
  Progress progress;
  std::stop_token stop;
};

// Scores questions "a b c d" by whether d is the word d' that is best of all but a, b and c:
// 3CosAdd, the most cos(d', b) - cos(d', a) + cos(d', c) (Mikolov, Yih, Zweig, "Linguistic
// regularities in continuous space word representations", 2013), and 3CosMul, the most
// cos'(d', b) cos'(d', c) / (cos'(d', a) + 0.001) with cos' = (1 + cos) / 2 (Levy, Goldberg,
// "Linguistic regularities in sparse and explicit word representations", 2014). As word2vec's
// compute-accuracy: words are compared without the case of letters (of ASCII), the first of those
// that are then the same is asked for, and questions with a word that is not there do not count.
// The file is text: lines ": NAME" that begin sections, and lines of four words.
// Cost: num_vectors * (distinct words * dim + 2 questions) multiplications. The result does not
// depend on the threads. Errors: those of reading a file; InvalidArgument (line, what is wrong; no
// questions).
Result<std::vector<AnalogySection>> ScoreAnalogies(const Index& index, const std::string& path,
                                                   const AnalogyOptions& options = {});

}  // namespace kith

#endif  // KITH_WORDS_H_
