// Errors as values: Status and Result<T>.
//
// The core never throws on bad input, prints or aborts; every fallible function returns one of
// these. Front ends map the seven codes to exit codes, HTTP statuses and Python exceptions.
//
// Lack of memory is an error of these too: OutOfMemory. Only what returns no Status, and makes or
// extends a value of the caller's which takes memory (a string, a vector, a StringList, a
// QueryBatch, ExcludedRows), throws std::bad_alloc as a std::vector does, and nothing else; what it
// was to extend is then as it was. No destructor throws.
#ifndef KITH_STATUS_H_
#define KITH_STATUS_H_

#include <cassert>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace kith {

enum class StatusCode {
  kOk = 0,
  kInvalidArgument,  // the caller's input is wrong (shape, NaN, unknown option, ragged text file)
  kNotFound,         // no such file, key or id
  kCorruption,       // a file contradicts itself or its checksums
  kUnsupported,      // well-formed, but not for this build or version
  kIoError,          // the operating system refused (disk full, permission)
  kOutOfMemory,
  kInternal,  // a bug in kith
};

// The code's name in prose, e.g. "invalid argument".
const char* StatusCodeName(StatusCode code);

// What can be done about an error, where each front end has words of its own for it: a program in
// C++ sets a field, a shell an option.
enum class Remedy {
  kNone = 0,       // the message says it, in words that suit everybody
  kSearchExactly,  // ask for less recall, or search exactly
  kMeasureRecall,  // measure recall, give an effort, or search exactly
};

// Success, or a code and a one-line message naming the file, the place and the remedy.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}
  // The message says the fault and then the remedy, in the words of C++.
  Status(StatusCode code, const std::string& fault, Remedy remedy);

  static Status Ok() { return {}; }
  static Status InvalidArgument(std::string m) {
    return {StatusCode::kInvalidArgument, std::move(m)};
  }
  static Status NotFound(std::string m) { return {StatusCode::kNotFound, std::move(m)}; }
  static Status Corruption(std::string m) { return {StatusCode::kCorruption, std::move(m)}; }
  static Status Unsupported(std::string m) { return {StatusCode::kUnsupported, std::move(m)}; }
  static Status IoError(std::string m) { return {StatusCode::kIoError, std::move(m)}; }
  static Status OutOfMemory(std::string m) { return {StatusCode::kOutOfMemory, std::move(m)}; }
  static Status Internal(std::string m) { return {StatusCode::kInternal, std::move(m)}; }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  Remedy remedy() const { return remedy_; }
  // The message with the remedy in these words. REQUIRES: remedy() is not kNone.
  std::string MessageWith(const std::string& remedy) const {
    return message_.substr(0, fault_size_) + "; " + remedy;
  }

 private:
  StatusCode code_ = StatusCode::kOk;
  Remedy remedy_ = Remedy::kNone;
  size_t fault_size_ = 0;  // of the part of the message before the remedy, if there is one
  std::string message_;
};

// A value, or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  // Not explicit, so that a function returns either as it is.
  Result(T value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    assert(!status_.ok());
  }

  bool ok() const { return status_.ok(); }
  const Status& status() const& { return status_; }
  Status&& status() && { return std::move(status_); }

  // REQUIRES: ok().
  T& value() & {
    assert(ok());
    return *value_;
  }
  const T& value() const& {
    assert(ok());
    return *value_;
  }
  T&& value() && {
    assert(ok());
    return *std::move(value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace kith

// Returns from the enclosing function if the Status expression is an error.
#define KITH_RETURN_IF_ERROR(expr)                                                     \
  do {                                                                                 \
    if (::kith::Status kith_status_ = (expr); !kith_status_.ok()) return kith_status_; \
  } while (0)

#define KITH_CONCAT_INNER_(a, b) a##b
#define KITH_CONCAT_(a, b) KITH_CONCAT_INNER_(a, b)

// KITH_ASSIGN_OR_RETURN(auto x, Function()): x takes the value, or the enclosing function returns.
#define KITH_ASSIGN_OR_RETURN(lhs, expr) \
  KITH_ASSIGN_OR_RETURN_IMPL_(KITH_CONCAT_(kith_result_, __LINE__), lhs, expr)
#define KITH_ASSIGN_OR_RETURN_IMPL_(result, lhs, expr) \
  auto result = (expr);                                \
  if (!result.ok()) return std::move(result).status(); \
  lhs = std::move(result).value()

#endif  // KITH_STATUS_H_
