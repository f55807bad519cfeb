#include "base/strings.h"

#include <gtest/gtest.h>

#include <string>

namespace kith {
namespace {

TEST(Strings, PrintableLeavesWhatIsSeen) {
  for (const std::string text :
       {"", "river", "a b \\ \"c\"", "na\u00efve \u4e2d\u6587 \U0001F600 \u00a0"}) {
    EXPECT_EQ(Printable(text), text);
  }
}

TEST(Strings, PrintableEscapesControls) {
  EXPECT_EQ(Printable("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(Printable("\t\n\r\x7f"), "\\x09\\x0a\\x0d\\x7f");
  EXPECT_EQ(Printable(std::string(1, '\0')), "\\x00");
  EXPECT_EQ(Printable("a\u009b31m\u0085"), "a\\xc2\\x9b31m\\xc2\\x85");  // C1
  EXPECT_EQ(Printable("\u2028\u202e\u2066x"), "\\xe2\\x80\\xa8\\xe2\\x80\\xae\\xe2\\x81\\xa6x");
  EXPECT_EQ(Printable("\u2027\u202f\u2065\u206a"), "\u2027\u202f\u2065\u206a");
  // C1 in one byte, and other bytes that are no UTF-8.
  EXPECT_EQ(Printable("\x9b"
                      "31m\xe9\xc3"),
            "\\x9b31m\\xe9\\xc3");
  EXPECT_EQ(Printable("\xc0\x9b\xed\xa0\x80"), "\\xc0\\x9b\\xed\\xa0\\x80");
}

TEST(Strings, EscapedCanBeUndone) {
  EXPECT_EQ(Escaped("a\tb\nc\rd\\e"), "a\\tb\\nc\\rd\\\\e");
  EXPECT_EQ(Escaped("\x1b[0m \\x1b \u009b \u00e9"), "\\x1b[0m \\\\x1b \\xc2\\x9b \u00e9");
  EXPECT_EQ(Escaped(""), "");
}

}  // namespace
}  // namespace kith
