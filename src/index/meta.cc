#include "index/meta.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
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
  bool TakeHex(uint32_t* value);
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

bool Checker::TakeHex(uint32_t* value) {
  const std::string_view digits = text_.substr(std::min(at_, text_.size()), 4);
  const char* end = digits.data() + digits.size();
  if (digits.size() != 4 || std::from_chars(digits.data(), end, *value, 16).ptr != end)
    return false;
  at_ += 4;
  return true;
}

// A character that is written as two halves has both, in order.
bool Checker::TakeEscape() {
  if (Take('u')) {
    uint32_t first = 0;
    uint32_t second = 0;
    if (!TakeHex(&first) || (first >= 0xDC00 && first < 0xE000)) return false;
    if (first < 0xD800 || first >= 0xE000) return true;
    return TakeWord("\\u") && TakeHex(&second) && second >= 0xDC00 && second < 0xE000;
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
  const size_t begin = at_;
  Take('-');
  if (!Take('0') && !TakeDigits()) return false;
  if (Take('.') && !TakeDigits()) return false;
  if (Take('e') || Take('E')) {
    if (!Take('+')) Take('-');
    if (!TakeDigits()) return false;
  }
  // Larger ones than a double holds are no numbers to those who read them.
  const std::string number(text_.substr(begin, at_ - begin));
  return std::isfinite(std::strtod(number.c_str(), nullptr));
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

namespace {

Status CheckSize(std::string_view text) {
  if (text.size() <= kMaxMetaBytes) return Status::Ok();
  return Status::Corruption(
      StrCat("expected at most ", kMaxMetaBytes, " bytes of text, got ", text.size()));
}

}  // namespace

Status CheckMeta(std::string_view text) {
  KITH_RETURN_IF_ERROR(CheckSize(text));
  return Checker(text).Check();
}

Status CheckOrigin(std::string_view text) {
  KITH_RETURN_IF_ERROR(CheckSize(text));
  for (size_t at = 0; at < text.size();) {
    const size_t length = Utf8Length(text.substr(at));
    if (length == 0) return Status::Corruption(StrCat("expected UTF-8 at byte ", at));
    at += length;
  }
  return Status::Ok();
}

}  // namespace kith::index
