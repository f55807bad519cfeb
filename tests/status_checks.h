// What tests say of errors.
#ifndef KITH_TESTS_STATUS_CHECKS_H_
#define KITH_TESTS_STATUS_CHECKS_H_

#include <gtest/gtest.h>

#include <string_view>

#include "kith/status.h"

namespace kith::testing {

// An error of this code, in one line that has `part`.
inline void ExpectError(const Status& status, StatusCode code, std::string_view part) {
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
  EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
}

}  // namespace kith::testing

#endif  // KITH_TESTS_STATUS_CHECKS_H_
