// Files of what users did: their formats, and what is said of those that are none.
#include "kith/interactions.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <set>
#include <string>
#include <vector>

#include "status_checks.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::ExpectError;
using testing::TempDir;
using testing::WriteFile;

class InteractionsTest : public ::testing::Test {
 protected:
  Result<Interactions> Read(const std::string& text, const std::string& names = "") {
    WriteFile(dir_.File("plays"), text);
    ReadInteractionsOptions options;
    if (!names.empty()) {
      options.item_names = dir_.File("names");
      WriteFile(options.item_names, names);
    }
    return ReadInteractions(dir_.File("plays"), options);
  }
  void Refused(const std::string& text, const std::string& part) {
    ExpectError(Read(text).status(), StatusCode::kInvalidArgument, part);
  }

  TempDir dir_;
};

// "a:x=2,y=1 b:y=3"
std::string TextOf(const Interactions& all) {
  std::string text;
  for (size_t u = 0; u < all.num_users(); ++u) {
    text += (u == 0 ? "" : " ") + std::string(all.users[u]);
    for (size_t i = 0; i < all.ItemsOf(u).size(); ++i) {
      text += (i == 0 ? ":" : ",") + std::string(all.items[all.ItemsOf(u)[i]]) + "=" +
              std::to_string(static_cast<int>(all.WeightsOf(u)[i]));
    }
  }
  return text;
}

TEST_F(InteractionsTest, EveryLayoutOfLines) {
  const std::string wanted = "a:x=2,y=1 b:y=3";
  for (const char* text :
       {"a\tx\t2\na\ty\t1\nb\ty\t3\n", "//user\titem\tweight\na\tx\t2\na\ty\t1\nb\ty\t3",
        "user,item,plays\na,x,2\na,y,1\nb,y,3\n", "# made by hand\n\"a\",x,2\na,y,1\nb,\"y\",3\n",
        "a x 2\r\na y 1\r\nb y 3\r\n", "a;x;2\na;y;1\nb;y;3\n",
        "\xEF\xBB\xBF"
        "a,x,2\na,y,1\nb,y,3\n",
        // Twice the same pair is added up, and a weight of 0 is no pair.
        "a x 1\na y 1\nb y 3\na x 1\nc x 0\n"}) {
    const Result<Interactions> all = Read(text);
    ASSERT_TRUE(all.ok()) << all.status().message();
    EXPECT_EQ(TextOf(*all), wanted) << text;
    EXPECT_TRUE(all->times.empty());
  }
  EXPECT_EQ(TextOf(*Read("userID,itemID\na,x\nb,x\n")), "a:x=1 b:x=1");
  // Names with blanks, quotes and what begins a comment elsewhere.
  EXPECT_EQ(TextOf(*Read("a\t\"Weird Al\" Yankovic\t2\n#b\tThe The\t1\n")),
            "a:\"Weird Al\" Yankovic=2 #b:The The=1");
}

TEST_F(InteractionsTest, OnlyWhatIsNoNumberIsAHeaderAndThatIsSaid) {
  EXPECT_EQ(Read("# by hand\nuser,item,plays\na,x,2\n")->header_line, 2u);
  EXPECT_EQ(Read("userID,itemID\na,x\n")->header_line, 1u);
  EXPECT_EQ(Read("a,x,2\n")->header_line, 0u);
  for (const char* weight : {"nan", "inf", "-inf", "1e300", "-1", "1.5.2", "0x1p999", ""}) {
    Refused(std::string("a\tx\t") + weight + "\t5\nb\tx\t1\t6\n", "line 1: expected a weight");
  }
  Refused("a;x;1,5\n", "line 1: expected a weight");
}

TEST_F(InteractionsTest, TimesAreTheLatest) {
  const Interactions all = *Read("a,x,1,10\na,y,1,20\na,x,1,30\n");
  EXPECT_EQ(all.times, (std::vector<double>{30, 20}));
  EXPECT_EQ(TextOf(all), "a:x=2,y=1");
}

