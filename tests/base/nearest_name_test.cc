#include "base/nearest_name.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kith {
namespace {

const std::vector<std::string_view> kNames{"build", "search", "eval",    "tune",    "truth",
                                           "info",  "verify", "convert", "--recall"};

TEST(NearestNameTest, OneSlipOfAnyKind) {
  EXPECT_EQ(NearestName("serch", kNames), "search");    // left out
  EXPECT_EQ(NearestName("searcch", kNames), "search");  // added
  EXPECT_EQ(NearestName("seerch", kNames), "search");   // changed
  EXPECT_EQ(NearestName("saerch", kNames), "search");   // swapped
  EXPECT_EQ(NearestName("SEARCH", kNames), "search");   // capitals
  EXPECT_EQ(NearestName("--recal", kNames), "--recall");
  EXPECT_EQ(NearestName("conv", kNames), "convert");  // the beginning
}

TEST(NearestNameTest, SlipsArePossibleAsFarAsAThirdOfTheName) {
  EXPECT_EQ(NearestName("sreach", kNames), "search");
  EXPECT_EQ(NearestName("bulid", kNames), "build");
  EXPECT_EQ(NearestName("evla", kNames), "eval");
  EXPECT_EQ(NearestName("elav", kNames), "");  // two of four letters
  EXPECT_EQ(NearestName("frobnicate", kNames), "");
  EXPECT_EQ(NearestName("", kNames), "");
  EXPECT_EQ(NearestName("x", kNames), "");
  EXPECT_EQ(NearestName(std::string(100, 's'), kNames), "");
  EXPECT_EQ(NearestName("a", std::vector<std::string_view>{"b"}), "");
}

TEST(NearestNameTest, TheNearestAndOfEquallyNearOnesTheFirst) {
  const std::vector<std::string_view> names{"cat", "cart", "carts"};
  EXPECT_EQ(NearestName("carts", names), "carts");
  EXPECT_EQ(NearestName("cxrt", names), "cart");
  EXPECT_EQ(NearestName("caat", names), "cat");
}

TEST(NearestNameTest, DidYouMean) {
  const std::vector<std::string> near = {"a", "b\n", "c"};
  const std::span all(near);
  EXPECT_EQ(DidYouMean(all), "; did you mean 'a', 'b\\x0a' or 'c'?");
  EXPECT_EQ(DidYouMean(all.first(2)), "; did you mean 'a' or 'b\\x0a'?");
  EXPECT_EQ(DidYouMean(all.first(1)), "; did you mean 'a'?");
  EXPECT_EQ(DidYouMean(all.first(0)), "");
  EXPECT_EQ(DidYouMean("serch", kNames), "; did you mean 'search'?");
  EXPECT_EQ(DidYouMean("frobnicate", kNames), "");
}

}  // namespace
}  // namespace kith
