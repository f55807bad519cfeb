// The fields of a line of separated values (RFC 4180).
#ifndef KITH_DATA_FIELDS_H_
#define KITH_DATA_FIELDS_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "data/text.h"

namespace kith::data {

inline std::string_view TrimLeft(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  return text;
}

// Splits lines into fields.
class FieldSplitter {
 public:
  FieldSplitter(std::string_view line, char separator) : rest_(line), separator_(separator) {
    if (separator_ == ' ') rest_ = TrimLeft(rest_);
  }

  bool done() const { return done_; }
  size_t count() const { return count_; }  // of fields taken

  // Takes the next field as a number, if it is one without quotes or blanks around it.
  bool TakeNumber(float* value) {
    const char* end = rest_.data() + rest_.size();
    const char* after = ParseFloat(rest_.data(), end, value);
    if (after == nullptr || (after != end && *after != separator_)) return false;
    Advance(static_cast<size_t>(after - rest_.data()));
    return true;
  }

  // Takes the next field without its quotes and, outside them, blanks. Valid until the next call.
  // False if a quote is not closed or is followed by other text.
  bool Take(std::string_view* field) {
    if (separator_ != '\t') rest_ = TrimLeft(rest_);
    if (rest_.starts_with('"')) return TakeQuoted(field);
    const size_t end = std::min(rest_.find(separator_), rest_.size());
    *field = TrimRight(rest_.substr(0, end));
    Advance(end);
    return true;
  }

 private:
  bool TakeQuoted(std::string_view* field) {
    unquoted_.clear();
    size_t i = 1;
    for (;; ++i) {
      if (i >= rest_.size()) return false;
      if (rest_[i] == '"') {
        if (i + 1 >= rest_.size() || rest_[i + 1] != '"') break;
        ++i;  // a doubled quote stands for one
      }
      unquoted_ += rest_[i];
    }
    ++i;
    while (i < rest_.size() && IsBlank(rest_[i]) && rest_[i] != separator_) ++i;
    if (i < rest_.size() && rest_[i] != separator_) return false;
    *field = unquoted_;
    Advance(i);
    return true;
  }

  // Moves behind the field's end and the separator there.
  void Advance(size_t end) {
    ++count_;
    done_ = end >= rest_.size();
    rest_.remove_prefix(done_ ? rest_.size() : end + 1);
    if (separator_ == ' ') {  // several spaces separate as one does
      rest_ = TrimLeft(rest_);
      done_ = done_ || rest_.empty();
    }
  }

  std::string_view rest_;
  char separator_;
  bool done_ = false;
  size_t count_ = 0;
  std::string unquoted_;
};

}  // namespace kith::data

#endif  // KITH_DATA_FIELDS_H_