TEST_F(InteractionsTest, PackedFiles) {
  const std::string path = dir_.File("plays.gz");
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_EQ(gzputs(file, "a\tx\t2\na\ty\t1\nb\ty\t3\n"), 18);
  gzclose(file);
  const Result<Interactions> all = ReadInteractions(path);
  ASSERT_TRUE(all.ok()) << all.status().message();
  EXPECT_EQ(TextOf(*all), "a:x=2,y=1 b:y=3");
}

TEST_F(InteractionsTest, ItemsGetTheirNames) {
  const Interactions all = *Read("a\t1\t2\na\t2\t1\nb\t3\t3\nb\t4\t1\n",
                                 "id\tname\turl\n1\tMuse\t-\n3\tMuse\t-\n2\tAir\t-\n");
  EXPECT_EQ(TextOf(all), "a:Muse=2,Air=1 b:Muse (3)=3,4=1");
  WriteFile(dir_.File("names"), "1\n");
  ReadInteractionsOptions options;
  options.item_names = dir_.File("names");
  ExpectError(ReadInteractions(dir_.File("plays"), options).status(), StatusCode::kInvalidArgument,
              "names: line 1");
}

TEST_F(InteractionsTest, MatrixMarket) {
  const std::string text =
      "%%MatrixMarket matrix coordinate real general\n% a comment\n3 2 3\n1 1 2\n3 2 1.5\n1 2 4\n";
  const Interactions all = *Read(text);
  EXPECT_EQ(TextOf(all), "1:1=2,2=4 2 3:2=1");
  EXPECT_EQ(all.num_items(), 2u);
  ASSERT_TRUE(WriteInteractions(dir_.File("out.mtx"), all).ok());
  const Interactions again = *ReadInteractions(dir_.File("out.mtx"));
  EXPECT_EQ(again.offsets, all.offsets);
  EXPECT_EQ(again.columns, all.columns);
  EXPECT_EQ(again.weights, all.weights);
  EXPECT_EQ(TextOf(*Read("%%MatrixMarket matrix coordinate pattern general\n1 1 1\n1 1\n")),
            "1:1=1");
  const std::string head = "%%MatrixMarket matrix coordinate real general\n";
  Refused("%%MatrixMarket matrix array real general\n1 1\n1\n", "coordinate");
  Refused("%%MatrixMarket matrix coordinate real symmetric\n1 1 1\n1 1 1\n", "general");
  Refused(head + "3 2\n", "line 2");
  Refused(head + "3 2 1\n4 1 1\n", "line 3: expected a row up to 3 and a column up to 2");
  Refused(head + "3 2 1\n0 1 1\n", "line 3");
  Refused(head + "3 2 1\n1 1 -1\n", "not negative");
  Refused(head + "3 2 2\n1 1 1\n", "2 pairs");
  Refused(head + "3 2 1\n1 1 1\n1 2 1\n", "more");
  Refused(head + "3 2 1\n1 1 1 1\n", "no further field");
  Refused(head + "4000000000 4000000000 1\n1 1 1\n", "too large");
  Refused(head, "end of the file");
}

TEST_F(InteractionsTest, BadLinesAreNamed) {
  Refused("", "got none");
  Refused("user,item\n", "got none but a header in line 1");
  Refused("a\n", "line 1: expected a user and an item");
  Refused("a\tx\t1\nb\ty\n", "line 2: expected 3 fields");
  Refused("a\tx\t1\nb\ty\tmany\n", "line 2: expected a weight");
  Refused("a\tx\t1\nb\ty\tnan\n", "line 2");
  Refused("a\tx\t1\nb\ty\t-1\n", "not negative");
  Refused("a\tx\t1\n\ty\t1\n", "an empty one");
  Refused("a\tx\t1\t5\nb\ty\t1\tnoon\n", "a time");
  Refused("a,\"x,1\n", "quote");
  Refused("a\tx\t0\n", "plays: all weights, from line 1 on, are 0");
  Refused("a x 3e38\na x 3e38\n", "plays: the weights of user 'a' and item 'x' add up");
  Refused("u1::i1::3\n", "line 1: expected a user and an item, with a tab, ';', ','");
  Refused(std::string("\x7f\0\1\2\n", 5), "line 1: expected text, got a zero byte");
  ExpectError(ReadInteractions(dir_.File("none")).status(), StatusCode::kNotFound, "none");
}

