// Standard input as a file of vectors; pipes where a file is expected; files opened once.
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

class PipesTest : public CliTest {};

// Opening a pipe that nobody writes to waits for ever.
TEST_F(PipesTest, APipeInPlaceOfAFileIsRefused) {
  const std::string pipe = Path("pipe.fvecs");
  const std::string annoy = Path("pipe.ann");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  ASSERT_EQ(mkfifo(annoy.c_str(), 0600), 0);
  const std::string vectors = WriteFvecs("a.fvecs", RandomFloats(40, 4, 1));
  const std::string file = Path("a.kith");
  Ok({"build", vectors, "-o", file});
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"build", pipe, "-o", Path("b.kith")},
           {"build", annoy, "-o", Path("b.kith"), "--metric", "angular", "--dim", "4"},
           {"build", vectors, "-o", Path("b.kith"), "--keys", pipe},
           {"convert", pipe, Path("b.npy")},
           {"info", pipe},
           {"verify", pipe},
           {"search", pipe, "--id", "0"},
           {"search", file, "--queries", pipe},
           {"eval", file, "--queries", pipe},
           {"eval", file, "--queries", vectors, "--truth", pipe},
           {"tune", file, "--queries", pipe},
           {"truth", pipe, "--queries", vectors, "-o", Path("t.npy")},
           {"truth", vectors, "--queries", pipe, "-o", Path("t.npy")}}) {
    SCOPED_TRACE(args[0] + " " + args[1]);
    Fails(1, args, {"is a pipe, a device or a socket"});
  }
}

TEST_F(PipesTest, StandardInputIsAFileOfVectors) {
  const std::string vectors = WriteFvecs("a.fvecs", RandomFloats(300, 6, 1));
  Ok({"build", vectors, "-o", Path("a.kith"), "--threads", "1"});
  const nlohmann::json built =
      OkJson({"build", "-", "-o", Path("b.kith"), "--threads", "1", "--json"}, ReadFile(vectors));
  EXPECT_EQ(built["vectors"], 300);
  EXPECT_TRUE(ReadFile(Path("a.kith")) == ReadFile(Path("b.kith")));
  Ok({"convert", "-", Path("c.csv"), "--columns", "y,x"}, "x,y\n1,2\n3,4\n");
  EXPECT_EQ(ReadFile(Path("c.csv")), "2,1\n4,3\n");
  WriteFile(Path("keys"), "one\ntwo\n");
  Ok({"build", "-", "-o", Path("k.kith"), "--keys", Path("keys")}, "1,2\n3,4\n");
  EXPECT_TRUE(OkJson({"info", Path("k.kith"), "--json"})["keys"]);
  Fails(1, {"convert", "-", Path("c.csv")}, {"standard input: byte 0", "empty"});
  Fails(1, {"convert", "-", Path("c.csv")}, {"standard input: line 2", "expected 2 fields"},
        "1,2\n3\n");
  Fails(1, {"convert", "-", Path("c.npy"), "--columns", "1"}, {"only csv files have columns"},
        ReadFile(vectors));
}

// A file replaced between two openings would have its vectors from one and its ids from the other.
TEST_F(PipesTest, TruthReadsVectorsAndIdsFromOneOpening) {
  const std::string vectors = WriteFvecs("a.fvecs", RandomFloats(40, 4, 1));
  std::string ids;
  for (int i = 0; i < 40; ++i) ids += std::to_string(1000 + i) + "\n";
  WriteFile(Path("ids"), ids);
  const std::string file = Path("a.kith");
  Ok({"build", vectors, "-o", file, "--ids", Path("ids")});
  const int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  ASSERT_GE(watch, 0);
  // Events that are the same as the one before are not told, so those of closing are asked for too.
  ASSERT_GE(inotify_add_watch(watch, file.c_str(), IN_OPEN | IN_CLOSE), 0);
  Ok({"truth", file, "--queries", vectors, "-k", "1", "-o", Path("t.npy")});
  alignas(inotify_event) char events[4096];
  int opened = 0;
  for (ssize_t size = 0; (size = read(watch, events, sizeof(events))) > 0;) {
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(events + at);
      if ((event->mask & IN_OPEN) != 0) ++opened;
      at += static_cast<ssize_t>(sizeof(inotify_event)) + event->len;
    }
  }
  close(watch);
  EXPECT_EQ(opened, 2);  // to see whether it is a .kith file, and for all that is read of it
  Ok({"convert", Path("t.npy"), Path("t.csv")});
  EXPECT_EQ(SplitLines(ReadFile(Path("t.csv")))[0], "1000");
}

}  // namespace
}  // namespace kith::cli_test
