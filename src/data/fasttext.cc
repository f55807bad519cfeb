#include "data/fasttext.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "data/load.h"
#include "data/readers.h"
#include "data/text.h"

namespace kith::data {
namespace {

constexpr int32_t kMagic = 793712314;
constexpr int32_t kOldestVersion = 11;
constexpr int32_t kNewestVersion = 12;
constexpr int32_t kSupervised = 3;                   // of its kinds of models
constexpr size_t kMaxWord = 4096;                    // bytes, as of word2vec's files
constexpr int32_t kLongestNgram = 64;                // characters; fastText's own default is 6
constexpr std::string_view kEndOfSentence = "</s>";  // the one word without n-grams

// Numbers and words of a file front to back, none of which is believed to be there.
class Cursor {
 public:
  explicit Cursor(const Input& input) : input_(input) {}

  uint64_t offset() const { return offset_; }
  uint64_t left() const { return input_.bytes.size() - offset_; }
  const std::byte* data() const { return input_.bytes.data() + offset_; }

  // `what` says in messages what was looked for.
  Status Need(uint64_t bytes, std::string_view what) const {
    if (bytes <= left()) return Status::Ok();
    return Error(StrCat("expected ", what, ", ", bytes, " bytes, got ", left(),
                        "; the file is truncated, fetch it again"));
  }
  template <class T>
  Result<T> Take(std::string_view what) {
    KITH_RETURN_IF_ERROR(Need(sizeof(T), what));
    const T value = Load<T>(data());
    offset_ += sizeof(T);
    return value;
  }
  // REQUIRES: so many bytes are there.
  void Skip(uint64_t bytes) { offset_ += bytes; }
  // Text up to a zero byte.
  Result<std::string_view> TakeWord(uint64_t number, uint64_t count) {
    const size_t most = std::min<uint64_t>(left(), kMaxWord + 1);
    const void* const end = most == 0 ? nullptr : std::memchr(data(), 0, most);
    if (end == nullptr) {
      return Error(StrCat("expected word ", number, " of ", count, ", of at most ", kMaxWord,
                          " bytes and a zero byte, got ",
                          most > kMaxWord
                              ? "a longer one"
                              : "the end of the file; it is truncated, fetch it again"));
    }
    const auto* const begin = reinterpret_cast<const char*>(data());
    const std::string_view word(begin, static_cast<const char*>(end) - begin);
    offset_ += word.size() + 1;
    return word;
  }
  // At the byte that comes next.
  Status Error(std::string_view message) const { return AtByte(input_.path, offset_, message); }

