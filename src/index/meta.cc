#include "index/meta.h"

#include <cstdint>
#include <vector>

#include "base/strings.h"

namespace kith::index {
namespace {

// Goes over the text with a stack of its own, so that depth costs nothing.
class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  Status Check();

 private:
  bool Sees(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool Take(char c) {
    if (!Sees(c)) return false;
    ++at_;
    return true;
  }
  void SkipBlanks() {
    while (Sees(' ') || Sees('\t') || Sees('\n') || Sees('\r')) ++at_;
  }
  bool SeesDigit() const { return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; }
  bool TakeDigits() {
    if (!SeesDigit()) return false;
    while (SeesDigit()) ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  bool TakeEscape();
  bool TakeString();
  bool TakeNumber();
  bool TakeScalar();
  // The name of an object's member and what follows it.
  bool TakeName();
  Status Expected(std::string_view what) const {
    return Status::Corruption(StrCat("expected ", what, " at byte ", at_, " of its text"));
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<char> open_;  // what ends each object and array that has begun
};

bool Checker::TakeEscape() {
  if (Take('u')) {
    for (int i = 0; i < 4; ++i, ++at_) {
      const std::string_view digit = text_.substr(at_, 1);
      constexpr std::string_view kHex = "0123456789abcdefABCDEF";
      if (digit.empty() || kHex.find(digit) == std::string_view::npos) return false;
    }
    return true;
  }
  constexpr std::string_view kEscapes = "\"\\/bfnrt";
  if (at_ >= text_.size() || kEscapes.find(text_[at_]) == std::string_view::npos) return false;
  ++at_;
  return true;
}

bool Checker::TakeString() {
  if (!Take('"')) return false;
  while (at_ < text_.size()) {
    if (Take('"')) return true;
    if (Take('\\')) {
      if (!TakeEscape()) return false;
      continue;
    }
    const size_t length = Utf8Length(text_.substr(at_));
    if (length == 0 || static_cast<uint8_t>(text_[at_]) < 0x20) return false;
    at_ += length;
  }
  return false;
}

bool Checker::TakeNumber() {
  Take('-');
  if (!Take('0') && !TakeDigits()) return false;
  if (Take('.') && !TakeDigits()) return false;
  if (!Take('e') && !Take('E')) return true;
  if (!Take('+')) Take('-');
  return TakeDigits();
}

bool Checker::TakeScalar() {
  if (Sees('"')) return TakeString();
  return TakeWord("true") || TakeWord("false") || TakeWord("null") || TakeNumber();
}

bool Checker::TakeName() {
  if (!TakeString()) return false;
  SkipBlanks();
  if (!Take(':')) return false;
  SkipBlanks();
  return true;
}

Status Checker::Check() {
  SkipBlanks();
  if (!Sees('{')) return Expected("an object of JSON");
  bool first = true;  // in what was opened last
  do {
    SkipBlanks();
    if (!open_.empty()) {
      if (Take(open_.back())) {
        open_.pop_back();
        first = false;
        continue;
      }
      if (!first && !Take(',')) return Expected("a comma or the end of what began");
      SkipBlanks();
      if (open_.back() == '}' && !TakeName()) return Expected("a name and a colon");
    }
    first = Sees('{') || Sees('[');
    if (first) {
      if (open_.size() == kMaxMetaDepth) {
        return Expected(StrCat("no more than ", kMaxMetaDepth, " levels"));
      }
      open_.push_back(Take('{') ? '}' : ']');
      if (open_.back() == ']') Take('[');
    } else if (!TakeScalar()) {
      return Expected("a value");
    }
  } while (!open_.empty());
  SkipBlanks();
  return at_ == text_.size() ? Status::Ok() : Expected("the end");
}

}  // namespace

Status CheckMeta(std::string_view text) {
  if (text.size() > kMaxMetaBytes) {
    return Status::Corruption(
        StrCat("expected at most ", kMaxMetaBytes, " bytes of text, got ", text.size()));
  }
  return Checker(text).Check();
}

}  // namespace kith::index
