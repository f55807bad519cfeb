// An error that a call should give.
#ifndef KITH_TESTS_LEARN_EXPECT_ERROR_H_
#define KITH_TESTS_LEARN_EXPECT_ERROR_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kith/status.h"

namespace kith::testing {

// Expects the code, and all of the words in a message of one line.
inline void ExpectError(const Status& status, StatusCode code,
                        const std::vector<std::string>& words) {
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
  for (const std::string& word : words) {
    EXPECT_NE(status.message().find(word), std::string::npos) << status.message() << ": " << word;
  }
}

}  // namespace kith::testing

#endif  // KITH_TESTS_LEARN_EXPECT_ERROR_H_