 private:
  const Input& input_;
  uint64_t offset_ = 0;
};

// What of the arguments of training says how vectors are made.
struct Arguments {
  int32_t dim = 0;
  int32_t bucket = 0;
  int32_t minn = 0;
  int32_t maxn = 0;
};

Result<Arguments> TakeArguments(Cursor* cursor, const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const auto magic, cursor->Take<int32_t>("fastText's magic number"));
  if (magic != kMagic) {
    return AtByte(path, 0, StrCat("expected fastText's magic number ", kMagic, ", got ", magic));
  }
  KITH_ASSIGN_OR_RETURN(const auto version, cursor->Take<int32_t>("the version"));
  if (version < kOldestVersion || version > kNewestVersion) {
    return Status::Unsupported(StrCat(path, ": byte 4: expected fastText's version ",
                                      kOldestVersion, " or ", kNewestVersion, ", got ", version));
  }
  // dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn, lrUpdateRate, t
  const uint64_t begin = cursor->offset();
  std::array<int32_t, 12> values{};
  for (int32_t& value : values) {
    KITH_ASSIGN_OR_RETURN(value, cursor->Take<int32_t>("the arguments of training"));
  }
  KITH_RETURN_IF_ERROR(cursor->Take<double>("the arguments of training").status());
  Arguments args{values[0], values[8], values[9], values[10]};
  if (args.dim < 1 || static_cast<size_t>(args.dim) > kMaxDim) {
    return AtByte(path, begin, StrCat("expected 1 to ", kMaxDim, " dimensions, got ", args.dim));
  }
  if (args.bucket < 0 || args.minn < 0 || args.maxn < 0 || args.maxn > kLongestNgram) {
    return AtByte(
        path, begin + 8 * sizeof(int32_t),
        StrCat("expected n-grams of 0 to ", kLongestNgram, " characters, and rows for them, got ",
               args.minn, " to ", args.maxn, " characters and ", args.bucket, " rows"));
  }
  // As fastText itself: what classified texts had no n-grams in that version.
  if (version == kOldestVersion && values[7] == kSupervised) args.maxn = 0;
  return args;
}

struct Dictionary {
  uint64_t words = 0;
  bool pruned = false;
};

// Words and, behind them, the labels of a model that classifies, which have no row of their own.
Result<Dictionary> TakeDictionary(Cursor* cursor, StringList* words) {
  const Cursor begin = *cursor;
  KITH_ASSIGN_OR_RETURN(const auto entries, cursor->Take<int32_t>("the number of words"));
  KITH_ASSIGN_OR_RETURN(const auto num_words, cursor->Take<int32_t>("the number of words"));
  KITH_ASSIGN_OR_RETURN(const auto labels, cursor->Take<int32_t>("the number of labels"));
  KITH_RETURN_IF_ERROR(cursor->Take<int64_t>("the number of tokens").status());
  KITH_ASSIGN_OR_RETURN(const auto pruned, cursor->Take<int64_t>("the number of pruned n-grams"));
  if (num_words < 0 || labels < 0 || int64_t{num_words} + labels != entries) {
    return begin.Error(
        StrCat("expected as many entries of the dictionary as words and labels, got ", entries,
               " entries, ", num_words, " words and ", labels, " labels"));
  }
  constexpr uint64_t kLeastEntry = 1 + sizeof(int64_t) + 1;  // an empty word
  KITH_RETURN_IF_ERROR(
      cursor->Need(static_cast<uint64_t>(entries) * kLeastEntry, "the dictionary"));
  for (int32_t i = 0; i < entries; ++i) {
    KITH_ASSIGN_OR_RETURN(const std::string_view word, cursor->TakeWord(i, entries));
    KITH_RETURN_IF_ERROR(cursor->Take<int64_t>("the count of a word").status());
    const Cursor at = *cursor;
    KITH_ASSIGN_OR_RETURN(const auto kind, cursor->Take<int8_t>("the kind of a word"));
    const int expected = i < num_words ? 0 : 1;
    if (kind != expected) {
      return at.Error(StrCat("expected kind ", expected, " (", i < num_words ? "word" : "label",
                             ") of entry ", i, " of ", entries, ", got ", int{kind}));
    }
    if (i < num_words && words != nullptr) words->Add(word);
  }
  if (pruned > 0) {
    constexpr uint64_t kEntry = 2 * sizeof(int32_t);
    if (static_cast<uint64_t>(pruned) > cursor->left() / kEntry) {
      return begin.Error(StrCat("expected the numbers of ", pruned,
                                " n-grams after the words, got ", cursor->left(),
                                " bytes; the file is truncated, fetch it again"));
    }
    cursor->Skip(static_cast<uint64_t>(pruned) * kEntry);
  }
  return Dictionary{static_cast<uint64_t>(num_words), pruned >= 0};
}

// Reads the size of a matrix, which must be [rows, dim] if the rows are known, and passes it;
// returns where it begins.
Result<const std::byte*> TakeMatrix(Cursor* cursor, std::string_view name, int64_t rows,
                                    int64_t dim) {
  const Cursor begin = *cursor;
  KITH_ASSIGN_OR_RETURN(const auto m, cursor->Take<int64_t>(StrCat("the rows of ", name)));
  KITH_ASSIGN_OR_RETURN(const auto n, cursor->Take<int64_t>(StrCat("the columns of ", name)));
  if (m < 0 || n != dim || (rows >= 0 && m != rows)) {
    return begin.Error(StrCat("expected ", name, " of ", rows >= 0 ? StrCat(rows, " x ") : "", dim,
                              rows >= 0 ? "" : " columns", ", got ", m, " x ", n));
  }
  const uint64_t row_bytes = static_cast<uint64_t>(dim) * sizeof(float);
  if (static_cast<uint64_t>(m) > cursor->left() / row_bytes) {
    return cursor->Error(StrCat("expected ", name, " of ", m, " rows of ", row_bytes,
                                " bytes, got ", cursor->left(),
                                " bytes; the file is truncated, fetch it again"));
  }
  const std::byte* const data = cursor->data();
  cursor->Skip(static_cast<uint64_t>(m) * row_bytes);
  return data;
}

// Whether a character of UTF-8 goes on with this byte.
bool GoesOn(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

bool IsFastText(std::span<const std::byte> head) {
  return head.size() >= sizeof(kMagic) && Load<int32_t>(head.data()) == kMagic;
}

Result<FastTextModel> FastTextModel::Open(const Input& input, StringList* words) {
  Cursor cursor(input);
  KITH_ASSIGN_OR_RETURN(const Arguments args, TakeArguments(&cursor, input.path));
  KITH_ASSIGN_OR_RETURN(const Dictionary dictionary, TakeDictionary(&cursor, words));
  const Cursor flag = cursor;
  KITH_ASSIGN_OR_RETURN(const auto quantised, cursor.Take<uint8_t>("whether it is quantised"));
  if (quantised != 0 || dictionary.pruned) {
    return Status::Unsupported(StrCat(input.path, ": byte ", flag.offset(),
                                      ": a quantised model (.ftz), of whose vectors only codes are "
                                      "left; give the .bin it was made of"));
  }
  FastTextModel model;
  const int64_t rows = static_cast<int64_t>(dictionary.words) + args.bucket;
  KITH_ASSIGN_OR_RETURN(model.matrix_, TakeMatrix(&cursor, "the matrix of words", rows, args.dim));
  KITH_RETURN_IF_ERROR(cursor.Take<uint8_t>("whether the output is quantised").status());
  // It is not needed, but a file without it is cut off.
  KITH_RETURN_IF_ERROR(TakeMatrix(&cursor, "the output matrix", -1, args.dim).status());
  if (cursor.left() > 0) return cursor.Error("expected the end of the file, got more");
  model.owner_ = input.owner;
  model.dim_ = static_cast<size_t>(args.dim);
  model.num_words_ = dictionary.words;
  model.bucket_ = static_cast<uint32_t>(args.bucket);
  model.minn_ = args.minn;
  model.maxn_ = args.maxn;
  return model;
}

void FastTextModel::AddRow(uint64_t row, float* sum) const {
  const std::byte* const values = matrix_ + row * dim_ * sizeof(float);
  for (size_t i = 0; i < dim_; ++i) sum[i] += Load<float>(values, i);
}

size_t FastTextModel::AddSubwords(std::string_view word, float* sum) const {
  if (!has_subwords() || word == kEndOfSentence) return 0;
  const std::string text = StrCat("<", word, ">");
  size_t count = 0;
  for (size_t begin = 0; begin < text.size(); ++begin) {
    if (GoesOn(text[begin])) continue;
    uint32_t hash = 2166136261U;  // FNV-1a, but that bytes are signed as fastText's are
    size_t end = begin;
    for (int32_t length = 1; length <= maxn_ && end < text.size(); ++length) {
      do {
        const auto byte = static_cast<int8_t>(text[end]);
        hash = (hash ^ static_cast<uint32_t>(byte)) * 16777619U;
        ++end;
      } while (end < text.size() && GoesOn(text[end]));
      // The marks of the word's ends are no n-grams by themselves.
      const bool mark = length == 1 && (begin == 0 || end == text.size());
      if (length < minn_ || mark) continue;
      AddRow(num_words_ + hash % bucket_, sum);
      ++count;
    }
  }
  return count;
}

void FastTextModel::WordVector(size_t row, std::string_view word, float* out) const {
  std::fill_n(out, dim_, 0.0F);
  AddRow(row, out);
  const auto share = static_cast<float>(1.0 / static_cast<double>(1 + AddSubwords(word, out)));
  for (size_t i = 0; i < dim_; ++i) out[i] *= share;
}

bool FastTextModel::SubwordVector(std::string_view word, float* out) const {
  std::fill_n(out, dim_, 0.0F);
  const size_t count = AddSubwords(word, out);
  if (count == 0) return false;
  const auto share = static_cast<float>(1.0 / static_cast<double>(count));
  for (size_t i = 0; i < dim_; ++i) out[i] *= share;
  return true;
}

Result<Dataset> ReadFastText(const Input& input, const ReadOptions& options) {
  Dataset set;
  KITH_ASSIGN_OR_RETURN(const FastTextModel model, FastTextModel::Open(input, &set.keys));
  const uint64_t rows = RowsToRead(model.num_words(), options);
  const size_t dim = model.dim();
  KITH_RETURN_IF_ERROR(CheckShape(input.path, rows, dim));
  if (rows < set.keys.size()) {
    StringList first;
    for (size_t i = 0; i < rows; ++i) first.Add(set.keys[i]);
    set.keys = std::move(first);
  }
  KITH_ASSIGN_OR_RETURN(auto values, AlignedBuffer<float>::Create(rows * dim));
  const auto buffer = std::make_shared<AlignedBuffer<float>>(std::move(values));
  // Of a block at a time, after which the progress is told.
  constexpr size_t kBlock = 16384;
  constexpr size_t kChunk = 64;
  ThreadPool pool(0);
  ProgressMeter meter(options.progress, input.path, input.bytes.size());
  for (size_t begin = 0; begin < rows; begin += kBlock) {
    const size_t end = std::min<size_t>(begin + kBlock, rows);
    KITH_RETURN_IF_ERROR(pool.Chunks(end - begin, kChunk, [&](size_t first, size_t last, int) {
      for (size_t row = begin + first; row < begin + last; ++row) {
        model.WordVector(row, set.keys[row], buffer->data() + row * dim);
      }
    }));
    const double done = static_cast<double>(end) / static_cast<double>(rows);
    KITH_RETURN_IF_ERROR(
        meter.Update(static_cast<uint64_t>(done * static_cast<double>(input.bytes.size()))));
  }
  KITH_RETURN_IF_ERROR(meter.Finish());
  set.vectors = ViewOf(buffer->data(), rows, dim);
  set.metric = Metric::kAngular;
  set.owner = buffer;
  return set;
}

}  // namespace kith::data
