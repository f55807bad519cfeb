// kith convert.
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using ConvertTest = CliTest;
using nlohmann::json;

TEST_F(ConvertTest, ThereAndBackIsTheSame) {
  const std::string floats = WriteFvecs("f.fvecs", RandomFloats(70, 9, 1));
  const std::string bytes = WriteBvecs("b.bvecs", RandomBytes(70, 9, 1));
  for (const char* name : {"x.npy", "x.fbin", "x.csv"}) {
    Ok({"convert", floats, Path(name)});
    Ok({"convert", Path(name), Path("back.fvecs")});
    EXPECT_TRUE(ReadFile(Path("back.fvecs")) == ReadFile(floats)) << name;
  }
  for (const char* name : {"y.npy", "y.u8bin", "y.fvecs", "y.csv"}) {
    Ok({"convert", bytes, Path(name)});
    Ok({"convert", Path(name), Path("back.bvecs")});
    EXPECT_TRUE(ReadFile(Path("back.bvecs")) == ReadFile(bytes)) << name;
  }
}

TEST_F(ConvertTest, AKithFileGivesBackItsVectorsInOrder) {
  const std::string floats = WriteFvecs("f.fvecs", RandomFloats(3000, 9, 1));
  Ok({"build", floats, "-o", Path("f.kith"), "--metric", "euclidean"});
  Ok({"convert", Path("f.kith"), Path("back.fvecs")});
  EXPECT_TRUE(ReadFile(Path("back.fvecs")) == ReadFile(floats));
  // Onto itself, the file would lose its index without a word.
  const std::string before = ReadFile(Path("f.kith"));
  Fails(1, {"convert", Path("f.kith"), Path("f.kith")}, {"f.kith", "choose another name"});
  EXPECT_TRUE(ReadFile(Path("f.kith")) == before);
  const std::string bytes = WriteBvecs("b.bvecs", RandomBytes(3000, 9, 1));
  Ok({"convert", bytes, Path("b.kith")});
  EXPECT_EQ(OkJson({"info", Path("b.kith"), "--json"})["index"], json({"exact"}));
  Ok({"convert", Path("b.kith"), Path("back.bvecs")});
  EXPECT_TRUE(ReadFile(Path("back.bvecs")) == ReadFile(bytes));
}

TEST_F(ConvertTest, KeysGoAlongOrToAFileOfTheirOwn) {
  const std::string words = WriteSmallWords();
  Ok({"convert", words, Path("w.kith")});
  const json info = OkJson({"info", Path("w.kith"), "--json"});
  EXPECT_EQ(info["keys"], true);
  EXPECT_EQ(info["metric"], "angular");
  Ok({"convert", Path("w.kith"), Path("w.npy"), "--keys", Path("keys.txt")});
  const auto keys = SplitLines(ReadFile(Path("keys.txt")));
  ASSERT_EQ(keys.size(), 100u);
  EXPECT_EQ(keys[1], "Chinese");
  EXPECT_EQ(keys[99], "w99");
  Ok({"build", Path("w.npy"), "-o", Path("again.kith"), "--keys", Path("keys.txt"), "--index",
      "exact"});
  EXPECT_EQ(OkJson({"search", Path("again.kith"), "--key", "river", "--json"}),
            OkJson({"search", Path("w.kith"), "--key", "river", "--json"}));
  Fails(1, {"convert", words, Path("w.fvecs")}, {"--keys"});
}

TEST_F(ConvertTest, ChangesTheType) {
  const std::string bytes = WriteBvecs("b.bvecs", RandomBytes(20, 4, 1));
  Ok({"convert", bytes, Path("f32.npy"), "--dtype", "f32"});
  Ok({"convert", bytes, Path("u8.npy")});
  EXPECT_EQ(ReadFile(Path("f32.npy")).size(), ReadFile(Path("u8.npy")).size() + 3 * 80);
  Ok({"convert", Path("f32.npy"), Path("again.npy"), "--dtype", "u8"});
  EXPECT_TRUE(ReadFile(Path("again.npy")) == ReadFile(Path("u8.npy")));
  Fails(1,
        {"convert", WriteFvecs("f.fvecs", RandomFloats(5, 4, 1)), Path("no.npy"), "--dtype", "u8"},
        {"row 0", "column 0"});
}

TEST_F(ConvertTest, TakesTheFirstRowsAndSaysSo) {
  const std::string floats = WriteFvecs("f.fvecs", RandomFloats(70, 9, 1));
  const json made = OkJson({"convert", floats, Path("x.npy"), "--rows", "7", "--json"});
  EXPECT_EQ(made["vectors"], 7);
  EXPECT_EQ(made["dim"], 9);
  EXPECT_EQ(made["in_format"], "fvecs");
  EXPECT_EQ(made["bytes"], ReadFile(Path("x.npy")).size());
}

}  // namespace
}  // namespace kith::cli_test