TEST_F(InteractionsTest, ArraysAreChecked) {
  StringList users;
  StringList items;
  users.Add("a");
  items.Add("x");
  const std::vector<uint32_t> zero{0};
  const std::vector<uint32_t> one{1};
  const auto make = [&](std::span<const uint32_t> u, std::span<const uint32_t> i,
                        std::vector<float> w) {
    return MakeInteractions(users, items, u, i, w).status();
  };
  EXPECT_TRUE(make(zero, zero, {}).ok());
  ExpectError(make({}, {}, {}), StatusCode::kInvalidArgument, "no pairs");
  ExpectError(make(one, zero, {}), StatusCode::kInvalidArgument, "user 1");
  ExpectError(make(zero, one, {}), StatusCode::kInvalidArgument, "item 1");
  ExpectError(make(zero, zero, {1, 2}), StatusCode::kInvalidArgument, "2 weights");
  ExpectError(make(zero, zero, {-1}), StatusCode::kInvalidArgument, "weight of pair 0");
  ExpectError(make(zero, zero, {0}), StatusCode::kInvalidArgument, "all weights are 0");
}

TEST_F(InteractionsTest, SplitsHoldOutWhatTheySay) {
  std::string text;
  for (int u = 0; u < 50; ++u) {
    for (int i = 0; i < 20; ++i) {
      text += "u" + std::to_string(u) + " i" + std::to_string((u * 7 + i) % 40) + " 1 " +
              std::to_string((i * 13) % 20) + "\n";
    }
  }
  text += "lonely i0 1 1\n";
  const Interactions all = *Read(text);
  for (const HeldOut held_out : {HeldOut::kRandom, HeldOut::kSome, HeldOut::kLatest}) {
    SplitOptions options;
    options.held_out = held_out;
    options.count = 4;
    const Split split = *SplitInteractions(all, options);
    EXPECT_EQ(split.train.size() + split.test.size(), all.size());
    EXPECT_EQ(split.train.num_users(), all.num_users());
    EXPECT_EQ(split.test.num_items(), all.num_items());
    for (size_t u = 0; u < 50; ++u) {
      const auto test = split.test.ItemsOf(u);
      if (held_out != HeldOut::kRandom) {
        EXPECT_EQ(test.size(), 4u);
      }
      std::set<uint32_t> both(test.begin(), test.end());
      for (const uint32_t item : split.train.ItemsOf(u)) both.insert(item);
      EXPECT_EQ(both.size(), 20u);
      if (held_out != HeldOut::kLatest) continue;
      for (uint64_t i = split.test.offsets[u]; i < split.test.offsets[u + 1]; ++i) {
        EXPECT_GE(split.test.times[i], 16);
      }
    }
    if (held_out == HeldOut::kRandom) {
      EXPECT_NEAR(static_cast<double>(split.test.size()), 200, 45);
    } else {
      EXPECT_EQ(split.test.ItemsOf(50).size(), 0u);  // one pair is left
    }
    // The same again; another one by another seed.
    EXPECT_EQ(SplitInteractions(all, options)->test.columns, split.test.columns);
    options.seed = 43;
    if (held_out != HeldOut::kLatest) {
      EXPECT_NE(SplitInteractions(all, options)->test.columns, split.test.columns);
    }
  }
  const auto refused = [&](const SplitOptions& options, const std::string& part) {
    ExpectError(SplitInteractions(*Read("a x\nb y\n"), options).status(),
                StatusCode::kInvalidArgument, part);
  };
  refused({.held_out = HeldOut::kRandom, .share = 1}, "share");
  refused({.held_out = HeldOut::kSome, .count = 0}, "at least 1");
  refused({.held_out = HeldOut::kLatest}, "no times");
  refused({.held_out = HeldOut::kSome}, "nothing is left to test");
}

}  // namespace
}  // namespace kith
