// NearestKeys and KeysWithPrefix: keys that a text may mean, found by reading all of them.
#include "base/spelling.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/strings.h"
#include "base/thread_pool.h"
#include "index/keys.h"
#include "kith/query.h"

namespace kith {
namespace {

constexpr size_t kKeysATask = 1 << 16;

struct Near {
  size_t distance;
  uint64_t row;
  auto operator<=>(const Near&) const = default;
};

// The nearest of some keys, no key twice, in order.
class NearestFew {
 public:
  NearestFew(const Index& index, size_t count, size_t limit)
      : index_(index), count_(count), limit_(limit) {}

  // The distance beyond which nothing gets in any more, as rows come in ascending order.
  size_t limit() const { return limit_; }
  const std::vector<Near>& found() const { return found_; }

  void Add(const Near& near) {
    const std::string_view key = index_.Key(near.row);
    for (const Near& other : found_) {
      if (index_.Key(other.row) == key) return;
    }
    found_.insert(std::upper_bound(found_.begin(), found_.end(), near), near);
    if (found_.size() > count_) found_.pop_back();
    full_ = found_.size() == count_;
    if (full_) limit_ = std::min(limit_, found_.back().distance);
  }
  // Whether a key at this distance, of a later row, would get in.
  bool Takes(size_t distance) const {
    return distance <= limit_ && !(full_ && distance >= found_.back().distance);
  }

 private:
  const Index& index_;
  size_t count_;
  size_t limit_;
  bool full_ = false;
  std::vector<Near> found_;
};

}  // namespace

Result<std::vector<std::string>> NearestKeys(const Index& index, std::string_view text,
                                             size_t count, int threads) {
  return CatchAll([&]() -> Result<std::vector<std::string>> {
    KITH_RETURN_IF_ERROR(index::CheckHasKeys(index));
    const SpellingPattern pattern(text);
    if (!pattern.usable() || count == 0) return std::vector<std::string>();
    const size_t limit = pattern.tolerance();
    const uint64_t n = index.info().num_vectors;
    std::vector<NearestFew> parts((n + kKeysATask - 1) / kKeysATask,
                                  NearestFew(index, count, limit));
    ThreadPool pool(threads);
    const auto scan = [&](size_t begin, size_t end, int) {
      NearestFew& part = parts[begin / kKeysATask];
      for (uint64_t row = begin; row < end; ++row) {
        const std::string_view key = index.Key(row);
        const size_t distance = pattern.Distance(key, part.limit());
        // A single letter that is wrong is all of the word: every other letter would be as near.
        if (distance > 0 && pattern.length() == 1 && Utf8Length(key) == key.size()) continue;
        if (part.Takes(distance)) part.Add({distance, row});
      }
    };
    KITH_RETURN_IF_ERROR(pool.Chunks(n, kKeysATask, scan));
    NearestFew all(index, count, limit);
    for (const NearestFew& part : parts) {
      for (const Near& near : part.found()) all.Add(near);
    }
    std::vector<std::string> keys;
    for (const Near& near : all.found()) keys.emplace_back(index.Key(near.row));
    return keys;
  });
}

Result<std::vector<std::string>> KeysWithPrefix(const Index& index, std::string_view prefix,
                                                size_t count) {
  return CatchAll([&]() -> Result<std::vector<std::string>> {
    KITH_RETURN_IF_ERROR(index::CheckHasKeys(index));
    std::vector<std::string> same;
    std::vector<std::string> other;  // in another case
    const auto fold = [](char a, char b) { return LowerAscii(a) == LowerAscii(b); };
    for (uint64_t row = 0; row < index.info().num_vectors && same.size() < count; ++row) {
      const std::string_view key = index.Key(row);
      if (key.starts_with(prefix)) {
        same.emplace_back(key);
      } else if (same.empty() && other.size() < count && key.size() >= prefix.size() &&
                 std::equal(prefix.begin(), prefix.end(), key.begin(), fold)) {
        other.emplace_back(key);
      }
    }
    return same.empty() ? other : same;
  });
}

}  // namespace kith
